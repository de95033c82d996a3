"""Which good neighbours replace an excluded pixel, worked out once for a detector and once for each part of it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from lamella.geometry.shape import SigBox

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PatchPlan", "Patches"]


@dataclass(frozen=True)
class PatchPlan:
    """How to patch one box: coordinates of the pixels, and of their first, second, … good neighbour.

    Pixels are sorted by falling number of neighbours, so that those with a j-th neighbour come first.
    """

    pixels: tuple[NDArray[np.int64], ...]
    neighbours: tuple[tuple[NDArray[np.int64], ...], ...]
    count: NDArray[np.int64]

    def apply(self, tile: NDArray[Any]) -> None:
        """Replace the pixels of a tile of shape ``(n, *box.shape)``."""
        if not self.count.size:
            return
        # The order of the sum is that of the neighbourhood, whatever the box: tiling never changes a bit.
        total = tile[_index(self.neighbours[0])]
        for where in self.neighbours[1:]:
            total[:, : where[0].size] += tile[_index(where)]
        total /= self.count.astype(tile.real.dtype)
        tile[_index(self.pixels)] = total


@dataclass(frozen=True)
class Patches:
    """Every excluded pixel with its good neighbours, as flat indices.

    ``neighbours`` has shape ``(3**d - 1, n)``: good ones first, in the order of the neighbourhood, then -1.
    """

    sig_shape: tuple[int, ...]
    pixels: NDArray[np.int64]
    neighbours: NDArray[np.int64]
    count: NDArray[np.int64]
    hopeless: NDArray[np.int64] = field(repr=False)

    @classmethod
    def of(cls, excluded: NDArray[np.bool_], grid: tuple[int, ...]) -> Self:
        """Look for the good neighbours of each pixel on a detector of shape ``grid``."""
        bad = np.ascontiguousarray(excluded).reshape(grid)
        pixels = np.flatnonzero(bad)
        where = np.array(np.unravel_index(pixels, grid), dtype=np.int64)
        limits = np.array(grid, dtype=np.int64)[:, None]
        steps = [step for step in itertools.product((-1, 0, 1), repeat=len(grid)) if any(step)]
        table = np.full((len(steps), pixels.size), -1, dtype=np.int64)
        for row, step in zip(table, steps, strict=True):
            there = where + np.array(step, dtype=np.int64)[:, None]
            inside = ((there >= 0) & (there < limits)).all(axis=0)
            flat = np.ravel_multi_index(tuple(there[:, inside]), grid)
            row[inside] = np.where(bad.reshape(-1)[flat], -1, flat)
        table = np.take_along_axis(table, np.argsort(table < 0, axis=0, kind="stable"), axis=0)
        count = np.count_nonzero(table >= 0, axis=0)
        order = np.argsort(-count, kind="stable")
        order = order[: np.count_nonzero(count)]
        return cls(excluded.shape, pixels[order], table[:, order], count[order], pixels[count == 0])

    @cached_property
    def _where(self) -> NDArray[np.int64]:
        return self._coordinates(self.pixels)

    def _coordinates(self, flat: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.array(np.unravel_index(flat, self.sig_shape), dtype=np.int64).reshape(
            len(self.sig_shape), *flat.shape
        )

    def _inside(self, box: SigBox) -> NDArray[np.int64]:
        return np.flatnonzero(_within(self._where, box))

    def reach(self, box: SigBox) -> SigBox:
        """Give the smallest box that holds ``box`` and the neighbours of the pixels in it."""
        inside = self._inside(box)
        if not inside.size:
            return box
        near = self.neighbours[:, inside]
        where = self._coordinates(near[near >= 0])
        origin = np.minimum(where.min(axis=1), box.origin)
        end = np.maximum(where.max(axis=1) + 1, np.add(box.origin, box.shape))
        return SigBox(tuple(origin.tolist()), tuple((end - origin).tolist()))

    def plan(self, box: SigBox) -> PatchPlan:
        """Work out the patches of the pixels in ``box`` whose neighbours are all inside."""
        inside = self._inside(box)
        near = self.neighbours[:, inside]
        complete = (_within(self._coordinates(np.maximum(near, 0)), box) | (near < 0)).all(axis=0)
        chosen, near = inside[complete], near[:, complete]
        neighbours = tuple(self._local(row[row >= 0], box) for row in near)
        return PatchPlan(
            pixels=self._local(self.pixels[chosen], box),
            neighbours=tuple(index for index in neighbours if index[0].size),
            count=self.count[chosen],
        )

    def _local(self, flat: NDArray[np.int64], box: SigBox) -> tuple[NDArray[np.int64], ...]:
        return tuple(self._coordinates(flat) - np.array(box.origin, dtype=np.int64)[:, None])


def _within(where: NDArray[np.int64], box: SigBox) -> NDArray[np.bool_]:
    """Whether coordinates, shape ``(d, ...)``, lie in a box."""
    extra = (1,) * (where.ndim - 1)
    origin = np.array(box.origin, dtype=np.int64).reshape(-1, *extra)
    end = origin + np.array(box.shape, dtype=np.int64).reshape(-1, *extra)
    return np.asarray(((where >= origin) & (where < end)).all(axis=0))


def _index(where: tuple[NDArray[np.int64], ...]) -> tuple[Any, ...]:
    return (slice(None), *where)
