"""The scan with a binned detector, held in memory: first pictures of sums over masks come from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

import lamella
from lamella.udf import UDF, ApplyMasksUDF, SumSigUDF

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
_LARGEST_SCAN = 8 << 30
"""Size of a scan up to which reading it once more is cheap: it stays in the page cache [bytes]."""


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
    """Binned data of a scan, made beside other work.

    Parameters
    ----------
    dataset
        The scan.
    most_nbytes
        Size at most [bytes].
    """

    def __init__(self, dataset: DataSet, most_nbytes: int = _MOST_BYTES) -> None:
        self.source = dataset
        self.dataset: DataSet | None = None
        self._data: NDArray[Any] | None = None
        self._thinned: dict[tuple[int, ...], DataSet] = {}
        sig, positions = tuple(dataset.shape.sig), dataset.shape.nav.size
        bins = bins_of(sig, positions, most_nbytes) if dataset.dtype.kind in "uifb" else None
        self.bins = bins
        self.dtype: np.dtype[Any] = np.dtype(np.float32)
        if bins is not None and dataset.dtype.kind in "ub" and dataset.dtype.itemsize == 1 and bins[0] <= 16:
            self.dtype = np.dtype(np.uint16)  # 255 * 16 * 16 fits
        elif bins is not None:
            self.bins = bins_of(sig, 2 * positions, most_nbytes)

    @property
    def wanted(self) -> bool:
        """Whether it would be of use, and does not exist yet."""
        counts = self.source.frame_map.counts
        if self.bins is None or self.dataset is not None or counts.shown < counts.positions:
            return False
        if self.source.delivered_nbytes > _LARGEST_SCAN:
            return False
        return self.source.delivered_nbytes >= _WORTH * self.frame_nbytes * self.source.shape.nav.size

    @property
    def frame_nbytes(self) -> int:
        """Size of a binned frame [bytes]."""
        if self.bins is None:
            return 0
        height, width = self.source.shape.sig
        return (height // self.bins[0]) * (width // self.bins[1]) * self.dtype.itemsize

    def make(self, before_each: Callable[[], bool]) -> bool:
        """Read the scan once, in small blocks.

        Parameters
        ----------
        before_each
            Called before each block; returns when there is time for it, with False to give up.
        """
        assert self.bins is not None
        nav, sig = tuple(self.source.shape.nav), self.source.shape.sig
        height, width = sig[0] // self.bins[0], sig[1] // self.bins[1]
        data = np.zeros((*nav, height, width), dtype=self.dtype)
        step = max(1, _BLOCK // max(1, sig.size * self.source.dtype.itemsize))
        for line in np.ndindex(*nav[:-1]):
            for start in range(0, nav[-1], step):
                if not before_each():
                    return False
                frames = np.asarray(self.source[(*line, slice(start, start + step))])
                data[(*line, slice(start, start + step))] = binned(frames, self.bins, self.dtype)
        self._data = data
        self.dataset = self.at((1,) * len(nav))
        return True

    def at(self, step: tuple[int, ...]) -> DataSet:
        """Give the binned data of every n-th position: small data sets of their own, which are read in one piece."""
        if step not in self._thinned:
            assert self._data is not None
            part = np.ascontiguousarray(self._data[tuple(slice(None, None, n) for n in step)])
            self._thinned[step] = lamella.open(part, format="memory", sig_dims=2)
        return self._thinned[step]

    def udf(self, analysis: Analysis) -> UDF | None:
        """Give the UDF of an analysis for binned data: that of sums over masks, with binned masks; else None."""
        if self.dataset is None or self.bins is None or self.source.corrections is not None:
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
        (by, bx), (height, width) = self.bins, self.source.shape.sig
        rows, columns = height // by, width // bx
        part = masks[:, : rows * by, : columns * bx].reshape(len(masks), rows, by, columns, bx)
        means = np.ascontiguousarray(part.mean(axis=(2, 4)))
        return ApplyMasksUDF(mask_factories=lambda: means, mask_count=len(means), mask_dtype=means.dtype)


def _masks(factories: Any) -> NDArray[Any] | None:
    """Give masks as one array of shape ``(n, height, width)``."""
    made = factories() if callable(factories) else [one() if callable(one) else one for one in factories]
    items = [made] if not isinstance(made, list | tuple) else made
    dense = [np.asarray(one.toarray() if hasattr(one, "toarray") else one) for one in items]
    stack = dense[0] if len(dense) == 1 and dense[0].ndim == 3 else np.stack(dense)
    return stack if stack.ndim == 3 else None
