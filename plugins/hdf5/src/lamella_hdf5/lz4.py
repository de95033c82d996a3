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

from lamella_hdf5.addresses import byte_at, copy8, copy16, pair_at, put_byte, put_word, word_at

__all__ = ["decode_block", "literals", "repeat"]

_ROOM_TO_READ = 32
_ROOM_TO_WRITE = 64
_LONG = 15
_SHORTEST = 4
_STEP = np.array([0, 8, 8, 6, 8, 5, 6, 7], dtype=np.int64)
"""The most bytes of a pattern of some length that fit into a word and are a multiple of that length."""


@njit(nogil=True, cache=True)
def _pattern(end, back):
    """Give the last ``back`` bytes before ``end``, one to seven of them, again and again in a word."""
    bits = np.uint64(8 * back)
    word = word_at(end - back) & ((np.uint64(1) << bits) - np.uint64(1))
    word |= word << bits
    if back < 4:
        word |= word << (bits + bits)
        if back == 1:
            word |= word << np.uint64(32)
    return word


@njit(nogil=True, cache=True)
def literals(target, source, n, target_end, source_end):
    """Copy ``n`` bytes; all arguments are addresses but ``n``."""
    wide = min(n, target_end - 16 - target, source_end - 16 - source)
    for k in range(0, wide, 16):
        copy16(target + k, source + k)
    for k in range(max(0, wide), n):
        put_byte(target + k, byte_at(source + k))


@njit(nogil=True, cache=True)
def repeat(target, back, n, target_end):
    """Copy ``n`` bytes from ``back`` bytes before, so that they repeat where ``n`` is larger than ``back``."""
    wide = min(n, target_end - 16 - target)
    if back >= 16:
        for k in range(0, wide, 16):
            copy16(target + k, target + k - back)
    elif back >= 8:
        for k in range(0, wide, 8):
            copy8(target + k, target + k - back)
    elif wide > 0:
        word, step = _pattern(target, back), _STEP[np.uint64(back)]
        for k in range(0, wide, step):
            put_word(target + k, word)
    for k in range(max(0, wide), n):
        put_byte(target + k, byte_at(target + k - back))


@njit(nogil=True, cache=True)
def _repeat_short(target, back):
    """Copy 18 bytes from ``back`` bytes before; may write 32."""
    if back >= 8:
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
