"""How much of a scan fits into the time for a first picture, from how long runs took."""

from __future__ import annotations

import itertools
import statistics
from collections import deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

__all__ = ["FIRST_PICTURE", "Budget", "Speed", "ladder"]

FIRST_PICTURE = 0.020
"""Computing time of a first picture [s]."""
_FIXED = 0.0005
"""What a run costs however small it is, where runs do not tell [s]."""
_RUNS = 5
_FEWEST = 32
"""Scan positions along each axis that a first picture has at least."""
_FINER, _COARSER = 0.8, 1.25
"""Shares of the budget below which a finer level is taken, and above which the present one is left."""


def ladder(nav_shape: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Give the steps along each scan axis, from every position to the coarsest grid that is allowed.

    Examples
    --------
    >>> ladder((256, 128))
    ((1, 1), (2, 2), (4, 4), (8, 4))
    """
    most = [max(1, n // _FEWEST) for n in nav_shape]
    steps: list[tuple[int, ...]] = []
    for k in range(32):
        level = tuple(min(1 << k, 1 << (m.bit_length() - 1)) for m in most)
        if steps and level == steps[-1]:
            break
        steps.append(level)
    return tuple(steps)


@dataclass(slots=True)
class Speed:
    """How long runs of one kind take: ``fixed + per byte``, from the last five."""

    runs: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=_RUNS))

    def add(self, nbytes: float, seconds: float) -> None:
        """Record a run."""
        self.runs.append((max(0.0, nbytes), max(0.0, seconds)))

    def predict(self, nbytes: float) -> float | None:
        """Give the time of a run over so many bytes [s]; None where nothing was measured."""
        if not self.runs:
            return None
        fixed, slope = self._model()
        return fixed + slope * nbytes

    def _model(self) -> tuple[float, float]:
        pairs = itertools.combinations(self.runs, 2)
        slopes = [(t1 - t0) / (b1 - b0) for (b0, t0), (b1, t1) in pairs if max(b0, b1) > 2 * min(b0, b1)]
        if len(slopes) >= 3 and (slope := statistics.median(slopes)) > 0:
            fixed = statistics.median(t - slope * b for b, t in self.runs)
            if fixed >= 0:
                return fixed, slope
        fixed = min(_FIXED, min(t for _, t in self.runs))
        return fixed, statistics.median((t - fixed) / max(b, 1.0) for b, t in self.runs)


class Budget:
    """Chooses levels: the finest that fits into the time of a first picture.

    Parameters
    ----------
    seconds
        That time.
    """

    def __init__(self, seconds: float = FIRST_PICTURE) -> None:
        self.seconds = seconds
        self._speeds: dict[Hashable, Speed] = {}
        self._levels: dict[Hashable, int] = {}

    def record(self, kind: Hashable, nbytes: float, seconds: float) -> None:
        """Record how long a run took."""
        self._speeds.setdefault(kind, Speed()).add(nbytes, seconds)

    def predict(self, kind: Hashable, nbytes: float) -> float | None:
        """Give the time of a run [s]; None where none of its kind was measured."""
        speed = self._speeds.get(kind)
        return None if speed is None else speed.predict(nbytes)

    def level(self, kind: Hashable, sizes: Sequence[float]) -> int:
        """Give the index of the level to take.

        Parameters
        ----------
        kind
            What is computed with what: runs of the same kind are alike.
        sizes
            Size of each level [bytes], the finest first; the last one is always allowed. Nothing measured: the last
            one, which is then the measurement.
        """
        last = len(sizes) - 1
        times = [self.predict(kind, size) for size in sizes]
        if times[0] is None:
            self._levels[kind] = last
            return last
        before = min(self._levels.get(kind, last), last)
        chosen = last
        for i, seconds in enumerate(times):
            share = _FINER if i < before else _COARSER if i == before else 1.0
            if seconds is not None and seconds <= share * self.seconds:
                chosen = i
                break
        self._levels[kind] = chosen
        return chosen
