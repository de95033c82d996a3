"""A block of the data as UDFs see it: its origin and shape on the compressed scan axis and on the detector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from lamella.geometry.shape import Shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Slice"]


@dataclass(frozen=True, slots=True)
class Slice:
    """A block: ``origin`` and ``shape`` over the scan axis of the results, then the detector axes.

    The scan axis is flat and *compressed*: it counts the positions that the region of interest selects.
    """

    origin: tuple[int, ...]
    shape: Shape

    @classmethod
    def of(cls, start: int, depth: int, origin: Sequence[int], shape: Sequence[int]) -> Self:
        """Give the block of ``depth`` frames from ``start`` and a box on the detector."""
        return cls((start, *origin), Shape((depth,), shape))

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

    @property
    def is_null(self) -> bool:
        """Whether the block is empty."""
        return 0 in self.shape

    def discard_nav(self) -> Slice:
        """Give the block with the scan origin moved to zero."""
        n = self.shape.nav.dims
        return Slice((0,) * n + self.origin[n:], self.shape)

    def shift(self, other: Slice) -> Slice:
        """Give the block relative to the origin of another one."""
        moved = tuple(a - b for a, b in zip(self.origin, other.origin, strict=True))
        return Slice(moved, self.shape)

    def intersection_with(self, other: Slice) -> Slice:
        """Give the block that both have in common; empty if there is none."""
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
        sig_only, nav_only
            Use the detector axes or the scan axis only.
        """
        n = self.shape.nav.dims
        index = tuple(slice(o, o + length) for o, length in zip(self.origin, self.shape, strict=True))
        if sig_only:
            index = index[n:]
        elif nav_only:
            index = index[:n]
        return index if arr is None else arr[index]
