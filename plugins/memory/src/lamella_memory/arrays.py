"""Frames of arrays with any strides, and of anything that gives arrays when it is indexed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.reader import FrameSource, ReadHints, SigBox, SourceInfo, consecutive
from lamella_memory.content import content_of
from lamella_memory.shared import SharedArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.reader import IOSession


class IndexedSource(FrameSource):
    """Frames of an object that gives arrays when it is indexed: a Zarr array, an HDF5 data set.

    Parameters
    ----------
    data
        Object of shape ``(*rows, row, *sig)``.
    nav_dims
        Number of its first axes that are the scan; frames count in C order over them.
    info
        What is known about it.
    """

    def __init__(self, data: Any, nav_dims: int, info: SourceInfo) -> None:
        nav_shape, sig_shape = tuple(data.shape[:nav_dims]), data.shape[nav_dims:]
        super().__init__(info, n_frames=math.prod(nav_shape), sig_shape=sig_shape, dtype=data.dtype)
        self._data = data
        self._nav_shape = nav_shape
        self._object = str(id(data))
        chunks = getattr(data, "chunks", None)
        if isinstance(chunks, tuple) and len(chunks) == len(data.shape) and all(isinstance(n, int) for n in chunks):
            row = len(nav_shape) - 1
            self.hints = ReadHints(frame_block=chunks[row] if nav_shape else 1, sig_block=chunks[row + 1 :])

    @property
    def identity(self) -> tuple[str, ...]:
        """Which object it is, or was before it travelled; its content would have to be read."""
        return (type(self._data).__qualname__, self._object)

    def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
        """Read row by row, as many frames at a time as lie side by side."""
        row = self._nav_shape[-1] if self._nav_shape else 1
        done = 0
        for start, stop in consecutive(frames):
            for begin in (start, *range(start - start % row + row, stop, row)):
                end = min(stop, begin - begin % row + row)
                out[done : done + end - begin] = self._piece(begin, end, box)
                done += end - begin

    def _piece(self, start: int, stop: int, box: SigBox) -> NDArray[Any]:
        """Give frames of one row, shape ``(stop - start, *box.shape)``."""
        if not self._nav_shape:
            return np.asarray(self._data[box.slices])[np.newaxis]
        *lead, first = (int(i) for i in np.unravel_index(start, self._nav_shape))
        return np.asarray(self._data[(*lead, slice(first, first + stop - start), *box.slices)])


class ArraySource(IndexedSource):
    """Frames of a NumPy array, which is never copied and never written to.

    Parameters
    ----------
    array
        Array of shape ``(*nav, *sig)`` with any strides.
    nav_dims
        Number of its scan axes.
    info
        What is known about it.
    """

    def __init__(self, array: NDArray[Any], nav_dims: int, info: SourceInfo) -> None:
        joined = _with_long_rows(array, nav_dims)
        super().__init__(joined, joined.ndim - (array.ndim - nav_dims), info)
        self._shared = SharedArray(joined)
        self._content: str | None = None

    @property
    def identity(self) -> tuple[str, ...]:
        """A digest of the content."""
        if self._content is None:
            self._content = content_of(self._data)
        return (self._content,)

    def view(self, frames: range, box: SigBox) -> NDArray[Any] | None:
        """Give frames of one row as they are stored in the array."""
        row = self._nav_shape[-1]
        if self._data.dtype != self.dtype or frames[0] // row != frames[-1] // row:
            return None
        return self._piece(frames[0], frames[-1] + 1, box)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_data": None, "_content": self.identity[0]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._data = self._shared.array


def _with_long_rows(array: NDArray[Any], nav_dims: int) -> NDArray[Any]:
    """Give a read-only view in which scan axes are joined as far as their strides allow, at least one of them."""
    rows: list[tuple[int, int]] = []
    for length, stride in zip(reversed(array.shape[:nav_dims]), reversed(array.strides[:nav_dims]), strict=True):
        if length == 1:
            continue
        if rows and stride == rows[-1][0] * rows[-1][1]:
            rows[-1] = (rows[-1][0] * length, rows[-1][1])
        else:
            rows.append((length, stride))
    rows = rows[::-1] or [(1, 0)]
    return np.lib.stride_tricks.as_strided(
        array,
        shape=(*(length for length, _ in rows), *array.shape[nav_dims:]),
        strides=(*(stride for _, stride in rows), *array.strides[nav_dims:]),
        writeable=False,
    )
