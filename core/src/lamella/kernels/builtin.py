"""The kernels of the built-in reductions, of pixels and of events, and of corrections."""

from __future__ import annotations

from lamella.kernels import fallback, sparse_fallback
from lamella.kernels.library import Kernel

__all__ = [
    "add_events",
    "add_frames",
    "add_moments",
    "add_pixels",
    "add_rows",
    "add_squares",
    "correct_rows",
    "reduce_rows",
    "spread_events",
    "weigh_events",
    "weigh_items",
    "weigh_listed",
    "weigh_pixels",
]

add_frames = Kernel("lamella.kernels.reduce:add_frames", fallback.add_frames)
add_pixels = Kernel("lamella.kernels.reduce:add_pixels", fallback.add_pixels)
add_moments = Kernel("lamella.kernels.reduce:add_moments", fallback.add_moments)
add_squares = Kernel("lamella.kernels.reduce:add_squares", fallback.add_squares)
weigh_items = Kernel("lamella.kernels.weigh:weigh_items", fallback.weigh_items)
weigh_pixels = Kernel("lamella.kernels.weigh:weigh_pixels", fallback.weigh_pixels)
reduce_rows = Kernel("lamella.kernels.reduce:reduce_rows", fallback.reduce_rows)
correct_rows = Kernel("lamella.kernels.reduce:correct_rows", fallback.correct_rows)

add_events = Kernel("lamella.kernels.sparse:add_events", sparse_fallback.add_events)
add_rows = Kernel("lamella.kernels.sparse:add_rows", sparse_fallback.add_rows)
spread_events = Kernel("lamella.kernels.sparse:spread_events", sparse_fallback.spread_events)
weigh_events = Kernel("lamella.kernels.sparse:weigh_events", sparse_fallback.weigh_events)
weigh_listed = Kernel("lamella.kernels.sparse:weigh_listed", sparse_fallback.weigh_listed)
