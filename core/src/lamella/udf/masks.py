"""Sums over masks: virtual detectors, and everything else that is a weighted sum of pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.geometry import SigBox
from lamella.maskstack import MaskFactories, MaskStack
from lamella.udf.base import UDF

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from lamella.udf.buffers import BufferSpec

__all__ = ["ApplyMasksUDF"]


class ApplyMasksUDF(UDF):
    """Multiply each frame with masks and sum; result ``intensity`` of kind ``"nav"``, one number per mask.

    Parameters
    ----------
    mask_factories
        A function that gives all masks as an array of shape ``(n, height, width)``, or a list of masks and functions
        that give one mask each. Functions run where the data are, so large masks need not travel.
    mask_count, mask_dtype
        Number and dtype of the masks, where they should not be made just to find that out.

    Examples
    --------
    >>> bright_field = ApplyMasksUDF(mask_factories=[lambda: circular(128, 128, 256, 256, 40)])  # doctest: +SKIP
    """

    def __init__(
        self,
        mask_factories: MaskFactories,
        mask_count: int | None = None,
        mask_dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(mask_factories=mask_factories, mask_count=mask_count, mask_dtype=mask_dtype)

    def get_preferred_input_dtype(self) -> DTypeLike:
        return self.USE_NATIVE_DTYPE

    def _stack(self) -> MaskStack:
        factories, dtype = self.params.mask_factories, self.params.mask_dtype
        sig_shape = self.meta.dataset_shape.sig
        return self._memo.once(("masks", id(factories)), lambda: MaskStack(factories, sig_shape, dtype=dtype))

    def _result_dtype(self) -> np.dtype[Any]:
        masks = self._stack().dtype if self.params.mask_dtype is None else self.params.mask_dtype
        return np.result_type(self.meta.input_dtype or self.meta.dataset_dtype, masks, np.float32)

    def get_result_buffers(self) -> Mapping[str, BufferSpec]:
        count = len(self._stack()) if self.params.mask_count is None else self.params.mask_count
        return {"intensity": self.buffer(kind="nav", extra_shape=(count,), dtype=self._result_dtype())}

    def get_task_data(self) -> Mapping[str, Any]:
        return {"stack": self._stack(), "buffer": np.empty(0, self._result_dtype())}

    def process_tile(self, tile: NDArray[Any]) -> None:
        scratch = self.task_data
        total = self.results.intensity
        if scratch.buffer.size < tile.size:
            scratch.buffer = np.empty(tile.size, total.dtype)
        flat = scratch.buffer[: tile.size].reshape(len(tile), -1)
        np.copyto(flat.reshape(tile.shape), tile)
        box: SigBox = self.meta.box
        total += flat @ scratch.stack.columns(box, total.dtype)
