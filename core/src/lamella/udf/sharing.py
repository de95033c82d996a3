"""UDFs of one run that need the same pixels: read once for all of them, and summed in one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.udf.base import UDF
from lamella.udf.reducing import ReducingUDF, reduce_together
from lamella.udf.stddev import StdDevUDF
from lamella.udf.steps import RowsStep, Step, as_rows
from lamella.udf.sum import SumUDF
from lamella.udf.weighing import WeighingUDF

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.partition import Tile

__all__ = ["followers", "one_call", "together"]

_FEW = 16
"""From so many masks on, a UDF computes on its own: their weights need the cache for themselves."""


def followers(udfs: Sequence[UDF], methods: Sequence[str]) -> dict[int, StdDevUDF]:
    """Give which UDFs, by their numbers, find their result with another: a sum with a standard deviation."""
    in_rows = [(i, udf) for i, udf in enumerate(udfs) if methods[i] == "rows"]
    leader = next((udf for _, udf in in_rows if type(udf) is StdDevUDF), None)
    if leader is None or not leader.knows_the_sum:
        return {}
    return {i: leader for i, udf in in_rows if type(udf) is SumUDF}


def together(steps: Sequence[Step]) -> list[Step]:
    """Join the steps of UDFs whose sums can be computed in one call, where there are several."""
    in_rows = [step for step in steps if isinstance(step, RowsStep)]
    joinable = _joinable([step.udf for step in in_rows])
    if len(joinable) < 2:
        return list(steps)
    joined = [step for step in in_rows if step.udf in joinable]
    return [_ReduceTogether(joined), *(step for step in steps if step not in joined)]


def one_call(udfs: Sequence[UDF], methods: Sequence[str]) -> bool:
    """Whether UDFs need a single call of a kernel for each tile."""
    led = followers(udfs, methods)
    leading = [udf for i, udf in enumerate(udfs) if i not in led]
    return set(methods) == {"rows"} and (len(leading) == 1 or len(_joinable(leading)) == len(leading))


def _joinable(udfs: Sequence[UDF]) -> list[ReducingUDF]:
    """Give the UDFs that one call can serve: one that sums frames, one that sums pixels, those of few masks."""
    joined: list[ReducingUDF] = []
    seen: dict[str, Any] = {}
    for udf in udfs:
        if not isinstance(udf, ReducingUDF) or not udf.shares:
            continue
        if isinstance(udf, WeighingUDF):
            count, dtype = udf.weights_kind()
            fits = count < _FEW and seen.setdefault(udf.sums, dtype) == dtype
        else:
            fits = seen.setdefault(udf.sums, udf) is udf
        if fits:
            joined.append(udf)
    return joined


class _ReduceTogether:
    """One call of the kernel per tile for several UDFs."""

    def __init__(self, steps: Sequence[RowsStep]) -> None:
        self._steps = steps
        self._swapped = steps[0].swapped
        self._weighing = [step.udf for step in steps if isinstance(step.udf, WeighingUDF)]

    def __call__(self, data: NDArray[Any], tile: Tile) -> None:
        rows = as_rows(data)
        wanted = []
        for step in self._steps:
            step.show(tile)
            udf: Any = step.udf
            wanted.append(step.guarded(tile, udf.reduction, rows, self._swapped))
        reduce_together(rows, self._swapped, wanted, self._weights(tile.box_index))

    def _weights(self, box_index: int) -> NDArray[Any] | None:
        """Give the weights of all UDFs for a box."""
        if len(self._weighing) < 2:
            return self._weighing[0].row_weights() if self._weighing else None
        return self._weighing[0]._memo.once(
            ("together", box_index), lambda: np.concatenate([udf.row_weights() for udf in self._weighing])
        )
