"""Units of other packages: the factor by which a value of `lamella.reader.Metadata` is multiplied, and its name."""

from __future__ import annotations

from typing import Final

__all__ = ["HYPERSPY"]

HYPERSPY: Final = {
    "beam_energy": ("beam_energy", 1e-3),  # eV, keV
    "camera_length": ("camera_length", 1e3),  # m, mm
    "magnification": ("magnification", 1.0),
    "instrument": ("microscope", None),
}
"""For each entry of the metadata, what HyperSpy calls it below ``Acquisition_instrument.TEM``, and the factor."""
