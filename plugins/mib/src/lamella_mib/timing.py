"""The length of a scan line from the time stamps of frames: the way back to the next line takes a little longer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["find_line_length", "line_length"]

_FIRST_LOOK = 64
_MOST = 2048 + 1
"""Frames to look at, at most: enough for two lines of 1024."""
_LEAST_JUMP = 3_000
"""[ns]; time stamps without the extension are whole microseconds."""


def find_line_length(n_frames: int, stamps: Callable[[int], NDArray[np.int64]]) -> int | None:
    """Give the frames of a line, or None if time stamps do not tell.

    Parameters
    ----------
    n_frames
        Frames of the scan.
    stamps
        Gives the time stamps [ns] of so many frames from the beginning.
    """
    count = min(n_frames, _FIRST_LOOK)
    while count > 2:
        length = line_length(stamps(count))
        if length is not None and (count > 2 * length or (count == n_frames and n_frames % length == 0)):
            return length
        if count == min(n_frames, _MOST):
            return None
        count = min(n_frames, 4 * count + 1, _MOST)
    return None


def line_length(stamps: NDArray[np.int64]) -> int | None:
    """Give the number of frames after which time stamps jump, every time, and nowhere else.

    Examples
    --------
    >>> line_length(np.array([0, 10, 20, 50, 60, 70, 100, 110]) * 1000)
    3
    """
    steps = np.diff(stamps)
    if steps.size < 2:
        return None
    usual = _median(steps)
    scatter = _median(np.abs(steps - usual))
    jumps = np.flatnonzero(steps - usual > max(20 * scatter, 1e-4 * usual, _LEAST_JUMP)) + 1
    if not jumps.size or jumps[0] < 2:
        return None
    length = int(jumps[0])
    return length if np.array_equal(jumps, np.arange(length, stamps.size, length)) else None


def _median(numbers: NDArray[Any]) -> Any:
    """Give what `numpy.median` gives, which imports masked arrays: that takes longer than all that is done here."""
    ordered = np.sort(numbers)
    return (ordered[(numbers.size - 1) // 2] + ordered[numbers.size // 2]) / 2
