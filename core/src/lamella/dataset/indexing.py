"""What an index into a data set asks for: which scan positions and which detector pixels.

Every axis is indexed by itself, also by several arrays: the result is their outer product (orthogonal indexing).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from lamella.geometry.frames import as_range
from lamella.geometry.shape import Shape, SigBox

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Selection"]

_Wanted: TypeAlias = "range | NDArray[np.int64]"
_TAKES = "a data set takes integers, slices, Ellipsis, and 1-D arrays of integers or booleans"


@dataclass(frozen=True, slots=True)
class Selection:
    """What an index asks for.

    Parameters
    ----------
    positions
        Flat scan positions in the order of the result, shape ``(n,)``; a range where they follow each other.
    nav_shape
        Shape of these positions in the result, before the integer axes are dropped.
    box
        Smallest detector box that holds the wanted pixels.
    inner
        For each detector axis, which pixels of the box are wanted.
    sig_shape
        Shape of these pixels in the result, before the integer axes are dropped.
    dropped
        Axes of the result that an integer index removes.
    """

    positions: _Wanted
    nav_shape: tuple[int, ...]
    box: SigBox
    inner: tuple[slice | NDArray[np.int64], ...]
    sig_shape: tuple[int, ...]
    dropped: tuple[int, ...]

    @classmethod
    def of(cls, index: Any, shape: Shape, expect: Callable[[int, int, bool], None] | None = None) -> Selection:
        """Read an index into a data set of a certain shape.

        Parameters
        ----------
        index
            What the user wrote between the brackets.
        shape
            Shape of the data set.
        expect
            Called before anything of that size is made, with the number of positions, that of the pixels of each, and
            whether positions follow each other.

        Raises
        ------
        IndexError
            If it lies outside, has too many items, or holds something else than integers, slices, one Ellipsis, 1-D
            arrays, and a boolean array of the shape of the scan in the first place.
        """
        items = list(index) if isinstance(index, tuple) else [index]
        nav, sig = shape.nav, shape.sig
        mask = _scan_mask(items, nav)
        nav_shape: tuple[int, ...]
        if mask is not None:
            items = _expanded([slice(None), *items[1:]], 1 + len(sig), taken=len(nav) - 1)
            wanted = [
                _wanted(item, length, len(nav) + i) for i, (item, length) in enumerate(zip(items[1:], sig, strict=True))
            ]
            positions: _Wanted = np.flatnonzero(mask)
            nav_shape = (len(positions),)
            if expect is not None:
                expect(len(positions), math.prod(map(len, wanted)), False)
        else:
            items = _expanded(items, len(shape))
            every = [_wanted(item, length, axis) for axis, (item, length) in enumerate(zip(items, shape, strict=True))]
            nav_shape, wanted = tuple(map(len, every[: len(nav)])), every[len(nav) :]
            stretch = _stretch(every[: len(nav)], nav)
            if expect is not None:
                expect(math.prod(nav_shape), math.prod(map(len, wanted)), stretch is not None)
            positions = _flat(every[: len(nav)], nav) if stretch is None else stretch
        bounds = [_bounds(one) for one in wanted]
        return cls(
            positions=positions,
            nav_shape=nav_shape,
            box=SigBox(tuple(b[0] for b in bounds), tuple(b[1] for b in bounds)),
            inner=tuple(b[2] for b in bounds),
            sig_shape=tuple(map(len, wanted)),
            dropped=tuple(axis for axis, item in enumerate(items) if isinstance(item, int)),
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the result."""
        every = self.nav_shape + self.sig_shape
        return tuple(length for axis, length in enumerate(every) if axis not in self.dropped) if self.dropped else every

    @property
    def whole_box(self) -> bool:
        """Whether all pixels of the box are wanted, in their order."""
        return self.sig_shape == self.box.shape and all(
            isinstance(inner, slice) and (inner.step == 1 or length < 2)
            for inner, length in zip(self.inner, self.sig_shape, strict=True)
        )

    def pixels(self, block: NDArray[Any]) -> NDArray[Any]:
        """Give the wanted pixels of frames that hold the box: shape ``(n, *sig_shape)``, a view where that is possible.

        Parameters
        ----------
        block
            Frames of shape ``(n, *box.shape)``.
        """
        block = block[(slice(None), *(one if isinstance(one, slice) else slice(None) for one in self.inner))]
        for axis, inner in enumerate(self.inner, start=1):
            if not isinstance(inner, slice):
                block = block.take(inner, axis=axis)
        return block

    def spread(self, result: NDArray[Any]) -> NDArray[Any]:
        """Give a view of the result that has the integer axes too, of length 1: shape ``nav_shape + sig_shape``."""
        axes = range(len(self.nav_shape) + len(self.sig_shape))
        return result[tuple(None if axis in self.dropped else slice(None) for axis in axes)] if self.dropped else result


def _scan_mask(items: Sequence[Any], nav: Sequence[int]) -> NDArray[np.bool_] | None:
    """Give the boolean array of the shape of a scan of several axes with which an index begins, if it does."""
    if len(nav) < 2 or not items or getattr(items[0], "ndim", 0) < 2 or not isinstance(items[0], np.ndarray):
        return None
    mask = items[0]
    if mask.dtype != np.bool_:
        return None
    if mask.shape != tuple(nav):
        raise IndexError(
            f"a boolean array of several axes must have the shape of the scan {tuple(nav)}, found {mask.shape}"
        )
    return mask


def _expanded(items: Sequence[Any], ndim: int, *, taken: int = 0) -> list[Any]:
    """Give one item for each axis: an `int`, a slice, or a 1-D array; ``taken`` more axes are spoken for already."""
    items = [_item(item) for item in items]
    dots = [at for at, item in enumerate(items) if item is Ellipsis]
    if len(dots) > 1:
        raise IndexError("an index can hold one Ellipsis only")
    if len(items) - len(dots) > ndim:
        raise IndexError(f"too many indices: {len(items) - len(dots) + taken} for {ndim + taken} axes")
    rest = [slice(None)] * (ndim - len(items) + len(dots))
    return items[: dots[0]] + rest + items[dots[0] + 1 :] if dots else items + rest


def _item(item: Any) -> Any:
    if item is Ellipsis or isinstance(item, slice):
        return item
    if isinstance(item, (int, np.integer)) and not isinstance(item, bool):
        return int(item)
    if item is None:
        raise IndexError(f"{_TAKES}, not newaxis (None); read first, and add axes to the result")
    if isinstance(item, (list, tuple, range)) or hasattr(item, "__array__"):
        return _array(item)
    raise IndexError(f"{_TAKES}, not {type(item).__name__}")


def _array(item: Any) -> Any:
    try:
        array = np.asarray(item)
    except ValueError as error:
        raise IndexError(f"{_TAKES}, not a {type(item).__name__} of unequal parts ({error})") from None
    if array.size == 0 and not hasattr(item, "dtype"):
        array = array.astype(np.int64)  # [] is an array of floats to NumPy
    if array.dtype.kind not in "iub" or (array.ndim == 0 and array.dtype.kind == "b"):
        raise IndexError(f"{_TAKES}, not {type(item).__name__} of {array.dtype}")
    if array.ndim == 0:
        return int(array)
    if array.ndim > 1 and array.dtype.kind == "b":
        raise IndexError(
            f"a boolean array of {array.ndim} axes can only be the first index and must have the shape of the scan, "
            f"found shape {array.shape}. For other axes give 1-D arrays, one for each axis"
        )
    if array.ndim > 1:
        raise IndexError(
            f"an array in an index must have one axis, found shape {array.shape}: each axis is selected by itself and "
            "the result is the outer product, so that arrays are not broadcast. Give 1-D arrays, without np.ix_; for "
            "single points, index by a boolean array of the shape of the scan"
        )
    return array


def _wanted(item: Any, length: int, axis: int) -> _Wanted:
    """Give what is wanted of an axis, counted from its beginning; neighbours in their order as a range."""
    if isinstance(item, int):
        if not -length <= item < length:
            raise IndexError(f"index {item} is out of bounds for axis {axis} with size {length}")
        return range(item % length, item % length + 1)
    if isinstance(item, slice):
        return range(*item.indices(length))
    if item.dtype.kind == "b":
        if item.size != length:
            raise IndexError(f"a boolean array for axis {axis} needs {length} values, found {item.size}")
        return as_range(np.flatnonzero(item))
    if item.size:
        low, high = int(item.min()), int(item.max())
        if low < -length or high >= length:
            outside = low if low < -length else high
            raise IndexError(f"index {outside} is out of bounds for axis {axis} with size {length}")
    where: NDArray[np.int64] = item.astype(np.int64)
    return as_range(np.where(where < 0, where + length, where))


def _stretch(wanted: Sequence[_Wanted], lengths: Sequence[int]) -> range | None:
    """Give the flat positions of an outer product if they follow each other: one position, a line, the whole scan."""
    start, count, stride = 0, 1, 1
    whole = True  # so far, every axis is wanted as a whole
    for one, length in zip(reversed(wanted), reversed(lengths), strict=True):
        if not isinstance(one, range) or (len(one) > 1 and (one.step != 1 or not whole)):
            return None
        start += one.start * stride
        count *= len(one)
        stride *= length
        whole = whole and len(one) == length
    return range(start, start + count)


def _flat(wanted: Sequence[_Wanted], lengths: Sequence[int]) -> NDArray[np.int64]:
    """Give the flat positions of an outer product, the last axis fast."""
    flat: Any = np.zeros(1, dtype=np.int64)
    offset, stride = 0, math.prod(lengths)
    for one, length in zip(wanted, lengths, strict=True):
        stride //= max(length, 1)
        if isinstance(one, range) and len(one) == 1:
            offset += one[0] * stride
            continue
        steps = np.arange(one.start, one.stop, one.step) if isinstance(one, range) else one
        flat = (flat[:, None] + steps * stride).reshape(-1)
    positions: NDArray[np.int64] = flat + offset
    return positions


def _bounds(wanted: _Wanted) -> tuple[int, int, slice | NDArray[np.int64]]:
    """Give the origin and the length of the box along one axis, and what is wanted within it."""
    if not len(wanted):
        return 0, 0, slice(0, 0, 1)
    if not isinstance(wanted, range):
        low = int(wanted.min())
        return low, int(wanted.max()) - low + 1, wanted - low
    low, high = min(wanted[0], wanted[-1]), max(wanted[0], wanted[-1])
    begin = wanted[0] - low
    end = begin + len(wanted) * wanted.step
    return low, high - low + 1, slice(begin, None if end < 0 else end, wanted.step)
