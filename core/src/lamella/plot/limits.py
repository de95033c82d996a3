"""Which scale shows something, and where its colours begin and end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.plot.panels import Scale

__all__ = ["balanced_limits", "choose_scale", "limits_of", "linear_limits", "log_limits"]

_LOW, _HIGH = 0.2, 99.8
"""Percentiles at which colours end: one hot or dead pixel must not darken a picture."""
_LOW_OF_LOG = 1.0
"""Percentile of the positive values at which logarithmic colours begin."""
_DECADE = 10.0
_FARTHEST = 1e5
"""Ratio of the limits of a logarithmic scale at most."""
_ENOUGH = 1 << 18
"""Values that percentiles are taken of at most."""


def choose_scale(values: NDArray[Any]) -> tuple[Scale, tuple[float, float]]:
    """Give the scale on which numbers are shown, and its limits.

    The scale is logarithmic if no number is negative, and the positive ones span more than a decade from their first to
    their 99.8th percentile. Numbers that are not finite do not count.

    Examples
    --------
    >>> choose_scale(np.array([0.0, 1.0, 10.0, 100.0, 1000.0]))[0], choose_scale(np.arange(2.0, 9.0))[0]
    ('log', 'linear')
    """
    known = _known(values)
    positive = known[known > 0]
    if positive.size and not (known < 0).any():
        low, high = np.percentile(positive, (_LOW_OF_LOG, _HIGH))
        if high > _DECADE * low:
            return "log", log_limits(known)
    return "linear", linear_limits(known)


def limits_of(scale: Scale, values: NDArray[Any]) -> tuple[float, float]:
    """Give the limits of numbers on a scale that was chosen; real numbers, or complex ones by their magnitude."""
    numbers = np.abs(values) if np.iscomplexobj(values) else values
    return {"log": log_limits, "balanced": balanced_limits, "linear": linear_limits}[scale](numbers)


def linear_limits(values: NDArray[Any]) -> tuple[float, float]:
    """Give limits from percentiles, or from the lowest and highest value where nearly all are the same."""
    known = _known(values)
    if known.size == 0:
        return 0.0, 1.0
    low, high = (float(limit) for limit in np.percentile(known, (_LOW, _HIGH)))
    if not high > low:
        low, high = float(known.min()), float(known.max())
    if not high > low:
        return _around(low)
    return low, high


def balanced_limits(values: NDArray[Any]) -> tuple[float, float]:
    """Give limits from percentiles with zero in their middle."""
    low, high = linear_limits(values)
    farthest = max(abs(low), abs(high))
    return (-farthest, farthest) if farthest else (-1.0, 1.0)


def log_limits(values: NDArray[Any]) -> tuple[float, float]:
    """Give positive limits, from percentiles of the positive values; there may be none."""
    known = _known(values)
    positive = known[known > 0]
    if positive.size == 0:
        return 1.0, _DECADE
    low = float(np.percentile(positive, _LOW_OF_LOG, method="lower"))
    high = float(np.percentile(positive, _HIGH, method="higher"))
    low = max(low, high / _FARTHEST)
    return low, max(high, low * _DECADE)


def _around(value: float) -> tuple[float, float]:
    """Give limits for one value: it gets the first colour."""
    return value, value + max(1.0, abs(value) * 1e-3)


def _known(values: NDArray[Any]) -> NDArray[np.float64]:
    """Give finite values, all or evenly chosen ones."""
    flat = np.asarray(values).reshape(-1)
    known = flat[:: max(1, flat.size // _ENOUGH)]
    return np.asarray(known[np.isfinite(known)], dtype=np.float64)
