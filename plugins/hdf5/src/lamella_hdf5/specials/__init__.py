"""Right files of other programs, layouts and parameters, and wrong ones, written without the reader."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
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
from lamella_hdf5.specials.writing import CHUNKS, MOSAIC, PLAIN
from lamella_hdf5.specials.wrong import wrong_files

if TYPE_CHECKING:
    from lamella_testkit import SampleData, Special

__all__ = ["special_files", "wrong_files"]

_TOPICS = {
    plain: PLAIN,
    chunked: CHUNKS,
    packed: CHUNKS,
    sparse: CHUNKS,
    virtual: MOSAIC,
    choosing: PLAIN,
    links: PLAIN,
    nexus: PLAIN,
    dectris: CHUNKS,
    emd: PLAIN,
    signals: PLAIN,
    values: PLAIN,
}
"""How pixels are reached in most files of each topic."""


def special_files(directory: Path, data: SampleData) -> Iterator[Special]:
    """Give files of each topic, each in a folder of its own; where nothing else is said, there is nothing to note."""
    for topic, details in _TOPICS.items():
        folder = directory / topic.__name__.rpartition(".")[2]
        folder.mkdir()
        for one in topic.special_files(folder, data):
            yield replace(one, notes=one.notes or 0, details=one.details or details)
