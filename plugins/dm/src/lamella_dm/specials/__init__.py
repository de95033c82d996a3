"""DigitalMicrograph files that are no plain scan, and wrong ones, by topic, written without the reader."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lamella_dm.specials.axes import orders_of_axes
from lamella_dm.specials.cut import cut_files
from lamella_dm.specials.images import several_images
from lamella_dm.specials.lists import lists_of_files
from lamella_dm.specials.pixels import kinds_of_pixels
from lamella_dm.specials.spectra import spectra_of_all_kinds
from lamella_dm.specials.tags import values_of_tags
from lamella_dm.specials.wrong import wrong_files

if TYPE_CHECKING:
    from pathlib import Path

    from lamella_testkit import SampleData, Special

__all__ = ["special_files", "wrong_files"]


def special_files(directory: Path, data: SampleData) -> Iterator[Special]:
    """Write what a file can hold besides a scan, and lists of files."""
    path = directory / "a.dm4"
    yield from kinds_of_pixels(path, data)
    yield from spectra_of_all_kinds(path, data)
    yield from orders_of_axes(path, data)
    yield from several_images(path, data)
    yield from values_of_tags(path, data)
    yield from cut_files(path, data)
    yield from lists_of_files(directory, data)
