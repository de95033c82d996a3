"""Compiled decoders. They check every length, for the bytes come from a file, and release the GIL."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from lamella_hdf5.addresses import bounds, byte_at
from lamella_hdf5.lz4 import decode_block, literals, repeat
from lamella_hdf5.planes import unbitshuffle, unshuffle

__all__ = ["bitshuffle_lz4", "fletcher32", "lz4_blocks", "lzf", "unshuffle"]

_MARGIN = 64
"""Room behind a block [bytes], so that the last copies may be rounded up as well."""
_SUMMED = 1 << 15
"""Words that can be summed up, each as often as there are words behind it, before the sum overflows."""


@njit(nogil=True)
def _big(src, i, n):  # type: ignore[no-untyped-def]
    value = np.int64(0)
    for k in range(n):
        value = value << 8 | np.int64(src[i + k])
    return value


@njit(nogil=True)
def _bitshuffled(src, out, size):  # type: ignore[no-untyped-def]
    """Decode one chunk; gives whether it is sound."""
    if src.size < 12 or _big(src, 0, 8) != out.size:
        return False
    block = _big(src, 8, 4)
    if block <= 0 or block % (8 * size):
        return False
    room = min(block, out.size)
    shuffled, scratch = np.empty(room, np.uint8), np.empty(room + _MARGIN, np.uint8)
    source, source_end = bounds(src)
    planes, planes_end = bounds(scratch)
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
        unbitshuffle(scratch, length // size, size, shuffled, out[done : done + length])
        i += packed
        done += length
    if src.size - i < out.size - done:
        return False
    for k in range(out.size - done):
        out[done + k] = src[i + k]
    return True


@njit(nogil=True)
def bitshuffle_lz4(src: Any, out: Any, places: Any, first: int, size: int, status: Any) -> None:
    """Decode chunks of the bitshuffle filter with LZ4; ``status[0]`` is 0 if all went well.

    ``places`` holds offset and length of each chunk, and ``src`` what there is from offset ``first`` on; the rows of
    ``out`` take one chunk each.
    """
    status[0] = 1
    for k in range(len(places)):
        begin, nbytes = places[k, 0] - first, places[k, 1]
        if begin < 0 or nbytes < 0 or begin + nbytes > src.size:
            return
        if not _bitshuffled(src[begin : begin + nbytes], out[k], size):
            return
    status[0] = 0


@njit(nogil=True)
def lz4_blocks(src: Any, out: Any, status: Any) -> None:
    """Decode a chunk of the LZ4 filter."""
    status[0] = 1
    if src.size < 12 or _big(src, 0, 8) != out.size:
        return
    block = _big(src, 8, 4)
    source, source_end = bounds(src)
    target, target_end = bounds(out)
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


@njit(nogil=True)
def lzf(src: Any, out: Any, status: Any) -> None:
    """Decode a chunk of the LZF filter."""
    status[0] = 1
    i, end = bounds(src)
    first, limit = bounds(out)
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


@njit(nogil=True)
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
