"""Which pixels of a virtual data set come from which pixels of a source, axis by axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from lamella.errors import UnsupportedError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Steps", "selected"]


@dataclass(frozen=True, slots=True)
class Steps:
    """``count`` blocks of ``block`` neighbours along one axis, whose beginnings are ``stride`` apart."""

    start: int
    stride: int
    count: int
    block: int

    def __len__(self) -> int:
        return self.count * self.block

    @property
    def end(self) -> int:
        """The index behind the last one."""
        return self.start + (self.count - 1) * self.stride + self.block if len(self) else self.start

    def find(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the position of places among those that are selected, -1 where they are not."""
        row, within = np.divmod(places - self.start, self.stride)
        inside = (row >= 0) & (row < self.count) & (within < self.block)
        return np.where(inside, row * self.block + within, -1)

    def at(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the places of those that are selected."""
        return self.start + positions // self.block * self.stride + positions % self.block


def selected(space: Any, shape: tuple[int, ...], path: str) -> tuple[Steps, ...]:
    """Give a selection axis by axis.

    Raises
    ------
    UnsupportedError
        If it is empty, consists of single points or of blocks without order, or lies outside of ``shape``.
    """
    kind = space.get_select_type()
    if kind == h5py.h5s.SEL_ALL:
        return tuple(Steps(0, max(1, n), 1, n) for n in shape)
    if kind != h5py.h5s.SEL_HYPERSLABS or not space.is_regular_hyperslab():
        raise UnsupportedError("a part of the virtual data set is not a block of pixels", path=path)
    rows = zip(*(tuple(map(int, row)) for row in space.get_regular_hyperslab()), strict=True)
    steps = tuple(_steps(*row) for row in rows)
    fits = len(steps) == len(shape) and all(one.end <= n for one, n in zip(steps, shape, strict=True))
    if not fits or any(one.stride < one.block or not len(one) for one in steps):
        raise UnsupportedError(
            "a part of the virtual data set lies outside", path=path, expected=f"parts of {shape}", found=f"{steps}"
        )
    return steps


def _steps(start: int, stride: int, count: int, block: int) -> Steps:
    return Steps(start, max(block, 1) if count == 1 else max(stride, 1), count, block)
