"""Frames as they are stored: what a computation has to know to work on them without decoding them first."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.geometry import SigBox
from lamella.source import Encoding, LinearSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.source import FrameSource

__all__ = ["StoredForm", "stored_form"]


@dataclass(frozen=True, eq=False)
class StoredForm:
    """How the rows of a stored tile relate to frames.

    Parameters
    ----------
    dtype
        Native dtype of the stored items.
    swapped
        Whether their bytes are in the other order; a computation swaps them in registers.
    order
        Flat pixel index of each stored item, shape ``(n_pixels,)``; None if they are in C order.
    start, nbytes
        Where the pixels of a frame lie within its stored bytes.
    """

    dtype: np.dtype[Any]
    swapped: bool
    order: NDArray[np.int64] | None
    start: int
    nbytes: int

    def to_stored(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Bring arrays whose last axis is the flat detector into stored order."""
        return pixels if self.order is None else pixels[..., self.order]

    def to_pixels(self, stored: NDArray[Any]) -> NDArray[Any]:
        """Bring arrays whose last axis is in stored order back to the flat detector."""
        if self.order is None:
            return stored
        pixels = np.empty_like(stored)
        pixels[..., self.order] = stored
        return pixels

    def span(self, box: SigBox, sig_shape: tuple[int, ...]) -> tuple[int, int] | None:
        """Give the stored items ``[first, end)`` that are the pixels of a box, or None if others lie between them."""
        if box.covers(sig_shape):
            return 0, math.prod(sig_shape)
        if self.order is not None:
            return None
        inner = 1
        for axis in reversed(range(len(sig_shape))):
            if box.shape[axis] != sig_shape[axis]:
                if math.prod(box.shape[:axis]) != 1:
                    return None
                break
            inner *= sig_shape[axis]
        first = int(np.ravel_multi_index(box.origin, sig_shape))
        return first, first + box.size


def stored_form(source: LinearSource | FrameSource) -> StoredForm | None:
    """Give the stored form of a source whose frames are numbers at fixed places, or None where they must be decoded."""
    if not isinstance(source, LinearSource):
        return None
    encoding = source.encoding
    if encoding.codec is not None:
        storage = encoding.codec.storage_order(encoding.sig_shape)
        if storage is None or storage.dtype.itemsize * storage.order.size != encoding.extent()[1]:
            return None
        return _form(storage.dtype, storage.order, storage.order.size, 0)
    low, high = encoding.extent()
    n_pixels, itemsize = math.prod(encoding.sig_shape), encoding.dtype.itemsize
    if high - low != n_pixels * itemsize:
        return None
    if encoding.strides == Encoding(encoding.dtype, encoding.sig_shape).strides:
        return _form(encoding.dtype, None, n_pixels, low)
    places = np.zeros((1,), dtype=np.int64)
    for length, stride in zip(encoding.sig_shape, encoding.strides, strict=True):
        places = (places[:, None] + np.arange(length, dtype=np.int64)[None, :] * stride).reshape(-1)
    places += encoding.origin - low
    order = np.full(n_pixels, -1, dtype=np.int64)
    if np.any(places % itemsize):
        return None
    order[places // itemsize] = np.arange(n_pixels, dtype=np.int64)
    if np.any(order < 0):
        return None
    in_order = bool(np.all(order[:-1] < order[1:]))
    return _form(encoding.dtype, None if in_order else order, n_pixels, low)


def _form(dtype: np.dtype[Any], order: NDArray[np.int64] | None, n_pixels: int, start: int) -> StoredForm | None:
    native, swapped = dtype.newbyteorder("="), not dtype.isnative
    if native.kind not in "biuf" or native == np.float16 or native.itemsize > 8:
        return None
    if swapped and (native.kind not in "iu" or native.itemsize not in (2, 4)):
        return None
    return StoredForm(native, swapped, order, start, n_pixels * native.itemsize)
