"""Pixels that are more than a number each: colours, and half of a Fourier transform.

A transform of a real image is the complex conjugate of itself at the opposite frequency. So DigitalMicrograph stores
the columns from frequency zero on to one side only: column k of a row is the frequency -k.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.codecs import StorageOrder

__all__ = ["CHANNELS", "Colours", "HalfTransform"]

CHANNELS = ("red", "green", "blue", "alpha")


@dataclass(frozen=True, slots=True)
class Colours:
    """Four bytes for each pixel; ``places`` says where red, green, blue and alpha are."""

    places: tuple[int, int, int, int]
    name: ClassVar[str] = "colours"

    def stored_nbytes(self, sig_shape: Sequence[int]) -> int:
        """Give the stored bytes of a frame, shape ``(height, width, 4)``."""
        return math.prod(sig_shape)

    def decode(self, stored: NDArray[np.uint8], out: NDArray[Any]) -> None:
        """Put the channels in order."""
        pixels = stored.reshape(out.shape)
        for channel, place in enumerate(self.places):
            out[..., channel] = pixels[..., place]

    def storage_order(self, sig_shape: Sequence[int]) -> StorageOrder | None:
        """Give None: the channels are copied."""
        return None


@dataclass(frozen=True, slots=True)
class HalfTransform:
    """Half of a Fourier transform of stored dtype ``part``, frequency zero in the middle of the plane."""

    part: np.dtype[Any]
    name: ClassVar[str] = "half of a Fourier transform"

    def stored_nbytes(self, sig_shape: Sequence[int]) -> int:
        """Give the stored bytes of a plane, shape ``(height, width)``."""
        return math.prod(sig_shape[:-1]) * (sig_shape[-1] // 2 + 1) * self.part.itemsize

    def decode(self, stored: NDArray[np.uint8], out: NDArray[Any]) -> None:
        """Give whole planes: what is stored, and its conjugate at the opposite frequencies."""
        *_, height, width = out.shape if out.ndim > 2 else (1, *out.shape[1:])
        middle = width // 2
        planes = out.reshape(-1, height, width)
        half = stored.reshape(-1).view(self.part).reshape(len(planes), height, middle + 1)
        planes[..., middle::-1] = half
        opposite = (2 * (height // 2) - np.arange(height)) % height
        np.conjugate(half[:, opposite, 1 : width - middle], out=planes[..., middle + 1 :])

    def storage_order(self, sig_shape: Sequence[int]) -> StorageOrder | None:
        """Give None: half of the pixels are computed."""
        return None
