"""What the two plain sums share: exact accumulation, and a dtype of the result that users may choose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lamella.kernels.accumulate import total_dtype
from lamella.udf.base import Method
from lamella.udf.builtin.reducing import ReducingUDF

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from lamella.udf.buffers import BufferSpec, Kind

__all__ = ["TotalUDF"]


class TotalUDF(ReducingUDF):
    """A sum in a buffer ``intensity``, accumulated in 64 bits; ``dtype`` is that of the result, if it is given."""

    total_kind: ClassVar[Kind]
    """The kind of the buffer."""

    def __init__(self, dtype: DTypeLike | None = None) -> None:
        super().__init__(dtype=dtype)

    def get_preferred_input_dtype(self) -> DTypeLike:
        return self.USE_NATIVE_DTYPE

    def get_result_buffers(self) -> Mapping[str, BufferSpec]:
        total = self._total_dtype()
        if self.params.dtype is None:
            return {"intensity": self.buffer(kind=self.total_kind, dtype=total)}
        return {
            "total": self.buffer(kind=self.total_kind, dtype=total, use="private"),
            "intensity": self.buffer(kind=self.total_kind, dtype=self.params.dtype, use="result_only"),
        }

    def total(self) -> NDArray[Any]:
        """Give the buffer in which sums are accumulated."""
        total: NDArray[Any] = self.results.intensity if self.params.dtype is None else self.results.total
        return total

    def get_method(self) -> Method:
        return "rows" if self._in_rows() else "tile"

    def takes_events(self) -> bool:
        return self._in_rows()

    def get_results(self) -> Mapping[str, Any]:
        total, dtype = self.total(), self.params.dtype
        return {"intensity": total if dtype is None else total.astype(dtype)}

    def _native(self) -> np.dtype[Any]:
        return np.dtype(self.meta.input_dtype or self.meta.dataset_dtype)

    def _total_dtype(self) -> np.dtype[Any]:
        return total_dtype(self._native(), self.params.dtype)

    def _in_rows(self) -> bool:
        return (self._native().kind in "fc") == (self._total_dtype().kind in "fc")
