"""Virtual data sets whose frames are put together from several sources, or taken from them in turns."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.reader import SigBox
from lamella_hdf5.chunked import ChunkedPart
from lamella_hdf5.grid import as_slice
from lamella_hdf5.parts import ContiguousPart, FilledPart, LibraryPart, Part, Place
from lamella_hdf5.stored import Piece, check_frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.reader import IOSession
    from lamella_hdf5.stored import Tile
    from lamella_hdf5.worker import Worker

__all__ = ["MosaicPart", "part_at"]

_AT_ONCE = 16 << 20
"""Bytes of frames of a source that are read before they are put in their places."""


def part_at(place: Place) -> Part:
    """Give the part of a scan for a data set, by the way in which its pixels are reached."""
    assert place.piece.stored is not None
    return _WAYS[place.piece.stored.how](place)


@dataclass(frozen=True, slots=True)
class _Cut:
    """What a box of the detector shares with a tile: where in the box, and which pixels of a box of the source."""

    into: tuple[Any, ...]
    box: SigBox
    part: tuple[Any, ...]


class MosaicPart(Part):
    """A virtual data set; its sources are read like any other data set."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        numbers = itertools.count((place.number + 1) << 20)
        self._tiles = tuple(_Tiled(place, tile, next(numbers)) for tile in self.stored.tiles)
        self.frame_block = max((tiled.inner.frame_block for tiled in self._tiles), default=1)
        self.row_nbytes = max((tiled.inner.row_nbytes for tiled in self._tiles), default=0)
        ends = [tiled.first_axis for tiled in self._tiles]
        self._ends = np.asarray(ends, dtype=np.int64).reshape(-1, 2)

    def read(
        self,
        io: IOSession,
        worker: Worker,
        frames: NDArray[np.int64],
        rows: NDArray[np.int64],
        box: SigBox,
        out: NDArray[Any],
    ) -> None:
        """Write what each tile shares with the frames; the rest holds the fill value."""
        out[rows] = self.filling
        places = self.places(frames)
        near = np.ones(len(self._tiles), dtype=np.bool_)
        if 0 in self.axes[0]:
            first = places[self.axes[0].index(0)]
            near = (self._ends[:, 0] <= first.max()) & (self._ends[:, 1] > first.min())
        for number in np.flatnonzero(near).tolist():
            self._tiles[number].read(io, worker, places, rows, box, out)


class _Tiled:
    """A tile, and its source as a part of the scan.

    Axes of the source that belong to the scan, or to no axis of the virtual data set, are the scan of that part; the
    others are its detector.
    """

    def __init__(self, place: Place, tile: Tile, number: int) -> None:
        stored, axis_of = tile.piece.stored, tile.axis_of
        assert stored is not None
        self._tile = tile
        self._axes = place.nav_axes, place.sig_axes
        sources = {axis: source for source, axis in enumerate(axis_of) if axis >= 0}
        self._sig = tuple(sources.get(axis) for axis in place.sig_axes)
        inner_sig = tuple(source for source in self._sig if source is not None)
        self._nav = tuple(source for source in range(len(axis_of)) if source not in inner_sig)
        resources = {resource.path: i for i, resource in enumerate(place.resources)}
        whole = Piece(stored, 0, stored.shape[0] if stored.shape else 1)
        self.inner = part_at(
            replace(
                place,
                piece=whole,
                nav_axes=self._nav,
                sig_axes=inner_sig,
                resource=resources[stored.path],
                number=number,
            )
        )
        check_frame(stored, math.prod(self.inner.sig_shape) * stored.dtype.itemsize)

    @property
    def first_axis(self) -> tuple[int, int]:
        """First index and end along the first axis of the virtual data set."""
        return self._tile.target[0].start, self._tile.target[0].end

    def read(
        self,
        io: IOSession,
        worker: Worker,
        places: tuple[NDArray[np.int64], ...],
        rows: NDArray[np.int64],
        box: SigBox,
        out: NDArray[Any],
    ) -> None:
        """Write what this tile shares with frames at some places of the scan."""
        cut = self._cut(box)
        if cut is None:
            return
        members, frames = self._frames(places, len(rows))
        step = max(1, _AT_ONCE // max(1, math.prod(cut.box.shape) * self.inner.stored.dtype.itemsize))
        for begin in range(0, len(frames), step):
            some = frames[begin : begin + step]
            pixels = np.empty((len(some), *cut.box.shape), dtype=self.inner.stored.dtype)
            self.inner.read(io, worker, some, np.arange(len(some)), cut.box, pixels)
            target = rows[members[begin : begin + step]]
            _put(out, target, cut, pixels)

    def _frames(self, places: tuple[NDArray[np.int64], ...], n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give which of some frames this tile has pixels of, and the frames of the source that hold them."""
        known = np.ones(n, dtype=np.bool_)
        found: dict[int, NDArray[np.int64]] = {}
        of_place = dict(zip(self._axes[0], places, strict=True))
        pairs = {axis: source for source, axis in enumerate(self._tile.axis_of)}
        for axis, place in of_place.items():
            position = self._tile.target[axis].find(place)
            known &= position >= 0
            if axis in pairs:
                found[pairs[axis]] = position
        index = []
        for source in self._nav:
            position = np.maximum(found.get(source, np.zeros(n, dtype=np.int64)), 0)
            place, inside = self._place(source, position)
            known &= inside
            index.append(np.where(known, place, 0))
        members = np.flatnonzero(known)
        shape = self.inner.nav_shape
        frames = (
            np.ravel_multi_index(tuple(place[members] for place in index), shape) if shape else np.zeros_like(members)
        )
        return members, np.asarray(frames, dtype=np.int64)

    def _place(self, source: int, position: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Give the index along an axis of the source, and whether it lies in the stretch of this tile."""
        place = self._tile.source[source].at(position)
        if source != 0:
            return place, np.ones(len(place), dtype=np.bool_)
        piece = self._tile.piece
        inside = (place >= piece.first) & (place < piece.first + piece.count)
        return place - piece.first + piece.skip, inside

    def _cut(self, box: SigBox) -> _Cut | None:
        """Give what a box shares with this tile, None if nothing."""
        into: list[NDArray[np.int64]] = []
        part: list[NDArray[np.int64] | None] = []
        origin: list[int] = []
        shape: list[int] = []
        for axis, source, first, length in zip(self._axes[1], self._sig, box.origin, box.shape, strict=True):
            position = self._tile.target[axis].find(np.arange(first, first + length))
            here = np.flatnonzero(position >= 0)
            if source is None:
                into.append(here)
                part.append(None)
                if not here.size:
                    return None
                continue
            place, inside = self._place(source, position[here])
            here, place = here[inside], place[inside]
            if not here.size:
                return None
            into.append(here)
            origin.append(int(place.min()))
            shape.append(int(place.max()) - origin[-1] + 1)
            part.append(place - origin[-1])
        return _Cut(tuple(map(_simple, into)), SigBox(tuple(origin), tuple(shape)), tuple(map(_simple, part)))


def _simple(places: NDArray[np.int64] | None) -> Any:
    return None if places is None else as_slice(places)


def _put(out: NDArray[Any], rows: NDArray[np.int64], cut: _Cut, pixels: NDArray[Any]) -> None:
    """Copy pixels of a source to where they belong."""
    for axis, part in enumerate(cut.part, 1):
        pixels = np.expand_dims(pixels, axis) if part is None else pixels[(slice(None),) * axis + (part,)]
    if all(isinstance(into, slice) for into in cut.into):
        out[(as_slice(rows), *cut.into)] = pixels
        return
    places = [
        np.arange(n)[into] if isinstance(into, slice) else into for n, into in zip(out.shape[1:], cut.into, strict=True)
    ]
    out[np.ix_(rows, *places)] = pixels


_WAYS: dict[str, type[Part]] = {
    "contiguous": ContiguousPart,
    "chunks": ChunkedPart,
    "fill": FilledPart,
    "h5py": LibraryPart,
    "mosaic": MosaicPart,
}
