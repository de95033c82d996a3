"""What the jobs must give, computed in double precision or whole numbers while a file is written."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

MASKS, RINGS = 64, 8
_LARGE = 1 << 20  # pixels of a frame; larger ones get fewer masks

Array = np.ndarray[Any, Any]


@cache
def weights(count: int, sig: tuple[int, int]) -> Array:
    """Give seeded masks, shape ``(count, *sig)``; the candidates make the same."""
    return np.stack([np.random.default_rng(i).random(sig).astype(np.float32) for i in range(count)])


@cache
def rings(count: int, sig: tuple[int, int]) -> Array:
    """Give rings around the middle of the frame, each a few pixels wide, shape ``(count, *sig)``."""
    height, width = sig
    y, x = np.ogrid[:height, :width]
    radius = np.hypot(y - height / 2, x - width / 2)
    edge = min(sig) / 2 / count
    found = [(radius >= (i + 0.5) * edge) & (radius < (i + 0.75) * edge) for i in range(count)]
    return np.stack(found).astype(np.float32)


def roi_of(nav: tuple[int, int]) -> Array:
    """Give one scan position in a hundred, chosen at random, the first one always."""
    chosen = np.random.default_rng(7).random(nav) < 0.01
    chosen[0, 0] = True
    return chosen


def picked(nav: tuple[int, int]) -> int:
    """Give the frame that `pick` gives first."""
    return math.prod(nav) // 3


class Truth:
    """Results of all jobs, gathered from batches of frames; ``moments=False`` leaves out what needs much arithmetic."""

    def __init__(self, nav: tuple[int, int], sig: tuple[int, int], *, moments: bool) -> None:
        self._nav, self._sig, self._moments = nav, sig, moments
        n = math.prod(nav)
        self._start = 0
        self._sum: Array | None = None
        self._squares = np.zeros(math.prod(sig))
        self._roi_sum = np.zeros(math.prod(sig))
        self._roi = roi_of(nav).reshape(-1)
        self._rows: dict[str, list[Array]] = {name: [] for name in ("sumsig", "com", "mask", "rings", "user")}
        self._frames: dict[str, Array] = {}
        self._wanted = {"frame": 0, "pick": picked(nav)}
        assert n > 0
        if moments:
            many = MASKS if math.prod(sig) < _LARGE else RINGS
            y, x = (axis.reshape(-1) for axis in np.indices(sig, dtype=np.float64))
            columns = [*weights(many, sig).reshape(many, -1), *rings(RINGS, sig).reshape(RINGS, -1), y, x]
            self._columns = np.stack(columns, axis=1).astype(np.float64)

    def watch(self, batches: Iterator[Array]) -> Iterator[Array]:
        """Give the batches on, looking at each."""
        for batch in batches:
            self._look(batch.reshape(len(batch), -1))
            yield batch

    def _look(self, batch: Array) -> None:
        kind = np.float64 if batch.dtype.kind == "f" else np.int64
        total = batch.sum(axis=0, dtype=kind)
        self._sum = total if self._sum is None else self._sum + total
        sums = batch.sum(axis=1, dtype=kind)
        self._rows["sumsig"].append(sums)
        self._rows["user"].append(batch.max(axis=1))
        for name, index in self._wanted.items():
            if self._start <= index < self._start + len(batch):
                self._frames[name] = batch[index - self._start].reshape(self._sig).copy()
        chosen = self._roi[self._start : self._start + len(batch)]
        self._roi_sum += batch[chosen].sum(axis=0, dtype=np.float64)
        self._start += len(batch)
        if self._moments:
            exact = batch.astype(np.float64)
            self._squares += np.einsum("ij,ij->j", exact, exact)
            weighed = exact @ self._columns
            self._rows["mask"].append(weighed[:, : -RINGS - 2])
            self._rows["rings"].append(weighed[:, -RINGS - 2 : -2])
            self._rows["com"].append(weighed[:, -2:] / sums[:, None])

    def save(self, path: Path) -> None:
        """Write them to an ``.npz`` file."""
        assert self._sum is not None
        mean = self._sum / self._start
        results: dict[str, Any] = {name: np.concatenate(rows) for name, rows in self._rows.items() if rows}
        results |= self._frames | {"sum": self._sum, "roi": self._roi_sum}
        if self._moments:
            results["std"] = np.sqrt(self._squares / self._start - mean**2)
        np.savez(path, **results)


def deviation(results: Mapping[str, Array], truth: Mapping[str, Array]) -> float:
    """Give how far results are from the truth: relative to the largest value, centres of mass in pixels.

    Infinite for results of another size, and for no results at all.
    """
    worst = 0.0 if results else math.inf
    for name, found in results.items():
        right = np.asarray(truth[name], dtype=np.float64)
        if name == "mask":
            right = right[:, : found.shape[-1]]
        if found.size != right.size:
            return math.inf
        gap = float(np.abs(found.reshape(right.shape).astype(np.float64) - right).max())
        worst = max(worst, gap if name == "com" else gap / max(float(np.abs(right).max()), 1e-300))
    return worst if math.isfinite(worst) else math.inf
