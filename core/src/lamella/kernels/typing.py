"""Compile-time helpers of the kernels: how to compile them, rows as arrays, and pixels widened in registers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

try:
    from numba import carray, njit, types  # type: ignore[attr-defined]
except ImportError as error:
    raise ImportError(
        f"kernels are compiled with numba, which cannot be imported ({error}): pip install numba"
    ) from None
from numba.core import cgutils
from numba.extending import intrinsic, overload

__all__ = ["REORDER", "as_pointer", "kept", "part", "row", "square", "wide", "wide_float"]

REORDER = {"reassoc", "contract", "nsz", "arcp"}
"""For ``fastmath``: sums may be taken in any order; NaN and infinity keep their meaning."""

# Functions that numba overloads are not annotated: it compares the two signatures to the letter.


def kept(**options: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Compile a function that does not hold the GIL, for a `lamella.udf.Kernel`, which keeps the result on disk.

    Parameters
    ----------
    **options
        For `numba.njit`.
    """
    made: Callable[[Callable[..., None]], Callable[..., None]] = njit(nogil=True, **options)
    return made


def _to_pointer(typing_context: Any, address: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(address), build


as_pointer: Any = intrinsic(_to_pointer)
"""Reinterpret an integer as an untyped pointer."""


@njit(nogil=True, inline="always")
def row(tile: Any, i: int) -> Any:
    """Give the pixels of frame i as a contiguous array.

    Rows of a tile are contiguous while frames may lie any number of bytes apart; only an array that is known to be
    contiguous is vectorised.
    """
    address = tile.ctypes.data + i * tile.strides[0]
    return carray(as_pointer(address), (tile.shape[1],), tile.dtype)


@njit(nogil=True, inline="always")
def part(rows: Any, i: int, start: int, stop: int) -> Any:
    """Give the items ``[start, stop)`` of row i, which are contiguous, as an array whose references are not counted."""
    address = rows.ctypes.data + i * rows.strides[0] + start * rows.itemsize
    return carray(as_pointer(address), (stop - start,), rows.dtype)


def _in_order(pixel, swapped):  # type: ignore[no-untyped-def]
    raise AssertionError("only compiled code calls this")


@overload(_in_order, inline="always")
def _in_order_compiled(pixel, swapped):  # type: ignore[no-untyped-def]
    """Give the pixel in native byte order; ``swapped`` is an empty tuple where it already is."""
    if isinstance(swapped, types.BaseTuple) and len(swapped) == 0:
        return lambda pixel, swapped: pixel
    if pixel.bitwidth == 16:
        unsigned, own = np.uint16, np.int16 if pixel.signed else np.uint16
        return lambda pixel, swapped: own(unsigned((unsigned(pixel) >> 8) | (unsigned(pixel) << 8)))
    if pixel.bitwidth == 32:
        word, target = np.uint32, np.int32 if pixel.signed else np.uint32
        return lambda pixel, swapped: target(
            word(
                (word(pixel) >> 24)
                | ((word(pixel) >> 8) & word(0xFF00))
                | ((word(pixel) << 8) & word(0xFF0000))
                | (word(pixel) << 24)
            )
        )
    return None


def wide(pixel, swapped):  # type: ignore[no-untyped-def]
    """Give a pixel in a type in which eight of them can be added: integers without overflow, floats in double."""
    raise AssertionError("only compiled code calls this")


@overload(wide, inline="always")
def _wide_compiled(pixel, swapped):  # type: ignore[no-untyped-def]
    if isinstance(pixel, types.Float):
        return lambda pixel, swapped: np.float64(pixel)
    if isinstance(pixel, types.Boolean) or pixel.bitwidth == 8:
        return lambda pixel, swapped: np.int32(pixel)
    if pixel.bitwidth == 16:
        return lambda pixel, swapped: np.int32(_in_order(pixel, swapped))
    if pixel.bitwidth == 32:
        return lambda pixel, swapped: np.int64(_in_order(pixel, swapped))
    return lambda pixel, swapped: np.int64(pixel)


def wide_float(pixel, swapped, one):  # type: ignore[no-untyped-def]
    """Give a pixel as a floating point number of the type of ``one``."""
    raise AssertionError("only compiled code calls this")


@overload(wide_float, inline="always")
def _wide_float_compiled(pixel, swapped, one):  # type: ignore[no-untyped-def]
    target = np.float32 if one.bitwidth == 32 else np.float64
    if isinstance(pixel, (types.Float, types.Boolean)) or pixel.bitwidth in (8, 64):
        return lambda pixel, swapped, one: target(pixel)
    return lambda pixel, swapped, one: target(_in_order(pixel, swapped))


def square(number, pixel):  # type: ignore[no-untyped-def]
    """Give the square of what ``wide`` made of a pixel, in a type in which eight of them can be added."""
    raise AssertionError("only compiled code calls this")


@overload(square, inline="always")
def _square_compiled(number, pixel):  # type: ignore[no-untyped-def]
    if isinstance(pixel, types.Boolean) or pixel.bitwidth == 8:
        return lambda number, pixel: np.int32(number * number)
    return lambda number, pixel: np.int64(number) * np.int64(number)
