"""Which scale shows something, and where its colours begin and end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.plot.panels import Scale

__all__ = ["Wish", "balanced_limits", "choose_scale", "curve_scale", "linear_limits", "real_numbers"]

Wish: TypeAlias = Literal["linear", "balanced", "counts"]
"""What numbers are: with zero in the middle, or counts, which are shown on a logarithmic scale if they need it."""

_LOW, _LOW_OF_LOG, _HIGH = 0.002, 0.01, 0.998
"""Parts of the values that lie below the limits of linear and of logarithmic scales, and of both."""
_MANY = 500
"""From so many values on, these parts are more than one value."""
_ENOUGH = 1 << 18
_FEW = 1 << 16
_FAR = 3.0
"""How far a single value lies from the others, in ranges of these, to be left out."""
_DECADE, _FOR_CURVES = 10.0, 100.0
_DUST = 1e-13
"""Relative difference that is only an error of rounding."""
_FARTHEST = 1e5
"""Ratio of the limits of a logarithmic scale at most."""


def real_numbers(values: NDArray[Any]) -> NDArray[Any]:
    """Give what is shown of an array: the magnitude of complex numbers, zeros and ones for truth values."""
    if np.iscomplexobj(values):
        return np.asarray(np.abs(values))
    return values.astype(np.uint8) if values.dtype == np.bool_ else values


def choose_scale(values: NDArray[Any], wish: Wish = "counts") -> tuple[Scale, tuple[float, float]]:
    """Give the scale on which an image is shown, and its limits.

    A few very bright or dark pixels do not move the limits. Numbers that are not finite do not count.

    Parameters
    ----------
    values
        Numbers; of complex ones, the magnitude counts.
    wish
        ``"counts"`` for a logarithmic scale if the positive numbers span more than a decade, from their first to their
        99.8th percentile; ``"balanced"`` for zero in the middle of the colours; ``"linear"``.

    Examples
    --------
    >>> choose_scale(np.array([0, 1, 10, 100, 1000])), choose_scale(np.arange(2, 9), "balanced")
    (('log', (1.0, 1000.0)), ('balanced', (-8.0, 8.0)))
    """
    known = _known(real_numbers(values))
    if wish == "balanced":
        far = max(map(abs, _ends(known))) if known.size else 0.0
        return "balanced", (-far, far) if far > 0 else (-1.0, 1.0)
    limits = _log_limits(known, _DECADE) if wish == "counts" else None
    return ("linear", _linear_limits(known)) if limits is None else ("log", limits)


def linear_limits(values: NDArray[Any]) -> tuple[float, float]:
    """Give the limits of a linear scale."""
    return choose_scale(values, "linear")[1]


def balanced_limits(values: NDArray[Any]) -> tuple[float, float]:
    """Give limits with zero in their middle."""
    return choose_scale(values, "balanced")[1]


def curve_scale(values: NDArray[Any], wish: Wish = "linear") -> tuple[Scale, tuple[float, float]]:
    """Give the scale on which a curve is shown, and its limits: with a margin, and without what a single point does."""
    known = _known(_without_spikes(values))
    if wish == "counts" and _log_limits(known, _FOR_CURVES) is not None:
        high = float(known.max())
        return "log", (max(float(known[known > 0].min()), high / _FARTHEST) / 1.2, high * 1.2)
    if not known.size:
        return "linear", (0.0, 1.0)
    low, high = float(known.min()), float(known.max())
    if not low < high:
        return "linear", _around(low)
    if 0 < low < high / 2:
        low = 0.0
    margin = 0.05 * high - 0.05 * low
    return "linear", (low if low == 0 else low - margin, high + margin)


def _known(values: NDArray[Any]) -> NDArray[Any]:
    """Give finite values: evenly chosen ones, or all where these are few."""
    flat = values.reshape(-1)
    step = max(1, flat.size // _ENOUGH) | 1
    known = _finite(flat[::step])
    return _finite(flat) if known.size < min(flat.size, _FEW) else known


def _finite(values: NDArray[Any]) -> NDArray[Any]:
    """Give finite values in double precision, or as they are if they are counts of at most 16 bits."""
    if values.dtype.kind == "u" and values.dtype.itemsize <= 2:
        return values.astype(values.dtype.newbyteorder("="), copy=False)
    return np.asarray(values if values.dtype.kind in "iu" else values[np.isfinite(values)], dtype=np.float64)


def _ends(known: NDArray[Any], low: float = _LOW) -> tuple[float, float]:
    """Give a low and a high value such that a hot or a dead pixel lies beyond them."""
    n = len(known)
    if n >= _MANY:
        first, last = round(low * (n - 1) + 0.5), int(_HIGH * (n - 1))
        if known.dtype != np.float64:  # whole numbers that can be counted, which is faster
            below = np.cumsum(np.bincount(known))
            low_value, high_value = np.searchsorted(below, (first, last), side="right")
            return float(low_value), float(high_value)
        ordered = np.partition(known, (first, last))
        return float(ordered[first]), float(ordered[last])
    ordered = np.sort(known).astype(np.float64, copy=False)
    first, last = 0, n - 1
    if n > 4:
        with np.errstate(over="ignore"):
            first += int(0 < _FAR * (ordered[-2] - ordered[1]) < ordered[1] - ordered[0])
            last -= int(0 < _FAR * (ordered[-2] - ordered[first]) < ordered[-1] - ordered[-2])
    return float(ordered[first]), float(ordered[last])


def _linear_limits(known: NDArray[Any]) -> tuple[float, float]:
    if not known.size:
        return 0.0, 1.0
    low, high = _ends(known)
    if not low < high:
        low, high = float(known.min()), float(known.max())
    return (low, high) if high - low > _DUST * max(abs(low), abs(high)) else _around(low)


def _log_limits(known: NDArray[Any], ratio: float) -> tuple[float, float] | None:
    """Give limits of a logarithmic scale; None where the positive values do not have the range for it."""
    positive = known[known > 0]
    if not positive.size:
        return None
    low, high = _ends(positive, _LOW_OF_LOG)
    if len(positive) < len(known) and (known < 0).mean() > _LOW_OF_LOG:
        low = max(low, -float(np.quantile(known, _LOW_OF_LOG)))  # below, there is noise
    if not high > ratio * low:
        return None
    return max(low, high / _FARTHEST), high


def _around(value: float) -> tuple[float, float]:
    """Give limits around the only value that there is."""
    if value == 0:
        return 0.0, 1.0
    half = max(abs(value) / 2, 1e-300)
    largest = float(np.finfo(np.float64).max)
    return max(value - half, -largest), min(value + half, largest)


def _without_spikes(values: NDArray[Any]) -> NDArray[Any]:
    """Give the median of each point of a curve and its neighbours."""
    if len(values) < 5:
        return values
    known = np.asarray(values, dtype=np.float64)
    before, behind = np.roll(known, 1), np.roll(known, -1)
    before[0], behind[-1] = known[1], known[-2]
    middle = np.maximum(np.minimum(known, before), np.minimum(np.maximum(known, before), behind))
    spread = np.nanquantile(middle, 0.9) - np.nanquantile(middle, 0.1) if np.isfinite(middle).any() else 0.0
    return np.where(np.abs(known - middle) > _FAR * spread, middle, known) if spread > 0 else known
