"""Facts that go with a picture: its axes, the range of its numbers, and their histogram."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.plot import choose_scale
from lamella.reader import Axis

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LOOKED", "SAMPLE", "axis_told", "every_nth", "numbers_told", "thinned"]

_BINS = 128
SAMPLE = 1 << 16
"""Numbers by which percentiles and histogram of a picture are made."""
LOOKED = 1 << 14
"""Numbers by which the range of a first picture, or of a frame, is chosen."""


def every_nth(data: NDArray[Any]) -> NDArray[Any]:
    """Give fewer numbers of an image, enough to choose its range; all of others."""
    if data.ndim != 2 or data.dtype.kind not in "buif":
        return data
    n = max(1, math.isqrt(data.size // LOOKED))
    return data[::n, ::n]


def thinned(axes: Sequence[Axis], whole: Sequence[int], shape: Sequence[int]) -> tuple[Axis, ...]:
    """Give the axes of a sample of a picture: they cover the same range with larger steps."""
    last = tuple(axes)[-len(shape) :]
    if len(last) != len(shape):
        return ()
    return tuple(replace(axis, scale=axis.scale * n / m) for axis, n, m in zip(last, whole, shape, strict=True))


def axis_told(axis: Axis, whole: int, count: int) -> dict[str, Any]:
    """Give an axis of a picture of which ``count`` of ``whole`` pixels are shown."""
    return {"name": axis.name, "scale": axis.scale * count / whole, "offset": axis.offset, "unit": axis.units}


def numbers_told(
    numbers: NDArray[Any], valid: NDArray[np.bool_] | None, kind: str, most: int = SAMPLE
) -> dict[str, Any]:
    """Give what a page wants to know about numbers: extremes, percentiles, a histogram of so many of them."""
    known = numbers[valid] if valid is not None and valid.shape == numbers.shape else numbers.reshape(-1)
    if known.dtype.kind == "f":
        known = known[np.isfinite(known)]
    if not known.size:
        return {"percentiles": [0.0, 1.0], "extremes": [0.0, 0.0], "histogram": None}
    low, high = float(known.min()), float(known.max())
    told: dict[str, Any] = {"extremes": [low, high], "percentiles": [low, high], "histogram": None}
    if kind == "curve":
        return told
    sample = known[:: max(1, known.size // most)]
    told["percentiles"] = list(choose_scale(sample[:: max(1, sample.size // LOOKED)], "linear")[1])
    if high > low and math.isfinite(high - low):
        place = (sample.astype(np.float64) - low) * (_BINS / (high - low))
        counts = np.bincount(np.minimum(place.astype(np.int64), _BINS - 1), minlength=_BINS)
        told["histogram"] = {"low": low, "high": high, "counts": counts.tolist()}
    return told
