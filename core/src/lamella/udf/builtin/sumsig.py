"""Sum over the detector: one image of the scan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.kernels.accumulate import signed
from lamella.kernels.builtin import add_rows
from lamella.udf.builtin.reducing import Reduction
from lamella.udf.builtin.total import TotalUDF

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.reader.events import Events

__all__ = ["SumSigUDF"]


class SumSigUDF(TotalUDF):
    """Sum the pixels of each frame; result ``intensity`` of kind ``"nav"``.

    Whole numbers are summed exactly, as 64-bit integers; floating point in double precision. Sums of pixels of 64 bits
    may exceed that: they wrap around, as those of NumPy do, unless ``dtype`` is a floating one.

    Parameters
    ----------
    dtype
        Dtype of the result instead, into which sums are converted in the end; with a floating one, positions without a
        frame become NaN.
    """

    total_kind = "nav"
    sums = frozenset({"pixels"})

    def reduction(self, rows: NDArray[Any], swapped: tuple[int, ...]) -> Reduction:
        return Reduction(pixels=signed(self.total()))

    def process_events(self, events: Events) -> None:
        add_rows(signed(events.values), events.starts, signed(self.total()))

    def process_tile(self, tile: NDArray[Any]) -> None:
        total = self.total()
        total += np.add.reduce(tile, axis=tuple(range(1, tile.ndim)), dtype=total.dtype)
