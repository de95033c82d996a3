"""UDFs whose whole work is to sum pixels under weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.kernels.builtin import weigh_events
from lamella.udf.builtin.reducing import ReducingUDF, Reduction

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.reader.events import Events

__all__ = ["WeighingUDF", "weights_by_pixel"]


class WeighingUDF(ReducingUDF):
    """A UDF that adds sums under weights to a buffer."""

    sums = "weights"

    def row_weights(self) -> NDArray[Any]:
        """Give the weights of the items of the current tile, shape ``(n_masks, n_items)``, C-contiguous."""
        raise NotImplementedError

    def weights_kind(self) -> tuple[int, np.dtype[Any]]:
        """Give the number of masks, and the dtype in which pixels are multiplied: float32 or float64."""
        raise NotImplementedError

    def weighed_sums(self) -> NDArray[Any]:
        """Give the buffer of the sums, shape ``(depth, n_masks)``."""
        raise NotImplementedError

    def reduction(self, rows: NDArray[Any], swapped: tuple[int, ...]) -> Reduction:
        return Reduction(weights=self.row_weights(), weighed=self.weighed_sums())

    def process_events(self, events: Events) -> None:
        """Add the sums of the frames of some events."""
        weights = self._memo.once("by pixel", lambda: weights_by_pixel(self.row_weights()))
        events.give(weigh_events, events.values, events.starts, weights, self.weighed_sums())


def weights_by_pixel(masks: NDArray[Any]) -> NDArray[Any]:
    """Give masks of shape ``(n_masks, n_pixels)`` as `weigh_events` takes them.

    Returns
    -------
    numpy.ndarray
        Shape ``(n_groups, n_pixels, n)``: masks in groups of 1, 4 or 8, the last one filled up with zeros; in single
        precision where that changes nothing.
    """
    with np.errstate(over="ignore"):
        narrow = masks.astype(np.float32, copy=False)
    rows = narrow if np.array_equal(narrow, masks) else masks
    n = 1 if len(rows) == 1 else 4 if len(rows) <= 4 else 8
    weights = np.zeros((-(-len(rows) // n), rows.shape[1], n), rows.dtype)
    for k, row in enumerate(rows):
        weights[k // n, :, k % n] = row
    return weights
