"""Compiled decoder of LZ4 blocks, and the copying that it shares with LZF.

A block is a row of sequences: a token (number of literals, length of the match, four bits each; 15 goes on in further
bytes), the literals, and the distance of the match in two bytes. The last one ends with its literals. See
https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md.

Copies are rounded up to whole words wherever source and target have room for it, because branches cost more than
bytes. Every length is checked, for the bytes come from a file. Numbers are little-endian, as is every machine for which
there is numba.
"""

# Compiled functions take numbers and arrays that numba finds out.
# mypy: disable-error-code="no-untyped-def, no-untyped-call"

from __future__ import annotations

import numpy as np
from numba import njit

from lamella_hdf5.addresses import byte_at, copy8, copy16, copy64, fill64, pair_at, put_byte, put_word, word_at

__all__ = ["decode_block", "literals", "repeat"]

_ROOM_TO_READ = 32
_ROOM_TO_WRITE = 64
_LONG = 15
_SHORTEST = 4
_STEP = np.array([0, 8, 8, 6, 8, 5, 6, 7], dtype=np.int64)
"""The most bytes of a pattern of some length that fit into a word and are a multiple of that length."""
_AGAIN = np.array([0, *(sum(1 << shift for shift in range(0, 64, 8 * back)) for back in range(1, 8))], dtype=np.uint64)
"""What repeats a pattern of some length in a word, by multiplication."""
_ALL = np.uint64((1 << 64) - 1)


@njit(nogil=True, cache=True)
def _pattern(end, back):
    """Give the last ``back`` bytes before ``end``, one to seven of them, again and again in a word.

    Seven bytes from ``end`` on may be read.
    """
    i = np.uint64(back)
    return (word_at(end - back) & ~(_ALL << (i << np.uint64(3)))) * _AGAIN[i]


@njit(nogil=True, cache=True)
def literals(target, source, n, target_end, source_end):
    """Copy ``n`` bytes; all arguments are addresses but ``n``."""
    room, k = min(target_end - target, source_end - source), np.int64(0)
    while k < n and k + 64 <= room:
        copy64(target + k, source + k)
        k += 64
    while k < n and k + 16 <= room:
        copy16(target + k, source + k)
        k += 16
    while k < n:
        put_byte(target + k, byte_at(source + k))
        k += 1


@njit(nogil=True, cache=True)
def repeat(target, back, n, target_end):
    """Copy ``n`` bytes from ``back`` bytes before, so that they repeat where ``n`` is larger than ``back``."""
    room, k = target_end - target, np.int64(0)
    if back >= 64:
        while k < n and k + 64 <= room:
            copy64(target + k, target + k - back)
            k += 64
    if back >= 16:
        while k < n and k + 16 <= room:
            copy16(target + k, target + k - back)
            k += 16
    elif back >= 8:
        while k < n and k + 8 <= room:
            copy8(target + k, target + k - back)
            k += 8
    elif room >= 8:
        word, step = _pattern(target, back), _STEP[np.uint64(back)]
        if step == 8:
            while k < n and k + 64 <= room:
                fill64(target + k, word)
                k += 64
        while k < n and k + 8 <= room:
            put_word(target + k, word)
            k += step
    while k < n:
        put_byte(target + k, byte_at(target + k - back))
        k += 1


@njit(nogil=True, cache=True)
def _repeat_short(target, back):
    """Copy 32 bytes, 24 where they overlap, from ``back`` bytes before."""
    if back >= 16:
        copy16(target, target - back)
        copy16(target + 16, target + 16 - back)
    elif back >= 8:
        copy8(target, target - back)
        copy8(target + 8, target + 8 - back)
        copy8(target + 16, target + 16 - back)
    else:
        word, step = _pattern(target, back), _STEP[np.uint64(back)]
        put_word(target, word)
        put_word(target + step, word)
        put_word(target + 2 * step, word)
        put_word(target + 3 * step, word)


@njit(nogil=True, cache=True)
def _extended(i, end, n):
    """Add further bytes to a length; gives where they end, 0 if they do not."""
    more = np.int64(255)
    while more == 255:
        if i >= end:
            return np.int64(0), n
        more = byte_at(i)
        i += 1
        n += more
    return i, n


@njit(nogil=True, cache=True)
def decode_block(i, end, source_end, first, limit, target_end):
    """Decode the block ``[i, end)`` to ``[first, limit)``, all of them addresses.

    What lies between ``end`` and ``source_end`` may be read, and between ``limit`` and ``target_end`` be written.
    Gives the address behind the last byte, 0 if the block is damaged.
    """
    d = first
    wide_source, wide_target = source_end - _ROOM_TO_READ, target_end - _ROOM_TO_WRITE
    while i < end:
        token = byte_at(i)
        i += 1
        n = token >> 4
        length = (token & 15) + _SHORTEST
        if n < _LONG and i <= wide_source and d <= wide_target:
            copy16(d, i)
            i += n
            d += n
            if i + 2 > end:
                return d if i == end and d <= limit else np.int64(0)
            back = pair_at(i)
            i += 2
            if back == 0 or back > d - first:
                return np.int64(0)
            if length < _LONG + _SHORTEST:
                _repeat_short(d, back)
                d += length
                if d > limit:
                    return np.int64(0)
                continue
        else:
            if n == _LONG:
                i, n = _extended(i, end, n)
                if i == 0:
                    return np.int64(0)
            if n > end - i or n > limit - d:
                return np.int64(0)
            literals(d, i, n, target_end, source_end)
            i += n
            d += n
            if i == end:
                return d
            if end - i < 2:
                return np.int64(0)
            back = pair_at(i)
            i += 2
            if back == 0 or back > d - first:
                return np.int64(0)
        if length == _LONG + _SHORTEST:
            i, length = _extended(i, end, length)
            if i == 0:
                return np.int64(0)
        if length > limit - d:
            return np.int64(0)
        repeat(d, back, length, target_end)
        d += length
    return d
