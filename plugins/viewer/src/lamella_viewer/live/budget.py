"""How much of a scan fits into the time for a first picture, from how long runs took."""

from __future__ import annotations

import itertools
import math
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
_FORGOTTEN = 50
"""After so many other runs, what a size took is forgotten, for the computer may be less busy now."""
_FEWEST = 32
"""Scan positions along each axis that a first picture has at least."""
_TRIED = 0.5
"""Share of the budget below which a finer level is tried that was never measured."""
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
    """How long runs of one kind take: the median of the last five of each size, and ``fixed + per byte`` between."""

    _runs: dict[int, deque[tuple[int, float, float]]] = field(default_factory=dict)
    _count: int = 0

    def add(self, nbytes: float, seconds: float) -> None:
        """Record a run."""
        self._count += 1
        runs = self._runs.setdefault(_class_of(nbytes), deque(maxlen=_RUNS))
        runs.append((self._count, max(1.0, nbytes), max(0.0, seconds)))
        old = self._count - _FORGOTTEN
        self._runs = {key: runs for key, runs in self._runs.items() if runs[-1][0] > old}

    def knows(self, nbytes: float) -> bool:
        """Whether runs of this size were measured."""
        return _class_of(nbytes) in self._runs

    def predict(self, nbytes: float) -> float | None:
        """Give the time of a run over so many bytes [s]; None where nothing was measured."""
        if not self._runs:
            return None
        runs = self._runs.get(_class_of(nbytes))
        if runs is not None:
            return statistics.median(t for _, _, t in runs)
        points = sorted(
            (statistics.median(b for _, b, _ in runs), statistics.median(t for _, _, t in runs))
            for runs in self._runs.values()
        )
        if len(points) > 1:
            slopes = [(t1 - t0) / (b1 - b0) for (b0, t0), (b1, t1) in itertools.combinations(points, 2) if b1 > b0]
            slope = max(0.0, statistics.median(slopes))
            fixed = max(0.0, statistics.median(t - slope * b for b, t in points))
        else:
            ((size, seconds),) = points
            fixed = min(_FIXED, seconds)
            slope = (seconds - fixed) / size
        return fixed + slope * nbytes


def _class_of(nbytes: float) -> int:
    """Sizes that differ by less than half are alike."""
    return round(2 * math.log2(max(1.0, nbytes)))


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

    def level(self, kind: Hashable, sizes: Sequence[float], finest: int = 0) -> int:
        """Give the index of the level to take.

        Parameters
        ----------
        kind
            What is computed with what: runs of the same kind are alike.
        sizes
            Size of each level [bytes], the finest first; the last one is always allowed. Nothing measured: the last
            one, which is then the measurement.
        finest
            Index of the finest level that can be had.
        """
        last = len(sizes) - 1
        times = [self.predict(kind, size) for size in sizes]
        if times[0] is None:
            self._levels[kind] = last
            return last
        before = min(self._levels.get(kind, last), last)
        chosen = last
        for i, seconds in enumerate(times[finest:], finest):
            share = _FINER if i < before else _COARSER if i == before else 1.0
            if seconds is not None and seconds <= share * self.seconds:
                chosen = i
                break
        if chosen == before > finest and self._may_try(kind, sizes[before - 1], times[before]):
            chosen = before - 1
        self._levels[kind] = chosen
        return chosen

    def _may_try(self, kind: Hashable, finer: float, seconds: float | None) -> bool:
        """Whether the next finer level is worth a try: it was never measured, and the present one leaves time."""
        speed = self._speeds.get(kind)
        known = speed is None or speed.knows(finer)
        return not known and seconds is not None and seconds <= _TRIED * self.seconds
