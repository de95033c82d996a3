"""Mean, variance and standard deviation over the scan, by the method of Chan, Golub and LeVeque."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set as AbstractSet
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.kernels.accumulate import Widened
from lamella.udf.base import Method
from lamella.udf.builtin.reducing import ReducingUDF, Reduction

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from lamella.udf.buffers import BufferSpec

__all__ = ["StdDevUDF"]

_ELEMENTS = 1 << 17
"""Pixels that are finished at a time."""


class StdDevUDF(ReducingUDF):
    """Standard deviation of each detector pixel over the scan (divided by the number of frames).

    Results: ``std``, ``var``, ``mean``, ``sum`` and ``varsum`` (the sum of squared deviations) of kind ``"sig"``, and
    ``num_frames``. Whole numbers of at most 16 bits are summed and squared exactly. Others are taken relative to the
    first frame of a partition, in double precision, and partitions are merged pairwise: a large offset does no harm.
    """

    sums = frozenset({"frames", "squares"})

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

    @property
    def provides(self) -> AbstractSet[str]:
        if self.exact:
            return frozenset({"frames", "squares", "count"})
        whole = np.dtype(self.meta.input_dtype or self.meta.dataset_dtype).kind in "iu"
        return frozenset({"count"} if whole else {"frames", "count"})  # sums of large whole numbers are not exact here

    def provide(self, quantity: str) -> NDArray[Any]:
        results: Any = self.results
        if quantity == "frames":
            return np.asarray(results.total if self.exact else results.sum)
        return np.asarray(results.squares if quantity == "squares" else results.num_frames)

    def get_result_buffers(self) -> Mapping[str, BufferSpec]:
        image, whole = self.buffer("sig", dtype=np.float64), self.buffer("sig", dtype=np.int64, use="private")
        result = self.buffer("sig", dtype=np.float64, use="result_only")
        mean = self.buffer("sig", dtype=self._wide(), use="result_only")
        if self.exact:
            kept = {"total": whole, "squares": whole, "varsum": result, "sum": result}
        else:
            origin = self.buffer("sig", dtype=self._wide(), use="private")
            kept = {"origin": origin, "varsum": image, "sum": self.buffer("sig", dtype=self._wide())}
        count = self.buffer("single", dtype=np.int64)
        return {**kept, "num_frames": count, "mean": mean, "var": result, "std": result}

    def get_task_data(self) -> Mapping[str, Any]:
        return {"widened": Widened(self._wide()), "counts": {}, "exact": self.exact}

    def get_method(self) -> Method:
        return self.UDF_METHOD.TILE if self._wide().kind == "c" else self.UDF_METHOD.ROWS

    def reduction(self, rows: NDArray[Any], swapped: tuple[int, ...]) -> Reduction:
        counts, box, results = self.task_data.counts, self.meta.tiling_scheme_idx, self.results
        seen = counts.get(box, 0)
        counts[box] = seen + len(rows)
        if self.task_data.exact:
            return Reduction(total=results.total, squares=results.squares)
        if not seen:
            first = rows[0].byteswap() if swapped else rows[0]
            results.origin[:] = np.where(np.isfinite(first), first, 0)
        return Reduction(total=results.sum, squares=results.varsum, shift=results.origin)

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
        if count and not self.exact and self.get_method() == self.UDF_METHOD.ROWS:  # sums are relative to the origin
            with np.errstate(invalid="ignore"):  # pixels may be infinite
                _from_origin(results.sum, results.varsum, results.origin, count)

    def merge(self, dest: Any, src: Any) -> None:
        if self.exact:
            dest.total += src.total
            dest.squares += src.squares
        else:
            with np.errstate(invalid="ignore"):
                combine(int(dest.num_frames[0]), dest.sum, dest.varsum, int(src.num_frames[0]), src.sum, src.varsum)
        dest.num_frames += src.num_frames

    def get_results(self) -> Mapping[str, Any]:
        results, count = self.results, self.results.num_frames[0]
        if self.exact:
            total, varsum = results.total.astype(np.float64), _deviations(results.total, results.squares, int(count))
        else:
            total, varsum = results.sum, results.varsum
        with np.errstate(invalid="ignore"):
            var = varsum / count
            mean = total / count
        return {
            "varsum": varsum,
            "num_frames": results.num_frames,
            "sum": total,
            "mean": mean,
            "var": var,
            "std": np.sqrt(var),
        }


def _from_origin(total: NDArray[Any], varsum: NDArray[Any], origin: NDArray[Any], count: int) -> None:
    """Turn sums relative to an origin, and of squares relative to it, into sums and sums of squared deviations."""
    for part in _parts(total):
        varsum[part] -= total[part] * (total[part] / count)
        np.maximum(varsum[part], 0, out=varsum[part])
        total[part] += count * origin[part]


def _deviations(total: NDArray[np.int64], squares: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """Give the sum of squared deviations from whole sums and sums of squares.

    Integers are moved to the whole number nearest to the mean first, in arithmetic modulo 2**64: what remains is small
    and exact, so that nothing cancels.
    """
    varsum = np.zeros(total.shape)
    for part in _parts(total) if count else ():
        sums = total[part]
        mean = np.rint(sums / count).astype(np.int64)
        rest = sums - mean * count
        deviations = squares[part] - mean * (2 * sums - mean * count)
        varsum[part] = deviations - rest * (rest / count)
    return varsum


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
