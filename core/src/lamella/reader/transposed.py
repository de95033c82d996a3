"""Frames of an array that lies in a file with its axes in any order, for instance with the scan fastest.

Where the pixels of a frame are scattered, reading one frame means to touch much of the file. So the parts of a few
pixels are read as they are stored, and for whole frames a worker that goes on through the scan transposes a block of
frames at once and keeps it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from lamella.errors import TruncatedError
from lamella.geometry.frames import as_range
from lamella.geometry.shape import SigBox
from lamella.reader.blockcache import cached_block
from lamella.reader.source import FrameSource, ReadHints

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.reader.resource import Resource
    from lamella.reader.session import IOSession
    from lamella.reader.source import SourceInfo

__all__ = ["TransposedSource"]

Part: TypeAlias = tuple[tuple[int, int], ...]
"""First index and end along each stored axis."""

_BLOCK_BYTES = 32 << 20
_PIECE_BYTES = 1 << 20
_READ_COST = 64 << 10
"""Bytes that are read in the time that one more call of the system takes."""


class TransposedSource(FrameSource):
    """An array in C order whose axes are presented as scan and detector in any order.

    Parameters
    ----------
    info
        What the file says about itself.
    resources
        The files, as for every source.
    offset
        Where the array begins [bytes].
    dtype
        Stored dtype, with its byte order.
    shape
        Shape of the array as it is stored, the slowest axis first. An array in Fortran order has the reversed shape.
    nav_axes, sig_axes
        Which of its axes are the scan, and which are the detector; frames count in C order over ``nav_axes``.
    resource
        Which of the files holds it.

    Raises
    ------
    TruncatedError
        If the file ends before the array does: no frame may be complete then.
    """

    def __init__(
        self,
        info: SourceInfo,
        *,
        resources: Sequence[Resource],
        offset: int,
        dtype: np.dtype[Any],
        shape: Sequence[int],
        nav_axes: Sequence[int],
        sig_axes: Sequence[int],
        resource: int = 0,
    ) -> None:
        nav_shape = tuple(shape[axis] for axis in nav_axes)
        super().__init__(
            info,
            n_frames=math.prod(nav_shape),
            sig_shape=[shape[axis] for axis in sig_axes],
            dtype=dtype,
            resources=resources,
        )
        self._stored = np.dtype(dtype)
        self._resource = resource
        self._offset = offset
        self._place = (resource, offset, tuple(shape), tuple(nav_axes), tuple(sig_axes), self._stored.str)
        _expect_room(resources[resource], offset, math.prod(shape) * self._stored.itemsize)
        self._shape, self._nav_axes, self._sig_axes = _joined(shape, nav_axes, sig_axes)
        self._nav_shape = tuple(self._shape[axis] for axis in self._nav_axes)
        strides = [self._stored.itemsize]
        for length in self._shape[:0:-1]:
            strides.insert(0, strides[0] * length)
        self._strides = tuple(strides)
        frame = math.prod(self.sig_shape) * self._stored.itemsize
        reach = sum((self._shape[axis] - 1) * strides[axis] for axis in self._sig_axes) + self._stored.itemsize
        self._is_scattered = reach > 2 * frame
        if self._is_scattered:
            self.hints = ReadHints(frame_block=max(1, min(self.n_frames, _BLOCK_BYTES // frame)))

    @property
    def identity(self) -> tuple[str, ...]:
        """Where the array lies, for a file may hold several, and what its axes mean."""
        return tuple(map(str, self._place))

    def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
        """Gather frames: few pixels as they are stored, whole frames block by block if they are scattered."""
        if not len(frames):
            return
        first, last = int(frames.min()), int(frames.max())
        large = 4 * box.size > math.prod(self.sig_shape)
        if not self._is_scattered or (not large and last - first < 2 * len(frames)):
            self._gather(io, frames, box, out)
            return
        size = self.hints.frame_block
        blocks = frames // size
        for index in np.unique(blocks).tolist():
            rows = np.flatnonzero(blocks == index)
            block = cached_block(io, self, index, partial(self._block, io, index)) if large else None
            if block is not None:
                out[rows] = block[(frames[rows] - index * size, *box.slices)]
            elif len(rows) == len(frames):
                self._gather(io, frames, box, out)
            else:
                part = np.empty((len(rows), *box.shape), dtype=out.dtype)
                self._gather(io, frames[rows], box, part)
                out[rows] = part

    def _block(self, io: IOSession, index: int) -> NDArray[Any]:
        start = index * self.hints.frame_block
        frames = np.arange(start, min(start + self.hints.frame_block, self.n_frames))
        block = np.empty((len(frames), *self.sig_shape), dtype=self.dtype)
        self._gather(io, frames, SigBox.full(self.sig_shape), block)
        return block

    def _gather(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
        """Read the part of the array that holds pixels of a box of frames, piece by piece."""
        places = np.unravel_index(frames, self._nav_shape) if self._nav_shape else ()
        wanted = [(0, 0)] * len(self._shape)
        for axis, place in zip(self._nav_axes, places, strict=True):
            wanted[axis] = int(place.min()), int(place.max()) + 1
        for axis, cut in zip(self._sig_axes, box.slices, strict=True):
            wanted[axis] = cut.start, cut.stop
        for part in self._pieces(tuple(wanted), everything=io.zero_copy):
            rows = _within(places, [part[axis] for axis in self._nav_axes], [wanted[axis] for axis in self._nav_axes])
            if isinstance(rows, slice) or len(rows):
                into = (part[axis] for axis in self._sig_axes)
                target = (slice(b - o, e - o) for (b, e), o in zip(into, box.origin, strict=True))
                inner = [place[rows] - part[axis][0] for axis, place in zip(self._nav_axes, places, strict=True)]
                pixels = self._pixels(io, part).transpose((*self._nav_axes, *self._sig_axes))
                out[(rows, *target)] = pixels[_index(inner)]

    def _pieces(self, part: Part, *, everything: bool) -> Iterator[Part]:
        """Cut a part of the array into pieces that stay in the cache while they are transposed.

        If ``everything`` is there at no cost, bytes between those that are wanted do not count.
        """
        lengths = [end - begin for begin, end in part]
        nbytes = math.prod(lengths) * self._stored.itemsize
        if not everything:
            outer = self._run_axes(lengths)
            nbytes = math.prod(lengths[:outer]) * self._reach(lengths[outer:])
        axis = next((k for k, length in enumerate(lengths) if length > 1), None)
        if nbytes <= _PIECE_BYTES or axis is None:
            yield part
            return
        step = max(1, _PIECE_BYTES * lengths[axis] // nbytes)
        begin, end = part[axis]
        for first in range(begin, end, step):
            piece = (*part[:axis], (first, min(first + step, end)), *part[axis + 1 :])
            yield from self._pieces(piece, everything=everything)

    def _pixels(self, io: IOSession, part: Part) -> NDArray[Any]:
        """Give a part of the array as it is stored; valid until the next call."""
        lengths = [end - begin for begin, end in part]
        begin = self._offset + sum(low * stride for (low, _), stride in zip(part, self._strides, strict=True))
        outer = 0 if io.zero_copy else self._run_axes(lengths)
        reach, strides = self._reach(lengths[outer:]), self._strides[outer:]
        if outer == 0:
            return np.ndarray(lengths, self._stored, io.view(self._resource, begin, reach).data, strides=strides)
        starts = np.full(1, begin)
        for length, stride in zip(lengths[:outer], self._strides, strict=False):
            starts = np.add.outer(starts, stride * np.arange(length)).reshape(-1)
        runs = np.empty((len(starts), *lengths[outer:]), dtype=self._stored)
        for run, start in zip(runs, starts.tolist(), strict=True):
            raw = io.view(self._resource, start, reach)
            run[...] = np.ndarray(run.shape, self._stored, raw.data, strides=strides)
        return runs.reshape(lengths)

    def _run_axes(self, lengths: Sequence[int]) -> int:
        """Give how many of the first axes are walked along, with a read for each step, for a part of these lengths.

        The fewer they are, the more bytes are read that nobody wants; the more, the more calls.
        """

        def cost(outer: int) -> int:
            return math.prod(lengths[:outer]) * (self._reach(lengths[outer:]) + _READ_COST)

        return min(range(len(lengths)), key=cost)

    def _reach(self, lengths: Sequence[int]) -> int:
        """Give the bytes from the first to the last item, along the last axes of the array."""
        steps = zip(lengths, self._strides[len(self._strides) - len(lengths) :], strict=True)
        return sum((length - 1) * stride for length, stride in steps) + self._stored.itemsize


def _expect_room(resource: Resource, offset: int, nbytes: int) -> None:
    if offset + nbytes > resource.size:
        raise TruncatedError(
            "the file was cut; in this order of axes that leaves no frame complete",
            path=resource.path,
            expected=f"{nbytes} bytes from byte {offset}",
            found=f"{max(0, resource.size - offset)} bytes there",
            remedy="Copy the file again from where it was recorded",
        )


def _joined(
    shape: Sequence[int], nav_axes: Sequence[int], sig_axes: Sequence[int]
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Give shape and axes with axes of the scan taken as one where they follow each other in both orders."""
    groups: list[list[int]] = []
    for axis in nav_axes:
        if groups and axis == groups[-1][-1] + 1:
            groups[-1].append(axis)
        else:
            groups.append([axis])
    firsts = sorted([*(group[0] for group in groups), *sig_axes])
    length = {group[0]: math.prod(shape[axis] for axis in group) for group in groups}
    number = {axis: i for i, axis in enumerate(firsts)}
    return (
        tuple(length.get(axis, shape[axis]) for axis in firsts),
        tuple(number[group[0]] for group in groups),
        tuple(number[axis] for axis in sig_axes),
    )


def _within(
    places: Sequence[NDArray[np.int64]], part: Sequence[tuple[int, int]], wanted: Sequence[tuple[int, int]]
) -> slice | NDArray[np.int64]:
    """Give which of some frames lie in a piece; a slice if all do."""
    cut = [i for i, bounds in enumerate(part) if bounds != wanted[i]]
    if not cut:
        return slice(None)
    inside = np.ones(len(places[0]), dtype=np.bool_)
    for i in cut:
        inside &= (places[i] >= part[i][0]) & (places[i] < part[i][1])
    return np.flatnonzero(inside)


def _index(places: Sequence[NDArray[np.int64]]) -> Any:
    """Give frames of a piece as a slice where they follow each other along one axis, which copies faster."""
    if len(places) != 1:
        return tuple(places)
    found = as_range(places[0])
    return slice(found.start, found.stop) if isinstance(found, range) and found.step == 1 else places[0]
