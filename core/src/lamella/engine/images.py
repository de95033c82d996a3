"""Buffers over the detector as UDFs that work on rows see them: in the order of items, box by box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.geometry.pixelorder import ItemOrder

__all__ = ["BoxImages", "Image", "WholeImages"]


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """A buffer of a UDF: where it is shown under which name, and its pixels, one row for each.

    ``zero`` says that nobody wrote to it yet, ``result`` that what is written to its items belongs into it.
    """

    space: dict[str, Any]
    name: str
    pixels: NDArray[Any]
    zero: bool
    result: bool

    def items(self, order: ItemOrder, first: int, end: int, *, zero: bool) -> NDArray[Any]:
        """Give the items ``[first, end)``; zeros instead of looking at pixels that nobody wrote to."""
        if zero:
            return np.zeros((end - first, *self.pixels.shape[1:]), dtype=self.pixels.dtype)
        return order.to_items(self.pixels, first, end)


class WholeImages:
    """Keeps all items of some images until the end: for partitions of many tiles, which come back to each box."""

    def __init__(self, order: ItemOrder, spans: tuple[tuple[int, int], ...], images: list[Image]) -> None:
        self._order = order
        self._spans = spans
        self._held = [(image, image.items(order, 0, spans[-1][1], zero=image.zero)) for image in images]

    def show(self, box_index: int) -> None:
        """Show the items of a box."""
        first, end = self._spans[box_index]
        for image, items in self._held:
            image.space[image.name] = items[first:end]

    def finish(self) -> None:
        """Bring results into the order of pixels."""
        for image, items in self._held:
            if image.result:
                self._order.put(items, image.pixels, 0)
        self._held = []


class BoxImages:
    """Keeps the items of one box only, which fit into the cache: for partitions that see each box once, or seldom."""

    def __init__(self, order: ItemOrder, spans: tuple[tuple[int, int], ...], images: list[Image]) -> None:
        self._order = order
        self._spans = spans
        self._images = images
        self._box: int | None = None
        self._seen: set[int] = set()

    def show(self, box_index: int) -> None:
        """Show the items of a box, and put those of the box before it where they belong."""
        if box_index == self._box:
            return
        self.finish()
        known = box_index in self._seen
        for image in self._images:
            items = image.items(self._order, *self._spans[box_index], zero=image.zero and not known)
            image.space[image.name] = items
        self._box = box_index
        self._seen.add(box_index)

    def finish(self) -> None:
        """Bring results of the present box into the order of pixels."""
        if self._box is None:
            return
        for image in self._images:
            if image.result:
                self._order.put(image.space[image.name], image.pixels, self._spans[self._box][0])
        self._box = None
