"""UDFs whose whole work is to sum pixels under weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.kernels.builtin import weigh_events, weigh_pixels
from lamella.udf.base import UDF

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.events import Events

__all__ = ["WeighingUDF"]


class WeighingUDF(UDF):
    """A UDF that adds sums under weights to a buffer; several of them in one run share the pass over the pixels."""

    def row_weights(self) -> NDArray[Any]:
        """Give the weights of the items of the current tile, shape ``(n_masks, n_items)``, C-contiguous."""
        raise NotImplementedError

    def weighed_sums(self) -> NDArray[Any]:
        """Give the buffer of the sums, shape ``(depth, n_masks)``."""
        raise NotImplementedError

    def process_rows(self, rows: NDArray[Any], swapped: tuple[int, ...]) -> None:
        """Add the sums of a tile."""
        weigh_pixels(rows, swapped, self.row_weights(), self.weighed_sums())

    def process_events(self, events: Events) -> None:
        """Add the sums of the frames of some events."""
        columns = self._memo.once("columns", lambda: np.ascontiguousarray(self.row_weights().T))
        weigh_events(events.values, events.pixels, events.starts, columns, self.weighed_sums())
