"""The compiled sums of pixels under masks: products and sums in double precision, whatever pixels and weights are.

Single precision holds pixels and weights in memory, where it holds them exactly: they are widened on the way into a
register, where a product of two such numbers is exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import overload

from lamella.kernels.typing import REORDER, kept, part, row, wide_float

__all__ = ["weigh_items", "weigh_pixels"]

BLOCK = 2048
"""Pixels of four frames that stay in the cache, in floating point, while all masks pass over them."""
_STRETCH = 32 * BLOCK
"""Pixels whose weights stay in a larger cache, if the masks are few."""
_LONG = 4 * BLOCK
"""Pixels of four frames that are read at a time, if nothing is converted into `room_for` them.

Memory gives long pieces up to a sixth faster.
"""
_GAP = 80
"""Pixels between two such rows, so that the same pixel of four frames is not kept in the same set of the cache."""
_ENTRIES = 2048
"""Entries of listed masks that are added up before their sum is added to the result: long sums stay exact."""


@kept(fastmath=REORDER)
def weigh_pixels(tile: Any, swapped: Any, masks: Any, result: Any) -> None:
    """Add the sums of each frame under each mask to ``result``.

    ``masks`` is ``(n_masks, n_pixels)``, float32 or float64; ``result`` is ``(depth, n_masks)`` and float64. Four
    frames meet three masks in registers: a weight is loaded once for four frames, a pixel once for three masks. Whole
    numbers are widened in registers for one or two masks, and those of at most 16 bits also for three; otherwise they
    are converted once for all masks. Where frames are missing, the last one is taken again, and dropped in the end.

    A block meets all frames while its weights are in the cache. Few masks leave room for many blocks in a row, and
    frames come from memory in order, which is up to a third faster.
    """
    depth, n_pixels = tile.shape
    room, sums = room_for(tile), np.zeros((4, 3))
    n_masks = masks.shape[0]
    stretch, frames = (_STRETCH, _at_once(n_masks, room)) if n_masks <= 3 else (BLOCK, max(1, depth))
    block = _LONG if n_masks <= 2 or (n_masks == 3 and (room.size == 0 or frames == 3)) else BLOCK
    for begin in range(0, n_pixels, stretch):
        end = min(n_pixels, begin + stretch)
        for first in range(0, depth, frames):
            last = min(depth, first + frames)
            for start in range(begin, end, block):
                weigh_block(tile, swapped, first, last, start, min(end, start + block), masks, room, sums, result)


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
        for first in range(0, items.size, _ENTRIES):
            sums.fill(0)
            for k in range(first, min(items.size, first + _ENTRIES)):
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


def room_for(tile):  # type: ignore[no-untyped-def]
    """Give room for a block of four frames in the narrowest floating point type that holds their pixels exactly.

    It is empty if the pixels are floating point numbers.
    """
    raise AssertionError("only compiled code calls this")


@overload(room_for)
def _room_for_compiled(tile):  # type: ignore[no-untyped-def]
    if isinstance(tile.dtype, types.Float):
        return lambda tile: np.empty((0, 0), np.float64)
    if isinstance(tile.dtype, types.Boolean) or tile.dtype.bitwidth <= 16:
        return lambda tile: np.empty((4, BLOCK + _GAP), np.float32)
    return lambda tile: np.empty((4, BLOCK + _GAP), np.float64)


def _floats(a, b, c, d, swapped, room):  # type: ignore[no-untyped-def]
    """Give the pixels of four frames in floating point: as they are, or converted once for all masks."""
    raise AssertionError("only compiled code calls this")


@overload(_floats)
def _floats_compiled(a, b, c, d, swapped, room):  # type: ignore[no-untyped-def]
    if isinstance(a.dtype, types.Float):
        return lambda a, b, c, d, swapped, room: (a, b, c, d)
    zero = np.float32(0) if room.dtype == types.float32 else np.float64(0)

    def convert(a, b, c, d, swapped, room):  # type: ignore[no-untyped-def]
        p, q, r, s = room[0, : a.size], room[1, : a.size], room[2, : a.size], room[3, : a.size]
        for j in range(p.size):
            p[j] = wide_float(a[j], swapped, zero)
            q[j] = wide_float(b[j], swapped, zero)
            r[j] = wide_float(c[j], swapped, zero)
            s[j] = wide_float(d[j], swapped, zero)
        return p, q, r, s

    return convert


@njit(nogil=True)
def _at_once(n_masks: int, room: Any) -> int:
    """Give how many frames meet the masks at once.

    A small whole number takes two instructions to widen. With twelve sums, no register is left for that.
    """
    return 3 if n_masks == 3 and room.itemsize == 4 else 4


@njit(nogil=True, fastmath=REORDER)
def weigh_block(
    tile: Any,
    swapped: Any,
    first: int,
    end: int,
    start: int,
    stop: int,
    masks: Any,
    room: Any,
    sums: Any,
    result: Any,
) -> None:
    """Add the sums of the pixels ``[start, stop)`` of the frames ``[first, end)``, under all masks.

    The pixels are at most `BLOCK`; ``room`` is what `room_for` gives, ``sums`` is ``(4, 3)`` and float64.
    """
    n_masks, last = masks.shape[0], end - 1
    step = _at_once(n_masks, room)
    for i in range(first, end, step):
        frames = min(step, end - i)
        a, b = part(tile, i, start, stop), part(tile, min(i + 1, last), start, stop)
        c, d = part(tile, min(i + 2, last), start, stop), part(tile, min(i + 3, last), start, stop)
        if n_masks == 1:
            _one(a, b, c, d, swapped, masks[0, start:stop], sums)
            _add(sums, frames, 1, result, i, 0)
        elif n_masks == 2:
            _two(a, b, c, d, swapped, masks[0, start:stop], masks[1, start:stop], sums)
            _add(sums, frames, 2, result, i, 0)
        elif step == 3:
            w, x, y = masks[0, start:stop], masks[1, start:stop], masks[2, start:stop]
            _three_of_three(a, b, c, swapped, w, x, y, sums)
            _add(sums, frames, 3, result, i, 0)
        else:
            p, q, r, s = _floats(a, b, c, d, swapped, room)
            k = 0
            while k < n_masks:
                w, x = masks[k, start:stop], masks[k + 1, start:stop]
                if n_masks - k == 2 or n_masks - k == 4:
                    width = 2
                    _two(p, q, r, s, (), w, x, sums)
                else:
                    width = 3
                    _three(p, q, r, s, w, x, masks[k + 2, start:stop], sums)
                _add(sums, frames, width, result, i, k)
                k += width


@njit(nogil=True, inline="always")
def _add(sums: Any, frames: int, width: int, result: Any, i: int, k: int) -> None:
    for frame in range(frames):
        for mask in range(width):
            result[i + frame, k + mask] += sums[frame, mask]


@njit(nogil=True, fastmath=REORDER)
def _three(a: Any, b: Any, c: Any, d: Any, w: Any, x: Any, y: Any, sums: Any) -> None:
    aw = ax = ay = bw = bx = by = cw = cx = cy = dw = dx = dy = 0.0
    for j in range(w.size):
        p, q, r = np.float64(w[j]), np.float64(x[j]), np.float64(y[j])
        v = np.float64(a[j])
        aw, ax, ay = aw + v * p, ax + v * q, ay + v * r
        v = np.float64(b[j])
        bw, bx, by = bw + v * p, bx + v * q, by + v * r
        v = np.float64(c[j])
        cw, cx, cy = cw + v * p, cx + v * q, cy + v * r
        v = np.float64(d[j])
        dw, dx, dy = dw + v * p, dx + v * q, dy + v * r
    _keep(sums, 0, aw, bw, cw, dw)
    _keep(sums, 1, ax, bx, cx, dx)
    _keep(sums, 2, ay, by, cy, dy)


@njit(nogil=True, fastmath=REORDER)
def _three_of_three(a: Any, b: Any, c: Any, swapped: Any, w: Any, x: Any, y: Any, sums: Any) -> None:
    aw = ax = ay = bw = bx = by = cw = cx = cy = zero = 0.0
    for j in range(w.size):
        p, q, r = np.float64(w[j]), np.float64(x[j]), np.float64(y[j])
        v = wide_float(a[j], swapped, zero)
        aw, ax, ay = aw + v * p, ax + v * q, ay + v * r
        v = wide_float(b[j], swapped, zero)
        bw, bx, by = bw + v * p, bx + v * q, by + v * r
        v = wide_float(c[j], swapped, zero)
        cw, cx, cy = cw + v * p, cx + v * q, cy + v * r
    _keep(sums, 0, aw, bw, cw, zero)
    _keep(sums, 1, ax, bx, cx, zero)
    _keep(sums, 2, ay, by, cy, zero)


@njit(nogil=True, fastmath=REORDER)
def _two(a: Any, b: Any, c: Any, d: Any, swapped: Any, w: Any, x: Any, sums: Any) -> None:
    aw = ax = bw = bx = cw = cx = dw = dx = zero = 0.0
    for j in range(w.size):
        p, q = np.float64(w[j]), np.float64(x[j])
        v = wide_float(a[j], swapped, zero)
        aw, ax = aw + v * p, ax + v * q
        v = wide_float(b[j], swapped, zero)
        bw, bx = bw + v * p, bx + v * q
        v = wide_float(c[j], swapped, zero)
        cw, cx = cw + v * p, cx + v * q
        v = wide_float(d[j], swapped, zero)
        dw, dx = dw + v * p, dx + v * q
    _keep(sums, 0, aw, bw, cw, dw)
    _keep(sums, 1, ax, bx, cx, dx)


@njit(nogil=True, fastmath=REORDER)
def _one(a: Any, b: Any, c: Any, d: Any, swapped: Any, w: Any, sums: Any) -> None:
    aw = bw = cw = dw = zero = 0.0
    for j in range(w.size):
        p = np.float64(w[j])
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
