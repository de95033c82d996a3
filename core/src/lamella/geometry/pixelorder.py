"""The order in which the items of a frame lie, where it is not that of its pixels.

An item is a pixel as it is stored. Results over the detector are worked out item by item and brought into the order of
pixels at the end; masks are brought into the order of items once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lamella.geometry.shape import SigBox

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BoxOrder", "IndexOrder", "ItemOrder"]


class ItemOrder(Protocol):
    """Which pixel each item of a frame is. Immutable and picklable."""

    def pixels(self, first: int, end: int) -> NDArray[np.int64]:
        """Give the flat pixel index of the items ``[first, end)``, shape ``(end - first,)``."""
        ...

    def take(self, planes: NDArray[Any], first: int, end: int) -> NDArray[Any]:
        """Give the items ``[first, end)`` of planes of pixels, shape ``(n, n_pixels)``, C-contiguous."""
        ...

    def to_items(self, pixels: NDArray[Any], first: int, end: int) -> NDArray[Any]:
        """Give the items ``[first, end)`` of an array with one row per pixel, shape ``(n_pixels, ...)``."""
        ...

    def put(self, items: NDArray[Any], pixels: NDArray[Any], first: int) -> None:
        """Write items, shape ``(n, ...)``, from number ``first`` on into an array with one row per pixel."""
        ...


@dataclass(frozen=True, eq=False)
class IndexOrder:
    """Items in any order.

    Parameters
    ----------
    index
        Flat pixel index of each item, shape ``(n_pixels,)``.
    """

    index: NDArray[np.int64]

    def pixels(self, first: int, end: int) -> NDArray[np.int64]:
        """Give the flat pixel index of the items ``[first, end)``."""
        return self.index[first:end]

    def take(self, planes: NDArray[Any], first: int, end: int) -> NDArray[Any]:
        """Give the items ``[first, end)`` of planes of pixels."""
        return np.ascontiguousarray(planes[:, self.index[first:end]])

    def to_items(self, pixels: NDArray[Any], first: int, end: int) -> NDArray[Any]:
        """Give the items ``[first, end)`` of an array with one row per pixel."""
        return pixels[self.index[first:end]]

    def put(self, items: NDArray[Any], pixels: NDArray[Any], first: int) -> None:
        """Write the items from ``first`` on into an array with one row per pixel."""
        pixels[self.index[first : first + len(items)]] = items


@dataclass(frozen=True, eq=False)
class BoxOrder:
    """The pixels of one box of the detector after those of another; each in C order.

    Everything is made from slices: an index of each pixel would be four times as large as the frame. Only whole boxes
    can be asked for.

    Parameters
    ----------
    sig_shape
        Shape of a frame.
    boxes
        Boxes that cover the detector exactly once.
    """

    sig_shape: tuple[int, ...]
    boxes: tuple[SigBox, ...]

    @cached_property
    def bounds(self) -> NDArray[np.int64]:
        """The first item of each box, and the number of items."""
        return np.cumsum([0, *(box.size for box in self.boxes)], dtype=np.int64)

    @property
    def is_identity(self) -> bool:
        """Whether the items are the pixels in order."""
        places = zip(self.boxes, self.bounds.tolist(), strict=False)
        return all(_is_run(box, self.sig_shape) and self._first_pixel(box) == at for box, at in places)

    def pixels(self, first: int, end: int) -> NDArray[np.int64]:
        """Give the flat pixel index of the items ``[first, end)``."""
        return np.concatenate([self._indices(box) for box in self.between(first, end)])

    def coordinates(self, first: int, end: int) -> tuple[NDArray[np.signedinteger[Any]], ...]:
        """Give where on the detector the items ``[first, end)`` are, one array for each of its axes."""
        places = tuple(np.empty(end - first, dtype=np.int32) for _ in self.sig_shape)
        at = 0
        for box in self.between(first, end):
            for axis, place in enumerate(places):
                along = np.arange(box.origin[axis], box.origin[axis] + box.shape[axis])
                shape = [1] * len(box.shape)
                shape[axis] = -1
                place[at : at + box.size].reshape(box.shape)[...] = along.reshape(shape)
            at += box.size
        return places

    def take(self, planes: NDArray[Any], first: int, end: int) -> NDArray[Any]:
        """Give the items ``[first, end)`` of planes of pixels."""
        items = np.empty((len(planes), end - first), dtype=planes.dtype)
        for part, whole in self._pairs(items, planes, first, planes=True):
            part[...] = whole
        return items

    def to_items(self, pixels: NDArray[Any], first: int, end: int) -> NDArray[Any]:
        """Give the items ``[first, end)`` of an array with one row per pixel."""
        items = np.empty((end - first, *pixels.shape[1:]), dtype=pixels.dtype)
        for part, whole in self._pairs(items, pixels, first):
            part[...] = whole
        return items

    def put(self, items: NDArray[Any], pixels: NDArray[Any], first: int) -> None:
        """Write the items from ``first`` on into an array with one row per pixel."""
        for part, whole in self._pairs(items, pixels, first):
            whole[...] = part

    def _pairs(
        self, items: NDArray[Any], pixels: NDArray[Any], first: int, *, planes: bool = False
    ) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
        """Give views of each row of boxes among the items from ``first`` on, and among the pixels.

        Boxes that lie side by side are copied together: memory is then read in longer pieces, and a row of pixels of a
        box is copied as one element. That takes a quarter of the time of one box after the other.
        """
        lead = int(planes)
        before, rest = items.shape[:lead], items.shape[lead + 1 :]
        image = pixels.reshape(*before, *self.sig_shape, *rest)
        every = (slice(None),) * lead
        last = lead + len(self.sig_shape) - 1
        at = 0
        for box, count in _side_by_side(self.between(first, first + items.shape[lead])):
            part = items[(*every, slice(at, at + count * box.size))].reshape(*before, count, *box.shape, *rest)
            start, width = box.origin[-1], box.shape[-1]
            whole = image[(*every, *box.slices[:-1], slice(start, start + count * width))]
            # Cutting one axis in two gives a view.
            whole = whole.reshape(*whole.shape[:last], count, width, *rest)
            yield _in_pieces(part, np.moveaxis(whole, last, lead), 1 + len(rest))
            at += count * box.size

    def between(self, first: int, end: int) -> tuple[SigBox, ...]:
        """Give the boxes of the items ``[first, end)``, which are whole boxes."""
        start, stop = np.searchsorted(self.bounds, (first, end)).tolist()
        return self.boxes[start:stop]

    def _first_pixel(self, box: SigBox) -> int:
        return int(np.ravel_multi_index(box.origin, self.sig_shape))

    def _indices(self, box: SigBox) -> NDArray[np.int64]:
        places = np.full((1,), self._first_pixel(box), dtype=np.int64)
        for axis, length in enumerate(box.shape):
            stride = math.prod(self.sig_shape[axis + 1 :])
            places = (places[:, None] + np.arange(length, dtype=np.int64) * stride).reshape(-1)
        return places


def _is_run(box: SigBox, sig_shape: Sequence[int]) -> bool:
    """Whether the pixels of a box follow each other on the flat detector."""
    outer = next((axis for axis, length in enumerate(box.shape) if length != 1), len(box.shape))
    return box.shape[outer + 1 :] == tuple(sig_shape)[outer + 1 :]


def _side_by_side(boxes: Sequence[SigBox]) -> Iterator[tuple[SigBox, int]]:
    """Give boxes of one shape that follow each other along the last axis: the first, and how many there are."""
    first, count = None, 0
    for box in boxes:
        if first is not None and box == _moved(first, count):
            count += 1
            continue
        if first is not None:
            yield first, count
        first, count = box, 1
    if first is not None:
        yield first, count


def _moved(box: SigBox, steps: int) -> SigBox:
    """Give a box some of its widths further along the last axis."""
    return SigBox((*box.origin[:-1], box.origin[-1] + steps * box.shape[-1]), box.shape)


def _in_pieces(part: NDArray[Any], whole: NDArray[Any], axes: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Give arrays with their last axes as one element, if these lie in one piece of memory in both."""
    last = part.shape[-axes:]
    size, steps = math.prod(last) * part.itemsize, np.empty(last, part.dtype).strides
    if not size or part.dtype != whole.dtype or not part.strides[-axes:] == whole.strides[-axes:] == steps:
        return part, whole
    element = np.dtype((np.void, size))
    return _viewed(part, axes, element), _viewed(whole, axes, element)


def _viewed(array: NDArray[Any], axes: int, element: np.dtype[Any]) -> NDArray[Any]:
    return array.reshape(*array.shape[:-axes], -1).view(element)[..., 0]
