"""Frames of two chips that are read out in opposite directions and stored side by side: pnCCD."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.codecs.codec import StorageOrder
from lamella.kernels.library import Kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FoldingCodec"]


@dataclass(frozen=True, slots=True)
class FoldingCodec:
    """Unfolds stored frames of ``H x 2 w`` little-endian uint16 pixels to ``2 H x w``.

    The left half of a stored frame is the upper half of the image; the right half, rotated by 180 degrees, is the
    lower one. Rows that were binned on the chip are repeated, which leaves their values as they are.

    Parameters
    ----------
    binning
        How often each row is repeated.
    """

    binning: int = 1

    def __post_init__(self) -> None:
        if self.binning < 1:
            raise ValueError(f"binning is 1 or more, not {self.binning}")

    @property
    def name(self) -> str:
        """What the diagnostics call it."""
        return "folded" if self.binning == 1 else f"folded, rows binned by {self.binning}"

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the decoded pixels."""
        return np.dtype(np.uint16)

    def stored_nbytes(self, sig_shape: Sequence[int]) -> int:
        """Give the number of stored bytes of one frame.

        Raises
        ------
        ValueError
            If the shape cannot come out of a folded frame.
        """
        if len(sig_shape) != 2 or sig_shape[0] % (2 * self.binning):
            raise ValueError(f"frames of {tuple(sig_shape)} have no whole number of rows, binned by {self.binning}")
        return 2 * math.prod(sig_shape) // self.binning

    def decode(self, stored: NDArray[np.uint8], out: NDArray[Any]) -> None:
        """Decode frames into ``out``, shape ``(n, 2 H binning, w)``."""
        if out.size:
            _fold(stored, out, self.binning)

    def storage_order(self, sig_shape: Sequence[int]) -> StorageOrder | None:
        """Give the place of each stored pixel; None where rows are repeated."""
        if self.binning > 1:
            return None
        height, width = sig_shape
        pixels = np.arange(height * width, dtype=np.int64).reshape(2, height // 2, width)
        order = np.concatenate([pixels[0], pixels[1, ::-1, ::-1]], axis=1).reshape(-1)
        return StorageOrder(np.dtype("<u2"), order)


def _fold_numpy(stored: NDArray[np.uint8], out: NDArray[Any], binning: int) -> None:
    n, height, width = out.shape
    rows = height // (2 * binning)
    halves = stored.view("<u2").reshape(n, rows, 1, 2, width)
    image = out.reshape(n, 2, rows, binning, width)
    image[:, 0] = halves[:, :, :, 0]
    image[:, 1, ::-1] = halves[:, :, :, 1, ::-1]


_fold = Kernel("lamella.codecs.kernels:fold", _fold_numpy)
