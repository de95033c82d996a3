"""Any function of one frame, as a UDF."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.udf.base import UDF

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.udf.buffers import BufferSpec

__all__ = ["AutoUDF"]


class AutoUDF(UDF):
    """Call a function on each frame; result ``result`` of kind ``"nav"``.

    Shape and dtype of what the function gives are found out with a frame of ones.

    Parameters
    ----------
    f
        Function of one frame, which gives a number, an array, or any object.
    """

    def __init__(self, f: Callable[[NDArray[Any]], Any]) -> None:
        super().__init__(f=f)

    def _example(self) -> NDArray[Any]:
        dtype = self.meta.input_dtype or np.result_type(np.float32, self.meta.dataset_dtype)
        return np.asarray(self.params.f(np.ones(self.meta.dataset_shape.sig, dtype=dtype)))

    def get_result_buffers(self) -> Mapping[str, BufferSpec]:
        example = self._memo.once("example", self._example)
        return {"result": self.buffer("nav", extra_shape=example.shape, dtype=example.dtype)}

    def process_frame(self, frame: NDArray[Any]) -> None:
        result = self.results.result
        result[... if result.dtype != np.object_ else 0] = self.params.f(frame)
