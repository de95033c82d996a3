"""Frames as they are stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.udf.base import UDF

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from lamella.udf.buffers import BufferSpec

__all__ = ["PickUDF"]


class PickUDF(UDF):
    """Load the frames that the region of interest selects.

    Result ``intensity`` of kind ``"single"`` and shape ``(number of frames, *detector)``, in the stored dtype. Not
    valid, and zero, where a selected position has no frame.
    """

    quick = True

    def __init__(self) -> None:
        super().__init__()

    def get_preferred_input_dtype(self) -> DTypeLike:
        return self.USE_NATIVE_DTYPE

    def get_result_buffers(self) -> Mapping[str, BufferSpec]:
        dtype = self.meta.input_dtype or self.meta.dataset_dtype
        sig = self.meta.dataset_shape.sig.to_tuple()
        count = self.meta.roi_size
        return {
            "frames": self.buffer("nav", extra_shape=sig, dtype=dtype, use="private"),
            "intensity": self.buffer("single", extra_shape=(count, *sig), dtype=dtype, use="result_only"),
        }

    def process_tile(self, tile: NDArray[Any]) -> None:
        self.results.frames[(slice(None), *self.meta.box.slices)] = tile

    def get_results(self) -> Mapping[str, Any]:
        frames = self.results.frames
        valid = self.meta._merged.reshape(-1, *(1,) * (frames.ndim - 1))
        return {"intensity": self.with_mask(frames, np.broadcast_to(valid, frames.shape))}
