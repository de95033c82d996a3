"""Right files of other programs, layouts and parameters, and wrong ones, written without the reader."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lamella_hdf5.specials import (
    choosing,
    chunked,
    dectris,
    emd,
    links,
    nexus,
    packed,
    plain,
    signals,
    sparse,
    values,
    virtual,
)
from lamella_hdf5.specials.wrong import wrong_files

if TYPE_CHECKING:
    from lamella_testkit import SampleData, Special

__all__ = ["special_files", "wrong_files"]

_TOPICS = (plain, chunked, packed, sparse, virtual, choosing, links, nexus, dectris, emd, signals, values)


def special_files(directory: Path, data: SampleData) -> Iterator[Special]:
    """Give files of each topic, each in a folder of its own."""
    for topic in _TOPICS:
        folder = directory / topic.__name__.rpartition(".")[2]
        folder.mkdir()
        yield from topic.special_files(folder, data)
