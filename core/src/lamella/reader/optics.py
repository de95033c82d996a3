"""Electron optics that readers need to calibrate detector axes."""

from __future__ import annotations

import math

__all__ = ["electron_wavelength"]

_PLANCK = 6.62607015e-34  # [J s]
_CHARGE = 1.602176634e-19  # [C]
_MASS = 9.1093837015e-31  # [kg]
_LIGHT = 299792458.0  # [m/s]


def electron_wavelength(beam_energy: float) -> float:
    """Give the relativistic de Broglie wavelength [m] of electrons of ``beam_energy`` [eV].

    Examples
    --------
    >>> round(electron_wavelength(200e3) * 1e12, 4)
    2.5079
    """
    energy = _CHARGE * beam_energy
    return _PLANCK / math.sqrt(2 * _MASS * energy * (1 + energy / (2 * _MASS * _LIGHT**2)))
