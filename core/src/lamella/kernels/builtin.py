"""The kernels of the built-in reductions, and of corrections."""

from __future__ import annotations

from lamella.kernels import fallback
from lamella.kernels.library import Kernel

__all__ = ["add_frames", "add_moments", "add_pixels", "add_squares", "correct_rows", "weigh_pixels"]

add_frames = Kernel("lamella.kernels.reduce:add_frames", fallback.add_frames)
add_pixels = Kernel("lamella.kernels.reduce:add_pixels", fallback.add_pixels)
add_moments = Kernel("lamella.kernels.reduce:add_moments", fallback.add_moments)
add_squares = Kernel("lamella.kernels.reduce:add_squares", fallback.add_squares)
weigh_pixels = Kernel("lamella.kernels.weigh:weigh_pixels", fallback.weigh_pixels)
correct_rows = Kernel("lamella.kernels.reduce:correct_rows", fallback.correct_rows)
