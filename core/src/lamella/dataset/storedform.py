"""Frames as they are stored: what a computation has to know to work on them without decoding them first."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.geometry.pixelorder import IndexOrder, ItemOrder
from lamella.reader.source import Encoding, FrameSource, LinearSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
        Which pixel each stored item is; None if they are in C order.
    start, nbytes
        Where the pixels of a frame lie within its stored bytes; how long they are if a source unpacks them itself.
    bounds
        Items at which tiles are cut, shape ``(n,)``; None if that is no matter.
    """

    dtype: np.dtype[Any]
    swapped: bool
    order: ItemOrder | None
    start: int
    nbytes: int
    bounds: NDArray[np.int64] | None = None


def stored_form(source: LinearSource | FrameSource) -> StoredForm | None:
    """Give the form in which a source has its frames, or None where they must be decoded to pixels in order."""
    if isinstance(source, FrameSource):
        rows = source.rows
        if rows is None:
            return None
        nbytes = math.prod(source.sig_shape) * rows.dtype.itemsize
        return StoredForm(rows.dtype, False, rows.order, 0, nbytes, rows.bounds)
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
    nbytes = n_pixels * native.itemsize
    return StoredForm(native, swapped, None if order is None else IndexOrder(order), start, nbytes)
