"""How large the chunks of an array are that stands for a data set."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lamella.reader.source import ReadHints

__all__ = ["advised_chunks"]

_CHUNK = 64 << 20
_LARGE_CHUNK = 128 << 20
_LARGE = 256 << 30
"""Size of an array from which on chunks are larger, so that there are fewer tasks [bytes]."""


def advised_chunks(
    nav_shape: Sequence[int], sig_shape: Sequence[int], itemsize: int, hints: ReadHints, most: int | None = None
) -> tuple[int, ...]:
    """Give the lengths of a chunk along every axis: whole frames, as many as fit, the last scan axes first.

    A chunk ends where a block of frames ends that are stored together, if that is possible. It cuts the detector only
    where the source stores parts of frames and one frame alone is too large.

    Parameters
    ----------
    nav_shape, sig_shape
        Shape of the scan and of a frame.
    itemsize
        Size of a pixel in the array [bytes].
    hints
        What the source would like to be asked for.
    most
        Wanted size of a chunk [bytes]; 64 MiB by default, 128 MiB for arrays of 256 GiB or more.
    """
    frame = math.prod(sig_shape) * itemsize
    if most is None:
        most = _CHUNK if frame * math.prod(nav_shape) < _LARGE else _LARGE_CHUNK
    lengths: list[int] = []
    room = max(1, most // max(1, frame))
    for length in reversed(nav_shape):
        inner = math.prod(lengths)
        whole = math.prod(nav_shape[len(nav_shape) - len(lengths) :]) == inner
        take = min(length, room // inner) if whole else 1
        lengths.append(_on_blocks(take, length, inner, room, hints.frame_block) if whole else 1)
    sig = tuple(sig_shape)
    if frame > most and hints.sig_block is not None and len(hints.sig_block) == len(sig):
        sig = _part_of_frame(sig, itemsize, hints.sig_block, most)
    return (*reversed(lengths), *sig)


def _on_blocks(take: int, length: int, inner: int, room: int, block: int) -> int:
    """Give how many steps of an axis a chunk has, such that no block of frames lies in two chunks."""
    step = block // math.gcd(block, inner)
    take = max(1, take)
    if take == length or step <= 1:
        return take
    if take >= step:
        return take - take % step
    return min(length, step) if step * inner <= 2 * room else take


def _part_of_frame(sig_shape: Sequence[int], itemsize: int, blocks: Sequence[int], most: int) -> tuple[int, ...]:
    shape = list(sig_shape)
    for axis, (length, block) in enumerate(zip(sig_shape, blocks, strict=True)):
        others = math.prod(shape[:axis] + shape[axis + 1 :]) * itemsize
        fits = most // others // block * block
        shape[axis] = min(length, max(block, fits))
        if shape[axis] * others <= most:
            break
    return tuple(shape)
