"""Compiled decoders. They check every length, for the bytes come from a file, and release the GIL."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from lamella_hdf5.addresses import byte_at
from lamella_hdf5.lz4 import decode_block, literals, repeat

__all__ = ["bitshuffle_lz4", "fletcher32", "lz4_blocks", "lzf", "unshuffle"]

_MARGIN = 64
"""Room behind a block [bytes], so that the last copies may be rounded up as well."""
_SUMMED = 1 << 15
"""Words that can be summed up, each as often as there are words behind it, before the sum overflows."""


@njit(nogil=True, cache=True)
def _bounds(array):  # type: ignore[no-untyped-def]
    """Give the addresses of the first byte of an array and of its end."""
    first = np.int64(array.ctypes.data)
    return first, first + array.size


@njit(nogil=True, cache=True)
def _transposed(x):  # type: ignore[no-untyped-def]
    """Transpose a matrix of 8 x 8 bits."""
    t = (x ^ (x >> np.uint64(7))) & np.uint64(0x00AA00AA00AA00AA)
    x = x ^ t ^ (t << np.uint64(7))
    t = (x ^ (x >> np.uint64(14))) & np.uint64(0x0000CCCC0000CCCC)
    x = x ^ t ^ (t << np.uint64(14))
    t = (x ^ (x >> np.uint64(28))) & np.uint64(0x00000000F0F0F0F0)
    return x ^ t ^ (t << np.uint64(28))


@njit(nogil=True, cache=True)
def unshuffle(src: Any, out: Any, size: int) -> None:
    """Put the bytes of elements together again; ``src`` holds all first bytes, then all second bytes ..."""
    n = out.size // size
    if size == 2:
        for e in range(n):
            out[2 * e] = src[e]
            out[2 * e + 1] = src[n + e]
    elif size == 4:
        for e in range(n):
            out[4 * e] = src[e]
            out[4 * e + 1] = src[n + e]
            out[4 * e + 2] = src[2 * n + e]
            out[4 * e + 3] = src[3 * n + e]
    else:
        for j in range(size):
            for e in range(n):
                out[e * size + j] = src[j * n + e]
    for k in range(n * size, out.size):
        out[k] = src[k]


@njit(nogil=True, cache=True)
def _unbitshuffle(planes, n, size, shuffled, out):  # type: ignore[no-untyped-def]
    """Give ``n`` elements of ``size`` bytes from their bit planes; ``shuffled`` is room for them.

    Bits become bytes first, then bytes become elements: both loops run over neighbours in memory, eight at a time.
    """
    row = n // 8
    for j in range(size):
        first = 8 * j * row
        p0 = planes[first : first + row]
        p1 = planes[first + row : first + 2 * row]
        p2 = planes[first + 2 * row : first + 3 * row]
        p3 = planes[first + 3 * row : first + 4 * row]
        p4 = planes[first + 4 * row : first + 5 * row]
        p5 = planes[first + 5 * row : first + 6 * row]
        p6 = planes[first + 6 * row : first + 7 * row]
        p7 = planes[first + 7 * row : first + 8 * row]
        words = shuffled[j * n : (j + 1) * n].view(np.uint64)
        for g in range(row):
            x = (
                np.uint64(p0[g])
                | np.uint64(p1[g]) << np.uint64(8)
                | np.uint64(p2[g]) << np.uint64(16)
                | np.uint64(p3[g]) << np.uint64(24)
                | np.uint64(p4[g]) << np.uint64(32)
                | np.uint64(p5[g]) << np.uint64(40)
                | np.uint64(p6[g]) << np.uint64(48)
                | np.uint64(p7[g]) << np.uint64(56)
            )
            words[g] = _transposed(x)
    unshuffle(shuffled[: n * size], out, size)


@njit(nogil=True, cache=True)
def _big(src, i, n):  # type: ignore[no-untyped-def]
    value = np.int64(0)
    for k in range(n):
        value = value << 8 | np.int64(src[i + k])
    return value


@njit(nogil=True, cache=True)
def _bitshuffled(src, out, size):  # type: ignore[no-untyped-def]
    """Decode one chunk; gives whether it is sound."""
    if src.size < 12 or _big(src, 0, 8) != out.size:
        return False
    block = _big(src, 8, 4)
    if block <= 0 or block % (8 * size):
        return False
    room = min(block, out.size)
    shuffled, scratch = np.empty(room, np.uint8), np.empty(room + _MARGIN, np.uint8)
    source, source_end = _bounds(src)
    planes, planes_end = _bounds(scratch)
    i, done = np.int64(12), np.int64(0)
    whole = out.size // (8 * size) * (8 * size)
    while done < whole:
        length = min(block, whole - done)
        if src.size - i < 4:
            return False
        packed = _big(src, i, 4)
        i += 4
        if packed > src.size - i:
            return False
        end = decode_block(source + i, source + i + packed, source_end, planes, planes + length, planes_end)
        if end != planes + length:
            return False
        _unbitshuffle(scratch, length // size, size, shuffled, out[done : done + length])
        i += packed
        done += length
    if src.size - i < out.size - done:
        return False
    for k in range(out.size - done):
        out[done + k] = src[i + k]
    return True


@njit(nogil=True, cache=True)
def bitshuffle_lz4(src: Any, out: Any, places: Any, size: int, status: Any) -> None:
    """Decode chunks of the bitshuffle filter with LZ4; ``status[0]`` is 0 if all went well.

    ``places`` holds offset and length of each chunk within ``src``; the rows of ``out`` take one chunk each.
    """
    status[0] = 1
    for k in range(len(places)):
        begin = places[k, 0]
        if not _bitshuffled(src[begin : begin + places[k, 1]], out[k], size):
            return
    status[0] = 0


@njit(nogil=True, cache=True)
def lz4_blocks(src: Any, out: Any, status: Any) -> None:
    """Decode a chunk of the LZ4 filter."""
    status[0] = 1
    if src.size < 12 or _big(src, 0, 8) != out.size:
        return
    block = _big(src, 8, 4)
    source, source_end = _bounds(src)
    target, target_end = _bounds(out)
    i, done = np.int64(12), np.int64(0)
    while done < out.size:
        length = min(block, out.size - done)
        if length <= 0 or src.size - i < 4:
            return
        packed = _big(src, i, 4)
        i += 4
        if packed > src.size - i:
            return
        if packed == length:
            for k in range(length):
                out[done + k] = src[i + k]
        else:
            first, limit = target + done, target + done + length
            if decode_block(source + i, source + i + packed, source_end, first, limit, target_end) != limit:
                return
        i += packed
        done += length
    status[0] = 0


@njit(nogil=True, cache=True)
def lzf(src: Any, out: Any, status: Any) -> None:
    """Decode a chunk of the LZF filter."""
    status[0] = 1
    i, end = _bounds(src)
    first, limit = _bounds(out)
    d = first
    while i < end:
        control = byte_at(i)
        i += 1
        if control < 32:
            n = control + 1
            if n > end - i or n > limit - d:
                return
            literals(d, i, n, limit, end)
            i += n
            d += n
            continue
        n = control >> 5
        if n == 7:
            if i >= end:
                return
            n += byte_at(i)
            i += 1
        if i >= end:
            return
        back = ((control & 31) << 8 | byte_at(i)) + 1
        i += 1
        n += 2
        if back > d - first or n > limit - d:
            return
        repeat(d, back, n, limit)
        d += n
    if d == limit:
        status[0] = 0


@njit(nogil=True, cache=True)
def fletcher32(body: Any, sums: Any) -> None:
    """Give the two sums modulo 65535 of big-endian words of two bytes, the last one filled up with zero."""
    low, high = np.uint64(0), np.uint64(0)
    words = body.size // 2
    for start in range(0, words, _SUMMED):
        part = body[2 * start : 2 * min(words, start + _SUMMED)]
        n = part.size // 2
        total, weighted = np.uint64(0), np.uint64(0)
        for k in range(n):
            word = np.uint64(part[2 * k]) << np.uint64(8) | np.uint64(part[2 * k + 1])
            total += word
            weighted += word * np.uint64(n - k)
        high = (high + low * np.uint64(n) + weighted) % np.uint64(65535)
        low = (low + total) % np.uint64(65535)
    if body.size % 2:
        low = (low + (np.uint64(body[body.size - 1]) << np.uint64(8))) % np.uint64(65535)
        high = (high + low) % np.uint64(65535)
    sums[0], sums[1] = low, high
