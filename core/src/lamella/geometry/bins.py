"""Blocks of pixels that are added up, so that a detector has fewer and larger pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from lamella.errors import ParameterError
from lamella.geometry.shape import SigBox

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Bins"]

_MOST_SLICES = 64
"""Pixels of a bin along an axis that are added one by one; more are added by one call."""


@dataclass(frozen=True, slots=True)
class Bins:
    """How a detector is divided into bins; pixels at the end of an axis that fill no bin are left out.

    Parameters
    ----------
    sizes
        Pixels of a bin along each detector axis.
    sig_shape
        Shape of the detector.
    """

    sizes: tuple[int, ...]
    sig_shape: tuple[int, ...]

    @classmethod
    def of(cls, bins: int | Sequence[int], sig_shape: Sequence[int]) -> Self:
        """Give the bins that a user means: one number for all axes, or one for each.

        Raises
        ------
        ParameterError
            If they do not fit the detector.

        Examples
        --------
        >>> Bins.of(2, (5, 8)).shape
        (2, 4)
        """
        shape = tuple(int(n) for n in sig_shape)
        sizes: Any = (bins,) * len(shape) if isinstance(bins, int | np.integer) else bins
        if isinstance(sizes, str) or not isinstance(sizes, Sequence | np.ndarray) or len(sizes) != len(shape):
            text = f"expected a whole number, or one for each of the {len(shape)} axes of the detector, found {bins!r}"
            raise ParameterError(text, field="bins")
        for size, length in zip(sizes, shape, strict=True):
            if isinstance(size, bool) or not isinstance(size, int | np.integer) or not 1 <= size <= length:
                text = f"expected whole numbers from 1 to the length of the axis, {shape}; found {bins!r}"
                raise ParameterError(text, field="bins")
        return cls(tuple(int(size) for size in sizes), shape)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the binned detector."""
        return tuple(length // size for length, size in zip(self.sig_shape, self.sizes, strict=True))

    @property
    def n_pixels(self) -> int:
        """The number of pixels in a bin."""
        return math.prod(self.sizes)

    def dtype(self, stored: np.dtype[Any], n_pixels: int | None = None) -> np.dtype[Any]:
        """Give the smallest dtype of the same kind that holds the sum of so many pixels, those of a bin by default.

        Whole numbers have at most 64 bits; floating point becomes double precision.

        Examples
        --------
        >>> Bins.of(4, (64, 64)).dtype(np.dtype("u1")), Bins.of(4, (64, 64)).dtype(np.dtype("f4"))
        (dtype('uint16'), dtype('float64'))
        """
        count = self.n_pixels if n_pixels is None else n_pixels
        if stored.kind in "fc":
            return np.result_type(stored, np.float64)
        if stored.kind == "b":
            return np.min_scalar_type(count)
        info = np.iinfo(stored)
        bits = max(int(info.max) * count, -int(info.min) * count - 1).bit_length() + (stored.kind == "i")
        size = next((nbytes for nbytes in (1, 2, 4) if bits <= 8 * nbytes), 8)
        return np.dtype(f"{stored.kind}{size}")

    def box(self, bins: SigBox) -> SigBox:
        """Give the pixels of a box of bins."""
        origin = tuple(o * size for o, size in zip(bins.origin, self.sizes, strict=True))
        return SigBox(origin, tuple(n * size for n, size in zip(bins.shape, self.sizes, strict=True)))

    def add(self, pixels: NDArray[Any], box: SigBox, out: NDArray[Any]) -> None:
        """Add the pixels of a box to the bins that they belong to.

        Parameters
        ----------
        pixels
            Shape ``(n, *box.shape)``.
        box
            The part of the detector; it may cut bins.
        out
            Sums, shape ``(n, *self.shape)``; those of whole numbers wrap around where its dtype is too small.
        """
        stored, count = pixels.dtype, 1
        where: list[slice] = [slice(None)]
        for axis, (origin, length) in enumerate(zip(box.origin, box.shape, strict=True)):
            size = self.sizes[axis]
            stop = min(origin + length, size * self.shape[axis])
            if stop <= origin:
                return
            count *= size
            dtype = self.dtype(stored, count)
            if out.dtype.kind in "fc" and dtype.kind in "iu" and dtype.itemsize == 8:
                dtype = np.dtype(np.float64)  # whole numbers would wrap around
            inside = pixels[(slice(None),) * (axis + 1) + (slice(stop - origin),)]
            pixels = _summed(inside, axis + 1, size, -origin % size, dtype)
            where.append(slice(origin // size, -(-stop // size)))
        target = out[tuple(where)]
        np.add(target, pixels, out=target, casting="unsafe")


def _summed(pixels: NDArray[Any], axis: int, size: int, lead: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Add up each ``size`` pixels along an axis; the first bin has ``lead`` pixels if that is not 0."""
    length = pixels.shape[axis]
    if lead or length % size:
        starts = np.arange(lead - size if lead else 0, length, size)
        starts[0] = 0
        return np.add.reduceat(pixels, starts, axis=axis, dtype=dtype)
    if size == 1:
        return pixels.astype(dtype, copy=False)
    if axis < pixels.ndim - 1 or size > _MOST_SLICES:
        blocks = pixels.reshape(*pixels.shape[:axis], length // size, size, *pixels.shape[axis + 1 :])
        return np.asarray(np.add.reduce(blocks, axis=axis + 1, dtype=dtype))
    sums = pixels[..., ::size].astype(dtype)
    for i in range(1, size):
        sums += pixels[..., i::size]
    return sums
