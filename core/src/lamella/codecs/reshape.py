"""Present frames in another shape of equal size, for encodings that cannot simply be re-strided."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.codecs.codec import Codec, StorageOrder

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ReshapingCodec", "StridedCodec"]


@dataclass(frozen=True, slots=True)
class ReshapingCodec:
    """Decodes with another codec and presents its frames in a new shape."""

    inner: Codec
    inner_shape: tuple[int, ...]

    @property
    def name(self) -> str:
        """The name of the codec that does the work."""
        return self.inner.name

    def stored_nbytes(self, sig_shape: Sequence[int]) -> int:
        """Give the stored bytes of one frame; the new shape does not matter."""
        return self.inner.stored_nbytes(self.inner_shape)

    def decode(self, stored: NDArray[np.uint8], out: NDArray[Any]) -> None:
        """Decode frames into the native shape of the same memory."""
        self.inner.decode(stored, out.reshape(out.shape[0], *self.inner_shape))

    def storage_order(self, sig_shape: Sequence[int]) -> StorageOrder | None:
        """Give the permutation of the codec; flat indices do not depend on the shape."""
        return self.inner.storage_order(self.inner_shape)


@dataclass(frozen=True, slots=True)
class StridedCodec:
    """Copies pixels that lie at given strides: rows with padding, flipped rows, foreign byte order.

    ``start`` is the first byte of the frame that is needed, ``nbytes`` the number of bytes from there.
    """

    dtype: np.dtype[Any]
    inner_shape: tuple[int, ...]
    strides: tuple[int, ...]
    origin: int
    nbytes: int

    @property
    def name(self) -> str:
        """What the diagnostics call it."""
        return "strided"

    def stored_nbytes(self, sig_shape: Sequence[int]) -> int:
        """Give the stored bytes of one frame."""
        return self.nbytes

    def decode(self, stored: NDArray[np.uint8], out: NDArray[Any]) -> None:
        """Copy frame by frame."""
        target = out.reshape(out.shape[0], *self.inner_shape)
        for i in range(out.shape[0]):
            frame: NDArray[Any] = np.ndarray(self.inner_shape, self.dtype, stored[i].data, self.origin, self.strides)
            np.copyto(target[i], frame, casting="unsafe")

    def storage_order(self, sig_shape: Sequence[int]) -> StorageOrder | None:
        """Give None: the stored bytes hold more than pixels."""
        return None


def contiguous_strides(shape: Sequence[int], itemsize: int) -> tuple[int, ...]:
    """Give the strides of a C-ordered array."""
    return tuple(itemsize * math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
