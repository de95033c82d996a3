"""Mean, variance and standard deviation over the scan, by the method of Chan, Golub and LeVeque."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.kernels.builtin import add_moments, add_squares
from lamella.udf.accumulate import Widened
from lamella.udf.base import UDF, Method

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from lamella.udf.buffers import BufferSpec

__all__ = ["StdDevUDF"]

_ELEMENTS = 1 << 17
"""Pixels that are finished at a time."""


class StdDevUDF(UDF):
    """Standard deviation of each detector pixel over the scan (divided by the number of frames).

    Results: ``std``, ``var``, ``mean``, ``sum`` and ``varsum`` (the sum of squared deviations) of kind ``"sig"``, and
    ``num_frames``. Whole numbers of at most 16 bits are summed and squared exactly within a partition. Others are taken
    relative to its first frame, in double precision. Partitions are merged pairwise: a large offset does no harm.
    """

    def __init__(self) -> None:
        super().__init__()

    def get_preferred_input_dtype(self) -> DTypeLike:
        return self.USE_NATIVE_DTYPE

    def _wide(self) -> np.dtype[Any]:
        return np.result_type(self.meta.input_dtype or self.meta.dataset_dtype, np.float64)

    @property
    def exact(self) -> bool:
        """Whether squares fit into 64 bit integers, so that sums are exact."""
        dtype = np.dtype(self.meta.input_dtype or self.meta.dataset_dtype)
        return dtype.kind in "bui" and dtype.itemsize <= 2

    def get_result_buffers(self) -> Mapping[str, BufferSpec]:
        origin = {} if self.exact else {"origin": self.buffer("sig", dtype=self._wide(), use="private")}
        return {
            **origin,
            "varsum": self.buffer("sig", dtype=np.float64),
            "num_frames": self.buffer("single", dtype=np.int64),
            "sum": self.buffer("sig", dtype=self._wide()),
            "mean": self.buffer("sig", dtype=self._wide(), use="result_only"),
            "var": self.buffer("sig", dtype=np.float64, use="result_only"),
            "std": self.buffer("sig", dtype=np.float64, use="result_only"),
        }

    def get_task_data(self) -> Mapping[str, Any]:
        return {"widened": Widened(self._wide()), "counts": {}, "exact": self.exact}

    def get_method(self) -> Method:
        return self.UDF_METHOD.TILE if self._wide().kind == "c" else self.UDF_METHOD.ROWS

    def process_rows(self, rows: NDArray[Any], swapped: tuple[int, ...]) -> None:
        counts, box, results = self.task_data.counts, self.meta.tiling_scheme_idx, self.results
        if self.task_data.exact:
            # Until `postprocess`, the bits of these buffers are whole numbers.
            add_squares(rows, swapped, results.sum.view(np.int64), results.varsum.view(np.int64))
        else:
            if box not in counts:
                results.origin[:] = rows[0].byteswap() if swapped else rows[0]
            add_moments(rows, swapped, results.origin, results.sum, results.varsum)
        counts[box] = counts.get(box, 0) + len(rows)

    def process_tile(self, tile: NDArray[Any]) -> None:
        total, varsum = self.results.sum, self.results.varsum
        counts, box = self.task_data.counts, self.meta.tiling_scheme_idx
        seen = counts.get(box, 0)
        for _, block in self.task_data.widened.blocks(tile):
            count = len(block)
            added = np.add.reduce(block, axis=0)
            block -= added / count
            squares = _squares(block)
            combine(seen, total, varsum, count, added.reshape(total.shape), squares.reshape(total.shape))
            seen += count
        counts[box] = seen

    def postprocess(self) -> None:
        results = self.results
        count = max(self.task_data.counts.values(), default=0)
        results.num_frames[:] = count
        if count and self.task_data.exact:
            _to_deviations(results.sum, results.varsum, count)
        elif count and self.get_method() == self.UDF_METHOD.ROWS:  # sums were taken relative to the first frame
            for part in _parts(results.sum):
                total, varsum = results.sum[part], results.varsum[part]
                varsum -= total * (total / count)
                np.maximum(varsum, 0, out=varsum)
                total += count * results.origin[part]

    def merge(self, dest: Any, src: Any) -> None:
        combine(int(dest.num_frames[0]), dest.sum, dest.varsum, int(src.num_frames[0]), src.sum, src.varsum)
        dest.num_frames += src.num_frames

    def get_results(self) -> Mapping[str, Any]:
        count = self.results.num_frames[0]
        with np.errstate(invalid="ignore"):
            var = self.results.varsum / count
            mean = self.results.sum / count
        return {
            "varsum": self.results.varsum,
            "num_frames": self.results.num_frames,
            "sum": self.results.sum,
            "mean": mean,
            "var": var,
            "std": np.sqrt(var),
        }


def _to_deviations(total: NDArray[np.float64], squares: NDArray[np.float64], count: int) -> None:
    """Turn the bits of whole sums and sums of squares into floating sums and sums of squared deviations, in place.

    Integers are moved to the whole number nearest to the mean first, in arithmetic modulo 2**64: what remains is small
    and exact, so that nothing cancels.
    """
    for part in _parts(total):
        sums = total[part].view(np.int64)
        mean = np.rint(sums / count).astype(np.int64)
        rest = sums - mean * count
        deviations = squares[part].view(np.int64) - mean * (2 * sums - mean * count)
        squares[part] = deviations - rest * (rest / count)
        total[part] = sums.copy()


def _parts(array: NDArray[Any]) -> Iterator[slice]:
    """Cut the first axis so that temporaries stay small, however large the detector."""
    step = max(1, _ELEMENTS // max(1, array[:1].size))
    for begin in range(0, len(array), step):
        yield slice(begin, begin + step)


def _squares(deviations: NDArray[Any]) -> NDArray[np.float64]:
    """Sum the squares over the frames; destroys its argument."""
    if deviations.dtype.kind == "c":
        deviations = deviations.view(np.float64).reshape(*deviations.shape, 2)
        np.multiply(deviations, deviations, out=deviations)
        return np.asarray(np.add.reduce(deviations, axis=(0, 2)))
    np.multiply(deviations, deviations, out=deviations)
    return np.asarray(np.add.reduce(deviations, axis=0))


def combine(
    count: int,
    total: NDArray[Any],
    varsum: NDArray[np.float64],
    added_count: int,
    added: NDArray[Any],
    added_varsum: NDArray[np.float64],
) -> None:
    """Add sums and sums of squared deviations of further frames to those of ``count`` frames, in place."""
    if added_count == 0:
        return
    for part in _parts(total):
        if count:
            delta = added[part] / added_count
            delta -= total[part] / count
            squared = delta.real**2 + delta.imag**2 if delta.dtype.kind == "c" else delta * delta
            varsum[part] += squared * (count * added_count / (count + added_count))
        varsum[part] += added_varsum[part]
        total[part] += added[part]
