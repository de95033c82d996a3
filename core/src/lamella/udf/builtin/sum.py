"""Sum over the scan: one image of the detector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.kernels.accumulate import signed, total_dtype
from lamella.kernels.builtin import add_events
from lamella.udf.base import Method
from lamella.udf.builtin.reducing import ReducingUDF, Reduction

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from lamella.reader.events import Events
    from lamella.udf.buffers import BufferSpec

__all__ = ["SumUDF"]


class SumUDF(ReducingUDF):
    """Sum all frames; result ``intensity`` of kind ``"sig"``.

    Whole numbers are summed exactly, as 64-bit integers; floating point in double precision.

    Parameters
    ----------
    dtype
        Dtype of the result instead; sums are taken as above, and converted in the end.

    Examples
    --------
    >>> import numpy as np
    >>> import lamella
    >>> ds = lamella.open(np.ones((4, 5, 8, 8), dtype=np.uint16), format="memory")
    >>> with lamella.Context() as ctx:
    ...     total = ctx.run_udf(ds, SumUDF())["intensity"].data
    >>> total.shape, int(total[0, 0])
    ((8, 8), 20)
    """

    sums = frozenset({"frames"})
    needs = frozenset({"frames"})

    def __init__(self, dtype: DTypeLike | None = None) -> None:
        super().__init__(dtype=dtype)

    def get_preferred_input_dtype(self) -> DTypeLike:
        return self.USE_NATIVE_DTYPE

    def _total_dtype(self) -> np.dtype[Any]:
        return total_dtype(np.dtype(self.meta.input_dtype or self.meta.dataset_dtype), self.params.dtype)

    def get_result_buffers(self) -> Mapping[str, BufferSpec]:
        total = self._total_dtype()
        if self.params.dtype is None:
            return {"intensity": self.buffer(kind="sig", dtype=total)}
        return {
            "total": self.buffer(kind="sig", dtype=total, use="private"),
            "intensity": self.buffer(kind="sig", dtype=self.params.dtype, use="result_only"),
        }

    def total(self) -> NDArray[Any]:
        """Give the buffer in which sums are accumulated."""
        total: NDArray[Any] = self.results.intensity if self.params.dtype is None else self.results.total
        return total

    def _in_rows(self) -> bool:
        native = np.dtype(self.meta.input_dtype or self.meta.dataset_dtype)
        return (native.kind in "fc") == (self._total_dtype().kind in "fc")

    def get_method(self) -> Method:
        return "rows" if self._in_rows() else "tile"

    def reduction(self, rows: NDArray[Any], swapped: tuple[int, ...]) -> Reduction:
        return Reduction(total=signed(self.total()))

    def takes_events(self) -> bool:
        return self._in_rows()

    def process_events(self, events: Events) -> None:
        events.give(add_events, signed(events.values), signed(self.total()))

    def process_tile(self, tile: NDArray[Any]) -> None:
        total = self.total()
        total += np.add.reduce(tile, axis=0, dtype=total.dtype)

    def take(self, quantity: str, values: NDArray[Any]) -> None:
        self.total()[...] = values

    def merge(self, dest: Any, src: Any) -> None:
        for name in src:
            dest[name] += src[name]

    def get_results(self) -> Mapping[str, Any]:
        total, dtype = self.total(), self.params.dtype
        return {"intensity": total if dtype is None else total.astype(dtype)}
