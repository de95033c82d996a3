"""The compiled sums of pixels under masks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from lamella.kernels.typing import REORDER, kept, row, wide_float

__all__ = ["weigh_four", "weigh_items", "weigh_pixels"]

_BLOCK = 2048


@kept(fastmath=REORDER)
def weigh_pixels(tile: Any, swapped: Any, masks: Any, result: Any) -> None:
    """Add the sums of each frame under each mask to ``result``.

    ``masks`` is ``(n_masks, n_pixels)``, float32 or float64, and says in what is computed; ``result`` is
    ``(depth, n_masks)``. Four frames meet four masks in registers: a pixel is converted once for four masks, a weight
    is loaded once for four frames. The weights of a block of pixels stay in the innermost cache while all frames pass
    over them. Where four are not left, the last one is taken again, and dropped in the end.
    """
    depth, n_pixels = tile.shape
    n_masks = masks.shape[0]
    sums = np.zeros((4, 4), dtype=masks.dtype)
    for start in range(0, n_pixels, _BLOCK):
        stop = min(n_pixels, start + _BLOCK)
        for k in range(0, n_masks, 4):
            for i in range(0, depth, 4):
                weigh_four(tile, swapped, i, start, stop, masks, k, sums, result)


@kept(fastmath=REORDER)
def weigh_items(tile: Any, swapped: Any, items: Any, numbers: Any, weights: Any, result: Any) -> None:
    """Add the sums of each frame under masks that are given as the pixels that count to ``result``.

    For each entry, in the order of items: which item of a frame it is, the number of the mask, and the weight, float64.
    ``result`` is ``(depth, n_masks)``. Eight frames are read side by side, so that what is looked up for an entry
    serves all of them, and their sums are one register.
    """
    last, one = tile.shape[0] - 1, np.float64(1)
    sums = np.zeros((result.shape[1], 8))
    for i in range(0, last + 1, 8):
        a, b, c, d = row(tile, i), row(tile, min(i + 1, last)), row(tile, min(i + 2, last)), row(tile, min(i + 3, last))
        e, f = row(tile, min(i + 4, last)), row(tile, min(i + 5, last))
        g, h = row(tile, min(i + 6, last)), row(tile, min(i + 7, last))
        sums[:] = 0
        for k in range(items.size):
            j, weight, eight = items[k], weights[k], sums[numbers[k]]
            eight[0] += weight * wide_float(a[j], swapped, one)
            eight[1] += weight * wide_float(b[j], swapped, one)
            eight[2] += weight * wide_float(c[j], swapped, one)
            eight[3] += weight * wide_float(d[j], swapped, one)
            eight[4] += weight * wide_float(e[j], swapped, one)
            eight[5] += weight * wide_float(f[j], swapped, one)
            eight[6] += weight * wide_float(g[j], swapped, one)
            eight[7] += weight * wide_float(h[j], swapped, one)
        for frame in range(min(8, last + 1 - i)):
            for mask in range(result.shape[1]):
                result[i + frame, mask] += sums[mask, frame]


@njit(nogil=True, fastmath=REORDER, inline="always")
def weigh_four(
    tile: Any, swapped: Any, i: int, start: int, stop: int, masks: Any, k: int, sums: Any, result: Any
) -> None:
    """Add the sums of the pixels ``[start, stop)`` of four frames from ``i`` on, under four masks from ``k`` on.

    ``sums`` is room for ``(4, 4)`` of them, in the dtype of the masks.
    """
    last, final = tile.shape[0] - 1, masks.shape[0] - 1
    a, b = row(tile, i)[start:stop], row(tile, min(i + 1, last))[start:stop]
    c, d = row(tile, min(i + 2, last))[start:stop], row(tile, min(i + 3, last))[start:stop]
    w, x = masks[k, start:stop], masks[min(k + 1, final), start:stop]
    y, z = masks[min(k + 2, final), start:stop], masks[min(k + 3, final), start:stop]
    if final - k > 2:
        _four(a, b, c, d, swapped, w, x, y, z, sums)
    elif final - k > 0:
        _three(a, b, c, d, swapped, w, x, y, sums)
    else:
        _one(a, b, c, d, swapped, w, sums)
    for frame in range(min(4, last + 1 - i)):
        for mask in range(min(4, final + 1 - k)):
            result[i + frame, k + mask] += sums[frame, mask]


@njit(nogil=True, fastmath=REORDER)
def _four(a: Any, b: Any, c: Any, d: Any, swapped: Any, w: Any, x: Any, y: Any, z: Any, sums: Any) -> None:
    zero = w.dtype.type(0)
    aw = ax = ay = az = bw = bx = by = bz = cw = cx = cy = cz = dw = dx = dy = dz = zero
    for j in range(w.size):
        p, q, r, s = w[j], x[j], y[j], z[j]
        v = wide_float(a[j], swapped, zero)
        aw, ax, ay, az = aw + v * p, ax + v * q, ay + v * r, az + v * s
        v = wide_float(b[j], swapped, zero)
        bw, bx, by, bz = bw + v * p, bx + v * q, by + v * r, bz + v * s
        v = wide_float(c[j], swapped, zero)
        cw, cx, cy, cz = cw + v * p, cx + v * q, cy + v * r, cz + v * s
        v = wide_float(d[j], swapped, zero)
        dw, dx, dy, dz = dw + v * p, dx + v * q, dy + v * r, dz + v * s
    _keep(sums, 0, aw, bw, cw, dw)
    _keep(sums, 1, ax, bx, cx, dx)
    _keep(sums, 2, ay, by, cy, dy)
    _keep(sums, 3, az, bz, cz, dz)


@njit(nogil=True, fastmath=REORDER)
def _three(a: Any, b: Any, c: Any, d: Any, swapped: Any, w: Any, x: Any, y: Any, sums: Any) -> None:
    zero = w.dtype.type(0)
    aw = ax = ay = bw = bx = by = cw = cx = cy = dw = dx = dy = zero
    for j in range(w.size):
        p, q, r = w[j], x[j], y[j]
        v = wide_float(a[j], swapped, zero)
        aw, ax, ay = aw + v * p, ax + v * q, ay + v * r
        v = wide_float(b[j], swapped, zero)
        bw, bx, by = bw + v * p, bx + v * q, by + v * r
        v = wide_float(c[j], swapped, zero)
        cw, cx, cy = cw + v * p, cx + v * q, cy + v * r
        v = wide_float(d[j], swapped, zero)
        dw, dx, dy = dw + v * p, dx + v * q, dy + v * r
    _keep(sums, 0, aw, bw, cw, dw)
    _keep(sums, 1, ax, bx, cx, dx)
    _keep(sums, 2, ay, by, cy, dy)


@njit(nogil=True, fastmath=REORDER)
def _one(a: Any, b: Any, c: Any, d: Any, swapped: Any, w: Any, sums: Any) -> None:
    zero = w.dtype.type(0)
    aw = bw = cw = dw = zero
    for j in range(w.size):
        p = w[j]
        aw += p * wide_float(a[j], swapped, zero)
        bw += p * wide_float(b[j], swapped, zero)
        cw += p * wide_float(c[j], swapped, zero)
        dw += p * wide_float(d[j], swapped, zero)
    _keep(sums, 0, aw, bw, cw, dw)


@njit(nogil=True, inline="always")
def _keep(sums: Any, mask: int, a: float, b: float, c: float, d: float) -> None:
    sums[0, mask] = a
    sums[1, mask] = b
    sums[2, mask] = c
    sums[3, mask] = d
