"""Merlin acquisitions that are no whole scan in usual files, and wrong ones, by topic, written without the reader."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from lamella_mib.specials.headers import other_headers
from lamella_mib.specials.lost import interrupted, lost_frames
from lamella_mib.specials.parts import odd_parts
from lamella_mib.specials.raw import raw_frames
from lamella_mib.specials.shapes import left_out, other_shapes
from lamella_mib.specials.sidecars import odd_sidecars
from lamella_mib.specials.stamps import stamped
from lamella_mib.specials.wrong import wrong_files

if TYPE_CHECKING:
    from pathlib import Path

    from lamella_testkit import SampleData, Special

__all__ = ["special_files", "wrong_files"]

_TOPICS = (
    other_shapes,
    stamped,
    left_out,
    interrupted,
    lost_frames,
    odd_parts,
    odd_sidecars,
    other_headers,
    raw_frames,
)


def special_files(directory: Path, data: SampleData) -> Iterator[Special]:
    """Write scans of every origin, interrupted ones, lost frames, parts, sidecars, headers and raw frames."""
    frames = np.ascontiguousarray(data.but(dtype="<u2").frames)
    for number, some in enumerate(_TOPICS):
        folder = directory / str(number)
        folder.mkdir()
        yield from some(folder, frames)
        shutil.rmtree(folder)
