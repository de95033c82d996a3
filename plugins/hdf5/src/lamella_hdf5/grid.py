"""How frames and boxes meet the grid of chunks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.reader import SigBox

__all__ = ["as_slice", "frame_block", "groups", "padded_row", "strides", "touched"]


def frame_block(nav_shape: Sequence[int], chunk: Sequence[int]) -> int:
    """Give the number of consecutive frames after which the grid of chunks begins anew.

    Examples
    --------
    >>> frame_block((64, 64), (1, 1)), frame_block((64, 64), (4, 4)), frame_block((64, 64), (1, 8))
    (1, 256, 8)
    """
    for axis, (n, c) in enumerate(zip(nav_shape, chunk, strict=True)):
        if c == 1:
            continue
        rest = math.prod(nav_shape[axis + 1 :])
        return min(c, n) * rest if rest > 1 or n % c == 0 or axis == 0 else n
    return 1


def padded_row(nav_shape: Sequence[int], chunk: Sequence[int]) -> int:
    """Give the number of frames that one row of chunks holds, with what sticks out of the scan."""
    for axis, c in enumerate(chunk):
        if c > 1:
            rest = zip(nav_shape[axis + 1 :], chunk[axis + 1 :], strict=True)
            return c * math.prod(-(-n // k) * k for n, k in rest)
    return 1


def strides(grid: Sequence[int]) -> tuple[int, ...]:
    """Give how far neighbours along each axis of a grid are apart, counted in C order.

    Examples
    --------
    >>> strides((4, 3, 2))
    (6, 2, 1)
    """
    return tuple(math.prod(grid[axis + 1 :]) for axis in range(len(grid)))


def groups(keys: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Give the indices of equal keys together, the smallest key first."""
    order = np.argsort(keys, kind="stable")
    cuts = (np.flatnonzero(np.diff(keys[order])) + 1).tolist()
    for begin, end in itertools.pairwise((0, *cuts, len(keys))):
        yield order[begin:end]


def touched(box: SigBox, chunk: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Give the chunks of the detector that a box touches."""
    return itertools.product(
        *(range(o // c, (o + n - 1) // c + 1) for o, n, c in zip(box.origin, box.shape, chunk, strict=True))
    )


def as_slice(rows: NDArray[np.int64]) -> slice | NDArray[np.int64]:
    """Give rising row numbers as a slice if they have no gap."""
    first, last = int(rows[0]), int(rows[-1])
    if last - first + 1 == rows.size and (rows.size < 3 or bool((np.diff(rows) == 1).all())):
        return slice(first, last + 1)
    return rows
