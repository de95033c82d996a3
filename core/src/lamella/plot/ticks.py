"""Numbers beside pictures: round values at ticks, their texts, and lengths of scale bars."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lamella.plot.panels import Scale
from lamella.system.text import printable

__all__ = ["Ticks", "nice_length", "position", "ticks", "unit_text"]

_LONGEST = 60  # characters of a unit
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_POWERS = (-3, 5)
"""Powers of ten between which numbers are written out."""
_SMALLEST = 1e-300
_DIGITS = 5
"""Digits of the number at a tick at most; with more, a constant is taken out."""


@dataclass(frozen=True, slots=True)
class Ticks:
    """Values with their texts, further values without, and what all texts are multiplied with or added to."""

    values: tuple[float, ...]
    texts: tuple[str, ...]
    minor: tuple[float, ...] = ()
    note: str = ""


def position(value: float, scale: Scale, limits: tuple[float, float]) -> float:
    """Give where a value lies between the limits: 0 at the first, 1 at the second."""
    low, high = limits
    if scale == "log" and low > 0:
        value, low, high = (math.log(max(number, 5e-324)) for number in (value, low, high))
    return (value - low) / (high - low) if high != low else 0.5


def ticks(limits: tuple[float, float], scale: Scale = "linear", most: int = 6) -> Ticks:
    """Give round values between limits.

    Parameters
    ----------
    limits
        The first and the last value, in any order.
    scale
        Powers of ten for ``"log"``, else equal steps.
    most
        Ticks with a text at most.

    Examples
    --------
    >>> ticks((0, 1.1)).texts, ticks((3, 12000), "log").texts, ticks((0, 3e7)).note
    (('0', '0.2', '0.4', '0.6', '0.8', '1'), ('10', '10²', '10³', '10⁴'), '×10⁷')
    """
    low, high = min(limits), max(limits)
    if not (math.isfinite(low) and math.isfinite(high) and math.isfinite(high - low)) or high - low < _SMALLEST:
        return Ticks((), ())
    if scale == "log" and low > 0:
        found = _log(low, high, most)
        if len(found.values) > 1:
            return found
    return _linear(low, high, most)


def _linear(low: float, high: float, most: int) -> Ticks:
    step = _step((high - low) / max(most, 1))
    first, last = _multiples(step, low, high)
    if last - first >= most:
        step = _step(step * 1.01)
        first, last = _multiples(step, low, high)
    if last - first > 4 * most:  # numbers so far from zero that the step is lost in them
        return Ticks((), ())
    counts = range(first, last + 1)
    values = tuple(count * step for count in counts)
    texts, note = _texts(values, step)
    return Ticks(values, texts, note=note)


def _multiples(step: float, low: float, high: float) -> tuple[int, int]:
    """Give the first and the last multiple of a step between two numbers."""
    return math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6)


def _step(about: float) -> float:
    """Give the smallest of 1, 2, 5, 10, … that is at least ``about``."""
    power = math.floor(math.log10(about))
    return next(factor * 10.0**power for factor in (1, 2, 5, 10) if factor * 10.0**power >= about * (1 - 1e-9))


def _texts(values: tuple[float, ...], step: float) -> tuple[tuple[str, ...], str]:
    largest = max((abs(value) for value in values), default=0.0)
    taken = 0.0
    note = ""
    if largest and math.log10(largest / step) > _DIGITS - 1:
        taken, note = values[0], f"{values[0]:+.10g}".replace("-", "−")
        values = tuple(round((value - taken) / step) * step for value in values)
        largest = max(abs(value) for value in values)
    power = math.floor(math.log10(largest) + 1e-9) if largest else 0
    if _POWERS[0] <= power < _POWERS[1]:
        power = 0
    else:
        note = f"×{_power_text(power)} {note}".rstrip()
    decimals = max(0, -math.floor(math.log10(step) - power + 1e-9))
    return tuple(_number(value / 10.0**power, decimals) for value in values), note


def _number(value: float, decimals: int) -> str:
    text = f"{value:.{min(decimals, 12)}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text.replace("-", "−")


def _log(low: float, high: float, most: int) -> Ticks:
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    powers = range(first, last + 1)
    minor = tuple(
        factor * 10.0**power
        for power in range(first - 1, last + 1)
        for factor in range(2, 10)
        if low <= factor * 10.0**power <= high
    )
    if len(powers) >= 2:
        shown = powers[:: math.ceil(len(powers) / most)]
        return Ticks(tuple(10.0**power for power in shown), tuple(map(_power_text, shown)), minor)
    values = [
        factor * 10.0**power
        for power in range(first - 1, last + 1)
        for factor in (1, 2, 5)
        if low * (1 - 1e-9) <= factor * 10.0**power <= high * (1 + 1e-9)
    ]
    return Ticks(tuple(values), tuple(map(_plain, values)), minor)


def _plain(value: float) -> str:
    power = math.floor(math.log10(value) + 1e-9)
    if _POWERS[0] <= power < _POWERS[1]:
        return f"{value:g}"
    factor = round(value / 10.0**power)
    return _power_text(power) if factor == 1 else f"{factor}×{_power_text(power)}"


def _power_text(power: int) -> str:
    return {0: "1", 1: "10"}.get(power, f"10{str(power).translate(_RAISED)}")


def nice_length(about: float) -> float:
    """Give the largest of 1, 2, 5, 10, … that is at most ``about``.

    Examples
    --------
    >>> nice_length(137.0), nice_length(0.07)
    (100.0, 0.05)
    """
    power = math.floor(math.log10(about))
    candidates = [factor * 10.0**power for factor in (1, 2, 5)]
    best = max((candidate for candidate in candidates if candidate <= about * (1 + 1e-9)), default=about)
    return float(f"{best:.3g}")


def unit_text(units: str) -> str:
    """Give a unit as people write it.

    Examples
    --------
    >>> unit_text("1/nm")
    'nm⁻¹'
    """
    text = f"{units.removeprefix('1/')}⁻¹" if units.startswith("1/") else units
    return printable(text, _LONGEST)
