"""The compiled reductions, and the correction of pixels.

Tiles are ``(depth, n_pixels)`` in stored dtype; pixels are widened in registers only.
Every reduction takes the byte order as a tuple: ``()`` for native, ``(1,)`` for swapped. The loops over pixels are the
ones that the compiler vectorises, so that each frame is read once and accumulators are touched once per eight frames.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from lamella.kernels.typing import row, wide, wide_float

__all__ = ["add_frames", "add_moments", "add_pixels", "correct_rows", "weigh_pixels"]

# Sums may be taken in any order; NaN and infinity keep their meaning.
_REORDER = {"reassoc", "contract", "nsz", "arcp"}
_BLOCK = 4096


@njit(nogil=True, cache=True, fastmath=_REORDER)
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


@njit(nogil=True, cache=True, fastmath=_REORDER)
def add_pixels(tile: Any, swapped: Any, total: Any) -> None:
    """Add the pixels of each frame to ``total``, shape ``(depth,)``, int64 or float64."""
    depth, n_pixels = tile.shape
    for i in range(depth):
        frame = row(tile, i)
        for start in range(0, n_pixels, _BLOCK):
            block = frame[start : start + _BLOCK]
            part = wide(block[0], swapped)
            for j in range(1, block.size):
                part += wide(block[j], swapped)
            total[i] += part


@njit(nogil=True, cache=True, fastmath=_REORDER)
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


@njit(nogil=True, cache=True, fastmath=_REORDER)
def weigh_pixels(tile: Any, swapped: Any, masks: Any, result: Any) -> None:
    """Add the sums of each frame under each mask to ``result``.

    ``masks`` is ``(n_masks, n_pixels)``, float32 or float64, and says in what is computed; ``result`` is
    ``(depth, n_masks)``. Four frames meet four masks in registers: a pixel is converted once for four masks, a weight
    is loaded once for four frames. Blocks of pixels stay in the cache while all masks pass over them.
    """
    depth, n_pixels = tile.shape
    n_masks = masks.shape[0]
    zero = masks.dtype.type(0)
    fours = n_masks - n_masks % 4
    blocked = depth - depth % 4
    for start in range(0, n_pixels, _BLOCK):
        stop = min(n_pixels, start + _BLOCK)
        for i in range(0, blocked, 4):
            a, b = row(tile, i)[start:stop], row(tile, i + 1)[start:stop]
            c, d = row(tile, i + 2)[start:stop], row(tile, i + 3)[start:stop]
            for k in range(0, fours, 4):
                w, x = masks[k, start:stop], masks[k + 1, start:stop]
                y, z = masks[k + 2, start:stop], masks[k + 3, start:stop]
                aw = ax = ay = az = bw = bx = by = bz = cw = cx = cy = cz = dw = dx = dy = dz = zero
                for j in range(stop - start):
                    p, q, r, s = w[j], x[j], y[j], z[j]
                    v = wide_float(a[j], swapped, zero)
                    aw, ax, ay, az = aw + v * p, ax + v * q, ay + v * r, az + v * s
                    v = wide_float(b[j], swapped, zero)
                    bw, bx, by, bz = bw + v * p, bx + v * q, by + v * r, bz + v * s
                    v = wide_float(c[j], swapped, zero)
                    cw, cx, cy, cz = cw + v * p, cx + v * q, cy + v * r, cz + v * s
                    v = wide_float(d[j], swapped, zero)
                    dw, dx, dy, dz = dw + v * p, dx + v * q, dy + v * r, dz + v * s
                _add4(result, i, k, aw, ax, ay, az)
                _add4(result, i + 1, k, bw, bx, by, bz)
                _add4(result, i + 2, k, cw, cx, cy, cz)
                _add4(result, i + 3, k, dw, dx, dy, dz)
            for k in range(fours, n_masks):
                w = masks[k, start:stop]
                aw = bw = cw = dw = zero
                for j in range(stop - start):
                    p = w[j]
                    aw += p * wide_float(a[j], swapped, zero)
                    bw += p * wide_float(b[j], swapped, zero)
                    cw += p * wide_float(c[j], swapped, zero)
                    dw += p * wide_float(d[j], swapped, zero)
                result[i, k] += aw
                result[i + 1, k] += bw
                result[i + 2, k] += cw
                result[i + 3, k] += dw
        for i in range(blocked, depth):
            a = row(tile, i)[start:stop]
            for k in range(n_masks):
                w = masks[k, start:stop]
                aw = zero
                for j in range(stop - start):
                    aw += w[j] * wide_float(a[j], swapped, zero)
                result[i, k] += aw


@njit(nogil=True, cache=True)
def correct_rows(rows: Any, dark: Any, gain: Any, out: Any) -> None:
    """Write ``(rows - dark) * gain`` to ``out``, converted and corrected in one pass over the pixels."""
    n_pixels = rows.shape[1]
    zero = out.dtype.type(0)
    for i in range(rows.shape[0]):
        frame, target = row(rows, i), out[i]
        for j in range(n_pixels):
            target[j] = (wide_float(frame[j], (), zero) - dark[j]) * gain[j]


@njit(nogil=True, inline="always")
def _add4(result: Any, i: int, k: int, p: float, q: float, r: float, s: float) -> None:
    result[i, k] += p
    result[i, k + 1] += q
    result[i, k + 2] += r
    result[i, k + 3] += s
