"""How UDFs that work on rows of items see a run: which items a tile holds, and where their pixels are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.dataset.storedform import StoredForm
from lamella.geometry.pixelorder import BoxOrder, ItemOrder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.dataset.tiling import TilingScheme

__all__ = ["RowLayout", "decoded_layout", "stored_layout"]


@dataclass(frozen=True, eq=False)
class RowLayout:
    """Items of a frame in one long row, in the order in which they are stored or decoded.

    Parameters
    ----------
    order
        Which pixel each item is; None if they are in C order.
    swapped
        ``(1,)`` if the bytes of items are in the other order, ``()`` if not; the form that kernels take.
    spans
        For each box of the tiling scheme, the items ``[first, end)`` that a tile holds.
    stored
        The form of the file, if tiles come as they are stored; None if they are decoded.
    """

    order: ItemOrder | None
    swapped: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    stored: StoredForm | None = None

    def cut(self, weights: NDArray[Any], box_index: int) -> NDArray[Any]:
        """Give the part of arrays over the detector that belongs to the items of a box.

        Parameters
        ----------
        weights
            Shape ``(n, *sig_shape)``.
        box_index
            Number of the box in the tiling scheme.

        Returns
        -------
        numpy.ndarray
            C-contiguous, shape ``(n, n_items)``.
        """
        first, end = self.spans[box_index]
        flat = weights.reshape(len(weights), -1)
        return np.ascontiguousarray(flat[:, first:end]) if self.order is None else self.order.take(flat, first, end)

    def pixels(self, box_index: int) -> NDArray[np.int64]:
        """Give the flat pixel index of each item of a box, shape ``(n_items,)``."""
        first, end = self.spans[box_index]
        return np.arange(first, end, dtype=np.int64) if self.order is None else self.order.pixels(first, end)

    def coordinates(self, box_index: int, sig_shape: tuple[int, ...]) -> tuple[NDArray[np.signedinteger[Any]], ...]:
        """Give where on a detector of ``sig_shape`` each item of a box is, one array for each axis."""
        if isinstance(self.order, BoxOrder) and self.order.sig_shape == sig_shape:
            return self.order.coordinates(*self.spans[box_index])
        return tuple(np.unravel_index(self.pixels(box_index), sig_shape))


def stored_layout(form: StoredForm, scheme: TilingScheme, *, corrected: bool = False) -> RowLayout:
    """Give the layout of tiles as they are stored; the scheme cuts the flat list of items.

    Correcting items brings their bytes into the order of the machine.
    """
    spans = tuple((box.origin[0], box.origin[0] + box.size) for box in scheme.boxes)
    return RowLayout(form.order, (1,) if form.swapped and not corrected else (), spans, form)


def decoded_layout(scheme: TilingScheme, sig_shape: Sequence[int]) -> RowLayout:
    """Give the layout of decoded tiles: the pixels of one box after those of another."""
    ends = np.cumsum([box.size for box in scheme.boxes]).tolist()
    spans = tuple((end - box.size, end) for box, end in zip(scheme.boxes, ends, strict=True))
    order = BoxOrder(tuple(sig_shape), tuple(scheme.boxes))
    return RowLayout(None if order.is_identity else order, (), spans)
