"""Sums that are exact, or as good as double precision makes them, in memory of bounded size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

__all__ = ["Widened", "signed", "sum_dtype", "total_dtype", "weight_dtype"]

_ELEMENTS = 1 << 17
"""Elements that are widened at a time: they stay in the cache until they are used."""


def sum_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Give the dtype for sums: 64-bit integers for whole numbers, double precision for the others."""
    wide = {"b": np.uint64, "u": np.uint64, "i": np.int64, "f": np.float64, "c": np.complex128}
    return np.result_type(dtype, wide[dtype.kind]) if dtype.kind in wide else dtype


def total_dtype(dtype: np.dtype[Any], result: DTypeLike | None) -> np.dtype[Any]:
    """Give the dtype in which a sum is accumulated whose result is wanted in another one.

    That is `sum_dtype`, and floating point where a result in floating point must not overflow as integers would.
    """
    wide = sum_dtype(dtype)
    if result is not None and np.dtype(result).kind in "fc" and dtype.kind in "iu" and dtype.itemsize == 8:
        return np.result_type(np.dtype(result), np.float64)
    return wide


class Widened:
    """Gives a tile in a wider dtype, a few frames at a time, in a buffer that is used again.

    Parameters
    ----------
    dtype
        The wider dtype.
    """

    def __init__(self, dtype: DTypeLike) -> None:
        self._buffer: NDArray[Any] = np.empty(0, dtype)

    def blocks(self, tile: NDArray[Any]) -> Iterator[tuple[slice, NDArray[Any]]]:
        """Give frames and their pixels, shape ``(n, pixels)``; writable, and valid until the next block."""
        pixels = tile[0].size if len(tile) else 0
        depth = max(1, _ELEMENTS // max(1, pixels))
        needed = min(depth, len(tile)) * pixels
        if self._buffer.size < needed:
            self._buffer = np.empty(needed, self._buffer.dtype)
        for start in range(0, len(tile), depth):
            part = tile[start : start + depth]
            wide = self._buffer[: part.size].reshape(part.shape)
            np.copyto(wide, part, casting="same_kind")
            yield slice(start, start + len(part)), wide.reshape(len(part), pixels)


def signed(total: NDArray[Any]) -> NDArray[Any]:
    """Give an unsigned total as signed integers of the same bits: sums come out the same, and kernels know one type."""
    return total.view(np.int64) if total.dtype == np.uint64 else total


def weight_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Give the dtype of weights for pixels: single precision, or double where pixels need it to be exact."""
    return np.result_type(dtype, np.float32)
