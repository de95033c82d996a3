"""Pixels of 1 to 16 bits without any gap between them, the first one in the least significant bits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.codecs.codec import StorageOrder
from lamella.codecs.tables import LSB_FIRST
from lamella.kernels.library import Kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PackedCodec", "packed_dtype", "packed_nbytes", "unpack"]


@dataclass(frozen=True, slots=True)
class PackedCodec:
    """Decodes frames of tightly packed pixels; each frame begins at a new byte.

    Parameters
    ----------
    bits
        Bits per pixel, 1 to 16.
    """

    bits: int

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= 16:
            raise ValueError(f"packed pixels have 1 to 16 bits, not {self.bits}")

    @property
    def name(self) -> str:
        """What the diagnostics call it."""
        return f"packed {self.bits} bit"

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the decoded pixels."""
        return packed_dtype(self.bits)

    def stored_nbytes(self, sig_shape: Sequence[int]) -> int:
        """Give the number of stored bytes of one frame."""
        return packed_nbytes(self.bits, math.prod(sig_shape))

    def decode(self, stored: NDArray[np.uint8], out: NDArray[Any]) -> None:
        """Decode frames into ``out``, shape ``(n, *sig_shape)``."""
        unpack(stored, out.reshape(out.shape[0], math.prod(out.shape[1:])), self.bits)

    def storage_order(self, sig_shape: Sequence[int]) -> StorageOrder | None:
        """Give None: pixels share bytes."""
        return None


def packed_dtype(bits: int) -> np.dtype[Any]:
    """Give the smallest unsigned dtype that holds a pixel."""
    return np.dtype(np.uint8 if bits <= 8 else np.uint16)


def packed_nbytes(bits: int, n_pixels: int) -> int:
    """Give the number of bytes that hold ``n_pixels``."""
    return -(-n_pixels * bits // 8)


def unpack(stored: NDArray[np.uint8], out: NDArray[Any], bits: int) -> None:
    """Unpack rows of pixels, wherever they lie and wherever they go.

    Parameters
    ----------
    stored
        Bytes, shape ``(n, nbytes)``, with up to two more axes before the last one; that is contiguous, the others have
        any stride.
    out
        Pixels of `packed_dtype`, shape ``(n, width)`` with as many more axes; the last one is contiguous.
    bits
        Bits per pixel.

    Notes
    -----
    Where short rows of several blocks make up the rows of a frame, let the rows of the frame come before the blocks:
    memory that is written in order is three times as fast.
    """
    more = (slice(None),) * (out.ndim - 1) + (None,) * (4 - out.ndim)
    stored, out = stored[more], out[more]
    if out.size == 0:
        return
    pixels, nbytes = _group(bits)
    groups = out.shape[-1] // pixels
    if groups:
        whole = (stored[..., : groups * nbytes], out[..., : groups * pixels])
        if bits == 1:
            _unpack1(*whole, LSB_FIRST)
        elif bits in _KERNELS:
            _KERNELS[bits](*whole)
        else:
            _unpack_numpy(*whole, bits)
    rest = out.shape[-1] - groups * pixels
    if rest:
        # The last pixels of a row do not fill a group: unpack a group that is completed with zeros.
        used = packed_nbytes(bits, rest)
        tail = np.zeros((*stored.shape[:-1], nbytes), dtype=np.uint8)
        tail[..., :used] = stored[..., groups * nbytes : groups * nbytes + used]
        last = np.empty((*out.shape[:-1], pixels), dtype=out.dtype)
        _unpack_numpy(tail, last, bits)
        out[..., groups * pixels :] = last[..., :rest]


def _group(bits: int) -> tuple[int, int]:
    """Give the pixels and the bytes of the smallest group of whole bytes."""
    common = math.lcm(bits, 8)
    return common // bits, common // 8


def _unpack_numpy(stored: NDArray[np.uint8], out: NDArray[Any], bits: int) -> None:
    """Unpack whole groups."""
    pixels, nbytes = _group(bits)
    groups = out.shape[-1] // pixels
    source = stored.reshape(*stored.shape[:-1], groups, nbytes)
    target = out.reshape(*out.shape[:-1], groups, pixels)  # a view: one axis is cut in two
    mask = (1 << bits) - 1
    for k in range(pixels):
        byte, shift = divmod(k * bits, 8)
        value = source[..., byte].astype(out.dtype)
        value >>= shift
        for more in range(1, -(-(shift + bits) // 8)):
            value |= source[..., byte + more].astype(out.dtype) << (8 * more - shift)
        np.bitwise_and(value, mask, out=target[..., k])


def _unpack12_numpy(stored: NDArray[np.uint8], out: NDArray[Any]) -> None:
    """Unpack whole groups of 12 bit, four pixels from three words of two bytes where rows are made of them."""
    groups, rest = divmod(out.shape[-1], 4)
    if rest:
        _unpack_numpy(stored, out, 12)
        return
    words = stored.view("<u2").reshape(*stored.shape[:-1], groups, 3)
    pixels = out.reshape(*out.shape[:-1], groups, 4)  # a view: one axis is cut in two
    first, second, third = words[..., 0], words[..., 1], words[..., 2]
    np.bitwise_and(first, 0xFFF, out=pixels[..., 0])
    np.right_shift(third, 4, out=pixels[..., 3])
    value = (second & 0xFF) << 4
    value |= first >> 12
    pixels[..., 1] = value
    value = (third & 0xF) << 8
    value |= second >> 8
    pixels[..., 2] = value


def _unpack1_numpy(stored: NDArray[np.uint8], out: NDArray[Any], table: object) -> None:
    out[...] = np.unpackbits(stored, axis=-1, bitorder="little")


_unpack1 = Kernel("lamella.codecs.kernels:unpack1", _unpack1_numpy)
_KERNELS = {bits: Kernel(f"lamella.codecs.kernels:unpack{bits}", partial(_unpack_numpy, bits=bits)) for bits in (4, 6)}
_KERNELS[12] = Kernel("lamella.codecs.kernels:unpack12", _unpack12_numpy)
