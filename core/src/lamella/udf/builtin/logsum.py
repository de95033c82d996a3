"""Sum over the scan on a logarithmic scale, in which faint features count as well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.udf.base import UDF

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from lamella.udf.buffers import BufferSpec

__all__ = ["LogsumUDF"]


class LogsumUDF(UDF):
    """Sum ``log(frame - min(frame) + 1)`` over all frames; result ``logsum`` of kind ``"sig"``."""

    def __init__(self) -> None:
        super().__init__()

    def get_preferred_input_dtype(self) -> DTypeLike:
        return np.float32

    def get_result_buffers(self) -> Mapping[str, BufferSpec]:
        return {"logsum": self.buffer("sig", dtype=np.float64)}

    def process_frame(self, frame: NDArray[Any]) -> None:
        scaled = frame - frame.min()
        self.results.logsum += np.log1p(scaled, out=scaled)

    def merge(self, dest: Any, src: Any) -> None:
        dest.logsum += src.logsum
