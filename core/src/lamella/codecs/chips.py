"""Frames of four chips, as a quad of Medipix3 chips is read out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lamella.codecs.codec import Codec, StorageOrder
from lamella.codecs.tables import LSB_FIRST, MSB_FIRST
from lamella.codecs.words import word_item
from lamella.kernels.library import Kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CHIP_WIDTH", "GapCodec", "QuadCodec"]

CHIP_WIDTH = 256
"""Pixels per row of a chip."""


@dataclass(frozen=True, slots=True)
class QuadCodec:
    """Assembles frames of ``2 R x 512`` pixels from R stored rows, each a row of chip 4, 3, 2 and 1.

    Chips 1 and 2 are the upper half. Chips 3 and 4 stand upside down below them: their first row is the last one of
    the frame, their first pixel the last one of their row. Pixels come in 64-bit words, see
    `lamella.codecs.WordCodec`.

    Parameters
    ----------
    container
        Bits from one pixel to the next: 1, 8 or 16.
    """

    container: Literal[1, 8, 16]

    def __post_init__(self) -> None:
        if self.container not in (1, 8, 16):
            raise ValueError(f"a container has 1, 8 or 16 bits, not {self.container}")

    @property
    def name(self) -> str:
        """What the diagnostics call it."""
        return f"quad of {self.container} bit pixels"

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the decoded pixels."""
        return np.dtype(np.uint16 if self.container == 16 else np.uint8)

    def stored_nbytes(self, sig_shape: Sequence[int]) -> int:
        """Give the number of stored bytes of one frame.

        Raises
        ------
        ValueError
            If the shape is not that of a quad.
        """
        if len(sig_shape) != 2 or sig_shape[0] % 2 or sig_shape[1] != 2 * CHIP_WIDTH:
            raise ValueError(f"a quad has frames of 2 R x {2 * CHIP_WIDTH} pixels, not {tuple(sig_shape)}")
        return math.prod(sig_shape) * self.container // 8

    def decode(self, stored: NDArray[np.uint8], out: NDArray[Any]) -> None:
        """Decode frames into ``out``, shape ``(n, 2 R, 512)``."""
        if out.size == 0:
            return
        if self.container == 1:
            _quad1(stored, out, LSB_FIRST, MSB_FIRST)
        elif self.container == 8:
            _quad8(stored, out)
        else:
            _quad16(stored, out)

    def storage_order(self, sig_shape: Sequence[int]) -> StorageOrder | None:
        """Give the place of each stored pixel; None for single bits."""
        if self.container == 1:
            return None
        rows = sig_shape[0] // 2
        pixels = np.arange(math.prod(sig_shape), dtype=np.int64).reshape(2, rows, 2, CHIP_WIDTH)
        upper, lower = pixels[0], pixels[1, ::-1, :, ::-1]
        chips = np.stack([lower[:, 1], lower[:, 0], upper[:, 1], upper[:, 0]], axis=1)
        order = chips.reshape(-1, 64 // self.container)[:, ::-1].reshape(-1)
        return StorageOrder(word_item(self.container), order)


def _chips(stored: NDArray[np.uint8], out: NDArray[Any]) -> tuple[NDArray[np.uint8], NDArray[Any], NDArray[Any]]:
    """Give the stored chips, and where the rows of chips 1 and 2, and of 3 and 4, go in the order of the file."""
    n, rows = out.shape[0], out.shape[1] // 2
    upper = out[:, :rows].reshape(n, rows, 2, CHIP_WIDTH)
    lower = out[:, rows:].reshape(n, rows, 2, CHIP_WIDTH)[:, ::-1]
    return stored.reshape(n, rows, 4, -1), upper, lower


def _quad8_numpy(stored: NDArray[np.uint8], out: NDArray[Any]) -> None:
    chips, upper, lower = _chips(stored, out)
    upper.view(np.uint64)[...] = chips[:, :, :1:-1].view(">u8")
    lower.view(np.uint64)[...] = chips[:, :, 1::-1].view(np.uint64)[..., ::-1]


def _quad16_numpy(stored: NDArray[np.uint8], out: NDArray[Any]) -> None:
    _quad8_numpy(stored, out)
    lower = out[:, out.shape[1] // 2 :]
    np.copyto(lower, lower.view(lower.dtype.newbyteorder()))  # `byteswap` would hold the GIL


def _quad1_numpy(stored: NDArray[np.uint8], out: NDArray[Any], forwards: object, backwards: object) -> None:
    chips, upper, lower = _chips(stored, out)
    words = chips[:, :, :1:-1].view(">u8").astype(np.uint64)
    upper[...] = np.unpackbits(words.view(np.uint8), axis=-1, bitorder="little")
    words = chips[:, :, 1::-1].view(np.uint64)[..., ::-1].copy()
    lower[...] = np.unpackbits(words.view(np.uint8), axis=-1, bitorder="big")


_quad1 = Kernel("lamella.codecs.kernels:quad1", _quad1_numpy)
_quad8 = Kernel("lamella.codecs.kernels:quad8", _quad8_numpy)
_quad16 = Kernel("lamella.codecs.kernels:quad16", _quad16_numpy)


@dataclass(frozen=True, slots=True)
class GapCodec:
    """Parts the four quadrants of a frame by rows and columns of zeros, where the detector has no pixels.

    Parameters
    ----------
    inner
        Decoder of frames without the gap.
    gap
        Width of the gap [px].
    """

    inner: Codec
    gap: int

    @property
    def name(self) -> str:
        """What the diagnostics call it."""
        return f"{self.inner.name}, gap of {self.gap} px"

    def _without(self, sig_shape: Sequence[int]) -> tuple[int, int]:
        height, width = sig_shape
        return height - self.gap, width - self.gap

    def stored_nbytes(self, sig_shape: Sequence[int]) -> int:
        """Give the number of stored bytes of one frame."""
        return self.inner.stored_nbytes(self._without(sig_shape))

    def decode(self, stored: NDArray[np.uint8], out: NDArray[Any]) -> None:
        """Decode frames into ``out``, shape ``(n, 2 R + gap, 512 + gap)``."""
        height, width = self._without(out.shape[1:])
        narrow = np.empty((out.shape[0], height, width), dtype=out.dtype)
        self.inner.decode(stored, narrow)
        y, x = height // 2, width // 2
        out[:, y : y + self.gap] = 0
        out[:, :, x : x + self.gap] = 0
        out[:, :y, :x] = narrow[:, :y, :x]
        out[:, :y, x + self.gap :] = narrow[:, :y, x:]
        out[:, y + self.gap :, :x] = narrow[:, y:, :x]
        out[:, y + self.gap :, x + self.gap :] = narrow[:, y:, x:]

    def storage_order(self, sig_shape: Sequence[int]) -> StorageOrder | None:
        """Give None: frames have pixels that are not stored."""
        return None

    def gap_mask(self, sig_shape: Sequence[int]) -> NDArray[np.bool_]:
        """Give an array that is true where frames have no pixels."""
        height, width = self._without(sig_shape)
        mask = np.zeros(tuple(sig_shape), dtype=np.bool_)
        mask[height // 2 : height // 2 + self.gap] = True
        mask[:, width // 2 : width // 2 + self.gap] = True
        return mask
