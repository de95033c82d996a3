"""Pixels whose high and low bits come as two images, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.codecs.codec import Codec, StorageOrder

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["HighLowCodec"]


@dataclass(frozen=True, slots=True)
class HighLowCodec:
    """Joins two images of uint16 to one of uint32: ``value = (first << bits) + second``.

    Parameters
    ----------
    inner
        Decoder of each of the two images, to uint16.
    bits
        Bits of the second image.
    """

    inner: Codec
    bits: int = 12

    @property
    def name(self) -> str:
        """What the diagnostics call it."""
        return f"high and low {self.bits} bits, {self.inner.name}"

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the decoded pixels."""
        return np.dtype(np.uint32)

    def stored_nbytes(self, sig_shape: Sequence[int]) -> int:
        """Give the number of stored bytes of one frame."""
        return 2 * self.inner.stored_nbytes(sig_shape)

    def decode(self, stored: NDArray[np.uint8], out: NDArray[Any]) -> None:
        """Decode frames into ``out``, shape ``(n, *sig_shape)``."""
        half = stored.shape[1] // 2
        image = np.empty(out.shape, dtype=np.uint16)
        self.inner.decode(stored[:, :half], image)
        np.left_shift(image, self.bits, out=out, dtype=np.uint32)
        self.inner.decode(stored[:, half:], image)
        out += image

    def storage_order(self, sig_shape: Sequence[int]) -> StorageOrder | None:
        """Give None: each pixel lies in two places."""
        return None
