"""The compiled reductions of events: pixels that are not zero, listed frame after frame.

Values and pixels come from memory once, in order, while sums or weights are taken from all over a table. Pixels are
unsigned: a signed index would be compared with zero each time. Those of damaged files may lie outside the frame; they
are looked at on the way, because memory cannot give them twice as fast. Kernels then raise IndexError, as NumPy does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from lamella.kernels.typing import REORDER, kept, row
from lamella.kernels.vectors import BLOCK, add_weighed_4, add_weighed_8, look_ahead, store_4, store_8, zeros_4, zeros_8

__all__ = ["add_events", "add_rows", "spread_events", "weigh_events", "weigh_listed"]


_CHECKED = 512
"""Events whose pixels are checked at a time: they were asked for already, and stay in the innermost cache."""
_STRETCH = 16 * _CHECKED
"""Events that are added up before their sum is added to the result, so that long sums stay as good as short ones."""


@njit(nogil=True)
def _check(pixels: Any, n_pixels: int) -> None:
    """Raise IndexError unless all pixels are smaller than a number."""
    largest = pixels.dtype.type(0)
    for k in range(pixels.size):
        largest = max(largest, pixels[k])
    if np.uint64(largest) >= np.uint64(n_pixels):
        raise IndexError("an event lies outside the frame")


@kept()
def add_events(values: Any, pixels: Any, total: Any) -> None:
    """Add the value of each event to ``total``, shape ``(n_pixels,)``."""
    for begin in range(0, values.size, _CHECKED):
        value, place = values[begin : begin + _CHECKED], pixels[begin : begin + _CHECKED]
        _check(place, total.size)
        whole = value.size // BLOCK * BLOCK
        for start in range(0, whole, BLOCK):
            look_ahead(place, start)
            look_ahead(value, start)
            for k in range(start, start + BLOCK):
                total[place[k]] += value[k]
        for k in range(whole, value.size):
            total[place[k]] += value[k]


@kept(fastmath=REORDER)
def add_rows(values: Any, starts: Any, total: Any) -> None:
    """Add the values of each frame to ``total``, shape ``(n_frames,)``."""
    for i in range(total.size):
        for first in range(starts[i], starts[i + 1], _CHECKED):
            row = values[first : min(first + _CHECKED, starts[i + 1])]
            part = total.dtype.type(0)
            for k in range(row.size):
                part += row[k]
            total[i] += part


@kept()
def spread_events(values: Any, pixels: Any, starts: Any, out: Any) -> None:
    """Add the value of each event to its pixel; ``out`` holds a frame in each row.

    The first value of a pixel is taken as it is, because negative zero is lost in a sum.
    """
    for i in range(out.shape[0]):
        frame = out[i]
        for k in range(starts[i], starts[i + 1]):
            pixel = frame[pixels[k]]
            frame[pixels[k]] = values[k] if pixel == 0 else pixel + values[k]


@njit(nogil=True, fastmath=REORDER)
def _weigh_1(values: Any, pixels: Any, starts: Any, weights: Any, result: Any) -> None:
    for i in range(result.shape[0]):
        for first in range(starts[i], starts[i + 1], _STRETCH):
            a = b = c = d = 0.0
            last = min(first + _STRETCH, starts[i + 1])
            for begin in range(first, last, _CHECKED):
                end = min(begin + _CHECKED, last)
                value, place = values[begin:end], pixels[begin:end]
                _check(place, weights.size)
                whole = value.size // BLOCK * BLOCK
                for start in range(0, whole, BLOCK):
                    look_ahead(place, start)
                    look_ahead(value, start)
                    for k in range(start, start + BLOCK, 4):
                        a += np.float64(value[k]) * weights[place[k]]
                        b += np.float64(value[k + 1]) * weights[place[k + 1]]
                        c += np.float64(value[k + 2]) * weights[place[k + 2]]
                        d += np.float64(value[k + 3]) * weights[place[k + 3]]
                for k in range(whole, value.size):
                    a += np.float64(value[k]) * weights[place[k]]
            result[i, 0] += a + b + c + d


def _weigher(n: int, zeros: Any, add_weighed: Any, store: Any) -> Any:
    """Give the compiled sum under ``n`` masks side by side; four events at a time, so that none waits for another."""

    @njit(nogil=True)
    def weigh(values: Any, pixels: Any, starts: Any, weights: Any, result: Any) -> None:
        sums = np.zeros(4 * n)
        for i in range(result.shape[0]):
            for first in range(starts[i], starts[i + 1], _STRETCH):
                a, b, c, d = zeros(0.0), zeros(0.0), zeros(0.0), zeros(0.0)
                last = min(first + _STRETCH, starts[i + 1])
                for begin in range(first, last, _CHECKED):
                    end = min(begin + _CHECKED, last)
                    value, place = values[begin:end], pixels[begin:end]
                    _check(place, weights.shape[0])
                    whole = value.size // BLOCK * BLOCK
                    for start in range(0, whole, BLOCK):
                        look_ahead(place, start)
                        look_ahead(value, start)
                        for k in range(start, start + BLOCK, 4):
                            add_weighed(a, np.float64(value[k]), weights, np.uint64(place[k]))
                            add_weighed(b, np.float64(value[k + 1]), weights, np.uint64(place[k + 1]))
                            add_weighed(c, np.float64(value[k + 2]), weights, np.uint64(place[k + 2]))
                            add_weighed(d, np.float64(value[k + 3]), weights, np.uint64(place[k + 3]))
                    for k in range(whole, value.size):
                        add_weighed(a, np.float64(value[k]), weights, np.uint64(place[k]))
                store(a, sums)
                store(b, sums[n:])
                store(c, sums[2 * n :])
                store(d, sums[3 * n :])
                for mask in range(result.shape[1]):
                    result[i, mask] += sums[mask] + sums[mask + n] + (sums[mask + 2 * n] + sums[mask + 3 * n])

    return weigh


_weigh_4 = _weigher(4, zeros_4, add_weighed_4, store_4)
_weigh_8 = _weigher(8, zeros_8, add_weighed_8, store_8)


@kept()
def weigh_events(values: Any, pixels: Any, starts: Any, weights: Any, result: Any) -> None:
    """Add the sums of each frame under each mask to ``result``, shape ``(n_frames, n_masks)``.

    ``weights`` is ``(n_groups, n_pixels, n)``, masks in groups of 1, 4 or 8: what an event needs is one load. The last
    group may be filled up. Sums are taken in double precision.
    """
    n = weights.shape[2]
    for group in range(weights.shape[0]):
        part = result[:, group * n : (group + 1) * n]
        if n == 8:
            _weigh_8(values, pixels, starts, weights[group], part)
        elif n == 4:
            _weigh_4(values, pixels, starts, weights[group], part)
        else:
            _weigh_1(values, pixels, starts, row(weights, group), part)


@kept()
def weigh_listed(values: Any, pixels: Any, starts: Any, first: Any, masks: Any, weights: Any, result: Any) -> None:
    """Add the sums of each frame under masks that list their pixels.

    Entries ``[first[p], first[p + 1])`` of ``masks`` and ``weights`` belong to pixel p.
    """
    for i in range(result.shape[0]):
        for e in range(starts[i], starts[i + 1]):
            pixel = np.uint64(pixels[e])
            if pixel >= np.uint64(first.size - 1):
                raise IndexError("an event lies outside the frame")
            for k in range(first[pixel], first[pixel + np.uint64(1)]):
                result[i, masks[k]] += np.float64(values[e]) * np.float64(weights[k])
