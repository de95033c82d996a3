"""One call of a kernel for several UDFs of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.engine.fusion import joinable
from lamella.engine.steps import RowsStep, Step, as_rows
from lamella.udf.builtin.reducing import ReducingUDF, Reduction, reduce_together

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

    def __call__(self, data: NDArray[Any], tile: Tile) -> None:
        rows = as_rows(data)
        wanted = []
        for step in self._steps:
            step.show(tile)
            udf: Any = step.udf
            wanted.append(step.guarded(tile, udf.reduction, rows, self._swapped))
        reduce_together(rows, self._swapped, wanted, self._weights(wanted))

    def _weights(self, wanted: Sequence[Reduction]) -> NDArray[Any] | None:
        """Give the weights of all UDFs for a box, put together once in a run."""
        steps = zip(self._steps, wanted, strict=True)
        parts: list[tuple[Any, NDArray[Any]]] = [
            (step.udf, one.weights) for step, one in steps if one.weights is not None
        ]
        if len(parts) < 2:
            return parts[0][1] if parts else None
        first: ReducingUDF = parts[0][0]
        return first._for_box("together", lambda: _joined(parts))


def _joined(parts: Sequence[tuple[Any, NDArray[Any]]]) -> NDArray[Any]:
    """Put weights together, of which each UDF then keeps a view instead of its own array."""
    joined = np.concatenate([weights for _, weights in parts])
    first = 0
    for udf, weights in parts:
        udf._replace_for_box("rows", joined[first : first + len(weights)])
        first += len(weights)
    return joined
