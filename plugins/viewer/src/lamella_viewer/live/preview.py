"""The scan with a binned detector, held in memory: first pictures of sums over masks come from it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

import lamella
from lamella.masks import binned as binned_masks
from lamella.udf import UDF, ApplyMasksUDF, SumSigUDF
from lamella_viewer.live.budget import ladder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella import DataSet
    from lamella.analysis import Analysis

__all__ = ["Preview", "binned", "bins_of"]

_MOST_BYTES = 64 << 20
_WORTH = 4
"""How many times smaller than the scan a preview is at least."""
_FEWEST_BINS = 8
_BLOCK = 1 << 21
_MOST_READ = 8 << 30
"""How much of a scan it is cheap to read once more: what stays in the page cache [bytes]."""


def bins_of(sig: tuple[int, ...], positions: int, most: int = _MOST_BYTES) -> tuple[int, int] | None:
    """Give the size of bins [px] so that a preview of 16-bit numbers fits into ``most`` bytes; None if none does."""
    if len(sig) != 2:
        return None
    for n in (2, 4, 8, 16, 32):
        rows, columns = sig[0] // n, sig[1] // n
        if min(rows, columns) < _FEWEST_BINS:
            return None
        if 2 * positions * rows * columns <= most:
            return n, n
    return None


def _positions(nav: tuple[int, ...], step: tuple[int, ...]) -> int:
    return math.prod(-(-n // by) for n, by in zip(nav, step, strict=True))


def binned(frames: NDArray[Any], bins: tuple[int, int], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Give sums over bins of frames, shape ``(n, height, width)``; pixels that fill no bin at the edge are left out.

    Examples
    --------
    >>> binned(np.ones((1, 4, 5), dtype="u1"), (2, 2), np.dtype("u2")).tolist()
    [[[4, 4], [4, 4]]]
    """
    (by, bx), n = bins, len(frames)
    height, width = frames.shape[1] // by, frames.shape[2] // bx
    wide = np.dtype(np.uint32 if frames.dtype.kind in "ub" and frames.dtype.itemsize <= 2 else np.float64)
    rows = frames[:, : height * by, : width * bx].reshape(n, height, by, width * bx)
    lines = np.zeros((n, height, width * bx), dtype=wide)
    for i in range(by):
        lines += rows[:, :, i]
    sums = np.zeros((n, height, width), dtype=wide)
    for i in range(bx):
        sums += lines[:, :, i::bx]
    return sums.astype(dtype)


class Preview:
    """Binned data of a scan, made beside other work: a coarse grid of positions first, then finer ones.

    Parameters
    ----------
    dataset
        The scan.
    most_nbytes
        Size at most [bytes].
    most_read
        How much of the scan is read for it at most [bytes].
    """

    def __init__(self, dataset: DataSet, most_nbytes: int = _MOST_BYTES, most_read: int = _MOST_READ) -> None:
        self.source = dataset
        self.finest: tuple[int, ...] | None = None
        """Steps along the scan axes of the finest grid that is there; None before the first."""
        self._data: NDArray[Any] | None = None
        self._thinned: dict[tuple[int, ...], DataSet] = {}
        nav, frame = tuple(dataset.shape.nav), dataset.shape.sig.size * dataset.dtype.itemsize
        levels = [step for step in ladder(nav) if _positions(nav, step) * frame <= most_read]
        self._waiting = levels[::-1]
        self._base = levels[0] if levels else (1,) * len(nav)
        sig, positions = tuple(dataset.shape.sig), _positions(nav, self._base)
        bins = bins_of(sig, positions, most_nbytes) if dataset.dtype.kind in "uifb" else None
        self.bins = bins
        self.dtype: np.dtype[Any] = np.dtype(np.float32)
        if bins is not None and dataset.dtype.kind in "ub" and dataset.dtype.itemsize == 1 and bins[0] <= 16:
            self.dtype = np.dtype(np.uint16)  # 255 * 16 * 16 fits
        elif bins is not None:
            self.bins = bins_of(sig, 2 * positions, most_nbytes)

    @property
    def wanted(self) -> bool:
        """Whether a finer grid of it would be of use."""
        counts = self.source.frame_map.counts
        if self.bins is None or not self._waiting or counts.shown < counts.positions:
            return False
        return self.source.delivered_nbytes >= _WORTH * self.frame_nbytes * self.source.shape.nav.size

    @property
    def frame_nbytes(self) -> int:
        """Size of a binned frame [bytes]."""
        if self.bins is None:
            return 0
        height, width = self.source.shape.sig
        return (height // self.bins[0]) * (width // self.bins[1]) * self.dtype.itemsize

    def give_up(self) -> None:
        """Make no finer grid."""
        self._waiting.clear()

    def make(self, before_each: Callable[[], bool]) -> bool:
        """Read the positions of the next finer grid that are not there yet, in small blocks.

        Parameters
        ----------
        before_each
            Called before each block; returns when there is time for it, with False to give up.
        """
        assert self.bins is not None
        step, nav, sig = self._waiting[0], tuple(self.source.shape.nav), self.source.shape.sig
        if self._data is None:
            grid = tuple(-(-n // base) for n, base in zip(nav, self._base, strict=True))
            shape = (*grid, sig[0] // self.bins[0], sig[1] // self.bins[1])
            self._data = np.zeros(shape, dtype=self.dtype)
        count = max(1, _BLOCK // max(1, sig.size * self.source.dtype.itemsize))
        for line in np.ndindex(*(-(-n // by) for n, by in zip(nav[:-1], step[:-1], strict=True))):
            place = tuple(i * by for i, by in zip(line, step, strict=False))
            columns = self._columns(place, step)
            for start in range(0, len(columns), count):
                if not before_each():
                    return False
                part = columns[start : start + count]
                frames = np.asarray(self.source[(*place, slice(part.start, part.stop, part.step))])
                to = tuple(i // by for i, by in zip(place, self._base, strict=False))
                by = self._base[-1]
                kept = slice(part.start // by, (part[-1] // by) + 1, part.step // by)
                self._data[(*to, kept)] = binned(frames, self.bins, self.dtype)
        self._waiting.pop(0)
        self.at(step)
        self.finest = step
        return True

    def _columns(self, place: tuple[int, ...], step: tuple[int, ...]) -> range:
        """Give the positions of a scan line in a grid, without those of the grid before."""
        end, by, before = self.source.shape.nav[-1], step[-1], self.finest
        if before is None or any(i % n for i, n in zip(place, before, strict=False)):
            return range(0, end, by)
        return range(by, end, before[-1]) if before[-1] > by else range(0)

    def at(self, step: tuple[int, ...]) -> DataSet:
        """Give the binned data of every n-th position: small data sets of their own, which are read in one piece."""
        if step not in self._thinned:
            assert self._data is not None
            every = tuple(slice(None, None, n // base) for n, base in zip(step, self._base, strict=True))
            self._thinned[step] = lamella.open(np.ascontiguousarray(self._data[every]), format="memory", sig_dims=2)
        return self._thinned[step]

    def udf(self, analysis: Analysis) -> UDF | None:
        """Give the UDF of an analysis for binned data: that of sums over masks, with binned masks; else None."""
        if self.finest is None or self.bins is None or self.source.corrections is not None:
            return None
        udf = analysis.udf()
        if type(udf) is SumSigUDF:
            return udf
        if type(udf) is not ApplyMasksUDF or udf.params.shifts is not None:
            return None
        masks = _masks(udf.params.mask_factories)
        return None if masks is None else self._binned_masks(masks)

    def _binned_masks(self, masks: NDArray[Any]) -> UDF:
        assert self.bins is not None
        means = binned_masks(masks, self.bins)
        return ApplyMasksUDF(mask_factories=lambda: means, mask_count=len(means), mask_dtype=means.dtype)


def _masks(factories: Any) -> NDArray[Any] | None:
    """Give masks as one array of shape ``(n, height, width)``."""
    made = factories() if callable(factories) else [one() if callable(one) else one for one in factories]
    items = [made] if not isinstance(made, list | tuple) else made
    dense = [np.asarray(one.toarray() if hasattr(one, "toarray") else one) for one in items]
    stack = dense[0] if len(dense) == 1 and dense[0].ndim == 3 else np.stack(dense)
    return stack if stack.ndim == 3 else None
