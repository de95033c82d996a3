"""Pixels in big-endian 64-bit words, the first pixel in the least significant bits: Medipix3 raw read-out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lamella.codecs.codec import StorageOrder
from lamella.codecs.tables import LSB_FIRST
from lamella.kernels.library import Kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["WordCodec", "word_item"]


@dataclass(frozen=True, slots=True)
class WordCodec:
    """Decodes frames of 64-bit words: pixel k of a word is ``word >> (k * container) & mask``.

    With containers of whole bytes that is nothing but the reversal of each group of eight bytes, which NumPy does as
    fast as any compiled loop.

    Parameters
    ----------
    container
        Bits from one pixel to the next: 1, 8 or 16. Pixels of 6 bits live in 8, pixels of 12 bits in 16.
    """

    container: Literal[1, 8, 16]

    def __post_init__(self) -> None:
        if self.container not in (1, 8, 16):
            raise ValueError(f"a container has 1, 8 or 16 bits, not {self.container}")

    @property
    def name(self) -> str:
        """What the diagnostics call it."""
        return f"64-bit words of {self.container} bit pixels"

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the decoded pixels."""
        return np.dtype(np.uint16 if self.container == 16 else np.uint8)

    def stored_nbytes(self, sig_shape: Sequence[int]) -> int:
        """Give the number of stored bytes of one frame, which are whole words.

        Raises
        ------
        ValueError
            If the pixels do not fill whole words.
        """
        bits = math.prod(sig_shape) * self.container
        if bits % 64:
            raise ValueError(f"frames of {tuple(sig_shape)} do not fill whole words of {64 // self.container} pixels")
        return bits // 8

    def decode(self, stored: NDArray[np.uint8], out: NDArray[Any]) -> None:
        """Decode frames into ``out``, shape ``(n, *sig_shape)``."""
        if out.size == 0:
            return
        pixels = out.reshape(out.shape[0], -1)
        if self.container > 1:
            pixels.view(np.uint64)[...] = stored.view(">u8")
        else:
            _words1(stored, pixels, LSB_FIRST)

    def storage_order(self, sig_shape: Sequence[int]) -> StorageOrder | None:
        """Give the reversal within each word; None for single bits."""
        if self.container == 1:
            return None
        items = np.arange(math.prod(sig_shape), dtype=np.int64)
        order = items.reshape(-1, 64 // self.container)[:, ::-1].reshape(-1)
        return StorageOrder(word_item(self.container), order)


def word_item(container: int) -> np.dtype[Any]:
    """Give the dtype of the stored items of a container of whole bytes."""
    return np.dtype(">u2" if container == 16 else "u1")


def _words1_numpy(stored: NDArray[np.uint8], out: NDArray[np.uint8], table: object) -> None:
    swapped = stored.view(">u8").astype(np.uint64).view(np.uint8)
    out[...] = np.unpackbits(swapped, axis=-1, bitorder="little")


_words1 = Kernel("lamella.codecs.kernels:words1", _words1_numpy)
