"""Data sets that lie in several places: virtual ones, and those whose bytes are in other files."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import h5py

from lamella.errors import CorruptError, FormatError, UnsupportedError
from lamella_hdf5.library import translated
from lamella_hdf5.stored import Piece, describe
from lamella_hdf5.virtual import virtual_pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lamella_hdf5.links import Elsewhere
    from lamella_hdf5.objects import Dataset

__all__ = ["pieces_of"]

_DEEPEST = 8
_MOST_PIECES = 1 << 16

_Place: TypeAlias = tuple[str, int]
"""A data set by its file and its address."""


@dataclass(frozen=True, slots=True)
class _Trail:
    """The virtual data sets that led to one of their sources, what is known already, and the pieces found in all."""

    passed: tuple[_Place, ...] = ()
    known: dict[_Place, tuple[Piece, ...]] = field(default_factory=dict)
    found: list[int] = field(default_factory=lambda: [0])

    def through(self, dataset: Dataset) -> _Trail:
        """Give the trail behind a virtual data set."""
        place = _place(dataset)
        if place in self.passed or len(self.passed) >= _DEEPEST:
            what = "is a source of itself" if place in self.passed else "has sources that are virtual, too many times"
            raise CorruptError(f"the virtual data set {dataset.name} {what}", path=dataset.home.path)
        return _Trail((*self.passed, place), self.known, self.found)

    def count(self, pieces: tuple[Piece, ...], path: str) -> tuple[Piece, ...]:
        """Take note of pieces."""
        self.found[0] += len(pieces)
        if self.found[0] > _MOST_PIECES:
            raise UnsupportedError("the data set has too many parts", path=path, expected=f"at most {_MOST_PIECES}")
        return pieces


def pieces_of(dataset: Dataset, elsewhere: Elsewhere, *, fast: bool) -> tuple[Piece, ...]:
    """Give the stored pieces of a data set along its first axis; virtual and external ones are resolved.

    libhdf5 is never left to find a source: it would follow whatever the file of the source names.

    Raises
    ------
    FormatError
        If a source must not be read, or does not fit.
    """
    return _pieces(dataset, elsewhere, fast, _Trail())


def _place(dataset: Dataset) -> _Place:
    return os.path.realpath(dataset.home.path), dataset.address


def _pieces(dataset: Dataset, elsewhere: Elsewhere, fast: bool, trail: _Trail) -> tuple[Piece, ...]:
    place = _place(dataset)
    if place not in trail.known:
        trail.known[place] = _find_pieces(dataset, elsewhere, fast, trail)
    return trail.count(trail.known[place], dataset.home.path)


def _find_pieces(dataset: Dataset, elsewhere: Elsewhere, fast: bool, trail: _Trail) -> tuple[Piece, ...]:
    path = dataset.home.path
    with translated(path, f"looking at {dataset.name}"):
        plist = dataset.plist
        layout, external = plist.get_layout(), plist.get_external_count()
        if layout == h5py.h5d.VIRTUAL:
            inner = trail.through(dataset)

            def resolve(source: Dataset, home: Elsewhere) -> tuple[Piece, ...]:
                return _pieces(source, home, fast, inner)

            return virtual_pieces(dataset, elsewhere, resolve)
        if external:
            return tuple(_external(dataset, plist, path, elsewhere))
    stored = describe(dataset, path, fast=fast)
    return (Piece(stored, 0, stored.shape[0] if stored.shape else 1),)


def _external(dataset: Any, plist: Any, path: str, elsewhere: Elsewhere) -> Iterator[Piece]:
    """Give the parts of a data set whose bytes lie in other files, one after the other."""
    stored = replace(describe(dataset, path, fast=True), how="contiguous", why="")
    row = math.prod(stored.shape[1:]) * stored.dtype.itemsize
    first, total = 0, stored.shape[0]
    for i in range(plist.get_external_count()):
        name, offset, nbytes = plist.get_external(i)
        name = name.decode("utf-8", "replace") if isinstance(name, bytes) else name
        file = elsewhere.find(name)
        if file is None:
            raise FormatError(
                f"the file that holds the pixels of {stored.name} is missing",
                path=path,
                expected=f"{elsewhere.path.parent / name}",
                remedy="Put it beside this file",
            )
        size = file.stat().st_size
        available = min(nbytes, max(0, size - offset)) // row if row else 0
        count = min(total - first, available)
        if i + 1 < plist.get_external_count() and nbytes % row:
            raise UnsupportedError(
                "frames are cut in two by external files", path=path, found=f"{nbytes} bytes in {name}"
            )
        if count:
            yield Piece(replace(stored, path=str(file), size=size, offset=int(offset)), first, count)
        first += count
        if count < available or first >= total:
            break
    if first < total:
        yield Piece(None, first, total - first)
