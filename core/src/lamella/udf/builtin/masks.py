"""Sums over masks: virtual detectors, and everything else that is a weighted sum of pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.kernels.accumulate import Widened
from lamella.kernels.builtin import weigh_items, weigh_listed
from lamella.masks.stack import MaskFactories, Masks, SparseMasks, make_masks, shift_into
from lamella.udf.base import Method
from lamella.udf.buffers import AuxData
from lamella.udf.builtin.weighing import WeighingUDF

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from lamella.reader.events import Events
    from lamella.udf.buffers import BufferSpec
    from lamella.udf.results import ResultBuffer

__all__ = ["ApplyMasksUDF"]


_MANY = 16
_THIN = 1 / 16
"""Share of pixels that are not zero, below which it pays to look these up instead of multiplying with zeros, too."""
_DENSE_BYTES = 32 << 20
"""Largest size of sparse masks with their zeros."""


class ApplyMasksUDF(WeighingUDF):
    """Multiply each frame with masks and sum; result ``intensity`` of kind ``"nav"``, one number per mask.

    Products and sums are taken in double precision, and rounded once to the dtype of the result: that of data and masks
    together, at least float32. With an integer ``preferred_dtype``, whole numbers are summed exactly, as 64-bit
    integers that wrap around where a sum exceeds them.

    Parameters
    ----------
    mask_factories
        A function that gives all masks as an array of shape ``(n, height, width)``, or a list of masks and functions
        that give one mask each. Functions run where the data are, so large masks need not travel. Masks may be
        sparse: `lamella.masks.SparseMasks`, or those of SciPy and pydata/sparse.
    use_sparse
        True to compute with the pixels that are not zero only, False never to; None as the masks are given.
    mask_count, mask_dtype
        Number and dtype of the masks, where they should not be made just to find that out.
    preferred_dtype
        Dtype of the result together with that of data and masks; float32 by default.
    shifts
        Pixels (y, x) by which the masks are moved, rounded to whole ones: two numbers, or `UDF.aux_data` of kind
        ``"nav"`` with two numbers for each frame. What a mask loses at the edge of the detector counts as zero.

    Examples
    --------
    >>> import numpy as np
    >>> import lamella
    >>> ds = lamella.open(np.ones((4, 5, 8, 8), dtype=np.uint16), format="memory")
    >>> from lamella.masks import circular
    >>> bright_field = ApplyMasksUDF(mask_factories=[lambda: circular(4, 4, 8, 8, 2)])
    >>> with lamella.Context() as ctx:
    ...     ctx.run_udf(ds, bright_field)["intensity"].data.shape
    (4, 5, 1)
    """

    def __init__(
        self,
        mask_factories: MaskFactories,
        *,
        use_sparse: bool | None = None,
        mask_count: int | None = None,
        mask_dtype: DTypeLike | None = None,
        preferred_dtype: DTypeLike | None = None,
        shifts: Sequence[float] | AuxData | ResultBuffer | None = None,
    ) -> None:
        super().__init__(
            mask_factories=mask_factories,
            use_sparse=use_sparse,
            mask_count=mask_count,
            mask_dtype=mask_dtype,
            preferred_dtype=preferred_dtype,
            shifts=shifts,
        )

    def get_preferred_input_dtype(self) -> DTypeLike:
        return self.USE_NATIVE_DTYPE

    @property
    def _per_frame(self) -> bool:
        return isinstance(self._kwargs["shifts"], AuxData)

    def get_method(self) -> Method:
        if self._per_frame:
            return self.UDF_METHOD.FRAME
        return self.UDF_METHOD.ROWS if self._result_dtype() in (np.float32, np.float64) else self.UDF_METHOD.TILE

    def _with_zeros(self) -> bool:
        """Whether to multiply with the zeros of masks as well, which a kernel does faster than it finds the others."""
        masks = self._masks()
        if not isinstance(masks, SparseMasks):
            return True
        nbytes = masks.size * self._result_dtype().itemsize
        return self._zeros_are_harmless(masks) and len(masks.value) >= _THIN * masks.size and nbytes <= _DENSE_BYTES

    def _zeros_are_harmless(self, masks: SparseMasks) -> bool:
        """Whether there are few masks, and no pixel that zero times it is not zero, as with NaN."""
        dtype = np.dtype(self.meta.input_dtype or self.meta.dataset_dtype)
        return len(masks) < _MANY and dtype.kind in "bui"

    def get_tiling_preferences(self) -> Mapping[str, Any]:
        # Each mask brings four bytes a pixel; with many of them, frames share boxes so that this costs little.
        count = len(self._masks())
        return {
            **super().get_tiling_preferences(),
            "share": min(128, count) if count >= _MANY and self._with_zeros() else 1,
        }

    def _masks(self) -> Masks:
        factories = self.params.mask_factories
        return self._memo.once(("masks", id(factories)), lambda: self._make_masks(factories))

    def _make_masks(self, factories: MaskFactories) -> Masks:
        shape, params = self.meta.dataset_shape.sig, self.params
        masks = make_masks(factories, shape, dtype=params.mask_dtype, sparse=params.use_sparse)
        if params.shifts is None or self._per_frame:
            return masks
        return masks.shifted(_whole(params.shifts))

    def _result_dtype(self) -> np.dtype[Any]:
        masks = self._masks().dtype if self.params.mask_dtype is None else self.params.mask_dtype
        data = self.meta.input_dtype or self.meta.dataset_dtype
        return np.result_type(data, masks, self.params.preferred_dtype or np.float32)

    def _sum_dtype(self) -> np.dtype[Any]:
        result = self._result_dtype()
        return np.result_type(result, np.float64 if result.kind in "fc" else np.int64)

    def get_result_buffers(self) -> Mapping[str, BufferSpec]:
        count = len(self._masks()) if self.params.mask_count is None else self.params.mask_count
        return {
            "sums": self.buffer("nav", extra_shape=(count,), dtype=self._sum_dtype(), use="private"),
            "intensity": self.buffer("nav", extra_shape=(count,), dtype=self._result_dtype(), use="result_only"),
        }

    def get_results(self) -> Mapping[str, Any]:
        return {"intensity": self.results.sums.astype(self._result_dtype(), copy=False)}

    def get_task_data(self) -> Mapping[str, Any]:
        dtype, wide, masks = self._result_dtype(), self._sum_dtype(), self._masks()
        if self._per_frame:
            rows = masks.toarray().reshape(len(masks), -1).astype(wide, copy=False)
            return {"rows": rows, "moved": np.zeros(self.meta.dataset_shape.sig, wide)}
        return {"masks": masks, "dtype": dtype, "widened": Widened(wide), "with_zeros": self._with_zeros()}

    def row_weights(self) -> NDArray[Any]:
        weights: NDArray[Any] = self.meta.in_rows(self.task_data.masks.toarray())
        return weights.astype(self.task_data.dtype, copy=False)

    def weights_kind(self) -> tuple[int, np.dtype[Any]]:
        return len(self._masks()), self._result_dtype()

    def weighed_sums(self) -> NDArray[Any]:
        sums: NDArray[Any] = self.results.sums
        return sums

    @property
    def shares(self) -> bool:
        return type(self).process_rows is ApplyMasksUDF.process_rows and self._with_zeros()

    def process_rows(self, rows: NDArray[Any], swapped: tuple[int, ...]) -> None:
        if self.task_data.with_zeros:
            super().process_rows(rows, swapped)
            return
        meta, masks = self.meta, self.task_data.masks
        listed = self._for_box("listed", lambda: masks.listed(meta.row_pixels))
        weigh_items(rows, swapped, *listed, self.results.sums)

    def takes_events(self) -> bool:
        return not self._per_frame and self._result_dtype() in (np.float32, np.float64)

    def process_events(self, events: Events) -> None:
        task = self.task_data
        if not isinstance(task.masks, SparseMasks) or self._zeros_are_harmless(task.masks):
            super().process_events(events)  # few masks are faster with their zeros than without
            return
        first, numbers, weights = self._memo.once("listed", lambda: task.masks.by_pixel(task.dtype))
        events.give(weigh_listed, events.values, events.starts, first, numbers, weights, self.results.sums)

    def process_tile(self, tile: NDArray[Any]) -> None:
        task = self.task_data
        task.masks.cut(self.meta.box, self._sum_dtype()).project(tile, task.widened, self.results.sums)

    def process_frame(self, frame: NDArray[Any]) -> None:
        moved = self.task_data.moved
        moved[...] = 0
        shift_into(moved, frame, [-s for s in _whole(self.params.shifts)])
        self.results.sums[:] = self.task_data.rows @ moved.reshape(-1)


def _whole(shifts: Sequence[float] | NDArray[Any]) -> tuple[int, ...]:
    return tuple(int(s) for s in np.rint(shifts))
