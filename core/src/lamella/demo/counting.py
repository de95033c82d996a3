"""Shot noise for hundreds of millions of pixels: Poisson counts by table look-up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Counter"]

_LEVELS = 256
_DRAWS = 4096  # 12 of 16 random bits choose the count, 4 dither between neighbouring levels


class Counter:
    """Turns expected counts into counts of a camera with 8 bits; several times faster than drawing each one.

    Parameters
    ----------
    brightest
        Largest expectation [counts]; larger ones are taken as this.
    """

    def __init__(self, brightest: float) -> None:
        root = np.sqrt(brightest)
        self._scale = np.float32(16 * (_LEVELS - 2) / root)
        self._limit = np.float32(16 * (_LEVELS - 2))
        expected = (np.arange(_LEVELS) * root / (_LEVELS - 2)) ** 2
        self._table = np.concatenate([_quantiles(mean) for mean in expected])

    def count(self, expected: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.uint8]:
        """Give counts with the shape of ``expected``, whose values are used up."""
        level = np.sqrt(np.maximum(expected, 0, out=expected), out=expected)
        np.minimum(np.multiply(level, self._scale, out=level), self._limit, out=level)
        draws = rng.bit_generator.random_raw(-(-expected.size // 4)).view(np.uint16)[: expected.size]
        draws = draws.reshape(expected.shape)
        index = level.astype(np.uint16)
        index += draws & np.uint16(15)
        index >>= 4
        place = index.astype(np.uint32)
        place *= np.uint32(_DRAWS)
        place += draws >> 4
        return np.take(self._table, place, mode="clip")


def _quantiles(mean: float) -> NDArray[np.uint8]:
    """Give the counts that a Poisson distribution has at evenly spaced probabilities."""
    counts = np.arange(256)
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(counts[1:]))])
    probability = np.exp(counts * np.log(max(mean, 1e-12)) - mean - log_factorial)
    upto = np.cumsum(probability)
    return np.searchsorted(upto[:-1], (np.arange(_DRAWS) + 0.5) / _DRAWS).astype(np.uint8)
