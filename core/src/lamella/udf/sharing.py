"""UDFs of one run that need the same sums: computed once for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.kernels.builtin import weigh_pixels
from lamella.udf.base import UDF
from lamella.udf.stddev import StdDevUDF
from lamella.udf.steps import RowsStep, Step, as_rows
from lamella.udf.sum import SumUDF
from lamella.udf.weighing import WeighingUDF

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.partition import Tile

__all__ = ["followers", "together"]

_FEW = 4
"""Masks that fit into the registers at the same time."""


def followers(udfs: Sequence[UDF], methods: Sequence[str]) -> dict[int, int]:
    """Give the UDFs that find their result in the buffers of another: a sum beside an exact standard deviation."""
    leader = next(
        (i for i, udf in enumerate(udfs) if type(udf) is StdDevUDF and methods[i] == "rows" and udf.exact), None
    )
    if leader is None:
        return {}
    return {i: leader for i, udf in enumerate(udfs) if type(udf) is SumUDF and methods[i] == "rows"}


def together(steps: Sequence[Step]) -> list[Step]:
    """Join the steps of UDFs with few masks each into one, where there are several."""
    weighing = [step for step in steps if isinstance(step, RowsStep) and _weighs_few(step.udf)]
    if len(weighing) < 2:
        return list(steps)
    return [step for step in steps if step not in weighing] + [_WeighTogether(weighing)]


def _weighs_few(udf: UDF) -> bool:
    return (
        isinstance(udf, WeighingUDF)
        and type(udf).process_rows is WeighingUDF.process_rows
        and udf.weighed_sums().shape[-1] < _FEW
    )


class _WeighTogether:
    """One call of the kernel per tile for several UDFs that sum pixels under few masks each."""

    def __init__(self, steps: Sequence[RowsStep]) -> None:
        self._steps = steps
        self._udfs: list[Any] = [step.udf for step in steps]
        self._swapped = steps[0].swapped

    def __call__(self, data: NDArray[Any], tile: Tile) -> None:
        for step in self._steps:
            step.show(tile)
        weights = self._udfs[0]._memo.once(("together", tile.box_index), self._stacked)
        if weights is None:
            for step in self._steps:
                step(data, tile)
            return
        sums = np.zeros((len(data), len(weights)))
        weigh_pixels(as_rows(data), self._swapped, weights, sums)
        first = 0
        for udf in self._udfs:
            target = udf.weighed_sums()
            end = first + target.shape[-1]
            target += sums[:, first:end]
            first = end

    def _stacked(self) -> NDArray[Any] | None:
        """Give the weights of all UDFs for the current box, or None where they are of different dtypes."""
        parts = [udf.row_weights() for udf in self._udfs]
        return np.concatenate(parts) if len({part.dtype for part in parts}) == 1 else None
