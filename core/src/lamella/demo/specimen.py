"""The film that the beam walks over: grains, thickness, bending, a hole, and a charged rim around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Film", "grow"]

_MOST_GRAINS = 36


@dataclass(frozen=True, slots=True)
class Film:
    """What the beam meets at each scan position; all arrays have the shape of the scan, vectors a last axis (y, x).

    Parameters
    ----------
    grain
        Number of the crystal.
    cover
        How much film there is: 0 in the hole, 1 at full thickness.
    tilt
        Bending [rad].
    push
        Deflection of the beam [px of the detector].
    """

    grain: NDArray[np.intp]
    cover: NDArray[np.float32]
    tilt: NDArray[np.float64]
    push: NDArray[np.float32]
    n_grains: int


def grow(shape: tuple[int, int], rng: np.random.Generator) -> Film:
    """Make a film; positions are fractions of the longer edge, so that its look does not depend on the scan shape."""
    y, x = (axis / max(shape) for axis in np.meshgrid(*(np.arange(n) + 0.5 for n in shape), indexing="ij"))
    warp_y, warp_x = (0.035 * _ripple(y, x, rng, waves=7) for _ in range(2))
    grain, n_grains = _grains(y + warp_y, x + warp_x, rng)
    rim, outward = _hole(y, x, rng)
    thickness = 0.85 + 0.15 * _ripple(y, x, rng, waves=3)
    tilt = np.stack([0.016 * _ripple(y, x, rng, waves=5) for _ in range(2)], axis=-1)
    near = np.exp(-((rim / 0.09) ** 2))[..., None] * (rim > 0)[..., None]
    drift = np.stack([0.12 * _ripple(y, x, rng, waves=2) for _ in range(2)], axis=-1)
    return Film(
        grain=grain,
        cover=(np.clip(rim / 0.012, 0, 1) * thickness).astype(np.float32),
        tilt=tilt,
        push=(0.9 * near * outward + drift).astype(np.float32),
        n_grains=n_grains,
    )


def _grains(y: NDArray[np.float64], x: NDArray[np.float64], rng: np.random.Generator) -> tuple[NDArray[np.intp], int]:
    """Number each position by the seed that is nearest."""
    seeds: list[NDArray[np.float64]] = []
    closest = 0.19
    while len(seeds) < _MOST_GRAINS:
        seed = rng.uniform(-0.1, 1.1, 2)
        if all(np.hypot(*(seed - other)) > closest for other in seeds):
            seeds.append(seed)
        closest *= 0.995
    distance = np.stack([np.hypot(y - seed[0], x - seed[1]) for seed in seeds])
    return np.argmin(distance, axis=0), len(seeds)


def _hole(
    y: NDArray[np.float64], x: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the distance from the rim of a hole, negative inside, and the direction away from its middle."""
    away_y, away_x = y - 0.12 * y.max(), x - 0.86 * x.max()
    radius = np.hypot(away_y, away_x)
    rim = radius - 0.24 + 0.025 * _ripple(y, x, rng, waves=6)
    return rim, np.stack([away_y, away_x], axis=-1) / np.maximum(radius, 1e-6)[..., None]


def _ripple(
    y: NDArray[np.float64], x: NDArray[np.float64], rng: np.random.Generator, *, waves: float
) -> NDArray[np.float64]:
    """Give a smooth random surface of about unit amplitude with up to ``waves`` undulations across."""
    surface = np.zeros_like(y)
    for _ in range(8):
        frequency, direction, phase = rng.uniform(0.3, 1) * waves, rng.uniform(0, 2 * np.pi), rng.uniform(0, 2 * np.pi)
        surface += np.sin(np.pi * frequency * (y * np.sin(direction) + x * np.cos(direction)) + phase)
    return surface / 2.5
