"""The compiled reductions over frames and over pixels, and the correction of pixels.

Tiles are ``(depth, n_pixels)`` in stored dtype; pixels are widened in registers only.
Every reduction takes the byte order as a tuple: ``()`` for native, ``(1,)`` for swapped. The loops over pixels are the
ones that the compiler vectorises, so that each frame is read once and accumulators are touched once per eight frames.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lamella.kernels.typing import REORDER, kept, row, square, wide, wide_float

__all__ = ["add_frames", "add_moments", "add_pixels", "add_squares", "correct_rows"]

_BLOCK = 4096


@kept(fastmath=REORDER)
def add_frames(tile: Any, swapped: Any, total: Any) -> None:
    """Add the frames of a tile to ``total``, shape ``(n_pixels,)``, int64 or float64."""
    depth, n_pixels = tile.shape
    blocked = depth - depth % 8
    for i in range(0, blocked, 8):
        a, b, c, d = row(tile, i), row(tile, i + 1), row(tile, i + 2), row(tile, i + 3)
        e, f, g, h = row(tile, i + 4), row(tile, i + 5), row(tile, i + 6), row(tile, i + 7)
        for j in range(n_pixels):
            low = wide(a[j], swapped) + wide(b[j], swapped) + wide(c[j], swapped) + wide(d[j], swapped)
            high = wide(e[j], swapped) + wide(f[j], swapped) + wide(g[j], swapped) + wide(h[j], swapped)
            total[j] += low + high
    for i in range(blocked, depth):
        a = row(tile, i)
        for j in range(n_pixels):
            total[j] += wide(a[j], swapped)


@kept(fastmath=REORDER)
def add_pixels(tile: Any, swapped: Any, total: Any) -> None:
    """Add the pixels of each frame to ``total``, shape ``(depth,)``, int64 or float64.

    Four frames are read side by side: on memory that is mapped for the first time, page faults stall a single stream.
    """
    depth, n_pixels = tile.shape
    blocked = depth - depth % 4
    for i in range(0, blocked, 4):
        a, b, c, d = row(tile, i), row(tile, i + 1), row(tile, i + 2), row(tile, i + 3)
        for start in range(0, n_pixels, _BLOCK):
            stop = min(n_pixels, start + _BLOCK)
            p, q = wide(a[start], swapped), wide(b[start], swapped)
            r, s = wide(c[start], swapped), wide(d[start], swapped)
            k, m, n, o = a[start + 1 : stop], b[start + 1 : stop], c[start + 1 : stop], d[start + 1 : stop]
            for j in range(k.size):
                p += wide(k[j], swapped)
                q += wide(m[j], swapped)
                r += wide(n[j], swapped)
                s += wide(o[j], swapped)
            total[i] += p
            total[i + 1] += q
            total[i + 2] += r
            total[i + 3] += s
    for i in range(blocked, depth):
        frame = row(tile, i)
        for start in range(0, n_pixels, _BLOCK):
            block = frame[start : start + _BLOCK]
            p = wide(block[0], swapped)
            for j in range(1, block.size):
                p += wide(block[j], swapped)
            total[i] += p


@kept(fastmath=REORDER)
def add_moments(tile: Any, swapped: Any, shift: Any, total: Any, squares: Any) -> None:
    """Add frames and their squares, both relative to ``shift``; all of shape ``(n_pixels,)`` and float64."""
    depth, n_pixels = tile.shape
    one = np.float64(1)
    blocked = depth - depth % 4
    for i in range(0, blocked, 4):
        a, b, c, d = row(tile, i), row(tile, i + 1), row(tile, i + 2), row(tile, i + 3)
        for j in range(n_pixels):
            origin = shift[j]
            p = wide_float(a[j], swapped, one) - origin
            q = wide_float(b[j], swapped, one) - origin
            r = wide_float(c[j], swapped, one) - origin
            s = wide_float(d[j], swapped, one) - origin
            total[j] += (p + q) + (r + s)
            squares[j] += (p * p + q * q) + (r * r + s * s)
    for i in range(blocked, depth):
        a = row(tile, i)
        for j in range(n_pixels):
            p = wide_float(a[j], swapped, one) - shift[j]
            total[j] += p
            squares[j] += p * p


@kept()
def add_squares(tile: Any, swapped: Any, total: Any, squares: Any) -> None:
    """Add frames of at most 16 bit whole numbers and their squares, exactly; both ``(n_pixels,)`` and int64."""
    depth, n_pixels = tile.shape
    blocked = depth - depth % 8
    for i in range(0, blocked, 8):
        a, b, c, d = row(tile, i), row(tile, i + 1), row(tile, i + 2), row(tile, i + 3)
        e, f, g, h = row(tile, i + 4), row(tile, i + 5), row(tile, i + 6), row(tile, i + 7)
        for j in range(n_pixels):
            p, q, r, s = wide(a[j], swapped), wide(b[j], swapped), wide(c[j], swapped), wide(d[j], swapped)
            t, u, v, w = wide(e[j], swapped), wide(f[j], swapped), wide(g[j], swapped), wide(h[j], swapped)
            total[j] += (p + q + r + s) + (t + u + v + w)
            low = (square(p, a[j]) + square(q, a[j])) + (square(r, a[j]) + square(s, a[j]))
            high = (square(t, a[j]) + square(u, a[j])) + (square(v, a[j]) + square(w, a[j]))
            squares[j] += low + high
    for i in range(blocked, depth):
        a = row(tile, i)
        for j in range(n_pixels):
            p = wide(a[j], swapped)
            total[j] += p
            squares[j] += square(p, a[j])


@kept()
def correct_rows(rows: Any, dark: Any, gain: Any, out: Any) -> None:
    """Write ``(rows - dark) * gain`` to ``out``, converted and corrected in one pass over the pixels."""
    n_pixels = rows.shape[1]
    zero = out.dtype.type(0)
    for i in range(rows.shape[0]):
        frame, target = row(rows, i), out[i]
        for j in range(n_pixels):
            target[j] = (wide_float(frame[j], (), zero) - dark[j]) * gain[j]
