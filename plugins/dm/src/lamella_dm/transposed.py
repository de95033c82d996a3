"""Frames of an image that stores the scan first: a map of the scan for the first pixel, then for the next one.

To read one frame means to touch the whole image. So the maps of a few pixels are read as they lie, and for whole frames
a worker that goes on through the scan transposes a block of frames at once and keeps it.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.reader import FrameSource, ReadHints, Resource, SigBox, SourceInfo, cached_block

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.reader import IOSession

__all__ = ["TransposedSource"]

_BLOCK_BYTES = 32 << 20
_PIECE_BYTES = 1 << 20


class TransposedSource(FrameSource):
    """An array of shape ``(*sig, *nav)`` in C order, presented frame by frame.

    Parameters
    ----------
    resource
        The file.
    offset
        Where the array begins [bytes].
    dtype
        Stored dtype.
    info
        What the file says about itself.
    """

    def __init__(self, resource: Resource, offset: int, dtype: np.dtype[Any], info: SourceInfo) -> None:
        self.resources = (resource,)
        self.info = info
        self._offset = offset
        self._dtype = dtype
        frame_nbytes = math.prod(info.sig_shape) * dtype.itemsize
        self.hints = ReadHints(frame_block=max(1, min(info.n_frames, _BLOCK_BYTES // frame_nbytes)))

    def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
        """Gather frames: few pixels as they lie, whole frames block by block."""
        if not len(frames):
            return
        first, last = int(frames.min()), int(frames.max())
        large = 4 * box.size > math.prod(self.info.sig_shape)
        if not large and last - first < 2 * len(frames):
            out[...] = self._transposed(io, first, last + 1, box)[frames - first]
            return
        size = self.hints.frame_block
        blocks = frames // size
        for index in np.unique(blocks).tolist():
            rows = np.flatnonzero(blocks == index)
            within = frames[rows] - index * size
            block = cached_block(io, self, index, partial(self._block, io, index)) if large else None
            if block is not None:
                out[rows] = block[(within, *box.slices)]
                continue
            low, high = int(within.min()), int(within.max()) + 1
            out[rows] = self._transposed(io, index * size + low, index * size + high, box)[within - low]

    def _block(self, io: IOSession, index: int) -> NDArray[Any]:
        start = index * self.hints.frame_block
        stop = min(start + self.hints.frame_block, self.info.n_frames)
        return self._transposed(io, start, stop, SigBox.full(self.info.sig_shape))

    def _transposed(self, io: IOSession, start: int, stop: int, box: SigBox) -> NDArray[Any]:
        """Give the frames ``[start, stop)``, read from the maps of the pixels of a box."""
        out = np.empty((stop - start, box.size), dtype=self.info.dtype)
        pixels = np.arange(math.prod(self.info.sig_shape)).reshape(self.info.sig_shape)[box.slices].reshape(-1)
        step = max(1, _PIECE_BYTES // ((stop - start) * self._dtype.itemsize))
        for first in range(0, len(pixels), step):
            out[:, first : first + step] = self._maps(io, pixels[first : first + step], start, stop).T
        return out.reshape(stop - start, *box.shape)

    def _maps(self, io: IOSession, pixels: NDArray[np.int64], start: int, stop: int) -> NDArray[Any]:
        """Give the part ``[start, stop)`` of the maps of some pixels, shape ``(n_pixels, stop - start)``."""
        itemsize, length = self._dtype.itemsize, self.info.n_frames
        maps = np.empty((len(pixels), stop - start), dtype=self._dtype)
        dense = io.zero_copy or 2 * (stop - start) > length
        if dense and int(pixels[-1]) - int(pixels[0]) == len(pixels) - 1:
            nbytes = len(pixels) * length * itemsize
            whole = io.view(0, self._offset + int(pixels[0]) * length * itemsize, nbytes).view(self._dtype)
            maps[...] = whole.reshape(len(pixels), length)[:, start:stop]
            return maps
        for row, pixel in zip(maps, pixels.tolist(), strict=True):
            row[...] = io.view(0, self._offset + (pixel * length + start) * itemsize, row.nbytes).view(self._dtype)
        return maps
