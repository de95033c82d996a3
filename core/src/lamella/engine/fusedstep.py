"""One call of a kernel for several UDFs of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.engine.fusion import joinable
from lamella.engine.steps import RowsStep, Step, as_rows
from lamella.udf.builtin.reducing import reduce_together
from lamella.udf.builtin.weighing import WeighingUDF

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.dataset.partition import Tile

__all__ = ["together"]


def together(steps: Sequence[Step]) -> list[Step]:
    """Join the steps of UDFs whose sums can be computed in one call, where there are several."""
    in_rows = [step for step in steps if isinstance(step, RowsStep)]
    sharing = joinable([step.udf for step in in_rows])
    if len(sharing) < 2:
        return list(steps)
    joined = [step for step in in_rows if step.udf in sharing]
    return [_ReduceTogether(joined), *(step for step in steps if step not in joined)]


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
