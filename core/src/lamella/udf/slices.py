"""A block of the data as UDFs see it: its origin and shape on the compressed scan axis and on the detector."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from lamella.errors import UDFError
from lamella.geometry.shape import Shape, SigBox

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Slice"]


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """A block: ``origin`` and ``shape`` over the scan axis of the results, then the detector axes.

    The scan axis is flat and *compressed*: it counts the positions that the region of interest selects. The detector
    part alone is equal to the box of a tiling scheme at the same place.
    """

    origin: tuple[int, ...]
    shape: Shape

    def __eq__(self, other: object) -> bool:
        if isinstance(other, SigBox):
            return not self.shape.nav and (self.origin, self.shape.to_tuple()) == (other.origin, other.shape)
        if not isinstance(other, Slice):
            return NotImplemented
        cuts = len(self.shape.nav), len(other.shape.nav)
        return cuts[0] == cuts[1] and (self.origin, self.shape) == (other.origin, other.shape)

    def __hash__(self) -> int:
        return hash((self.origin, self.shape.to_tuple()))

    @classmethod
    def of(cls, start: int, depth: int, origin: Sequence[int], shape: Sequence[int]) -> Self:
        """Give the block of ``depth`` frames from ``start`` and a box on the detector."""
        return cls((start, *origin), Shape((depth,), shape))

    @classmethod
    def from_shape(cls, shape: Sequence[int], sig_dims: int) -> Self:
        """Give the block that holds all of an array with ``sig_dims`` detector axes."""
        cut = len(shape) - sig_dims
        return cls((0,) * len(shape), Shape(tuple(shape)[:cut], tuple(shape)[cut:]))

    @property
    def nav(self) -> Slice:
        """The scan part alone."""
        n = self.shape.nav.dims
        return Slice(self.origin[:n], Shape(self.shape.nav.to_tuple()))

    @property
    def sig(self) -> Slice:
        """The detector part alone."""
        n = self.shape.nav.dims
        return Slice(self.origin[n:], Shape((), self.shape.sig.to_tuple()))

    def is_null(self) -> bool:
        """Say whether the block is empty."""
        return 0 in self.shape

    def discard_nav(self) -> Slice:
        """Give the block with the scan origin moved to zero."""
        n = self.shape.nav.dims
        return Slice((0,) * n + self.origin[n:], self.shape)

    def shift(self, other: Slice) -> Slice:
        """Give the block relative to the origin of another one."""
        return self.shift_by(tuple(-start for start in other.origin))

    def shift_by(self, offset: Sequence[int]) -> Slice:
        """Give the block moved by a number for each axis."""
        self._check(len(offset))
        moved = tuple(start + by for start, by in zip(self.origin, offset, strict=True))
        return Slice(moved, self.shape)

    def clip_to(self, shape: Sequence[int]) -> Slice:
        """Give the part of the block that lies in an array of this shape; empty if there is none."""
        return self.intersection_with(Slice((0,) * len(shape), self._like(shape)))

    def subslices(self, shape: Sequence[int]) -> Iterator[Slice]:
        """Give the blocks of at most this shape that cover the block, in C order."""
        starts = (range(o, o + n, step) for o, n, step in zip(self.origin, self.shape, shape, strict=True))
        for origin in itertools.product(*starts):
            yield self.intersection_with(Slice(origin, self._like(shape)))

    def flatten_nav(self, containing_shape: Sequence[int]) -> Slice:
        """Give the block with one scan axis, which counts the positions of ``containing_shape`` in C order.

        Parameters
        ----------
        containing_shape
            Shape of the data set, detector axes included.

        Raises
        ------
        UDFError
            If the positions of the block do not follow each other on that axis.
        """
        n = self.shape.nav.dims
        lengths, whole = self.shape[:n], tuple(containing_shape)[:n]
        long = [axis for axis in range(n) if lengths[axis] != 1]
        if long and lengths[long[0] + 1 :] != whole[long[0] + 1 :] and 0 not in lengths:
            raise UDFError(
                f"the scan part of {self} is not one contiguous range of a scan of {whole}: it cannot be flattened"
            )
        start = 0
        for place, length in zip(self.origin[:n], whole, strict=True):
            start = start * length + place
        return Slice.of(start, math.prod(lengths), self.origin[n:], self.shape.sig)

    def adjust_for_roi(self, roi: NDArray[Any] | None) -> Slice:
        """Give the block, which counts all positions, on the scan axis that counts the selected ones only."""
        if roi is None:
            return self
        n = self.shape.nav.dims
        if n != 1:
            raise UDFError(f"{self} has {n} scan axes, one is needed: use flatten_nav first")
        flags, start = roi.reshape(-1), self.origin[0]
        before, inside = int(flags[:start].sum()), int(flags[start : start + self.shape[0]].sum())
        return Slice.of(before, inside, self.origin[1:], self.shape.sig)

    def _check(self, axes: int) -> None:
        if axes != len(self.origin):
            raise UDFError(f"{self} has {len(self.origin)} axes, and cannot be compared with {axes}")

    def _like(self, shape: Sequence[int]) -> Shape:
        cut = self.shape.nav.dims
        return Shape(tuple(shape)[:cut], tuple(shape)[cut:])

    def intersection_with(self, other: Slice) -> Slice:
        """Give the block that both have in common; empty if there is none."""
        self._check(len(other.origin))
        low = tuple(max(a, b) for a, b in zip(self.origin, other.origin, strict=True))
        ends = (
            min(a + n, b + m) for a, n, b, m in zip(self.origin, self.shape, other.origin, other.shape, strict=True)
        )
        shape = tuple(max(0, end - start) for start, end in zip(low, ends, strict=True))
        n = self.shape.nav.dims
        return Slice(low, Shape(shape[:n], shape[n:]))

    def get(self, arr: NDArray[Any] | None = None, sig_only: bool = False, nav_only: bool = False) -> Any:
        """Give the block as an index, or the part of ``arr`` that it selects.

        Parameters
        ----------
        arr
            An array with the axes of the block.
        sig_only
            Use the detector part only; it applies to the last axes of ``arr``.
        nav_only
            Use the scan part only; it applies to the first axes of ``arr``.
        """
        n = self.shape.nav.dims
        index = tuple(slice(o, o + length) for o, length in zip(self.origin, self.shape, strict=True))
        if nav_only:
            index = index[:n]
        if not sig_only:
            return index if arr is None else arr[index]
        index = index[n:]
        last: Any = (..., *index)
        return index if arr is None else arr[last]
