"""Sparse frames, made dense tile by tile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import CorruptError
from lamella.geometry import consecutive
from lamella.source import FrameSource, ReadHints, Resource, SourceInfo

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.geometry import SigBox
    from lamella.io import IOSession

__all__ = ["CsrSource"]

_INDICES, _VALUES = 0, 1
_MOST_EVENTS = 1 << 20


class CsrSource(FrameSource):
    """Frames whose pixels are listed: position and value of each event, frame after frame.

    Parameters
    ----------
    indptr
        First event of each frame, and the end of the last one, shape ``(n_frames + 1,)``.
    indices_dtype, data_dtype
        Stored dtypes.
    info, resources
        As for every source; the first two resources hold indices and values.
    """

    # A part of a frame costs as much as all of it, because its events are in no order.
    hints = ReadHints(whole_frames=True)

    def __init__(
        self,
        indptr: NDArray[np.int64],
        indices_dtype: np.dtype[Any],
        data_dtype: np.dtype[Any],
        info: SourceInfo,
        resources: tuple[Resource, ...],
    ) -> None:
        self.info = info
        self.resources = resources
        self._indptr = indptr
        self._indices_dtype = indices_dtype
        self._data_dtype = data_dtype

    def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
        """Scatter the events of the frames; events of one pixel add up."""
        out[...] = 0
        covers = box.covers(self.info.sig_shape)
        row = 0
        for start, stop in consecutive(frames):
            for first, last in self._stretches(start, stop):
                rows, pixels, values = self._events(io, first, last)
                target = out[row : row + last - first]
                if covers:
                    _add(target.reshape(-1), rows * (out[0].size) + pixels, values)
                else:
                    self._add_inside(target, rows, pixels, values, box)
                row += last - first

    def _stretches(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """Cut frames so that the events of one stretch fit into the cache, one frame at least."""
        while start < stop:
            limit = int(np.searchsorted(self._indptr, self._indptr[start] + _MOST_EVENTS, side="right")) - 1
            end = min(stop, max(start + 1, limit))
            yield start, end
            start = end

    def _events(
        self, io: IOSession, first: int, last: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]]:
        """Give row, pixel and value of every event of the frames ``[first, last)``."""
        bounds = self._indptr[first : last + 1]
        begin, count = int(bounds[0]), int(bounds[-1] - bounds[0])
        stored = self._view(io, _INDICES, self._indices_dtype, begin, count)
        pixels = stored.astype(np.int64)
        limit = int(np.prod(self.info.sig_shape))
        if count and (int(pixels.min()) < 0 or int(pixels.max()) >= limit):
            bad = int(np.flatnonzero((pixels < 0) | (pixels >= limit))[0])
            raise CorruptError(
                f"event {begin + bad} lies outside the frame",
                path=self.resources[_INDICES].path,
                expected=f"pixels below {limit}",
                found=int(pixels[bad]),
                remedy="Check sig_shape and indices_dtype in the TOML",
            )
        values = self._view(io, _VALUES, self._data_dtype, begin, count).astype(self.info.dtype)
        rows = np.repeat(np.arange(last - first), np.diff(bounds))
        return rows, pixels, values

    def _view(self, io: IOSession, resource: int, dtype: np.dtype[Any], begin: int, count: int) -> NDArray[Any]:
        if not count:
            return np.empty(0, dtype=dtype)
        raw = io.view(resource, begin * dtype.itemsize, count * dtype.itemsize)
        return np.ndarray((count,), dtype, raw.data)

    def _add_inside(
        self,
        target: NDArray[Any],
        rows: NDArray[np.int64],
        pixels: NDArray[np.int64],
        values: NDArray[Any],
        box: SigBox,
    ) -> None:
        """Add the events that lie in a part of the frames."""
        places = np.unravel_index(pixels, self.info.sig_shape)
        inside = np.ones(len(pixels), dtype=np.bool_)
        flat = rows.copy()
        for place, origin, length in zip(places, box.origin, box.shape, strict=True):
            inside &= (place >= origin) & (place < origin + length)
            flat = flat * length + (place - origin)
        _add(target.reshape(-1), flat[inside], values[inside])


def _add(target: NDArray[Any], places: NDArray[np.int64], values: NDArray[Any]) -> None:
    """Put values at places; those that meet at one place are added."""
    rises = bool((places[1:] > places[:-1]).all())
    if not rises:
        order = np.argsort(places, kind="stable")
        places, values = places[order], values[order]
        rises = bool((places[1:] > places[:-1]).all())
    if rises:
        target[places] = values  # also far faster than adding
    elif target.dtype.kind == "b":
        target[places[values]] = True
    else:
        np.add.at(target, places, values)
