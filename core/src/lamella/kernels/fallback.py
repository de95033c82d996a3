"""The reductions in NumPy: what `lamella.kernels.reduce` does, without a compiler.

Swapped tiles arrive in native dtype with their bytes in the wrong order, see `reduce`; temporaries stay of tile size.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["add_frames", "add_moments", "add_pixels", "add_squares", "correct_rows", "weigh_pixels"]


def _native(tile: Any, swapped: tuple[int, ...]) -> Any:
    return tile.byteswap() if swapped else tile


def add_frames(tile: Any, swapped: tuple[int, ...], total: Any) -> None:
    """Add the frames of a tile to ``total``."""
    total += _native(tile, swapped).sum(axis=0, dtype=total.dtype)


def add_pixels(tile: Any, swapped: tuple[int, ...], total: Any) -> None:
    """Add the pixels of each frame to ``total``."""
    total += _native(tile, swapped).sum(axis=1, dtype=total.dtype)


def add_moments(tile: Any, swapped: tuple[int, ...], shift: Any, total: Any, squares: Any) -> None:
    """Add frames and their squares relative to ``shift``, frame by frame."""
    for frame in _native(tile, swapped):
        difference = frame - shift
        total += difference
        np.multiply(difference, difference, out=difference)
        squares += difference


def add_squares(tile: Any, swapped: tuple[int, ...], total: Any, squares: Any) -> None:
    """Add frames of at most 16 bit whole numbers and their squares, frame by frame, exactly."""
    for frame in _native(tile, swapped):
        number = frame.astype(np.int64)
        total += number
        np.multiply(number, number, out=number)
        squares += number


def weigh_pixels(tile: Any, swapped: tuple[int, ...], masks: Any, result: Any) -> None:
    """Add the sums of each frame under each mask to ``result``."""
    result += _native(tile, swapped).astype(masks.dtype, copy=False) @ masks.T


def correct_rows(rows: Any, dark: Any, gain: Any, out: Any) -> None:
    """Write ``(rows - dark) * gain`` to ``out``."""
    np.subtract(rows, dark, out=out, casting="unsafe")
    out *= gain
