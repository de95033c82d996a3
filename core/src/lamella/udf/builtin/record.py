"""Writes the data that pass through a run into a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.udf.base import UDF

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from lamella.udf.buffers import BufferSpec

__all__ = ["RecordUDF"]


class RecordUDF(UDF):
    """Write the frames of a run as a ``.npy`` file, in the stored dtype, or as corrected where corrections apply.

    With a region of interest, the file holds the selected frames one after the other. Positions without a frame
    become zeros. To convert a whole data set, `Context.export_dataset` is safer: its files are complete or absent.

    Parameters
    ----------
    filename
        The file; replaced if it exists.
    """

    def __init__(self, filename: str | os.PathLike[str]) -> None:
        super().__init__(filename=os.path.abspath(filename))

    def get_preferred_input_dtype(self) -> DTypeLike:
        return self.USE_NATIVE_DTYPE

    def get_result_buffers(self) -> Mapping[str, BufferSpec]:
        return {}

    def _flat(self, mapped: NDArray[Any]) -> NDArray[Any]:
        return mapped.reshape(self.meta.roi_size, *self.meta.dataset_shape.sig)

    def preprocess(self) -> None:
        if self.meta.in_task:
            return
        nav = self.meta.dataset_shape.nav if self.meta.roi is None else (self.meta.roi_size,)
        shape = (*nav, *self.meta.dataset_shape.sig)
        np.lib.format.open_memmap(Path(self.params.filename), mode="w+", dtype=self.meta.input_dtype, shape=shape)

    def get_task_data(self) -> Mapping[str, Any]:
        mapped = np.lib.format.open_memmap(Path(self.params.filename), mode="r+")
        return {"frames": self._flat(mapped)}

    def process_tile(self, tile: NDArray[Any]) -> None:
        self.task_data.frames[self.meta.slice.get()] = tile
