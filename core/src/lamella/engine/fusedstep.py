"""One call of a kernel for several UDFs of a run."""

from __future__ import annotations

from collections.abc import Sequence, Set as AbstractSet
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.engine.fusion import joinable
from lamella.engine.steps import RowsStep, Step, as_rows
from lamella.udf.builtin.reducing import Reduction, reduce_together

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
        self._memo = next((step.udf._memo for step in steps if "weights" in _sums(step)), None)

    def __call__(self, data: NDArray[Any], tile: Tile) -> None:
        rows = as_rows(data)
        wanted = []
        for step in self._steps:
            step.show(tile)
            udf: Any = step.udf
            wanted.append(step.guarded(tile, udf.reduction, rows, self._swapped))
        reduce_together(rows, self._swapped, wanted, self._weights(wanted, tile.box_index))

    def _weights(self, wanted: Sequence[Reduction], box_index: int) -> NDArray[Any] | None:
        """Give the weights of all UDFs for a box, put together once in a run."""
        weights = [one.weights for one in wanted if one.weights is not None]
        if len(weights) < 2 or self._memo is None:
            return weights[0] if weights else None
        return self._memo.once(("together", box_index), lambda: np.concatenate(weights))


def _sums(step: RowsStep) -> AbstractSet[str]:
    udf: Any = step.udf
    sums: AbstractSet[str] = udf.sums
    return sums
