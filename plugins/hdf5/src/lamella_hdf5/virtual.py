"""Virtual data sets: which part comes from which data set of which file.

libhdf5 gives fill values where a source is missing, and says nothing; it follows whatever the file of a source names;
and it ends the process where a data set is a source of itself. So it never reads one. Parts that are stretches of the
first axis become pieces, in which what is missing is missing frames; others become tiles.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import h5py

from lamella.errors import FormatError, UnsupportedError
from lamella_hdf5.library import opened
from lamella_hdf5.links import Elsewhere, locate
from lamella_hdf5.mapping import Steps, selected
from lamella_hdf5.objects import Dataset, Group, is_unlimited
from lamella_hdf5.stored import Piece, Tile, describe
from lamella_hdf5.tree import numbers_in, plain_dtype

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    _Open = tuple[Group, Elsewhere, ExitStack]
    Resolve = Callable[[Dataset, Elsewhere], tuple[Piece, ...]]

__all__ = ["virtual_pieces"]

_MOST_OPEN = 8


@dataclass(frozen=True, slots=True)
class _Part:
    """A part as the file describes it; ``source`` is None where it is the whole source."""

    file: str
    name: str
    target: tuple[Steps, ...]
    source: Any

    @property
    def whole(self) -> bool:
        """Whether it takes all of its source."""
        return bool(self.source.get_select_type() == h5py.h5s.SEL_ALL)


def virtual_pieces(dataset: Dataset, elsewhere: Elsewhere, resolve: Resolve) -> tuple[Piece, ...]:
    """Give the pieces of a virtual data set along its first axis.

    ``resolve`` gives the pieces of a source, which may be virtual itself.

    Raises
    ------
    FormatError
        If a source must not be read, does not fit, or is missing where the others do not make whole frames.
    """
    shape, path = tuple(int(n) for n in dataset.shape), dataset.home.path
    parts = list(_parts_of(dataset, shape, path))
    found: list[Piece] = []
    try:
        with _Sources(elsewhere) as sources:
            for part, stretch in [(part, _stretch(part, shape)) for part in parts]:
                found += _cut(dataset, part, *stretch, sources, resolve)
    except _NoStretch:
        return _mosaic(dataset, parts, elsewhere, resolve)
    return tuple(_without_gaps(sorted(found, key=lambda piece: piece.first), shape[0], path))


def _parts_of(dataset: Dataset, shape: tuple[int, ...], path: str) -> Iterator[_Part]:
    plist = dataset.plist
    for i in range(plist.get_virtual_count()):
        file, name = plist.get_virtual_filename(i), plist.get_virtual_dsetname(i)
        target = plist.get_virtual_vspace(i)
        if target.get_select_type() == h5py.h5s.SEL_NONE:  # asking for its source would be an error of libhdf5
            continue
        source = plist.get_virtual_srcspace(i)
        if is_unlimited(target) or is_unlimited(source) or any("%b" in text.replace("%%", "") for text in (file, name)):
            raise UnsupportedError(
                "a part of the virtual data set grows with its sources",
                path=path,
                expected="parts of a fixed size",
                found=f"{name} in {file}",
                remedy="Open the files of its sources, or write it anew with a fixed shape",
            )
        steps = selected(target, shape, path)
        yield _Part(file.replace("%%", "%"), name.replace("%%", "%"), steps, source)


class _NoStretch(Exception):
    """A part is no stretch of the first axis."""


def _stretch(part: _Part, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Give first item in the virtual data set, first item in the source, and their number.

    Raises
    ------
    _NoStretch
        For other parts.
    """
    count = _run(part.target)
    if count is None or tuple(map(len, part.target[1:])) != shape[1:]:
        raise _NoStretch
    if part.whole:  # then it has no extent of its own
        return part.target[0].start, 0, count
    dims = tuple(int(n) for n in part.source.shape)
    source = selected(part.source, dims, part.file)
    if _run(source) != count or tuple(map(len, source[1:])) != shape[1:] or dims[1:] != shape[1:]:
        raise _NoStretch
    return part.target[0].start, source[0].start, count


def _run(steps: tuple[Steps, ...]) -> int | None:
    """Give the number of neighbours along the first axis, None if there are gaps."""
    if not steps or steps[0].end - steps[0].start != len(steps[0]):
        return None
    return len(steps[0])


class _Sources:
    """The files of sources of one virtual data set, some of which stay open: neighbours often share them."""

    def __init__(self, elsewhere: Elsewhere) -> None:
        self.elsewhere = elsewhere
        self._open: dict[str, _Open] = {}

    def __enter__(self) -> _Sources:
        return self

    def __exit__(self, *_: object) -> None:
        while self._open:
            self._open.popitem()[1][2].close()

    def root(self, name: str) -> tuple[Group, Elsewhere] | None:
        """Give the root of a file, None if it is missing, and what finds further files for it."""
        if name not in self._open:
            file = self.elsewhere.find(name)
            if file is None:
                return None
            if len(self._open) >= _MOST_OPEN:
                self._open.pop(next(iter(self._open)))[2].close()
            files = ExitStack()
            self._open[name] = files.enter_context(opened(file)), Elsewhere(file, self.elsewhere.policy), files
        return self._open[name][:2]


def _source(dataset: Dataset, part: _Part, sources: _Sources, files: ExitStack) -> tuple[Dataset | None, Elsewhere]:
    """Give the data set that a part comes from, None if it is missing, and what finds files for its file."""
    root, home = dataset.home.root, sources.elsewhere
    if part.file != ".":
        found = sources.root(part.file)
        if found is None:
            return None, home
        root, home = found
    assert root is not None
    item, home = locate(root, part.name, home, files)
    if item is None:
        return None, home
    native = plain_dtype(dataset).newbyteorder("=")
    if not isinstance(item, Dataset) or not numbers_in(item) or plain_dtype(item).newbyteorder("=") != native:
        raise UnsupportedError(
            "a source of the virtual data set has another dtype",
            path=home.path,
            expected=str(dataset.dtype),
            found=f"{getattr(item, 'dtype', 'a group')} at {part.name}",
        )
    return item, home


def _cut(
    dataset: Dataset, part: _Part, first: int, begin: int, count: int, sources: _Sources, resolve: Resolve
) -> Iterator[Piece]:
    """Give the pieces of a source that a stretch of the first axis is made of."""
    with ExitStack() as files:
        target, home = _source(dataset, part, sources, files)
        if target is None:
            yield Piece(None, first, count)
            return
        if tuple(target.shape[1:]) != tuple(dataset.shape[1:]) or plain_dtype(target) != plain_dtype(dataset):
            raise _NoStretch
        inner = resolve(target, home)
    for piece in inner:
        low, high = max(begin, piece.first), min(begin + count, piece.first + piece.count)
        if low < high:
            shift = first - begin
            yield Piece(piece.stored, low + shift, high - low, low - piece.first + piece.skip)
    known = sum(piece.count for piece in inner)
    if known < begin + count:
        low = max(begin, known)
        yield Piece(None, low + first - begin, begin + count - low)


def _without_gaps(pieces: list[Piece], total: int, path: str) -> Iterator[Piece]:
    position = 0
    for piece in pieces:
        if piece.first < position:
            raise UnsupportedError("parts of the virtual data set overlap", path=path, found=f"item {piece.first}")
        if piece.first > position:
            yield Piece(None, position, piece.first - position)
        yield piece
        position = piece.first + piece.count
    if position < total:
        yield Piece(None, position, total - position)


def _mosaic(dataset: Dataset, parts: list[_Part], elsewhere: Elsewhere, resolve: Resolve) -> tuple[Piece, ...]:
    """Give a virtual data set as one piece that is put together from tiles."""
    with _Sources(elsewhere) as sources:
        tiles = tuple(tile for part in parts for tile in _tiles(dataset, part, sources, resolve))
    stored = replace(describe(dataset, dataset.home.path, fast=False), tiles=tiles)
    return (Piece(stored, 0, stored.shape[0]),)


def _tiles(dataset: Dataset, part: _Part, sources: _Sources, resolve: Resolve) -> Iterator[Tile]:
    path = dataset.home.path
    with ExitStack() as files:
        target, home = _source(dataset, part, sources, files)
        if target is None:
            raise FormatError(
                f"a source of the virtual data set {dataset.name} is missing",
                path=path,
                expected=f"{part.name} in {part.file}",
                remedy="Put it beside this file",
            )
        source = selected(part.source, tuple(int(n) for n in target.shape), str(home.path))
        pieces = resolve(target, home)
    for piece in pieces:
        if piece.stored is None:
            raise FormatError(f"a source of {dataset.name} lacks some of its files", path=home.path)
        tile = Tile(part.target, source, piece)
        _expect_pairs(tile, path)
        yield tile


def _expect_pairs(tile: Tile, path: str) -> None:
    """Check that target and source go together axis by axis, the last axes first; others have one item."""
    pairs = [(tile.target[axis], one) for one, axis in zip(tile.source, tile.axis_of, strict=True) if axis >= 0]
    alone = [one for one, axis in zip(tile.source, tile.axis_of, strict=True) if axis < 0]
    alone += tile.target[: len(tile.target) - len(pairs)]
    if any(len(one) != len(other) for one, other in pairs) or any(len(one) != 1 for one in alone):
        raise UnsupportedError(
            "a part of the virtual data set has another shape than what it is made of",
            path=path,
            expected=f"{tuple(map(len, tile.target))}",
            found=f"{tuple(map(len, tile.source))}",
        )
