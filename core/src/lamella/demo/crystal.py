"""Which discs a crystal of some orientation gives: kinematic diffraction by face-centred cubic gold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lamella.reader.optics import electron_wavelength

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["WAVELENGTH", "Reflections", "reflections"]

WAVELENGTH = electron_wavelength(200e3) * 1e10
"""Of electrons of 200 keV [Å]."""
_LATTICE = 4.078  # Å
_ROCKING = 0.009  # 1/Å: width of a reflection along the beam, as under precession
_FALLOFF = 0.42  # 1/Å: scattering factor and thermal motion together
_STRONGEST = 48
_FARTHEST_TILT = 0.03  # rad: by how much the film bends at most

_ZONES = ((0, 0, 1), (0, 1, 1), (1, 1, 1), (1, 1, 2), (0, 1, 3))


@dataclass(frozen=True, slots=True)
class Reflections:
    """The reflections of one crystal that can become visible.

    Parameters
    ----------
    g
        Where the discs lie: reciprocal vectors in the plane of the detector, shape ``(n, 2)`` as (y, x) [1/Å].
    miss
        Distance from the Ewald sphere along the beam while the crystal is not tilted, shape ``(n,)`` [1/Å].
    strength
        Intensity of a reflection that lies on the sphere, as a fraction of the incident beam, shape ``(n,)``.
    """

    g: NDArray[np.float64]
    miss: NDArray[np.float64]
    strength: NDArray[np.float64]

    def intensities(self, tilt: NDArray[np.float64]) -> NDArray[np.float32]:
        """Intensities at tilts of shape ``(m, 2)`` [rad], as fractions of the incident beam, shape ``(m, n)``."""
        miss = self.miss + tilt @ self.g.T
        visible: NDArray[np.float64] = self.strength * np.exp(-((miss / _ROCKING) ** 2))
        return visible.astype(np.float32)


def reflections(rng: np.random.Generator, farthest: float) -> Reflections:
    """Give the reflections of a crystal near a random low-index zone axis.

    Parameters
    ----------
    rng
        Chooses the orientation.
    farthest
        Edge of the detector [1/Å].
    """
    vectors = _lattice_vectors(farthest) @ _orientation(rng).T
    g, along = vectors[:, :2], vectors[:, 2]
    length2 = (vectors**2).sum(axis=1)
    miss = along + 0.5 * WAVELENGTH * length2
    strength = 0.16 * np.exp(-length2 / (2 * _FALLOFF**2))
    reach = np.maximum(np.abs(miss) - _FARTHEST_TILT * np.sqrt(length2), 0.0)
    best = strength * np.exp(-((reach / _ROCKING) ** 2))
    chosen = np.argsort(-best)[:_STRONGEST]
    return Reflections(g[chosen], miss[chosen], strength[chosen])


def _lattice_vectors(farthest: float) -> NDArray[np.float64]:
    """Give the reciprocal lattice of a face-centred cubic crystal without the origin: hkl all even or all odd."""
    order = int(farthest * _LATTICE) + 1
    hkl = np.stack(np.meshgrid(*[np.arange(-order, order + 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    odd = (hkl % 2).sum(axis=1)
    allowed = ((odd == 0) | (odd == 3)) & hkl.any(axis=1)
    vectors = hkl[allowed] / _LATTICE
    near: NDArray[np.float64] = vectors[(vectors**2).sum(axis=1) <= farthest**2]
    return near


def _orientation(rng: np.random.Generator) -> NDArray[np.float64]:
    """Give a rotation that brings a low-index zone axis near the beam, turned by any angle about it."""
    zone = np.asarray(_ZONES[rng.integers(len(_ZONES))], dtype=np.float64)
    third = zone / np.linalg.norm(zone)
    first = np.cross(third, (1.0, 0.2, 0.0) if abs(third[0]) < 0.9 else (0.0, 1.0, 0.2))
    first /= np.linalg.norm(first)
    upright = np.stack([first, np.cross(third, first), third])
    about_beam, off_zone, direction = rng.uniform(0, 2 * np.pi), rng.normal(0, 0.02), rng.uniform(0, np.pi)
    lean = _turn(2, direction) @ _turn(0, off_zone) @ _turn(2, -direction)
    turned: NDArray[np.float64] = lean @ _turn(2, about_beam) @ upright
    return turned


def _turn(axis: int, angle: float) -> NDArray[np.float64]:
    a, b = [i for i in range(3) if i != axis]
    matrix = np.eye(3)
    matrix[a, a] = matrix[b, b] = np.cos(angle)
    matrix[a, b], matrix[b, a] = -np.sin(angle), np.sin(angle)
    return matrix
