"""The compiled reductions. Tiles are ``(depth, n_pixels)`` in stored dtype; pixels are widened in registers only.

Every kernel takes the byte order as a tuple: ``()`` for native, ``(1,)`` for swapped. The loops over pixels are the
ones that the compiler vectorises, so that each frame is read once and accumulators are touched once per eight frames.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from lamella.kernels.typing import row, wide, wide_float

__all__ = ["add_frames", "add_moments", "add_pixels", "weigh_pixels"]

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

    ``masks`` is ``(n_masks, n_pixels)`` float32, ``result`` is ``(depth, n_masks)`` float64. Four frames share each
    load of a weight; blocks of pixels stay in the cache while all masks pass over them.
    """
    depth, n_pixels = tile.shape
    one = np.float32(1)
    blocked = depth - depth % 4
    for start in range(0, n_pixels, _BLOCK):
        stop = min(n_pixels, start + _BLOCK)
        for i in range(0, blocked, 4):
            a, b = row(tile, i)[start:stop], row(tile, i + 1)[start:stop]
            c, d = row(tile, i + 2)[start:stop], row(tile, i + 3)[start:stop]
            for k in range(masks.shape[0]):
                weight = masks[k, start:stop]
                p, q, r, s = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
                for j in range(stop - start):
                    w = weight[j]
                    p += w * wide_float(a[j], swapped, one)
                    q += w * wide_float(b[j], swapped, one)
                    r += w * wide_float(c[j], swapped, one)
                    s += w * wide_float(d[j], swapped, one)
                result[i, k] += p
                result[i + 1, k] += q
                result[i + 2, k] += r
                result[i + 3, k] += s
        for i in range(blocked, depth):
            a = row(tile, i)[start:stop]
            for k in range(masks.shape[0]):
                weight = masks[k, start:stop]
                p = np.float32(0)
                for j in range(stop - start):
                    p += weight[j] * wide_float(a[j], swapped, one)
                result[i, k] += p
