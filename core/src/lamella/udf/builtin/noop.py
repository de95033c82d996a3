"""Nothing: to measure what reading costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.udf.base import UDF

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from lamella.udf.buffers import BufferSpec

__all__ = ["NoOpUDF"]


class NoOpUDF(UDF):
    """Take the data and do nothing with them.

    Parameters
    ----------
    preferred_input_dtype
        Dtype to ask for; as stored by default.
    """

    def __init__(self, preferred_input_dtype: DTypeLike = np.bool_) -> None:
        super().__init__(preferred_input_dtype=preferred_input_dtype)

    def get_preferred_input_dtype(self) -> DTypeLike:
        wanted: DTypeLike = self.params.preferred_input_dtype
        return wanted

    def get_result_buffers(self) -> Mapping[str, BufferSpec]:
        return {}

    def process_tile(self, tile: NDArray[Any]) -> None:
        """Do nothing."""
