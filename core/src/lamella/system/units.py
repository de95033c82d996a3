"""Quantities as people read them: 200 kV, 1.99 nm, 55 µm; one rule for the terminal, ``repr``, HTML and pictures."""

from __future__ import annotations

__all__ = ["quantity_text", "readable"]

_PREFIXES = {"f": -15, "p": -12, "n": -9, "µ": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9}
_BASES = ("m", "s", "eV", "V", "A", "Hz", "rad", "Pa", "T")
_MICRO = ("u", "\N{GREEK SMALL LETTER MU}")


def readable(value: float, units: str) -> tuple[float, str]:
    """Give a factor and a unit, such that ``value * factor`` in that unit has one to three digits before the point.

    Units that have no prefixes, such as ``"px"``, ``"°"`` or ``"1/nm"``, stay as they are.

    Examples
    --------
    >>> readable(0.001992, "µm"), readable(200e3, "eV"), readable(3.0, "px")
    ((1000.0, 'nm'), (0.001, 'keV'), (1.0, 'px'))
    """
    power, base = _parts(units)
    if base is None or value == 0 or value != value or abs(value) == float("inf"):
        return 1.0, units
    found = min(
        (other for other in _PREFIXES.items() if 1 <= abs(value) * 10.0 ** (power - other[1]) < 1000),
        key=lambda other: abs(other[1] - power),
        default=(None, power),
    )
    if found[0] is None:
        return 1.0, units
    return 10.0 ** (power - found[1]), f"{found[0]}{base}"


def _parts(units: str) -> tuple[int, str | None]:
    """Give the power of ten and the base unit; None for units without prefixes."""
    for base in _BASES:
        prefix = units.removesuffix(base)
        if units.endswith(base) and (prefix in _PREFIXES or prefix in _MICRO):
            return _PREFIXES["µ" if prefix in _MICRO else prefix], base
    return 0, None


def quantity_text(value: float, units: str | None, digits: int = 4) -> str:
    """Give a value with its unit.

    Examples
    --------
    >>> quantity_text(0.001992, "µm"), quantity_text(5.5e-05, "m"), quantity_text(1e-05, "s"), quantity_text(2.5, None)
    ('1.992 nm', '55 µm', '10 µs', '2.5')
    """
    if not units:
        return f"{value:.{digits}g}"
    factor, unit = readable(value, units)
    return f"{value * factor:.{digits}g} {unit}"
