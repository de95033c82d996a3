"""The codec contract: how the stored bytes of a frame become its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Codec", "StorageOrder"]


@dataclass(frozen=True, eq=False)
class StorageOrder:
    """A codec that only moves pixels about: the j-th stored item is the pixel ``order[j]`` of the frame.

    Parameters
    ----------
    dtype
        Dtype of the stored items, with their byte order.
    order
        Flat C-order pixel index of each stored item, shape ``(n_pixels,)``.
    """

    dtype: np.dtype[np.generic]
    order: NDArray[np.int64]


class Codec(Protocol):
    """Turns the stored bytes of whole frames into pixels. Immutable, picklable, safe to call from many threads."""

    @property
    def name(self) -> str:
        """What the diagnostics call it."""
        ...

    def stored_nbytes(self, sig_shape: Sequence[int]) -> int:
        """Give the number of stored bytes of one frame."""
        ...

    def decode(self, stored: NDArray[np.uint8], out: NDArray[np.generic]) -> None:
        """Decode frames.

        Parameters
        ----------
        stored
            Bytes, shape ``(n, stored_nbytes)``; rows are contiguous, but may lie apart.
        out
            C-contiguous array of shape ``(n, *sig_shape)`` in the decoded dtype, overwritten completely.
        """
        ...

    def storage_order(self, sig_shape: Sequence[int]) -> StorageOrder | None:
        """Give the permutation this codec is, or None if it does more than move whole pixels."""
        ...
