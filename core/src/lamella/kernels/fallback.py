"""The reductions in NumPy: what `lamella.kernels.reduce` does, without a compiler.

Swapped tiles arrive in native dtype with their bytes in the wrong order, see `reduce`. A few frames are taken at a
time, so that temporaries stay small however large a tile is. Functions that hold the GIL are avoided, so that two
workers are nearly twice as fast as one.
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
    "sums_of_stretches",
    "weigh_items",
    "weigh_pixels",
]

_ITEMS = 1 << 18
"""Pixels that are converted at a time: they stay near the processor until they are used, and threads rarely meet at the
GIL."""
_COLUMNS = 1 << 14
"""Pixels of a frame that are converted at a time, so that several frames share what belongs to these pixels: few long
rows, because the interpreter is asked for once a piece."""
_NARROW = 1 << 16
"""Whole numbers of at most 16 bits whose sum 32 bits hold, signed or not."""
_DEEP = 256
"""Frames that are added up before their sum is added to the result, so that long sums stay as good as short ones."""
_SHALLOW = 64
"""The same for frames of many pixels."""
_FEW = 1 << 11
"""Pixels of a frame that are few."""


def _ordered(tile: Any, swapped: tuple[int, ...]) -> Any:
    """Give a view of a tile with its byte order.

    NumPy then swaps bytes where it converts or adds anyway, while other threads work; ``byteswap`` holds the GIL.
    """
    return tile.view(tile.dtype.newbyteorder()) if swapped else tile


def _pieces(tile: Any, step: int) -> Iterator[tuple[slice, Any]]:
    """Give some frames at a time, and their pixels."""
    for first in range(0, len(tile), step):
        yield slice(first, first + step), tile[first : first + step]


def _whole(tile: Any) -> Iterator[tuple[slice, Any]]:
    """Give some frames at a time, as many as are copied at most."""
    return _pieces(tile, min(_DEEP, max(1, _ITEMS // max(1, tile.shape[1]))))


def _blocks(tile: Any, swapped: tuple[int, ...], dtype: Any) -> Iterator[tuple[slice, slice, Any]]:
    """Give pixels, frames, and what is there in another dtype; writable, and valid until the next block."""
    tile = _ordered(tile, swapped)
    depth, n_pixels = tile.shape
    columns = max(1, min(_COLUMNS, n_pixels))
    step = min(_DEEP, _ITEMS // columns)
    room = np.empty(min(step, depth) * columns, dtype)
    block = room[:0].reshape(0, 0)
    for start in range(0, n_pixels, columns):
        pixels = slice(start, start + columns)
        for frames, piece in _pieces(tile[:, pixels], step):
            if piece.shape != block.shape:
                block = room[: piece.size].reshape(piece.shape)
            np.copyto(block, piece, casting="unsafe")
            yield pixels, frames, block


def add_frames(tile: Any, swapped: tuple[int, ...], total: Any) -> None:
    """Add the frames of a tile to ``total``."""
    # 32 bits hold the sum of `_DEEP` whole numbers of 16 bits.
    narrow = _is_narrow(tile)
    step = _DEEP if tile.shape[1] <= _FEW else _SHALLOW
    for _, piece in _pieces(_ordered(tile, swapped), step):
        total += np.add.reduce(piece, axis=0, dtype=np.int32 if narrow else total.dtype)


def _is_narrow(tile: Any) -> bool:
    """Whether 32 bits hold the sum of `_NARROW` pixels, which takes half as long as in 64 bits."""
    return tile.dtype.kind in "biu" and tile.dtype.itemsize <= 2


def add_pixels(tile: Any, swapped: tuple[int, ...], total: Any) -> None:
    """Add the pixels of each frame to ``total``."""
    if not _is_narrow(tile):
        for frames, piece in _whole(_ordered(tile, swapped)):
            total[frames] += np.add.reduce(piece, axis=1, dtype=total.dtype)
        return
    narrow = np.int32 if tile.dtype.kind == "i" else np.uint32
    for frames, piece in _pieces(_ordered(tile, swapped), _SHALLOW):
        for start in range(0, tile.shape[1], _NARROW):
            total[frames] += np.add.reduce(piece[:, start : start + _NARROW], axis=1, dtype=narrow)


def add_moments(tile: Any, swapped: tuple[int, ...], shift: Any, total: Any, squares: Any) -> None:
    """Add frames and their squares relative to ``shift``."""
    for pixels, _, block in _blocks(tile, swapped, np.float64):
        block -= shift[pixels]
        total[pixels] += np.add.reduce(block, axis=0)
        np.multiply(block, block, out=block)
        squares[pixels] += np.add.reduce(block, axis=0)


def add_squares(tile: Any, swapped: tuple[int, ...], total: Any, squares: Any) -> None:
    """Add frames of at most 16 bit whole numbers and their squares, exactly."""
    for pixels, _, block in _blocks(tile, swapped, np.int64):
        total[pixels] += np.add.reduce(block, axis=0)
        np.multiply(block, block, out=block)
        squares[pixels] += np.add.reduce(block, axis=0)


def weigh_pixels(tile: Any, swapped: tuple[int, ...], masks: Any, result: Any) -> None:
    """Add the sums of each frame under each mask to ``result``, in double precision.

    `numpy.dot` lets other threads work meanwhile, which ``@`` does not for small results. OpenBLAS takes masks in
    pairs: an odd number of them costs half as much again, so a mask of zeros is added.
    """
    dtype = np.result_type(masks.dtype, np.float64)
    count = len(masks)
    room = np.zeros((count + (count > 1 and count % 2), min(_COLUMNS, tile.shape[1])), dtype)
    weights, of = room, slice(0, 0)
    with np.errstate(over="ignore", invalid="ignore"):  # as the compiled kernels do
        for pixels, frames, block in _blocks(tile, swapped, dtype):
            if pixels is not of:
                weights, of = room[:, : block.shape[1]], pixels
                weights[:count] = masks[:, pixels]
            result[frames] += np.dot(block, weights.T)[:, :count]


def weigh_items(tile: Any, swapped: tuple[int, ...], items: Any, numbers: Any, weights: Any, result: Any) -> None:
    """Add the sums of each frame under masks that are given as the pixels that count to ``result``."""
    if not items.size:
        return
    order = np.argsort(numbers, kind="stable")
    items, numbers, weights = items[order], numbers[order], weights[order]
    starts = np.concatenate([[0], np.flatnonzero(numbers[1:] != numbers[:-1]) + 1])
    columns = numbers[starts]
    step = max(1, min(len(tile), _ITEMS // items.size))
    room = np.empty((step, items.size), np.result_type(tile.dtype, weights.dtype))
    for frames, piece in _pieces(_ordered(tile, swapped), step):
        block = room[: len(piece)]
        np.copyto(block, _picked(piece, items), casting="unsafe")
        block *= weights
        result[frames, columns] += sums_of_stretches(block, starts)


def sums_of_stretches(rows: Any, starts: Any) -> Any:
    """Give the sums of stretches of each row, the first of which begins at 0.

    `numpy.add.reduceat` lets other threads work meanwhile only if it gets one row, so that of all of them is made.
    """
    begins = np.arange(len(rows))[:, np.newaxis] * rows.shape[1] + starts
    return np.add.reduceat(rows.reshape(-1), begins.reshape(-1)).reshape(len(rows), -1)


def _picked(piece: Any, items: Any) -> Any:
    """Give some pixels of each frame; `numpy.take` is faster, but copies frames that lie apart."""
    return np.take(piece, items, axis=1) if piece.flags.c_contiguous and piece.flags.aligned else piece[:, items]


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
    np.subtract(_ordered(rows, swapped), dark, out=out, casting="unsafe")
    if gain.size:
        out *= gain
