"""Sum over the scan: one image of the detector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.kernels.accumulate import signed
from lamella.kernels.builtin import add_events
from lamella.udf.builtin.reducing import Reduction
from lamella.udf.builtin.total import TotalUDF

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.reader.events import Events

__all__ = ["SumUDF"]


class SumUDF(TotalUDF):
    """Sum all frames; result ``intensity`` of kind ``"sig"``.

    Whole numbers are summed exactly, as 64-bit integers; floating point in double precision. Sums of pixels of 64 bits
    may exceed that: they wrap around, as those of NumPy do, unless ``dtype`` is a floating one.

    Parameters
    ----------
    dtype
        Dtype of the result instead; sums are taken as above, and converted in the end.

    Examples
    --------
    >>> import numpy as np
    >>> import lamella
    >>> ds = lamella.open(np.ones((4, 5, 8, 8), dtype=np.uint16), format="memory")
    >>> with lamella.Context() as ctx:
    ...     total = ctx.run_udf(ds, SumUDF())["intensity"].data
    >>> total.shape, int(total[0, 0])
    ((8, 8), 20)
    """

    total_kind = "sig"
    sums = frozenset({"frames"})
    needs = frozenset({"frames"})

    def reduction(self, rows: NDArray[Any], swapped: tuple[int, ...]) -> Reduction:
        return Reduction(total=signed(self.total()))

    def process_events(self, events: Events) -> None:
        events.give(add_events, signed(events.values), signed(self.total()))

    def process_tile(self, tile: NDArray[Any]) -> None:
        total = self.total()
        total += np.add.reduce(tile, axis=0, dtype=total.dtype)

    def take(self, quantity: str, values: NDArray[Any]) -> None:
        self.total()[...] = values

    def merge(self, dest: Any, src: Any) -> None:
        for name in src:
            dest[name] += src[name]
