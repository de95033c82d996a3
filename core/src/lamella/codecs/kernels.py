"""Compiled loops of the codecs. Import this module late: it imports numba.

Every function takes addresses and strides [bytes] of memory that its caller keeps alive and has checked. That is the
cheapest way into compiled code, gives each function one signature whatever the memory is, and lets LLVM see rows of
contiguous items, which it vectorises.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
from numba.core import cgutils, types
from numba.extending import intrinsic
from numba.np.numpy_support import carray

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "LSB_FIRST",
    "MSB_FIRST",
    "fold",
    "quad1",
    "quad8",
    "quad16",
    "unpack1",
    "unpack4",
    "unpack6",
    "unpack12",
    "words1",
]

_log = logging.getLogger(__name__)


def _compiled(function: Callable[..., None]) -> Callable[..., None]:
    try:
        compiled: Callable[..., None] = numba.njit(nogil=True, cache=True)(function)
    except RuntimeError as error:  # no folder for the cache can be written to
        _log.info("compiled loops are not kept on disk: %s", error)
        compiled = numba.njit(nogil=True)(function)
    return compiled


def _to_pointer(context: Any, address: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], cgutils.voidptr_t)

    return types.voidptr(types.int64), generate


_pointer: Any = intrinsic(_to_pointer)


@numba.njit
def _u8(address: int, size: int) -> Any:
    return carray(_pointer(address), size, np.uint8)


@numba.njit
def _u16(address: int, size: int) -> Any:
    return carray(_pointer(address), size, np.uint16)


@numba.njit
def _u32(address: int, size: int) -> Any:
    return carray(_pointer(address), size, np.uint32)


@numba.njit
def _u64(address: int, size: int) -> Any:
    return carray(_pointer(address), size, np.uint64)


_8, _16, _32 = np.uint64(8), np.uint64(16), np.uint64(32)
_EVEN_BYTES = np.uint64(0x00FF00FF00FF00FF)
_EVEN_PAIRS = np.uint64(0x0000FFFF0000FFFF)


@numba.njit
def _swap_bytes_of_pairs(v: Any) -> Any:
    return ((v >> _8) & _EVEN_BYTES) | ((v & _EVEN_BYTES) << _8)


@numba.njit
def _swap_word(v: Any) -> Any:
    v = ((v >> _8) & _EVEN_BYTES) | ((v & _EVEN_BYTES) << _8)
    v = ((v >> _16) & _EVEN_PAIRS) | ((v & _EVEN_PAIRS) << _16)
    return (v >> _32) | (v << _32)


_BYTES = np.arange(256, dtype=np.uint8)[:, None]
# The eight pixels in a byte of 1-bit data, as eight bytes: least and most significant bit first. They are arguments of
# the kernels that use them, because a table that is compiled in costs half of the speed.
LSB_FIRST = np.unpackbits(_BYTES, axis=1, bitorder="little").view(np.uint64).reshape(256)
MSB_FIRST = np.unpackbits(_BYTES, axis=1, bitorder="big").view(np.uint64).reshape(256)

# A chip of a Medipix3 detector has 256 pixels per row. Loops of constant length are unrolled, at twice the speed.
_CHIP16, _CHIP8, _CHIP1 = 64, 32, 4  # 64-bit words per row of a chip

# Packed pixels, the first in the least significant bits, in groups of whole bytes:
# n x rows rows of so many groups, each at its own place.


@_compiled
def unpack1(
    stored: int,
    s_outer: int,
    s_inner: int,
    out: int,
    o_outer: int,
    o_inner: int,
    n: int,
    rows: int,
    groups: int,
    table: NDArray[np.uint64],
) -> None:
    """Turn each byte into eight pixels of one byte."""
    for i in range(n):
        for r in range(rows):
            source = _u8(stored + i * s_outer + r * s_inner, groups)
            target = _u64(out + i * o_outer + r * o_inner, groups)
            for j in range(groups):
                target[j] = table[source[j]]


@_compiled
def unpack4(
    stored: int, s_outer: int, s_inner: int, out: int, o_outer: int, o_inner: int, n: int, rows: int, groups: int
) -> None:
    """Turn each byte into two pixels of one byte."""
    for i in range(n):
        for r in range(rows):
            source = _u8(stored + i * s_outer + r * s_inner, groups)
            target = _u8(out + i * o_outer + r * o_inner, 2 * groups)
            for j in range(groups):
                target[2 * j] = source[j] & np.uint8(15)
                target[2 * j + 1] = source[j] >> np.uint8(4)


@_compiled
def unpack6(
    stored: int, s_outer: int, s_inner: int, out: int, o_outer: int, o_inner: int, n: int, rows: int, groups: int
) -> None:
    """Turn three bytes into four pixels of one byte."""
    for i in range(n):
        for r in range(rows):
            source = _u8(stored + i * s_outer + r * s_inner, 3 * groups)
            target = _u8(out + i * o_outer + r * o_inner, 4 * groups)
            for j in range(groups):
                b0, b1, b2 = source[3 * j], source[3 * j + 1], source[3 * j + 2]
                target[4 * j] = b0 & np.uint8(63)
                target[4 * j + 1] = (b0 >> np.uint8(6)) | ((b1 & np.uint8(15)) << np.uint8(2))
                target[4 * j + 2] = (b1 >> np.uint8(4)) | ((b2 & np.uint8(3)) << np.uint8(4))
                target[4 * j + 3] = b2 >> np.uint8(2)


@_compiled
def unpack12(
    stored: int, s_outer: int, s_inner: int, out: int, o_outer: int, o_inner: int, n: int, rows: int, groups: int
) -> None:
    """Turn three bytes into two pixels of two bytes."""
    for i in range(n):
        for r in range(rows):
            source = _u8(stored + i * s_outer + r * s_inner, 3 * groups)
            target = _u32(out + i * o_outer + r * o_inner, groups)
            for j in range(groups):
                b0, b1, b2 = np.uint32(source[3 * j]), np.uint32(source[3 * j + 1]), np.uint32(source[3 * j + 2])
                pair = b0 | (b1 << np.uint32(8)) | (b2 << np.uint32(16))
                target[j] = (pair & np.uint32(0xFFF)) | ((pair << np.uint32(4)) & np.uint32(0xFFF0000))


# Big-endian 64-bit words, the first pixel in the least significant bits: n frames of ``nbytes``.


@_compiled
def words1(stored: int, s_outer: int, out: int, n: int, nbytes: int, table: NDArray[np.uint64]) -> None:
    """Turn each word into 64 pixels of one byte."""
    for i in range(n):
        source = _u8(stored + i * s_outer, nbytes)
        target = _u64(out + i * nbytes * 8, nbytes)
        for j in range(nbytes // 8):
            for k in range(8):
                target[8 * j + k] = table[source[8 * j + 7 - k]]


# Four chips: each stored row holds one row of chips 4, 3, 2, 1; chips 3 and 4 stand upside down below 1 and 2.


@_compiled
def quad16(stored: int, s_outer: int, out: int, n: int, rows: int) -> None:
    """Assemble frames of four pixels per word."""
    for i in range(n):
        for r in range(rows):
            source = _u64(stored + i * s_outer + 32 * _CHIP16 * r, 4 * _CHIP16)
            top = _u64(out + 16 * _CHIP16 * (2 * rows * i + r), 2 * _CHIP16)
            bottom = _u64(out + 16 * _CHIP16 * (2 * rows * (i + 1) - 1 - r), 2 * _CHIP16)
            for j in range(_CHIP16):
                top[j] = _swap_word(source[3 * _CHIP16 + j])
            for j in range(_CHIP16):
                top[_CHIP16 + j] = _swap_word(source[2 * _CHIP16 + j])
            for j in range(_CHIP16):
                bottom[j] = _swap_bytes_of_pairs(source[2 * _CHIP16 - 1 - j])
            for j in range(_CHIP16):
                bottom[_CHIP16 + j] = _swap_bytes_of_pairs(source[_CHIP16 - 1 - j])


@_compiled
def quad8(stored: int, s_outer: int, out: int, n: int, rows: int) -> None:
    """Assemble frames of eight pixels per word."""
    for i in range(n):
        for r in range(rows):
            source = _u64(stored + i * s_outer + 32 * _CHIP8 * r, 4 * _CHIP8)
            top = _u64(out + 16 * _CHIP8 * (2 * rows * i + r), 2 * _CHIP8)
            bottom = _u64(out + 16 * _CHIP8 * (2 * rows * (i + 1) - 1 - r), 2 * _CHIP8)
            for j in range(_CHIP8):
                top[j] = _swap_word(source[3 * _CHIP8 + j])
            for j in range(_CHIP8):
                top[_CHIP8 + j] = _swap_word(source[2 * _CHIP8 + j])
            for j in range(_CHIP8):
                bottom[j] = source[2 * _CHIP8 - 1 - j]
            for j in range(_CHIP8):
                bottom[_CHIP8 + j] = source[_CHIP8 - 1 - j]


@_compiled
def quad1(
    stored: int,
    s_outer: int,
    out: int,
    n: int,
    rows: int,
    forwards: NDArray[np.uint64],
    backwards: NDArray[np.uint64],
) -> None:
    """Assemble frames of 64 pixels per word."""
    for i in range(n):
        for r in range(rows):
            source = _u8(stored + i * s_outer + 32 * _CHIP1 * r, 32 * _CHIP1)
            top = _u64(out + 128 * _CHIP1 * (2 * rows * i + r), 16 * _CHIP1)
            bottom = _u64(out + 128 * _CHIP1 * (2 * rows * (i + 1) - 1 - r), 16 * _CHIP1)
            for j in range(_CHIP1):
                for k in range(8):
                    top[8 * j + k] = forwards[source[24 * _CHIP1 + 8 * j + 7 - k]]
                    top[8 * (_CHIP1 + j) + k] = forwards[source[16 * _CHIP1 + 8 * j + 7 - k]]
                    bottom[8 * j + k] = backwards[source[8 * (2 * _CHIP1 - 1 - j) + k]]
                    bottom[8 * (_CHIP1 + j) + k] = backwards[source[8 * (_CHIP1 - 1 - j) + k]]


# Two chips read out in opposite directions, side by side in the file.


@_compiled
def fold(stored: int, s_outer: int, out: int, n: int, rows: int, width: int, binning: int) -> None:
    """Put the left half of each stored row on top and the right half, turned around, at the bottom."""
    height = 2 * rows * binning
    for i in range(n):
        for r in range(rows):
            left = _u16(stored + i * s_outer + 4 * width * r, width)
            right = _u16(stored + i * s_outer + 4 * width * r + 2 * width, width)
            for b in range(binning):
                top = _u16(out + 2 * width * (height * i + r * binning + b), width)
                bottom = _u16(out + 2 * width * (height * (i + 1) - 1 - r * binning - b), width)
                for j in range(width):
                    top[j] = left[j]
                for j in range(width):
                    # Unsigned, or the check for a negative index keeps the loop from being vectorised.
                    bottom[j] = right[np.uint64(width - 1 - j)]
