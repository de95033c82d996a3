"""Compiled loops of the codecs. Import this module late: it imports numba.

Every function takes memory as one-dimensional arrays, the first element and strides [elements] (see
`lamella.codecs.dispatch.flatten`), slices a row first and then counts from zero: that is what LLVM vectorises. It also
keeps each function at one compiled signature.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["fold", "quad1", "quad8", "quad16", "unpack1", "unpack4", "unpack6", "unpack12", "words1"]

_log = logging.getLogger(__name__)


def _compiled(function: Callable[..., None]) -> Callable[..., None]:
    try:
        compiled: Callable[..., None] = numba.njit(nogil=True, cache=True)(function)
    except RuntimeError as error:  # no folder for the cache can be written to
        _log.info("compiled loops are not kept on disk: %s", error)
        compiled = numba.njit(nogil=True)(function)
    return compiled


_U8, _U16, _U32 = np.uint64(8), np.uint64(16), np.uint64(32)
_EVEN_BYTES = np.uint64(0x00FF00FF00FF00FF)
_EVEN_PAIRS = np.uint64(0x0000FFFF0000FFFF)
_BYTES = np.arange(256, dtype=np.uint8)[:, None]
# The eight pixels in a byte of 1-bit data, as eight bytes: least and most significant bit first.
_LSB_FIRST = np.unpackbits(_BYTES, axis=1, bitorder="little").view(np.uint64).reshape(256)
_MSB_FIRST = np.unpackbits(_BYTES, axis=1, bitorder="big").view(np.uint64).reshape(256)

# A chip of a Medipix3 detector has 256 pixels per row. Loops of constant length are unrolled, at twice the speed.
_CHIP16, _CHIP8, _CHIP1 = 64, 32, 4  # 64-bit words per row of a chip


@numba.njit(inline="always")
def _swap_bytes_of_pairs(v: Any) -> Any:
    return ((v >> _U8) & _EVEN_BYTES) | ((v & _EVEN_BYTES) << _U8)


@numba.njit(inline="always")
def _swap_word(v: Any) -> Any:
    v = ((v >> _U8) & _EVEN_BYTES) | ((v & _EVEN_BYTES) << _U8)
    v = ((v >> _U16) & _EVEN_PAIRS) | ((v & _EVEN_PAIRS) << _U16)
    return (v >> _U32) | (v << _U32)


# Packed pixels, first pixel in the least significant bits. ``groups`` are whole groups of bytes per row.


@_compiled
def unpack1(
    stored: NDArray[np.uint8],
    s_first: int,
    s_outer: int,
    s_inner: int,
    out: NDArray[np.uint64],
    o_first: int,
    o_outer: int,
    o_inner: int,
    n: int,
    rows: int,
    groups: int,
) -> None:
    """Turn each byte into eight pixels of one byte; ``out`` counts groups of eight pixels."""
    for i in range(n):
        for r in range(rows):
            at = s_first + i * s_outer + r * s_inner
            source = stored[at : at + groups]
            at = o_first + i * o_outer + r * o_inner
            target = out[at : at + groups]
            for j in range(groups):
                target[j] = _LSB_FIRST[source[j]]


@_compiled
def unpack4(
    stored: NDArray[np.uint8],
    s_first: int,
    s_outer: int,
    s_inner: int,
    out: NDArray[np.uint8],
    o_first: int,
    o_outer: int,
    o_inner: int,
    n: int,
    rows: int,
    groups: int,
) -> None:
    """Turn each byte into two pixels of one byte."""
    for i in range(n):
        for r in range(rows):
            at = s_first + i * s_outer + r * s_inner
            source = stored[at : at + groups]
            at = o_first + i * o_outer + r * o_inner
            target = out[at : at + 2 * groups]
            for j in range(groups):
                target[2 * j] = source[j] & np.uint8(15)
                target[2 * j + 1] = source[j] >> np.uint8(4)


@_compiled
def unpack6(
    stored: NDArray[np.uint8],
    s_first: int,
    s_outer: int,
    s_inner: int,
    out: NDArray[np.uint8],
    o_first: int,
    o_outer: int,
    o_inner: int,
    n: int,
    rows: int,
    groups: int,
) -> None:
    """Turn three bytes into four pixels of one byte."""
    for i in range(n):
        for r in range(rows):
            at = s_first + i * s_outer + r * s_inner
            source = stored[at : at + 3 * groups]
            at = o_first + i * o_outer + r * o_inner
            target = out[at : at + 4 * groups]
            for j in range(groups):
                b0, b1, b2 = source[3 * j], source[3 * j + 1], source[3 * j + 2]
                target[4 * j] = b0 & np.uint8(63)
                target[4 * j + 1] = (b0 >> np.uint8(6)) | ((b1 & np.uint8(15)) << np.uint8(2))
                target[4 * j + 2] = (b1 >> np.uint8(4)) | ((b2 & np.uint8(3)) << np.uint8(4))
                target[4 * j + 3] = b2 >> np.uint8(2)


@_compiled
def unpack12(
    stored: NDArray[np.uint8],
    s_first: int,
    s_outer: int,
    s_inner: int,
    out: NDArray[np.uint16],
    o_first: int,
    o_outer: int,
    o_inner: int,
    n: int,
    rows: int,
    groups: int,
) -> None:
    """Turn three bytes into two pixels of two bytes."""
    for i in range(n):
        for r in range(rows):
            at = s_first + i * s_outer + r * s_inner
            source = stored[at : at + 3 * groups]
            at = o_first + i * o_outer + r * o_inner
            target = out[at : at + 2 * groups]
            for j in range(groups):
                b0, b1, b2 = np.uint16(source[3 * j]), np.uint16(source[3 * j + 1]), np.uint16(source[3 * j + 2])
                target[2 * j] = b0 | ((b1 & np.uint16(15)) << np.uint16(8))
                target[2 * j + 1] = (b1 >> np.uint16(4)) | (b2 << np.uint16(4))


# Big-endian 64-bit words, first pixel in the least significant bits.


@_compiled
def words1(stored: NDArray[np.uint8], s_first: int, s_outer: int, out: NDArray[np.uint64], n: int, words: int) -> None:
    """Turn each word into 64 pixels of one byte; ``out`` counts groups of eight pixels."""
    for i in range(n):
        at = s_first + i * s_outer
        source = stored[at : at + 8 * words]
        target = out[i * 8 * words : (i + 1) * 8 * words]
        for j in range(words):
            for k in range(8):
                target[8 * j + k] = _LSB_FIRST[source[8 * j + 7 - k]]


# Four chips: each stored row holds one row of chips 4, 3, 2, 1; chips 3 and 4 stand upside down below 1 and 2.


@_compiled
def quad16(stored: NDArray[np.uint64], s_first: int, s_outer: int, out: NDArray[np.uint64], n: int, rows: int) -> None:
    """Assemble frames of four pixels per word."""
    for i in range(n):
        for r in range(rows):
            at = s_first + i * s_outer + 4 * _CHIP16 * r
            source = stored[at : at + 4 * _CHIP16]
            at = 2 * _CHIP16 * (2 * rows * i + r)
            top = out[at : at + 2 * _CHIP16]
            at = 2 * _CHIP16 * (2 * rows * (i + 1) - 1 - r)
            bottom = out[at : at + 2 * _CHIP16]
            for j in range(_CHIP16):
                top[j] = _swap_word(source[3 * _CHIP16 + j])
            for j in range(_CHIP16):
                top[_CHIP16 + j] = _swap_word(source[2 * _CHIP16 + j])
            for j in range(_CHIP16):
                bottom[j] = _swap_bytes_of_pairs(source[2 * _CHIP16 - 1 - j])
            for j in range(_CHIP16):
                bottom[_CHIP16 + j] = _swap_bytes_of_pairs(source[_CHIP16 - 1 - j])


@_compiled
def quad8(stored: NDArray[np.uint64], s_first: int, s_outer: int, out: NDArray[np.uint64], n: int, rows: int) -> None:
    """Assemble frames of eight pixels per word."""
    for i in range(n):
        for r in range(rows):
            at = s_first + i * s_outer + 4 * _CHIP8 * r
            source = stored[at : at + 4 * _CHIP8]
            at = 2 * _CHIP8 * (2 * rows * i + r)
            top = out[at : at + 2 * _CHIP8]
            at = 2 * _CHIP8 * (2 * rows * (i + 1) - 1 - r)
            bottom = out[at : at + 2 * _CHIP8]
            for j in range(_CHIP8):
                top[j] = _swap_word(source[3 * _CHIP8 + j])
            for j in range(_CHIP8):
                top[_CHIP8 + j] = _swap_word(source[2 * _CHIP8 + j])
            for j in range(_CHIP8):
                bottom[j] = source[2 * _CHIP8 - 1 - j]
            for j in range(_CHIP8):
                bottom[_CHIP8 + j] = source[_CHIP8 - 1 - j]


@_compiled
def quad1(stored: NDArray[np.uint8], s_first: int, s_outer: int, out: NDArray[np.uint64], n: int, rows: int) -> None:
    """Assemble frames of 64 pixels per word; ``out`` counts groups of eight pixels."""
    for i in range(n):
        for r in range(rows):
            at = s_first + i * s_outer + 32 * _CHIP1 * r
            source = stored[at : at + 32 * _CHIP1]
            at = 16 * _CHIP1 * (2 * rows * i + r)
            top = out[at : at + 16 * _CHIP1]
            at = 16 * _CHIP1 * (2 * rows * (i + 1) - 1 - r)
            bottom = out[at : at + 16 * _CHIP1]
            for j in range(_CHIP1):
                for k in range(8):
                    top[8 * j + k] = _LSB_FIRST[source[24 * _CHIP1 + 8 * j + 7 - k]]
                    top[8 * (_CHIP1 + j) + k] = _LSB_FIRST[source[16 * _CHIP1 + 8 * j + 7 - k]]
                    bottom[8 * j + k] = _MSB_FIRST[source[8 * (2 * _CHIP1 - 1 - j) + k]]
                    bottom[8 * (_CHIP1 + j) + k] = _MSB_FIRST[source[8 * (_CHIP1 - 1 - j) + k]]


# Two chips read out in opposite directions, side by side in the file.


@_compiled
def fold(
    stored: NDArray[np.uint16],
    s_first: int,
    s_outer: int,
    out: NDArray[np.uint16],
    n: int,
    rows: int,
    width: int,
    binning: int,
) -> None:
    """Put the left half of each stored row on top and the right half, turned around, at the bottom."""
    height = 2 * rows * binning
    for i in range(n):
        for r in range(rows):
            at = s_first + i * s_outer + 2 * width * r
            left = stored[at : at + width]
            right = stored[at + width : at + 2 * width]
            for b in range(binning):
                at = width * (height * i + r * binning + b)
                top = out[at : at + width]
                at = width * (height * (i + 1) - 1 - r * binning - b)
                bottom = out[at : at + width]
                for j in range(width):
                    top[j] = left[j]
                for j in range(width):
                    bottom[j] = right[width - 1 - j]
