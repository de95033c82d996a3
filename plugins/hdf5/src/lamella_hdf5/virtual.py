"""Virtual data sets: which part comes from which data set of which file.

libhdf5 gives fill values where a source is missing, and says nothing. Here, such parts are missing frames.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import h5py

from lamella.errors import FormatError, UnsupportedError
from lamella_hdf5.library import opened
from lamella_hdf5.stored import Piece, describe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lamella_hdf5.links import Elsewhere

__all__ = ["virtual_pieces"]


def virtual_pieces(
    dataset: Any, path: str, elsewhere: Elsewhere, resolve: Callable[[Any, str], tuple[Piece, ...]]
) -> tuple[Piece, ...]:
    """Give the pieces of a virtual data set along its first axis.

    ``resolve`` gives the pieces of a source, which may be virtual itself, from the data set and its file.
    Parts that are not stretches of the first axis are left to libhdf5, once it is sure that their files exist.

    Raises
    ------
    FormatError
        If a source must not be read, or is missing where only libhdf5 could put the parts together.
    """
    sources = dataset.virtual_sources()
    stretches = [_stretch(source, tuple(dataset.shape)) for source in sources]
    if any(stretch is None for stretch in stretches):
        return _by_library(dataset, sources, path, elsewhere)
    found: list[Piece] = []
    for source, stretch in zip(sources, stretches, strict=True):
        assert stretch is not None
        first, begin, count = stretch
        found += _parts(source, path, elsewhere, first, begin, count, resolve, like=dataset)
    return tuple(_without_gaps(sorted(found, key=lambda piece: piece.first), int(dataset.shape[0]), path))


def _stretch(source: Any, shape: tuple[int, ...]) -> tuple[int, int, int] | None:
    """Give first item in the virtual data set, first item in the source, and their number; None for other parts."""
    target = _bounds(source.vspace)
    if target is None or target[2] != shape[1:]:
        return None
    if source.src_space.get_select_type() == h5py.h5s.SEL_ALL:  # then it has no extent of its own
        return target[0], 0, target[1]
    origin = _bounds(source.src_space)
    return (target[0], origin[0], target[1]) if origin is not None and origin[1:] == target[1:] else None


def _bounds(space: Any) -> tuple[int, int, tuple[int, ...]] | None:
    """Give first item, number of items and the other lengths of a selection that is a stretch of the first axis."""
    dims = tuple(int(n) for n in space.shape)
    if space.get_select_type() == h5py.h5s.SEL_ALL:
        return 0, dims[0], dims[1:]
    if space.get_select_type() != h5py.h5s.SEL_HYPERSLABS:
        return None
    low, high = space.get_select_bounds()
    lengths = tuple(int(h) - int(b) + 1 for b, h in zip(low, high, strict=True))
    if math.prod(lengths) != space.get_select_npoints() or lengths[1:] != dims[1:]:
        return None
    return int(low[0]), lengths[0], dims[1:]


def _parts(
    source: Any,
    path: str,
    elsewhere: Elsewhere,
    first: int,
    begin: int,
    count: int,
    resolve: Callable[[Any, str], tuple[Piece, ...]],
    *,
    like: Any,
) -> Iterator[Piece]:
    file = elsewhere.path if source.file_name == "." else elsewhere.find(source.file_name)
    if file is None:
        yield Piece(None, first, count)
        return
    with opened(file) as other:
        if source.dset_name not in other:
            yield Piece(None, first, count)
            return
        target = other[source.dset_name]
        if tuple(target.shape[1:]) != tuple(like.shape[1:]) or target.dtype != like.dtype:
            raise UnsupportedError(
                "a source of the virtual data set has another shape or dtype",
                path=file,
                expected=f"frames of {tuple(like.shape[1:])} {like.dtype}",
                found=f"{tuple(target.shape[1:])} {target.dtype}",
            )
        inner = resolve(target, str(file))
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


def _by_library(dataset: Any, sources: list[Any], path: str, elsewhere: Elsewhere) -> tuple[Piece, ...]:
    for source in sources:
        file = elsewhere.path if source.file_name == "." else elsewhere.find(source.file_name)
        if file is not None:
            with opened(file) as other:
                if source.dset_name in other:
                    continue
        raise FormatError(
            f"a source of the virtual data set {dataset.name} is missing",
            path=path,
            expected=f"{source.dset_name} in {source.file_name}",
            remedy="Put it beside this file",
        )
    stored = replace(describe(dataset, path, fast=False), by_name=True)
    return (Piece(stored, 0, stored.shape[0]),)
