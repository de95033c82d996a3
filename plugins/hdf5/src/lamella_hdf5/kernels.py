"""Compiled decoders. They check every length, for the bytes come from a file, and release the GIL."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = ["bitshuffle_lz4", "lz4_blocks", "lzf", "unshuffle"]


@njit(nogil=True, cache=True)
def _lz4(src, i, end, dst, first, limit):  # type: ignore[no-untyped-def]
    """Decode one LZ4 block into ``dst[first:limit]``; gives the end of what was written, -1 if it is damaged."""
    d = first
    while i < end:
        token = np.int64(src[i])
        i += 1
        n = token >> 4
        if n == 15:
            more = np.int64(255)
            while more == 255:
                if i >= end:
                    return -1
                more = np.int64(src[i])
                i += 1
                n += more
        if n > end - i or n > limit - d:
            return -1
        for k in range(n):
            dst[d + k] = src[i + k]
        i += n
        d += n
        if i >= end:
            break
        if end - i < 2:
            return -1
        back = np.int64(src[i]) | np.int64(src[i + 1]) << 8
        i += 2
        n = (token & 15) + 4
        if n == 19:
            more = np.int64(255)
            while more == 255:
                if i >= end:
                    return -1
                more = np.int64(src[i])
                i += 1
                n += more
        if back == 0 or back > d - first or n > limit - d:
            return -1
        if back == 1:
            value = dst[d - 1]
            for k in range(n):
                dst[d + k] = value
        else:
            for k in range(n):
                dst[d + k] = dst[d + k - back]
        d += n
    return d


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
def bitshuffle_lz4(src: Any, out: Any, size: int, scratch: Any, status: Any) -> None:
    """Decode a chunk of the bitshuffle filter with LZ4; ``status[0]`` is 0 if all went well."""
    status[0] = 1
    if src.size < 12 or _big(src, 0, 8) != out.size:
        return
    block = _big(src, 8, 4)
    if block <= 0 or block % (8 * size) or min(block, out.size) > scratch.size:
        return
    shuffled = np.empty(scratch.size, np.uint8)
    i, done = np.int64(12), np.int64(0)
    whole = out.size // (8 * size) * (8 * size)
    while done < whole:
        length = min(block, whole - done)
        if src.size - i < 4:
            return
        packed = _big(src, i, 4)
        i += 4
        if packed > src.size - i or _lz4(src, i, i + packed, scratch, 0, length) != length:
            return
        _unbitshuffle(scratch, length // size, size, shuffled, out[done : done + length])
        i += packed
        done += length
    if src.size - i < out.size - done:
        return
    for k in range(out.size - done):
        out[done + k] = src[i + k]
    status[0] = 0


@njit(nogil=True, cache=True)
def lz4_blocks(src: Any, out: Any, status: Any) -> None:
    """Decode a chunk of the LZ4 filter."""
    status[0] = 1
    if src.size < 12 or _big(src, 0, 8) != out.size:
        return
    block = _big(src, 8, 4)
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
        elif _lz4(src, i, i + packed, out, done, done + length) != done + length:
            return
        i += packed
        done += length
    status[0] = 0


@njit(nogil=True, cache=True)
def lzf(src: Any, out: Any, status: Any) -> None:
    """Decode a chunk of the LZF filter."""
    status[0] = 1
    i, d, end = np.int64(0), np.int64(0), src.size
    while i < end:
        control = np.int64(src[i])
        i += 1
        if control < 32:
            n = control + 1
            if n > end - i or n > out.size - d:
                return
            for k in range(n):
                out[d + k] = src[i + k]
            i += n
            d += n
            continue
        n = control >> 5
        if n == 7:
            if i >= end:
                return
            n += np.int64(src[i])
            i += 1
        if i >= end:
            return
        back = ((control & 31) << 8 | np.int64(src[i])) + 1
        i += 1
        n += 2
        if back > d or n > out.size - d:
            return
        for k in range(n):
            out[d + k] = out[d + k - back]
        d += n
    if d == out.size:
        status[0] = 0
