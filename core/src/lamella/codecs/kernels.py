"""Compiled loops of the codecs; `lamella.codecs.Kernel` imports this module in the background, because it needs numba.

Frames and rows may lie any number of bytes apart. A row is looked at through its address, as an array that is known to
be contiguous: only that is vectorised. Loops of constant length are unrolled, which doubles the speed of the quads.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba.np.numpy_support import carray

from lamella.kernels.typing import as_pointer, kept

__all__ = [
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


@numba.njit
def _u8(address: int, size: int) -> Any:
    return carray(as_pointer(address), size, np.uint8)


@numba.njit
def _u16(address: int, size: int) -> Any:
    return carray(as_pointer(address), size, np.uint16)


@numba.njit
def _u32(address: int, size: int) -> Any:
    return carray(as_pointer(address), size, np.uint32)


@numba.njit
def _u64(address: int, size: int) -> Any:
    return carray(as_pointer(address), size, np.uint64)


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


_CHIP16, _CHIP8, _CHIP1 = 64, 32, 4  # 64-bit words per row of 256 pixels
_LONG = 256  # pixels of a row that make wide loops pay
# Packed pixels, the first in the least significant bits: stored bytes (n, rows, columns, nbytes) to pixels
# (n, rows, columns, width). One call unpacks whatever lies at constant distances, however small the pieces are.


@kept()
def unpack1(stored: Any, out: Any, table: Any) -> None:
    """Turn each byte into eight pixels of one byte."""
    for n in range(out.shape[0]):
        _unpack1(stored[n], out[n], table)


@kept()
def unpack4(stored: Any, out: Any) -> None:
    """Turn each byte into two pixels of one byte."""
    for n in range(out.shape[0]):
        _unpack4(stored[n], out[n])


@kept()
def unpack6(stored: Any, out: Any) -> None:
    """Turn three bytes into four pixels of one byte."""
    for n in range(out.shape[0]):
        _unpack6(stored[n], out[n])


@kept()
def unpack12(stored: Any, out: Any) -> None:
    """Turn three bytes into two pixels of two bytes."""
    long = out.shape[3] >= _LONG and out.shape[3] % 4 == 0
    for n in range(out.shape[0]):
        if long:
            _unpack12_long(stored[n], out[n])
        else:
            _unpack12(stored[n], out[n])


@numba.njit(nogil=True)
def _unpack1(stored: Any, out: Any, table: Any) -> None:
    groups = out.shape[2] // 8
    for i in range(out.shape[0]):
        for r in range(out.shape[1]):
            source = _u8(stored.ctypes.data + i * stored.strides[0] + r * stored.strides[1], groups)
            target = _u64(out.ctypes.data + i * out.strides[0] + r * out.strides[1], groups)
            for j in range(groups):
                target[j] = table[source[j]]


@numba.njit(nogil=True)
def _unpack4(stored: Any, out: Any) -> None:
    groups = out.shape[2] // 2
    for i in range(out.shape[0]):
        for r in range(out.shape[1]):
            source = _u8(stored.ctypes.data + i * stored.strides[0] + r * stored.strides[1], groups)
            target = _u8(out.ctypes.data + i * out.strides[0] + r * out.strides[1], 2 * groups)
            for j in range(groups):
                target[2 * j] = source[j] & np.uint8(15)
                target[2 * j + 1] = source[j] >> np.uint8(4)


@numba.njit(nogil=True)
def _unpack6(stored: Any, out: Any) -> None:
    groups = out.shape[2] // 4
    for i in range(out.shape[0]):
        for r in range(out.shape[1]):
            source = _u8(stored.ctypes.data + i * stored.strides[0] + r * stored.strides[1], 3 * groups)
            target = _u8(out.ctypes.data + i * out.strides[0] + r * out.strides[1], 4 * groups)
            for j in range(groups):
                b0, b1, b2 = source[3 * j], source[3 * j + 1], source[3 * j + 2]
                target[4 * j] = b0 & np.uint8(63)
                target[4 * j + 1] = (b0 >> np.uint8(6)) | ((b1 & np.uint8(15)) << np.uint8(2))
                target[4 * j + 2] = (b1 >> np.uint8(4)) | ((b2 & np.uint8(3)) << np.uint8(4))
                target[4 * j + 3] = b2 >> np.uint8(2)


@numba.njit(nogil=True)
def _unpack12(stored: Any, out: Any) -> None:
    groups = out.shape[2] // 2
    for i in range(out.shape[0]):
        for r in range(out.shape[1]):
            source = _u8(stored.ctypes.data + i * stored.strides[0] + r * stored.strides[1], 3 * groups)
            target = _u32(out.ctypes.data + i * out.strides[0] + r * out.strides[1], groups)
            for j in range(groups):
                b0, b1, b2 = np.uint32(source[3 * j]), np.uint32(source[3 * j + 1]), np.uint32(source[3 * j + 2])
                pair = b0 | (b1 << np.uint32(8)) | (b2 << np.uint32(16))
                target[j] = (pair & np.uint32(0xFFF)) | ((pair << np.uint32(4)) & np.uint32(0xFFF0000))


@numba.njit(nogil=True)
def _unpack12_long(stored: Any, out: Any) -> None:
    # Three words of two bytes are four pixels: on long rows 1.6 times as fast, on short ones a third as fast.
    groups = out.shape[2] // 4
    for i in range(out.shape[0]):
        for r in range(out.shape[1]):
            source = _u16(stored.ctypes.data + i * stored.strides[0] + r * stored.strides[1], 3 * groups)
            target = _u16(out.ctypes.data + i * out.strides[0] + r * out.strides[1], 4 * groups)
            for j in range(groups):
                w0, w1, w2 = source[3 * j], source[3 * j + 1], source[3 * j + 2]
                target[4 * j] = w0 & np.uint16(0xFFF)
                target[4 * j + 1] = (w0 >> np.uint16(12)) | ((w1 & np.uint16(0xFF)) << np.uint16(4))
                target[4 * j + 2] = (w1 >> np.uint16(8)) | ((w2 & np.uint16(0xF)) << np.uint16(8))
                target[4 * j + 3] = w2 >> np.uint16(4)


# Big-endian 64-bit words, the first pixel in the least significant bits: (n, nbytes) to (n, pixels).


@kept()
def words1(stored: Any, out: Any, table: Any) -> None:
    """Turn each word into 64 pixels of one byte."""
    nbytes = stored.shape[1]
    for i in range(out.shape[0]):
        source = _u8(stored.ctypes.data + i * stored.strides[0], nbytes)
        target = _u64(out.ctypes.data + i * out.strides[0], nbytes)
        for j in range(nbytes // 8):
            for k in range(8):
                target[8 * j + k] = table[source[8 * j + 7 - k]]


# Four chips: each stored row holds one row of chips 4, 3, 2, 1; chips 3 and 4 stand upside down below 1 and 2.


@kept()
def quad16(stored: Any, out: Any) -> None:
    """Assemble frames of four pixels per word."""
    height = out.shape[1]
    for i in range(out.shape[0]):
        for r in range(height // 2):
            source = _u64(stored.ctypes.data + i * stored.strides[0] + 32 * _CHIP16 * r, 4 * _CHIP16)
            top = _u64(out.ctypes.data + i * out.strides[0] + r * out.strides[1], 2 * _CHIP16)
            bottom = _u64(out.ctypes.data + i * out.strides[0] + (height - 1 - r) * out.strides[1], 2 * _CHIP16)
            for j in range(_CHIP16):
                top[j] = _swap_word(source[3 * _CHIP16 + j])
            for j in range(_CHIP16):
                top[_CHIP16 + j] = _swap_word(source[2 * _CHIP16 + j])
            for j in range(_CHIP16):
                bottom[j] = _swap_bytes_of_pairs(source[2 * _CHIP16 - 1 - j])
            for j in range(_CHIP16):
                bottom[_CHIP16 + j] = _swap_bytes_of_pairs(source[_CHIP16 - 1 - j])


@kept()
def quad8(stored: Any, out: Any) -> None:
    """Assemble frames of eight pixels per word."""
    height = out.shape[1]
    for i in range(out.shape[0]):
        for r in range(height // 2):
            source = _u64(stored.ctypes.data + i * stored.strides[0] + 32 * _CHIP8 * r, 4 * _CHIP8)
            top = _u64(out.ctypes.data + i * out.strides[0] + r * out.strides[1], 2 * _CHIP8)
            bottom = _u64(out.ctypes.data + i * out.strides[0] + (height - 1 - r) * out.strides[1], 2 * _CHIP8)
            for j in range(_CHIP8):
                top[j] = _swap_word(source[3 * _CHIP8 + j])
            for j in range(_CHIP8):
                top[_CHIP8 + j] = _swap_word(source[2 * _CHIP8 + j])
            for j in range(_CHIP8):
                bottom[j] = source[2 * _CHIP8 - 1 - j]
            for j in range(_CHIP8):
                bottom[_CHIP8 + j] = source[_CHIP8 - 1 - j]


@kept()
def quad1(stored: Any, out: Any, forwards: Any, backwards: Any) -> None:
    """Assemble frames of 64 pixels per word."""
    height = out.shape[1]
    for i in range(out.shape[0]):
        for r in range(height // 2):
            source = _u8(stored.ctypes.data + i * stored.strides[0] + 32 * _CHIP1 * r, 32 * _CHIP1)
            top = _u64(out.ctypes.data + i * out.strides[0] + r * out.strides[1], 16 * _CHIP1)
            bottom = _u64(out.ctypes.data + i * out.strides[0] + (height - 1 - r) * out.strides[1], 16 * _CHIP1)
            for j in range(_CHIP1):
                for k in range(8):
                    top[8 * j + k] = forwards[source[24 * _CHIP1 + 8 * j + 7 - k]]
                    top[8 * (_CHIP1 + j) + k] = forwards[source[16 * _CHIP1 + 8 * j + 7 - k]]
                    bottom[8 * j + k] = backwards[source[8 * (2 * _CHIP1 - 1 - j) + k]]
                    bottom[8 * (_CHIP1 + j) + k] = backwards[source[8 * (_CHIP1 - 1 - j) + k]]


# Two chips read out in opposite directions, side by side in the file.


@kept()
def fold(stored: Any, out: Any, binning: int) -> None:
    """Put the left half of each stored row on top and the right half, turned around, at the bottom."""
    height, width = out.shape[1], out.shape[2]
    for i in range(out.shape[0]):
        for r in range(height // (2 * binning)):
            at = stored.ctypes.data + i * stored.strides[0] + 4 * width * r
            left, right = _u16(at, width), _u16(at + 2 * width, width)
            for b in range(binning):
                y = r * binning + b
                top = _u16(out.ctypes.data + i * out.strides[0] + y * out.strides[1], width)
                bottom = _u16(out.ctypes.data + i * out.strides[0] + (height - 1 - y) * out.strides[1], width)
                for j in range(width):
                    top[j] = left[j]
                for j in range(width):
                    # Unsigned, or the check for a negative index keeps the loop from being vectorised.
                    bottom[j] = right[np.uint64(width - 1 - j)]
