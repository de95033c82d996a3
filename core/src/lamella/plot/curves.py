"""Curves as points of a picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.plot.panels import Panel

__all__ = ["curve_points"]

_SMALLEST, _LARGEST = 1e-300, 1e300
_FAR = 1e3
"""How far points may lie outside, in heights of the picture."""


def curve_points(panel: Panel, shape: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the heights and places of the points of a curve; the height is NaN where nothing is known.

    Parameters
    ----------
    panel
        The curve.
    shape
        Height and width of the picture [px]. Of more points than it has columns, the lowest and the highest in each
        column are given.
    """
    height, width = shape
    low, high = panel.limits
    y, x = _few(np.asarray(panel.data, dtype=np.float64), width)
    if not high > low:
        return np.full_like(y, np.nan), x
    y = np.clip(y, -_LARGEST, _LARGEST)
    if panel.scale == "log" and low > 0:
        with np.errstate(divide="ignore", invalid="ignore"):
            y = np.log(np.where(y > 0, y, np.where(np.isnan(y), np.nan, _SMALLEST)))
        low, high = math.log(low), math.log(high)
    parts = np.clip((y - low) / (high - low), -_FAR, _FAR)
    return (1 - parts) * (height - 1) + 0.5, x


def _few(values: NDArray[np.float64], width: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    count = len(values)
    values = np.where(np.isfinite(values), values, np.nan)
    if count <= 4 * width:
        places = np.arange(count) / max(count - 1, 1)
        return values, places * (width - 1) + 0.5
    starts = np.arange(width) * count // width
    lowest = np.fmin.reduceat(values, starts)
    highest = np.fmax.reduceat(values, starts)
    return np.stack([lowest, highest], axis=1).reshape(-1), np.repeat(np.arange(width) + 0.5, 2)
