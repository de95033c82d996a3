"""UDFs whose whole work is to sum pixels under weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import UDFError
from lamella.kernels.builtin import weigh_events
from lamella.udf.builtin.reducing import ReducingUDF, Reduction

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.reader.events import Events

__all__ = ["WeighingUDF", "weights_by_pixel"]


class WeighingUDF(ReducingUDF):
    """A UDF whose result is made of sums of pixels under weights.

    Implement `row_weights`, `weights_kind` and `weighed_sums`.
    """

    sums = frozenset({"weights"})

    def row_weights(self) -> NDArray[Any]:
        """Give the weights of the items of the current tile, shape ``(n_masks, n_items)``, C-contiguous.

        They must be the same for every tile of one ``meta.tiling_scheme_idx``: they are kept while there are more.
        """
        raise UDFError(f"{type(self).__name__} must implement row_weights()")

    def weighed_sums(self) -> NDArray[Any]:
        """Give the part of a result buffer that belongs to the tile, shape ``(depth, n_masks)``, float64."""
        raise UDFError(f"{type(self).__name__} must implement weighed_sums()")

    def reduction(self, rows: NDArray[Any], swapped: tuple[int, ...]) -> Reduction:
        return Reduction(weights=self._for_box("rows", self.row_weights), weighed=self.weighed_sums())

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
