"""The compiled reductions of events: pixels that are not zero, listed frame after frame."""

from __future__ import annotations

from typing import Any

from lamella.kernels.typing import REORDER, kept

__all__ = ["add_events", "add_rows", "spread_events", "weigh_events", "weigh_listed"]


@kept()
def add_events(values: Any, pixels: Any, total: Any) -> None:
    """Add the value of each event to ``total``, shape ``(n_pixels,)``."""
    for k in range(values.size):
        total[pixels[k]] += values[k]


@kept(fastmath=REORDER)
def add_rows(values: Any, starts: Any, total: Any) -> None:
    """Add the values of each frame to ``total``, shape ``(n_frames,)``."""
    for i in range(total.size):
        row = values[starts[i] : starts[i + 1]]
        part = total[i]
        for k in range(row.size):
            part += row[k]
        total[i] = part


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


@kept(fastmath=REORDER)
def weigh_events(values: Any, pixels: Any, starts: Any, weights: Any, result: Any) -> None:
    """Add the sums of each frame under each mask to ``result``, shape ``(n_frames, n_masks)``.

    ``weights`` is ``(n_pixels, n_masks)``: what an event needs lies together.
    """
    n_masks = weights.shape[1]
    zero = weights.dtype.type(0)
    for i in range(result.shape[0]):
        first, end = starts[i], starts[i + 1]
        row, places = values[first:end], pixels[first:end]
        k = 0
        while k < n_masks:
            a = b = c = d = zero
            if n_masks - k >= 4:
                for e in range(row.size):
                    v, p = row[e], places[e]
                    a += v * weights[p, k]
                    b += v * weights[p, k + 1]
                    c += v * weights[p, k + 2]
                    d += v * weights[p, k + 3]
                result[i, k + 1] += b
                result[i, k + 2] += c
                result[i, k + 3] += d
            elif n_masks - k == 3:
                for e in range(row.size):
                    v, p = row[e], places[e]
                    a += v * weights[p, k]
                    b += v * weights[p, k + 1]
                    c += v * weights[p, k + 2]
                result[i, k + 1] += b
                result[i, k + 2] += c
            else:
                for e in range(row.size):
                    a += row[e] * weights[places[e], k]
            result[i, k] += a
            k += 4 if n_masks - k >= 4 else 3 if n_masks - k == 3 else 1


@kept()
def weigh_listed(values: Any, pixels: Any, starts: Any, first: Any, masks: Any, weights: Any, result: Any) -> None:
    """Add the sums of each frame under masks that list their pixels.

    Entries ``[first[p], first[p + 1])`` of ``masks`` and ``weights`` belong to pixel p.
    """
    for i in range(result.shape[0]):
        for e in range(starts[i], starts[i + 1]):
            for k in range(first[pixels[e]], first[pixels[e] + 1]):
                result[i, masks[k]] += values[e] * weights[k]
