"""Right recordings that begin, end and lose blocks elsewhere, other tags, and wrong files, by topic."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lamella_k2is.specials.blocks import with_lost_blocks, with_other_ends
from lamella_k2is.specials.parameters import with_parameters
from lamella_k2is.specials.shutters import long_recordings, with_other_flags
from lamella_k2is.specials.tags import with_other_tags
from lamella_k2is.specials.wrong import wrong_files

if TYPE_CHECKING:
    from pathlib import Path

    from lamella_testkit import SampleData, Special

__all__ = ["special_files", "wrong_files"]


def special_files(directory: Path, data: SampleData) -> Iterator[Special]:
    """Write right recordings that are not a whole scan with its tags, frame after frame."""
    if data.n_frames < 3:
        return
    if data.variant == "scan":
        yield from with_parameters(directory, data)
        yield from with_other_tags(directory)
        yield from with_lost_blocks(directory, data)
    else:
        yield from with_other_flags(directory, data)
        yield from with_other_ends(directory, data)
        yield from long_recordings(directory)
