"""Pixels that NumPy has no dtype for: 4-bit integers, and complex numbers made of 16-bit integers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.codecs import StorageOrder

__all__ = ["ComplexIntegers", "Nibbles"]


@dataclass(frozen=True, slots=True)
class Nibbles:
    """Mode 101: two pixels in a byte, the low four bits first; every row begins with a new byte."""

    name: ClassVar[str] = "4-bit"

    def stored_nbytes(self, sig_shape: Sequence[int]) -> int:
        """Give the stored bytes of a frame."""
        return math.prod(sig_shape[:-1]) * _half(sig_shape[-1])

    def decode(self, stored: NDArray[np.uint8], out: NDArray[Any]) -> None:
        """Unpack frames of ``uint8``."""
        width = out.shape[-1]
        rows = stored.reshape(*out.shape[:-1], _half(width))
        np.bitwise_and(rows, 15, out=out[..., 0::2])
        np.right_shift(rows[..., : width // 2], 4, out=out[..., 1::2])

    def storage_order(self, sig_shape: Sequence[int]) -> StorageOrder | None:
        """Give None: a byte holds two pixels."""
        return None


@dataclass(frozen=True, slots=True)
class ComplexIntegers:
    """Mode 3: real and imaginary part as integers of dtype ``part``; presented as ``complex64``."""

    part: np.dtype[Any]
    name: ClassVar[str] = "complex integers"

    def stored_nbytes(self, sig_shape: Sequence[int]) -> int:
        """Give the stored bytes of a frame."""
        return math.prod(sig_shape) * 2 * self.part.itemsize

    def decode(self, stored: NDArray[np.uint8], out: NDArray[Any]) -> None:
        """Convert frames to ``complex64``."""
        out.view(np.float32).reshape(len(out), -1)[...] = stored.view(self.part)

    def storage_order(self, sig_shape: Sequence[int]) -> StorageOrder | None:
        """Give None: pixels are converted."""
        return None


def _half(width: int) -> int:
    return (width + 1) // 2
