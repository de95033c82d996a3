"""The reductions of events in NumPy: what `lamella.kernels.sparse` does, without a compiler."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamella.geometry.frames import limited
from lamella.kernels.fallback import sums_of_stretches

__all__ = ["add_events", "add_rows", "spread_events", "weigh_events", "weigh_listed"]

_AT_A_TIME = 1 << 16
"""Events that are weighed at a time: each needs as many numbers as there are masks."""
_ADDED = 1 << 18
"""Events that are added at a time: what is converted stays in the cache, and threads rarely meet at the GIL."""


def _check(pixels: Any, n_pixels: int) -> None:
    """Raise IndexError for a pixel outside the frame; NumPy would take very large ones for negative ones."""
    if pixels.size and pixels.max() >= n_pixels:
        raise IndexError("an event lies outside the frame")


def add_events(values: Any, pixels: Any, total: Any) -> None:
    """Add the value of each event to ``total``.

    `numpy.add.at` holds the GIL, and far longer where it has to convert.
    """
    _check(pixels, total.size)
    places = np.empty(min(_ADDED, pixels.size), np.intp)
    wide = np.empty(places.size, total.dtype)
    for start in range(0, pixels.size, _ADDED):
        piece = pixels[start : start + _ADDED]
        n = piece.size
        np.copyto(places[:n], piece, casting="unsafe")
        np.copyto(wide[:n], values[start : start + _ADDED], casting="unsafe")
        np.add.at(total, places[:n], wide[:n])


def add_rows(values: Any, starts: Any, total: Any) -> None:
    """Add the values of each frame to ``total``."""
    used = np.flatnonzero(np.diff(starts))
    if used.size:
        wide = values.astype(total.dtype, copy=False)  # here, because `reduceat` would hold the GIL meanwhile
        total[used] += np.add.reduceat(wide, starts[used])


def spread_events(values: Any, pixels: Any, starts: Any, out: Any) -> None:
    """Add the value of each event to its pixel; ``out`` holds a frame in each row."""
    target = out.reshape(-1)
    places = np.repeat(np.arange(len(out)) * out.shape[1], np.diff(starts))
    np.add(places, pixels, out=places, dtype=np.int64, casting="unsafe")
    if target.dtype.kind == "b":
        target[places[values]] = True
        return
    rises = places[1:] > places[:-1]
    if not rises.all() and not (places[1:] >= places[:-1]).all():
        order = np.argsort(places, kind="stable")
        places, values = places[order], values[order]
        rises = places[1:] > places[:-1]
    target[places] = values  # far faster than adding, and without the GIL
    if not rises.all():
        same = np.concatenate([[False], ~rises])  # as the event before
        several = np.flatnonzero(same | np.concatenate([same[1:], [False]]))
        target[places[several]] = 0
        np.add.at(target, places[several], values[several])


def weigh_events(values: Any, pixels: Any, starts: Any, weights: Any, result: Any) -> None:
    """Add the sums of each frame under each mask to ``result``."""
    _check(pixels, weights.shape[1])
    for first, last in limited(starts, 0, len(result), _AT_A_TIME):
        here = slice(starts[first], starts[last])
        begins = starts[first:last] - starts[first]
        used = np.flatnonzero(np.diff(starts[first : last + 1]))
        if used.size:
            _weigh(values[here].astype(np.float64), pixels[here], begins[used], used + first, weights, result)


def _weigh(values: Any, pixels: Any, begins: Any, frames: Any, weights: Any, result: Any) -> None:
    """Add the sums of some frames, whose events begin at ``begins``."""
    n = weights.shape[2]
    for k, group in enumerate(weights):
        part = result[:, k * n : (k + 1) * n]
        weighed = np.empty((part.shape[1], values.size), np.result_type(values, group))
        np.multiply(np.take(group, pixels, axis=0)[:, : len(weighed)].T, values, out=weighed)
        part[frames] += sums_of_stretches(weighed, begins).T.astype(result.dtype, copy=False)


def weigh_listed(values: Any, pixels: Any, starts: Any, first: Any, masks: Any, weights: Any, result: Any) -> None:
    """Add the sums of each frame under masks that list their pixels."""
    _check(pixels, first.size - 1)
    for frame, end in limited(starts, 0, len(result), _AT_A_TIME):
        here = slice(starts[frame], starts[end])
        begin = first[pixels[here]]
        counts = first[1:][pixels[here]] - begin
        event = np.repeat(np.arange(counts.size), counts)
        entry = np.arange(event.size) - np.repeat(np.cumsum(counts) - counts, counts) + begin[event]
        row = np.searchsorted(starts[frame : end + 1], starts[frame] + event, side="right") - 1 + frame
        weighed = values[here][event].astype(np.float64) * weights[entry].astype(np.float64)
        np.add.at(result, (row, masks[entry]), weighed.astype(result.dtype, copy=False))
