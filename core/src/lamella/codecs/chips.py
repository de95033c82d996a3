"""Frames of four chips, as a quad of Medipix3 chips is read out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lamella.codecs.codec import Codec, StorageOrder
from lamella.codecs.dispatch import address, kernels_for
from lamella.codecs.words import word_item

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
    `lamella.codecs.words.WordCodec`.

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
        kernels = kernels_for(out.nbytes)
        if kernels is None or not self._decode_compiled(kernels, stored, out):
            self._decode_numpy(stored, out)

    def _decode_compiled(self, kernels: Any, stored: NDArray[np.uint8], out: NDArray[Any]) -> bool:
        source, target = address(stored, 8), address(out, 8)
        if source is None or target is None:
            return False
        kernel = getattr(kernels, f"quad{self.container}")
        tables = (kernels.LSB_FIRST, kernels.MSB_FIRST) if self.container == 1 else ()
        kernel(source, stored.strides[0], target, out.shape[0], out.shape[1] // 2, *tables)
        return True

    def _decode_numpy(self, stored: NDArray[np.uint8], out: NDArray[Any]) -> None:
        n, rows = out.shape[0], out.shape[1] // 2
        upper = out[:, :rows].reshape(n, rows, 2, CHIP_WIDTH)
        lower = out[:, rows:].reshape(n, rows, 2, CHIP_WIDTH)[:, ::-1]
        chips = stored.reshape(n, rows, 4, -1)
        if self.container == 1:
            forwards = chips[:, :, :1:-1].view(">u8").astype(np.uint64).view(np.uint8)
            upper[...] = np.unpackbits(forwards, axis=-1, bitorder="little")
            backwards = chips[:, :, 1::-1].view(np.uint64)[..., ::-1].copy().view(np.uint8)
            lower[...] = np.unpackbits(backwards, axis=-1, bitorder="big")
            return
        upper.view(np.uint64)[...] = chips[:, :, :1:-1].view(">u8")
        lower.view(np.uint64)[...] = chips[:, :, 1::-1].view(np.uint64)[..., ::-1]
        if self.container == 16:
            out[:, rows:].byteswap(inplace=True)

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
