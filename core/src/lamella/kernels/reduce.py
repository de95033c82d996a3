"""The compiled reductions over frames and over pixels, and the correction of pixels.

Tiles are ``(depth, n_pixels)`` in stored dtype; pixels are widened in registers only.
Every reduction takes the byte order as a tuple: ``()`` for native, ``(1,)`` for swapped. The loops over pixels are the
ones that the compiler vectorises, so that each frame is read once and accumulators are touched once per eight frames.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import overload

from lamella.kernels.typing import REORDER, kept, row, square, wide, wide_float
from lamella.kernels.weigh import BLOCK, room_for, weigh_block

__all__ = ["add_frames", "add_moments", "add_pixels", "add_squares", "correct_rows", "reduce_rows"]

_DEEP = 256
"""Frames that are added up before their sum is added to the result, so that long sums stay as good as short ones."""


_START: Any = np.int64(0)
"""Where the first frame and the first pixel are; numba would compile one more version for a literal."""

# Arrays are set and added in loops: for a slice, numba also compiles the text of an error about shapes, which takes as
# long as the whole kernel.


@njit(nogil=True)
def _add(total: Any, start: int, part: Any) -> None:
    """Add an array to the elements that begin at ``start``."""
    for j in range(part.size):
        total[start + j] += part[j]


@kept(fastmath=REORDER)
def add_frames(tile: Any, swapped: Any, total: Any) -> None:
    """Add the frames of a tile to ``total``, shape ``(n_pixels,)``, int64 or float64."""
    depth, n_pixels = tile.shape
    if depth <= _DEEP:
        for i in range(0, depth, 8):
            _frames(tile, swapped, i, min(depth, i + 8), _START, n_pixels, total)
        return
    part = np.zeros(min(n_pixels, BLOCK), total.dtype)
    for start in range(0, n_pixels, BLOCK):
        stop = min(n_pixels, start + BLOCK)
        target = part[: stop - start]
        for first in range(0, depth, _DEEP):
            target.fill(0)
            end = min(depth, first + _DEEP)
            for i in range(first, end, 8):
                _frames(tile, swapped, i, min(end, i + 8), start, stop, target)
            _add(total, start, target)


@kept(fastmath=REORDER)
def add_pixels(tile: Any, swapped: Any, total: Any) -> None:
    """Add the pixels of each frame to ``total``, shape ``(depth,)``, int64 or float64.

    Four frames are read side by side: on memory that is mapped for the first time, page faults stall a single stream.
    """
    depth, n_pixels = tile.shape
    for i in range(0, depth, 4):
        for start in range(0, n_pixels, 2 * BLOCK):
            _pixels(tile, swapped, i, start, min(n_pixels, start + 2 * BLOCK), total)


@kept(fastmath=REORDER)
def add_moments(tile: Any, swapped: Any, shift: Any, total: Any, squares: Any) -> None:
    """Add frames and their squares, both relative to ``shift``; all of shape ``(n_pixels,)`` and float64."""
    depth, n_pixels = tile.shape
    if depth <= _DEEP:
        for i in range(0, depth, 8):
            _moments(tile, swapped, i, min(depth, i + 8), _START, n_pixels, shift, total, squares)
        return
    parts = np.zeros((2, min(n_pixels, BLOCK)))
    for start in range(0, n_pixels, BLOCK):
        stop = min(n_pixels, start + BLOCK)
        target, squared = parts[0, : stop - start], parts[1, : stop - start]
        for first in range(0, depth, _DEEP):
            parts.fill(0)
            end = min(depth, first + _DEEP)
            for i in range(first, end, 8):
                _moments(tile, swapped, i, min(end, i + 8), start, stop, shift[start:stop], target, squared)
            _add(total, start, target)
            _add(squares, start, squared)


@kept()
def add_squares(tile: Any, swapped: Any, total: Any, squares: Any) -> None:
    """Add frames of at most 16 bit whole numbers and their squares, exactly; both ``(n_pixels,)`` and int64."""
    depth, n_pixels = tile.shape
    for i in range(0, depth, 8):
        _squares(tile, swapped, i, min(depth, i + 8), _START, n_pixels, total, squares)


@kept(fastmath=REORDER)
def reduce_rows(
    tile: Any, swapped: Any, shift: Any, total: Any, squares: Any, pixels: Any, weights: Any, weighed: Any
) -> None:
    """Do for several computations what the others do for one: a block of pixels is read from memory for all of them.

    What nobody wants is an array without elements. ``total`` and ``squares`` are as `add_squares` takes them if they
    are int64, and as `add_moments` takes them, relative to ``shift``, if they are float64; without ``squares``,
    ``total`` is as `add_frames` takes it. ``pixels`` is ``(depth,)`` and of the dtype of ``total``, ``weights`` is
    ``(n_masks, n_pixels)``, ``weighed`` ``(depth, n_masks)``.
    """
    depth = tile.shape[0]
    room, sums = room_for(tile), np.zeros((4, 3))
    if depth <= _DEEP:
        _together(tile, swapped, _START, depth, shift, total, squares, pixels, weights, room, sums, weighed)
        return
    target, squared = np.zeros(total.size, total.dtype), np.zeros(squares.size, squares.dtype)
    for first in range(0, depth, _DEEP):
        end = min(depth, first + _DEEP)
        _together(tile, swapped, first, end, shift, target, squared, pixels, weights, room, sums, weighed)
        _add(total, 0, target)
        _add(squares, 0, squared)
        target.fill(0)
        squared.fill(0)


@njit(nogil=True, fastmath=REORDER)
def _together(
    tile: Any,
    swapped: Any,
    begin: int,
    behind: int,
    shift: Any,
    total: Any,
    squares: Any,
    pixels: Any,
    weights: Any,
    room: Any,
    sums: Any,
    weighed: Any,
) -> None:
    """Reduce the frames ``[begin, behind)``; ``begin`` is a multiple of eight."""
    n_pixels = tile.shape[1]
    for i in range(begin, behind, 8):
        end = min(behind, i + 8)
        for start in range(0, n_pixels, BLOCK):
            stop = min(n_pixels, start + BLOCK)
            if squares.size:
                _squares_or_moments(tile, swapped, i, end, start, stop, shift, total, squares)
            elif total.size:
                _frames(tile, swapped, i, end, start, stop, total[start:stop])
            for j in range(i, end, 4):
                if pixels.size:
                    _pixels(tile, swapped, j, start, stop, pixels)
            if weights.shape[0]:
                weigh_block(tile, swapped, i, end, start, stop, weights, room, sums, weighed)


def _squares_or_moments(  # type: ignore[no-untyped-def]
    tile, swapped, first, end, start, stop, shift, total, squares
):
    raise AssertionError("only compiled code calls this")


@overload(_squares_or_moments)
def _squares_or_moments_compiled(  # type: ignore[no-untyped-def]
    tile, swapped, first, end, start, stop, shift, total, squares
):
    if isinstance(squares.dtype, types.Integer):
        return lambda tile, swapped, first, end, start, stop, shift, total, squares: _squares(
            tile, swapped, first, end, start, stop, total[start:stop], squares[start:stop]
        )
    return lambda tile, swapped, first, end, start, stop, shift, total, squares: _moments(
        tile, swapped, first, end, start, stop, shift[start:stop], total[start:stop], squares[start:stop]
    )


# Each of the following works on the pixels [start, stop) of the frames [first, end), which are at most eight; what is
# accumulated for these pixels, and subtracted from them, begins with the first one.


@njit(nogil=True, fastmath=REORDER)
def _frames(tile: Any, swapped: Any, first: int, end: int, start: int, stop: int, target: Any) -> None:
    if end - first == 8:
        a, b = row(tile, first)[start:stop], row(tile, first + 1)[start:stop]
        c, d = row(tile, first + 2)[start:stop], row(tile, first + 3)[start:stop]
        e, f = row(tile, first + 4)[start:stop], row(tile, first + 5)[start:stop]
        g, h = row(tile, first + 6)[start:stop], row(tile, first + 7)[start:stop]
        for j in range(target.size):
            low = wide(a[j], swapped) + wide(b[j], swapped) + wide(c[j], swapped) + wide(d[j], swapped)
            high = wide(e[j], swapped) + wide(f[j], swapped) + wide(g[j], swapped) + wide(h[j], swapped)
            target[j] += low + high
        return
    for i in range(first, end):
        a = row(tile, i)[start:stop]
        for j in range(target.size):
            target[j] += wide(a[j], swapped)


@njit(nogil=True)
def _squares(tile: Any, swapped: Any, first: int, end: int, start: int, stop: int, target: Any, squared: Any) -> None:
    if end - first == 8:
        a, b = row(tile, first)[start:stop], row(tile, first + 1)[start:stop]
        c, d = row(tile, first + 2)[start:stop], row(tile, first + 3)[start:stop]
        e, f = row(tile, first + 4)[start:stop], row(tile, first + 5)[start:stop]
        g, h = row(tile, first + 6)[start:stop], row(tile, first + 7)[start:stop]
        for j in range(target.size):
            p, q, r, s = wide(a[j], swapped), wide(b[j], swapped), wide(c[j], swapped), wide(d[j], swapped)
            t, u, v, w = wide(e[j], swapped), wide(f[j], swapped), wide(g[j], swapped), wide(h[j], swapped)
            target[j] += (p + q + r + s) + (t + u + v + w)
            low = (square(p, a[j]) + square(q, a[j])) + (square(r, a[j]) + square(s, a[j]))
            high = (square(t, a[j]) + square(u, a[j])) + (square(v, a[j]) + square(w, a[j]))
            squared[j] += low + high
        return
    for i in range(first, end):
        a = row(tile, i)[start:stop]
        for j in range(target.size):
            p = wide(a[j], swapped)
            target[j] += p
            squared[j] += square(p, a[j])


@njit(nogil=True, fastmath=REORDER)
def _moments(
    tile: Any, swapped: Any, first: int, end: int, start: int, stop: int, origins: Any, target: Any, squared: Any
) -> None:
    one = np.float64(1)
    fours = end - (end - first) % 4
    for i in range(first, fours, 4):
        a, b = row(tile, i)[start:stop], row(tile, i + 1)[start:stop]
        c, d = row(tile, i + 2)[start:stop], row(tile, i + 3)[start:stop]
        for j in range(target.size):
            origin = origins[j]
            p = wide_float(a[j], swapped, one) - origin
            q = wide_float(b[j], swapped, one) - origin
            r = wide_float(c[j], swapped, one) - origin
            s = wide_float(d[j], swapped, one) - origin
            target[j] += (p + q) + (r + s)
            squared[j] += (p * p + q * q) + (r * r + s * s)
    for i in range(fours, end):
        a = row(tile, i)[start:stop]
        for j in range(target.size):
            p = wide_float(a[j], swapped, one) - origins[j]
            target[j] += p
            squared[j] += p * p


@njit(nogil=True, fastmath=REORDER)
def _pixels(tile: Any, swapped: Any, first: int, start: int, stop: int, total: Any) -> None:
    """Add the pixels of up to four frames; where four are not left, the last one is taken again, and dropped."""
    last = tile.shape[0] - 1
    a, b = row(tile, first)[start:stop], row(tile, min(first + 1, last))[start:stop]
    c, d = row(tile, min(first + 2, last))[start:stop], row(tile, min(first + 3, last))[start:stop]
    p, q, r, s = wide(a[0], swapped), wide(b[0], swapped), wide(c[0], swapped), wide(d[0], swapped)
    k, m, n, o = a[1:], b[1:], c[1:], d[1:]
    for j in range(k.size):
        p += wide(k[j], swapped)
        q += wide(m[j], swapped)
        r += wide(n[j], swapped)
        s += wide(o[j], swapped)
    total[first] += p
    if first + 1 <= last:
        total[first + 1] += q
    if first + 2 <= last:
        total[first + 2] += r
    if first + 3 <= last:
        total[first + 3] += s


@kept()
def correct_rows(rows: Any, swapped: Any, dark: Any, gain: Any, out: Any) -> None:
    """Write ``(rows - dark) * gain`` to ``out``, converted and corrected in one pass; a gain of no elements is one.

    Four frames at a time: dark and gain are loaded once for them. Where four are not left, the last one is done again.
    """
    depth, n_pixels = rows.shape
    zero, last = out.dtype.type(0), depth - 1
    for i in range(0, depth, 4):
        k, m, n = min(i + 1, last), min(i + 2, last), min(i + 3, last)
        a, b, c, d = row(rows, i), row(rows, k), row(rows, m), row(rows, n)
        p, q, r, s = row(out, i), row(out, k), row(out, m), row(out, n)
        if gain.size == 0:
            for j in range(n_pixels):
                origin = dark[j]
                p[j] = wide_float(a[j], swapped, zero) - origin
                q[j] = wide_float(b[j], swapped, zero) - origin
                r[j] = wide_float(c[j], swapped, zero) - origin
                s[j] = wide_float(d[j], swapped, zero) - origin
        else:
            for j in range(n_pixels):
                origin, factor = dark[j], gain[j]
                p[j] = (wide_float(a[j], swapped, zero) - origin) * factor
                q[j] = (wide_float(b[j], swapped, zero) - origin) * factor
                r[j] = (wide_float(c[j], swapped, zero) - origin) * factor
                s[j] = (wide_float(d[j], swapped, zero) - origin) * factor
