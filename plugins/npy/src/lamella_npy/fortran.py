"""Frames of an array in Fortran order, where the pixels of a frame lie as far apart as possible.

The file holds the scan image of the first pixel, then that of the next one. To read one frame means to touch all of
the file; so a worker that comes back to a block of frames gets the whole block at once and keeps it.
"""

from __future__ import annotations

import itertools
import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.reader import FrameSource, ReadHints, Resource, SigBox, SourceInfo, cached_block

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.reader import IOSession

_BLOCK_BYTES = 32 << 20
_PIECE_BYTES = 4 << 20


class FortranSource(FrameSource):
    """An array of shape ``(*nav, *sig)`` in Fortran order.

    Parameters
    ----------
    resource
        The file.
    offset
        Where the array begins [bytes].
    dtype
        Stored dtype.
    nav_shape
        Shape of the scan as stored; frames count in C order over it.
    info
        What the file says about itself.
    """

    def __init__(
        self, resource: Resource, offset: int, dtype: np.dtype[Any], nav_shape: tuple[int, ...], info: SourceInfo
    ) -> None:
        self.resources = (resource,)
        self.info = info
        self._offset = offset
        self._dtype = dtype
        self._nav_shape = nav_shape
        frame_nbytes = math.prod(info.sig_shape) * dtype.itemsize
        self.hints = ReadHints(frame_block=max(1, min(info.n_frames, _BLOCK_BYTES // frame_nbytes)))

    def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
        """Gather frames, block by block."""
        blocks = frames // self.hints.frame_block
        for index in np.unique(blocks).tolist():
            members = blocks == index
            kept = cached_block(io, self, index, partial(self._block, io, index))
            if kept is not None:
                out[members] = kept[(slice(None), *box.slices)][frames[members] - index * self.hints.frame_block]
            elif members.all():
                self._gather(io, frames, box, out)
            else:
                part = np.empty((np.count_nonzero(members), *box.shape), dtype=out.dtype)
                self._gather(io, frames[members], box, part)
                out[members] = part

    def _block(self, io: IOSession, index: int) -> NDArray[Any]:
        start = index * self.hints.frame_block
        frames = np.arange(start, min(start + self.hints.frame_block, self.info.n_frames))
        block = np.empty((frames.size, *self.info.sig_shape), dtype=self.info.dtype)
        self._gather(io, frames, SigBox.full(self.info.sig_shape), block)
        return block

    def _gather(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
        where: tuple[Any, ...] = np.unravel_index(frames, self._nav_shape)
        if io.zero_copy:
            stored = self._images(io, 0, math.prod(self.info.sig_shape))
            stored = stored.reshape(*self._nav_shape, *self.info.sig_shape, order="F")
            wanted: Any = (*where, *box.slices)
            out[...] = stored[wanted]
            return
        steps = np.ravel_multi_index(where, self._nav_shape, order="F")
        low, high = int(steps.min()), int(steps.max()) + 1
        if 2 * (high - low) < self.info.n_frames:
            self._gather_spans(io, steps - low, (low, high), box, out)
        else:
            self._gather_images(io, where, box, out)

    def _gather_spans(
        self, io: IOSession, steps: NDArray[np.int64], span: tuple[int, int], box: SigBox, out: NDArray[Any]
    ) -> None:
        """Read, of the image of each pixel, only the part that holds the frames."""
        itemsize, sig_shape = self._dtype.itemsize, self.info.sig_shape
        for pixel in itertools.product(*map(range, box.shape)):
            place = np.ravel_multi_index([o + i for o, i in zip(box.origin, pixel, strict=True)], sig_shape, order="F")
            start = self._offset + (int(place) * self.info.n_frames + span[0]) * itemsize
            part = io.view(0, start, (span[1] - span[0]) * itemsize).view(self._dtype)
            target: Any = (slice(None), *pixel)
            out[target] = part[steps]

    def _gather_images(self, io: IOSession, where: tuple[Any, ...], box: SigBox, out: NDArray[Any]) -> None:
        """Read whole images, as many at a time as lie side by side: pixels along the first detector axis."""
        step = max(1, _PIECE_BYTES // (self.info.n_frames * self._dtype.itemsize))
        for rest in itertools.product(*map(range, box.shape[1:])):
            origin = [o + i for o, i in zip(box.origin[1:], rest, strict=True)]
            for begin in range(0, box.shape[0], step):
                end = min(begin + step, box.shape[0])
                first = np.ravel_multi_index([box.origin[0] + begin, *origin], self.info.sig_shape, order="F")
                images = self._images(io, int(first), end - begin)
                target: Any = (slice(None), slice(begin, end), *rest)
                out[target] = images[where]

    def _images(self, io: IOSession, first: int, count: int) -> NDArray[Any]:
        """Give the scan images of pixels that lie side by side, shape ``(*nav, count)``."""
        nbytes = self.info.n_frames * self._dtype.itemsize
        stored = io.view(0, self._offset + first * nbytes, count * nbytes)
        return np.ndarray((*self._nav_shape, count), self._dtype, stored.data, order="F")
