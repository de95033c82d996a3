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


def _objects(value: Any, shape: tuple[int, ...]) -> NDArray[np.object_]:
    """Give nested sequences as an array of objects, which may be sequences themselves."""
    array = np.empty(shape, object)
    if len(value) != shape[0]:
        raise ValueError(f"the function gave {len(value)} objects here, and {shape[0]} for a frame of ones")
    for i, item in enumerate(value):
        array[i] = _objects(item, shape[1:]) if shape[1:] else item
    return array


class AutoUDF(UDF):
    """Call a function on each frame; result ``result`` of kind ``"nav"``.

    Shape and dtype of what the function gives are found out with a frame of ones.

    Parameters
    ----------
    f
        Function of one frame, which gives a number, an array, any object, or as many objects for each frame. A text,
        and a list whose parts differ in length, count as one object.
    """

    def __init__(self, f: Callable[[NDArray[Any]], Any]) -> None:
        super().__init__(f=f)

    def _example(self) -> NDArray[Any]:
        dtype = self.meta.input_dtype or np.result_type(np.float32, self.meta.dataset_dtype)
        value = self.params.f(np.ones(self.meta.dataset_shape.sig, dtype=dtype))
        try:
            example = np.asarray(value)
        except ValueError:  # a list whose parts differ in length
            return np.asarray(None)
        return example.astype(object) if example.dtype.kind in "SU" else example

    def get_result_buffers(self) -> Mapping[str, BufferSpec]:
        example = self._memo.once("example", self._example)
        return {"result": self.buffer("nav", extra_shape=example.shape, dtype=example.dtype)}

    def process_frame(self, frame: NDArray[Any]) -> None:
        result, value = self.results.result, self.params.f(frame)
        if result.dtype != np.object_:
            result[...] = value
        elif self._memo.once("example", self._example).ndim == 0:
            result[0] = value  # one object, also if it is a sequence
        else:
            result[...] = _objects(value, result.shape)
