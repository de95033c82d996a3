"""The reductions in NumPy: what `lamella.kernels.reduce` does, without a compiler.

Swapped tiles arrive in native dtype with their bytes in the wrong order, see `reduce`. A few frames are taken at a
time, so that temporaries stay small however large a tile is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

__all__ = [
    "add_frames",
    "add_moments",
    "add_pixels",
    "add_squares",
    "correct_rows",
    "reduce_rows",
    "weigh_items",
    "weigh_pixels",
]

_ITEMS = 1 << 18


def _pieces(tile: Any, swapped: tuple[int, ...]) -> Iterator[tuple[slice, Any]]:
    """Give frames, and their pixels in native byte order."""
    step = max(1, _ITEMS // max(1, tile.shape[1]))
    for first in range(0, len(tile), step):
        piece = tile[first : first + step]
        yield slice(first, first + step), piece.byteswap() if swapped else piece


def add_frames(tile: Any, swapped: tuple[int, ...], total: Any) -> None:
    """Add the frames of a tile to ``total``."""
    for _, piece in _pieces(tile, swapped):
        total += piece.sum(axis=0, dtype=total.dtype)


def add_pixels(tile: Any, swapped: tuple[int, ...], total: Any) -> None:
    """Add the pixels of each frame to ``total``."""
    for frames, piece in _pieces(tile, swapped):
        total[frames] += piece.sum(axis=1, dtype=total.dtype)


def add_moments(tile: Any, swapped: tuple[int, ...], shift: Any, total: Any, squares: Any) -> None:
    """Add frames and their squares relative to ``shift``, frame by frame."""
    for _, piece in _pieces(tile, swapped):
        for frame in piece:
            difference = frame - shift
            total += difference
            np.multiply(difference, difference, out=difference)
            squares += difference


def add_squares(tile: Any, swapped: tuple[int, ...], total: Any, squares: Any) -> None:
    """Add frames of at most 16 bit whole numbers and their squares, frame by frame, exactly."""
    for _, piece in _pieces(tile, swapped):
        for frame in piece:
            number = frame.astype(np.int64)
            total += number
            np.multiply(number, number, out=number)
            squares += number


def weigh_pixels(tile: Any, swapped: tuple[int, ...], masks: Any, result: Any) -> None:
    """Add the sums of each frame under each mask to ``result``."""
    for frames, piece in _pieces(tile, swapped):
        result[frames] += piece.astype(masks.dtype, copy=False) @ masks.T


def weigh_items(tile: Any, swapped: tuple[int, ...], items: Any, numbers: Any, weights: Any, result: Any) -> None:
    """Add the sums of each frame under masks that are given as the pixels that count to ``result``."""
    order = np.argsort(numbers, kind="stable")
    masks, starts = np.unique(numbers[order], return_index=True)
    for frames, piece in _pieces(tile, swapped) if masks.size else ():
        result[frames, masks] += np.add.reduceat(piece[:, items[order]] * weights[order], starts, axis=1)


def reduce_rows(
    tile: Any, swapped: tuple[int, ...], shift: Any, total: Any, squares: Any, pixels: Any, weights: Any, weighed: Any
) -> None:
    """Do what is wanted: each of these is an array without elements if it is not."""
    if squares.size and squares.dtype.kind == "i":
        add_squares(tile, swapped, total, squares)
    elif squares.size:
        add_moments(tile, swapped, shift, total, squares)
    elif total.size:
        add_frames(tile, swapped, total)
    if pixels.size:
        add_pixels(tile, swapped, pixels)
    if weights.size:
        weigh_pixels(tile, swapped, weights, weighed)


def correct_rows(rows: Any, swapped: tuple[int, ...], dark: Any, gain: Any, out: Any) -> None:
    """Write ``(rows - dark) * gain`` to ``out``; a gain of no elements is one."""
    np.subtract(rows.byteswap() if swapped else rows, dark, out=out, casting="unsafe")
    if gain.size:
        out *= gain
