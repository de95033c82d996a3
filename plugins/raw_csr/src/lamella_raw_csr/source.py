"""Sparse frames: their events, and dense tiles made of them."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.codecs import spread_events
from lamella.errors import CorruptError
from lamella.reader import Events, EventSource, ReadHints, Resource, SourceInfo, consecutive, event_stretches

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.reader import IOSession, SigBox

__all__ = ["CsrSource"]

_INDICES, _VALUES = 0, 1


class CsrSource(EventSource):
    """Frames whose pixels are listed: position and value of each event, frame after frame.

    Parameters
    ----------
    first_event
        First event of each frame, and the end of the last one, shape ``(n_frames + 1,)``.
    sig_shape
        Shape of a frame.
    indices_dtype, data_dtype
        Stored dtypes.
    info, resources
        As for every source; the first two resources hold indices and values.
    """

    # A part of a frame costs as much as all of it, because its events are in no order.
    hints = ReadHints(whole_frames=True)

    def __init__(
        self,
        first_event: NDArray[np.int64],
        sig_shape: tuple[int, ...],
        indices_dtype: np.dtype[Any],
        data_dtype: np.dtype[Any],
        info: SourceInfo,
        resources: tuple[Resource, ...],
    ) -> None:
        n_frames = len(first_event) - 1
        super().__init__(info, n_frames=n_frames, sig_shape=sig_shape, dtype=data_dtype, resources=resources)
        self.first_event = first_event
        self._indices_dtype = indices_dtype
        self._data_dtype = data_dtype
        self._limit = math.prod(self.sig_shape)
        # Seen as unsigned numbers, negative pixel indices have to be too large.
        wide = indices_dtype.kind == "i" and self._limit > np.iinfo(indices_dtype).max
        self._native = np.dtype(np.int64) if wide else indices_dtype.newbyteorder("=")
        self._unsigned = np.dtype(f"u{self._native.itemsize}")

    @property
    def costs(self) -> NDArray[np.int64]:
        """The bytes of the events before each frame."""
        return self.first_event * (self._indices_dtype.itemsize + self._data_dtype.itemsize)

    def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
        """Scatter the events of the frames; events of one pixel add up."""
        out[...] = 0
        covers = box.covers(self.sig_shape)
        row = 0
        for start, stop in consecutive(frames):
            for first, last in event_stretches(self.first_event, start, stop):
                found = self.events(io, first, last)
                target = out[row : row + last - first].reshape(last - first, -1)
                spread_events(*_order(found if covers else self._inside(found, box)), target)
                row += last - first

    def events(self, io: IOSession, start: int, stop: int) -> Events:
        """Give the events of frames as they are stored; numbers of another byte order are converted."""
        bounds = self.first_event[start : stop + 1]
        begin, count = int(bounds[0]), int(bounds[-1] - bounds[0])
        stored = self._view(io, _INDICES, self._indices_dtype, begin, count)
        # Where a view takes the place of the one before, pixels have to be copied.
        pixels = stored.astype(self._native, copy=not io.zero_copy).view(self._unsigned)
        pixels.flags.writeable = False
        values = self._view(io, _VALUES, self._data_dtype, begin, count).astype(self.dtype, copy=False)
        return Events(values, pixels, bounds - begin, partial(self._check, begin))

    def _check(self, begin: int, pixels: NDArray[Any]) -> None:
        """Refuse pixels outside the frame; ``begin`` is the number of the first event."""
        if pixels.size and pixels.max() >= self._limit:
            bad = int(np.flatnonzero(pixels >= self._limit)[0])
            raise CorruptError(
                f"event {begin + bad} lies outside the frame",
                path=self.resources[_INDICES].path,
                expected=f"pixels below {self._limit}",
                found=int(pixels[bad : bad + 1].astype(self._native)[0]),
                remedy="Check sig_shape and indices_dtype in the TOML",
            )

    def _view(self, io: IOSession, resource: int, dtype: np.dtype[Any], begin: int, count: int) -> NDArray[Any]:
        if not count:
            return np.empty(0, dtype=dtype)
        raw = io.view(resource, begin * dtype.itemsize, count * dtype.itemsize)
        return np.ndarray((count,), dtype, raw.data)

    def _inside(self, events: Events, box: SigBox) -> Events:
        """Give the events that lie in a part of the frames, with their place in it."""
        inside = np.ones(len(events.pixels), dtype=np.bool_)
        flat = np.zeros(len(events.pixels), dtype=np.int64)
        places = np.unravel_index(events.pixels.astype(np.int64, copy=False), self.sig_shape)
        for place, origin, length in zip(places, box.origin, box.shape, strict=True):
            inside &= (place >= origin) & (place < origin + length)
            flat = flat * length + (place - origin)
        before = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(inside)])
        return Events(events.values[inside], flat[inside], before[events.starts])


def _order(events: Events) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]:
    """Give events in the order in which kernels take them."""
    return events.values, events.pixels, events.starts
