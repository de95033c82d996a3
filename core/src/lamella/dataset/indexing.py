"""NumPy basic indexing over a data set: which scan positions and which detector pixels an index asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.geometry.shape import Shape, SigBox

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Selection"]


@dataclass(frozen=True, slots=True)
class Selection:
    """What an index asks for.

    Parameters
    ----------
    positions
        Flat scan positions in the order of the result.
    box
        Smallest detector box that holds the wanted pixels.
    shape
        Shape of the result before the integer axes are dropped.
    inner
        Index within the box that gives the wanted pixels.
    dropped
        Axes of ``shape`` that were indexed by an integer.
    """

    positions: NDArray[np.int64]
    box: SigBox
    shape: tuple[int, ...]
    inner: tuple[slice, ...]
    dropped: tuple[int, ...]

    @classmethod
    def of(cls, index: Any, shape: Shape) -> Selection:
        """Read an index with NumPy's meaning.

        Raises
        ------
        IndexError
            If it lies outside, has too many items, or is not made of integers, slices and one Ellipsis.
        """
        items = _expanded(index, len(shape))
        steps = [_axis_range(item, length, axis) for axis, (item, length) in enumerate(zip(items, shape, strict=True))]
        nav_dims = len(shape.nav)
        grid = np.zeros((1,), dtype=np.int64)
        for length, step in zip(shape.nav, steps[:nav_dims], strict=True):
            grid = (grid[:, None] * length + np.asarray(step, dtype=np.int64)[None, :]).reshape(-1)
        boxes = [_bounds(step) for step in steps[nav_dims:]]
        return cls(
            positions=grid,
            box=SigBox(tuple(b[0] for b in boxes), tuple(b[1] for b in boxes)),
            shape=tuple(len(step) for step in steps),
            inner=tuple(b[2] for b in boxes),
            dropped=tuple(i for i, item in enumerate(items) if not isinstance(item, slice)),
        )

    def present(self, block: NDArray[Any]) -> Any:
        """Bring frames of shape ``(n_positions, *box.shape)`` into the shape that the index asks for."""
        picked = block[(slice(None), *self.inner)].reshape(self.shape)
        result = picked[tuple(0 if axis in self.dropped else slice(None) for axis in range(len(self.shape)))]
        return result if result.base is None or result.size == block.size else result.copy()


def _expanded(index: Any, ndim: int) -> list[Any]:
    items = list(index) if isinstance(index, tuple) else [index]
    for item in items:
        if not (item is Ellipsis or isinstance(item, (int, np.integer, slice))) or isinstance(item, bool):
            raise IndexError(
                f"a data set takes integers, slices and Ellipsis, not {type(item).__name__}; "
                "use roi= of run_udf to select positions by a mask"
            )
    dots = sum(item is Ellipsis for item in items)
    if dots > 1:
        raise IndexError("an index can hold one Ellipsis only")
    if len(items) - dots > ndim:
        raise IndexError(f"too many indices: {len(items) - dots} for {ndim} axes")
    if not dots:
        items.append(Ellipsis)
    at = next(i for i, item in enumerate(items) if item is Ellipsis)
    return items[:at] + [slice(None)] * (ndim - len(items) + 1) + items[at + 1 :]


def _axis_range(item: Any, length: int, axis: int) -> range:
    if isinstance(item, slice):
        return range(*item.indices(length))
    where = int(item)
    if not -length <= where < length:
        raise IndexError(f"index {where} is out of bounds for axis {axis} with size {length}")
    where %= length
    return range(where, where + 1)


def _bounds(step: range) -> tuple[int, int, slice]:
    """Give the origin and the length of the box along one axis, and the slice within it."""
    if not step:
        return 0, 0, slice(0, 0)
    low, high = min(step[0], step[-1]), max(step[0], step[-1])
    begin = step[0] - low
    end = begin + len(step) * step.step
    return low, high - low + 1, slice(begin, None if end < 0 else end, step.step)
