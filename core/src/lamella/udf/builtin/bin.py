"""Frames with fewer and larger pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.geometry.bins import Bins
from lamella.udf.base import UDF

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from lamella.udf.buffers import BufferSpec

__all__ = ["BinUDF"]


class BinUDF(UDF):
    """Add up blocks of pixels of each frame; result ``intensity`` of kind ``"nav"``, an image for each position.

    Pixels at the end of an axis that fill no bin are left out. The result is held in memory: `Context.export_dataset`
    with ``bins`` writes it to a file instead. `lamella.masks.binned` makes masks for it.

    Parameters
    ----------
    bins
        Pixels of a bin along each detector axis, or one number for all axes.
    dtype
        Dtype of the result. By default whole numbers are summed exactly, in the smallest dtype of their kind that holds
        the largest sum, such as uint16 for 4 x 4 pixels of uint8; sums of 64-bit integers wrap around at 64 bits, as
        those of NumPy do, unless a floating dtype is given. Floating point is summed in double precision.

    Raises
    ------
    ParameterError
        If the bins do not fit the detector.

    Examples
    --------
    >>> import numpy as np
    >>> import lamella
    >>> ds = lamella.open(np.ones((4, 5, 8, 9), dtype=np.uint8), format="memory")
    >>> with lamella.Context() as ctx:
    ...     binned = ctx.run_udf(ds, BinUDF(4))["intensity"].data
    >>> binned.shape, binned.dtype, int(binned[0, 0, 0, 0])
    ((4, 5, 2, 2), dtype('uint16'), 16)
    """

    def __init__(self, bins: int | Sequence[int] = 2, dtype: DTypeLike | None = None) -> None:
        super().__init__(bins=bins, dtype=dtype)

    def get_preferred_input_dtype(self) -> DTypeLike:
        return self.USE_NATIVE_DTYPE

    def _bins(self) -> Bins:
        return Bins.of(self.params.bins, self.meta.dataset_shape.sig)

    def get_result_buffers(self) -> Mapping[str, BufferSpec]:
        bins, dtype = self._bins(), self.params.dtype
        if dtype is None:
            dtype = bins.dtype(np.dtype(self.meta.input_dtype or self.meta.dataset_dtype))
        return {"intensity": self.buffer("nav", extra_shape=bins.shape, dtype=dtype)}

    def get_task_data(self) -> Mapping[str, Any]:
        return {"bins": self._bins()}

    def process_tile(self, tile: NDArray[Any]) -> None:
        self.task_data.bins.add(tile, self.meta.box, self.results.intensity)
