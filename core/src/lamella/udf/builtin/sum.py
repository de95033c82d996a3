"""Sum over the scan: one image of the detector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.kernels.accumulate import signed, sum_dtype
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
        Dtype of the result instead.

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

    sums = "frames"

    def __init__(self, dtype: DTypeLike | None = None) -> None:
        super().__init__(dtype=dtype)

    def get_preferred_input_dtype(self) -> DTypeLike:
        return self.USE_NATIVE_DTYPE

    def get_result_buffers(self) -> Mapping[str, BufferSpec]:
        native = self.meta.input_dtype or self.meta.dataset_dtype
        dtype = sum_dtype(native) if self.params.dtype is None else self.params.dtype
        return {"intensity": self.buffer(kind="sig", dtype=dtype)}

    def get_method(self) -> Method:
        return "rows" if self.params.dtype is None else "tile"

    def reduction(self, rows: NDArray[Any], swapped: tuple[int, ...]) -> Reduction:
        return Reduction(total=signed(self.results.intensity))

    def takes_events(self) -> bool:
        return self.params.dtype is None

    def process_events(self, events: Events) -> None:
        events.give(add_events, signed(events.values), signed(self.results.intensity))

    def process_tile(self, tile: NDArray[Any]) -> None:
        total = self.results.intensity
        total += np.add.reduce(tile, axis=0, dtype=total.dtype)

    def merge(self, dest: Any, src: Any) -> None:
        dest.intensity += src.intensity
