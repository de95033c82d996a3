"""Shapes of scans, detectors and data sets, and boxes on the detector."""

from __future__ import annotations

import math
from collections.abc import Sequence, Sized
from dataclasses import dataclass
from functools import cached_property
from typing import Self

__all__ = ["Shape", "SigBox", "scan_shapes", "split_shape", "square_scan"]


class Shape(tuple[int, ...]):
    """The shape of a data set: scan axes first, detector axes last; a tuple that knows where it is cut.

    Examples
    --------
    >>> shape = Shape((128, 64), (256, 256))
    >>> shape.nav, shape.sig.size, shape == (128, 64, 256, 256)
    (Shape(nav=(128, 64), sig=()), 65536, True)
    >>> Shape((128, 64, 256, 256), sig_dims=2) == shape
    True
    """

    _sig_dims: int

    def __new__(cls, nav: Sequence[int], sig: Sequence[int] | int = (), *, sig_dims: int | None = None) -> Self:
        """Join ``nav`` and ``sig``; or, with the number of detector axes as second argument, cut all axes."""
        if sig_dims is None and not isinstance(sig, Sized):
            sig_dims = sig
        if sig_dims is not None:
            nav, sig = tuple(nav)[: len(nav) - sig_dims], tuple(nav)[len(nav) - sig_dims :]
        assert isinstance(sig, Sized)
        shape = super().__new__(cls, (*map(int, nav), *map(int, sig)))
        shape._sig_dims = len(sig)
        return shape

    @cached_property
    def nav(self) -> Shape:
        """The scan axes."""
        return Shape(self[: len(self) - self._sig_dims])

    @cached_property
    def sig(self) -> Shape:
        """The detector axes."""
        return Shape((), self[len(self) - self._sig_dims :])

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self)

    @property
    def dims(self) -> int:
        """The number of axes."""
        return len(self)

    def flatten_nav(self) -> Shape:
        """Give the shape with one scan axis."""
        return Shape((self.nav.size,), self.sig)

    def flatten_sig(self) -> Shape:
        """Give the shape with one detector axis."""
        return Shape(self.nav, (self.sig.size,))

    def to_tuple(self) -> tuple[int, ...]:
        """Give the plain tuple."""
        return tuple(self)

    def __repr__(self) -> str:
        return f"Shape(nav={tuple(self[: len(self) - self._sig_dims])}, sig={tuple(self.sig.to_tuple())})"

    def __getnewargs__(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        cut = len(self) - self._sig_dims
        return tuple(self[:cut]), tuple(self[cut:])


@dataclass(frozen=True, slots=True)
class SigBox:
    """A box on the detector: its first pixel and its shape, one number per detector axis."""

    origin: tuple[int, ...]
    shape: tuple[int, ...]

    @classmethod
    def full(cls, sig_shape: Sequence[int]) -> SigBox:
        """Give the box that holds the whole detector."""
        return cls((0,) * len(sig_shape), tuple(sig_shape))

    @property
    def slices(self) -> tuple[slice, ...]:
        """The box as an index into a frame."""
        return tuple(slice(o, o + n) for o, n in zip(self.origin, self.shape, strict=True))

    @property
    def size(self) -> int:
        """The number of pixels."""
        return math.prod(self.shape)

    def covers(self, sig_shape: Sequence[int]) -> bool:
        """Whether the box holds the whole of a detector of ``sig_shape``."""
        return self.shape == tuple(sig_shape)


def square_scan(n_frames: int) -> tuple[tuple[tuple[int, int], str], ...]:
    """Give the square scan that holds exactly ``n_frames``, for `SourceInfo.nav_alternatives`; empty if there is none.

    Examples
    --------
    >>> square_scan(16), square_scan(15)
    ((((4, 4), 'guess: a square scan'),), ())
    """
    side = math.isqrt(n_frames)
    return (((side, side), "guess: a square scan"),) if side > 1 and side * side == n_frames else ()


def scan_shapes(n_frames: int, *, most: int = 3) -> tuple[tuple[int, int], ...]:
    """Give the squarest two-dimensional scans that hold exactly ``n_frames``, none longer than four times its width.

    A single line is no such scan.

    Examples
    --------
    >>> scan_shapes(120), scan_shapes(3), scan_shapes(1)
    (((10, 12), (8, 15), (6, 20)), (), ())
    """
    found: list[tuple[int, int]] = []
    for height in range(math.isqrt(n_frames), 1, -1):
        if len(found) == most or n_frames > 4 * height * height:
            break
        if n_frames % height == 0:
            found.append((height, n_frames // height))
    return tuple(found)


def split_shape(
    shape: Sequence[int], sig_dims: int, sig_shape: Sequence[int] | None = None
) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Cut the shape of an array into the shapes of scan and detector; the scan of a single frame is ``(1,)``.

    Parameters
    ----------
    shape
        Shape of the array, detector axes last.
    sig_dims
        Number of detector axes, unless another number is needed for ``sig_shape``.
    sig_shape
        Shape in which frames are wanted; only its size matters here.

    Returns
    -------
    tuple or None
        Shapes of scan and detector as stored; None if no cut gives such frames.

    Examples
    --------
    >>> split_shape((8, 9, 256, 256), 2)
    ((8, 9), (256, 256))
    >>> split_shape((72, 65536), 2, (256, 256))
    ((72,), (65536,))
    """
    shape = tuple(shape)
    choices = [sig_dims] if sig_shape is None else [sig_dims, *range(1, len(shape) + 1)]
    for dims in choices:
        nav, sig = shape[: max(0, len(shape) - dims)], shape[max(0, len(shape) - dims) :]
        if len(sig) == dims and (sig_shape is None or math.prod(sig) == math.prod(sig_shape)):
            return nav or (1,), sig
    return None
