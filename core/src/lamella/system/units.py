"""Quantities as people read them: 200 kV, 1.99 nm, 55 µm; one rule for the terminal, ``repr``, HTML and pictures."""

from __future__ import annotations

from lamella.system.text import printable

__all__ = ["number_text", "quantity_text", "readable"]

_PREFIXES = {"f": -15, "p": -12, "n": -9, "µ": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9}
_READ_ONLY = {"c": -2}
"""Prefixes that files have, and that no quantity is turned into."""
_BASES = {
    "m": (-15, 3),
    "s": (-15, 0),
    "eV": (-6, 9),
    "V": (-9, 9),
    "A": (-15, 3),
    "Hz": (-3, 9),
    "rad": (-9, 0),
    "Pa": (-12, 9),
    "T": (-9, 0),
}
"""Units that take prefixes, with the lowest and the highest power of ten that people use."""
_MICRO = ("u", "\N{GREEK SMALL LETTER MU}")
_OTHER_NAMES = {
    "\N{ANGSTROM SIGN}": "Å",
    "Angstrom": "Å",
    "angstrom": "Å",
    "Ångström": "Å",
    "deg": "°",
    "degree": "°",
    "degrees": "°",
    "micron": "µm",
    "microns": "µm",
}
_RECIPROCAL = ("^-1", "^{-1}", "**-1", "\N{SUPERSCRIPT MINUS}\N{SUPERSCRIPT ONE}")
_ALONE = ("Å", "px")
"""Units without prefixes whose reciprocal is written as in ``px-1``, too."""
_AMBIGUOUS = ("A",)
"""Ampere or Ångström."""
_LONGEST = 20
_MOST = 60  # characters of a unit that are shown
_LEAST_RECIPROCAL, _MOST_RECIPROCAL = 1e-4, 1e4
"""Numbers per length between which the unit of a file is kept."""
_DIGITS = 4
_PLAIN = 7  # digits before the point that are written out


def readable(value: float, units: str) -> tuple[float, str]:
    """Give a factor and a unit, such that ``value * factor`` in that unit has one to three digits before the point.

    A number from 0.1 to 1000 keeps its unit, and so does one per length from 0.0001 to 10000, such as ``0.05 1/nm``.
    Units that have no prefixes, such as ``"px"``, ``"°"`` or ``"1/Å"``, stay as they are, and so does ``"A"``, which is
    ampere in one file and Ångström in another. Units get one spelling: ``"um"`` is ``"µm"``, and ``"nm^-1"`` is
    ``"1/nm"``.

    Examples
    --------
    >>> readable(0.001992, "µm"), readable(200e3, "eV"), readable(3.0, "px")
    ((1000.0, 'nm'), (0.001, 'keV'), (1.0, 'px'))
    >>> readable(0.5, "nm"), readable(999.99999, "um")
    ((1.0, 'nm'), (0.001, 'mm'))
    >>> quantity_text(2e9, "1/m"), quantity_text(0.05, "1/nm")
    ('2 1/nm', '0.05 1/nm')
    """
    return _readable(_float(value), units, _DIGITS)


def _readable(value: float, units: str, digits: int) -> tuple[float, str]:
    """Give factor and unit of a number of which as many digits are shown."""
    shown = _spelled(units)
    number = abs(_rounded(value, digits))
    if shown.startswith("1/"):
        return _readable_reciprocal(number, shown, digits)
    power, base = _parts(shown)
    if base is None or not 0 < number < float("inf") or 0.1 <= number < 1000:
        return 1.0, shown
    lowest, highest = _BASES[base]
    for prefix, other in _PREFIXES.items():
        if lowest <= other <= highest and 1 <= _rounded(number * 10.0 ** (power - other), digits) < 1000:
            return 10.0 ** (power - other), f"{prefix}{base}"
    return 1.0, shown


def _readable_reciprocal(number: float, shown: str, digits: int) -> tuple[float, str]:
    """Give factor and unit of a number per length, which is one of nanometres unless it is far from these."""
    power, base = _parts(shown.removeprefix("1/"))
    if base != "m" or not 0 < number < float("inf") or _LEAST_RECIPROCAL <= number < _MOST_RECIPROCAL:
        return 1.0, shown
    for prefix in ("n", "µ", "m", "", "p"):
        other = _PREFIXES[prefix]
        if (0.01 if prefix == "n" else 1) <= _rounded(number * 10.0 ** (other - power), digits) < 1000:
            return 10.0 ** (other - power), f"1/{prefix}{base}"
    return 1.0, shown


def quantity_text(value: float, units: str | None, digits: int = 4) -> str:
    """Give a value with its unit, as one line of text that can be shown anywhere.

    Examples
    --------
    >>> quantity_text(0.001992, "µm"), quantity_text(5.5e-05, "m"), quantity_text(1e-05, "s"), quantity_text(2.5, None)
    ('1.992 nm', '55 µm', '10 µs', '2.5')
    >>> quantity_text(999.96, "nm"), quantity_text(999.96, "nm", digits=6), quantity_text(115000, None)
    ('1 µm', '999.96 nm', '115000')
    """
    number = _rounded(_float(value), digits)
    if not units or not units.strip():
        return number_text(number, digits)
    factor, unit = _readable(number, units, digits)
    return f"{number_text(number * factor, digits)} {printable(unit, _MOST)}"


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer
        return float("inf") if value > 0 else float("-inf")


def _rounded(number: float, digits: int) -> float:
    return float(f"{number:.{max(digits, 1) - 1}e}") + 0.0  # + 0.0: no -0.0


def number_text(number: float, digits: int = _DIGITS) -> str:
    """Give a number of as many digits; numbers of up to seven digits before the point are written out."""
    rounded = _rounded(number, digits)
    if 10.0**digits <= abs(rounded) < 10.0**_PLAIN:
        return f"{rounded:.0f}"
    return f"{rounded:.{digits}g}"


def _spelled(units: str) -> str:
    """Give a unit in the spelling of Lamella."""
    if len(units) > _LONGEST:
        return units
    bare = units.strip()
    for ending in _RECIPROCAL:
        one = bare.removesuffix(ending)
        if one != bare and one and not set(one) & set("/*^· "):
            return f"1/{_spelled(one)}"
    one = _spelled(bare[:-2]) if bare.endswith("-1") else ""
    if one in _ALONE or _parts(one)[1] is not None:
        return f"1/{one}"
    if bare.startswith("1/"):
        return f"1/{_spelled(bare[2:].strip())}"
    bare = _OTHER_NAMES.get(bare, bare)
    return f"µ{bare[1:]}" if bare[:1] in _MICRO and bare[1:] in _BASES else bare


def _parts(units: str) -> tuple[int, str | None]:
    """Give the power of ten and the base unit; None for units without prefixes."""
    known = _PREFIXES | _READ_ONLY
    for base in _BASES:
        prefix = units.removesuffix(base)
        if prefix != units and prefix in known and units not in _AMBIGUOUS:
            return known[prefix], base
    return 0, None
