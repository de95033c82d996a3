"""Arrays of all kinds for the conformance kit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamella_testkit import SampleData, Sampler


class MemorySampler(Sampler):
    """Gives arrays with any strides, memory maps, buffers, and objects that are read by index."""

    format = "memory"
    dtypes = ("u2", ">i2", "u1", "f4", ">f8", "i8", "f2", "c8", "?")
    nav_ranks = (2, 1, 3)
    sig_ranks = (2, 1, 3)
    variants = ("C", "Fortran", "reversed", "strided", "detector first", "flat scan", "memory map", "indexed")

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        """Give an array whose values are those of the scan, whatever its memory looks like."""
        dims = {"sig_dims": len(data.sig_shape)}
        pixels = data.pixels
        match data.variant:
            case "Fortran":
                return {"data": np.asfortranarray(pixels), **dims}
            case "reversed":
                return {"data": np.ascontiguousarray(pixels[::-1, ..., ::-1])[::-1, ..., ::-1], **dims}
            case "strided":
                return {"data": _spread(pixels), **dims}
            case "detector first":
                rank = len(data.sig_shape)
                moved = np.moveaxis(pixels, range(-rank, 0), range(rank)).copy()
                return {"data": moved, "sig_axes": tuple(range(rank))}
            case "flat scan":
                return {"data": data.frames.copy(), "nav_shape": data.nav_shape, "sig_shape": data.sig_shape}
            case "memory map":
                path = directory / "array.bin"
                pixels.tofile(path)
                return {"data": np.memmap(path, data.stored_dtype, mode="r", shape=pixels.shape), **dims}
            case "indexed":
                return {"data": Indexed(pixels), **dims}
        return {"data": pixels.copy(), **dims}

    def expects_notes(self, data: SampleData) -> bool:
        """Say that these arrays are as they should be."""
        return False

    def write_sparse(self, directory: Path, nbytes: int) -> Mapping[str, Any]:
        """Give an array that repeats one frame without end."""
        frame = np.zeros((256, 256), dtype=np.uint16)
        n = nbytes // frame.nbytes
        return {"data": np.broadcast_to(frame, (n // 4096, 4096, *frame.shape))}


class Indexed:
    """What arrays of other packages have in common: shape, dtype, and an index that gives a NumPy array."""

    def __init__(self, pixels: NDArray[Any]) -> None:
        self.shape = pixels.shape
        self.dtype = pixels.dtype
        self._pixels = pixels

    def __getitem__(self, index: Any) -> NDArray[Any]:
        return np.array(self._pixels[index])


def _spread(pixels: NDArray[Any]) -> NDArray[Any]:
    """Put two unused items between the pixels of a row, and one between rows."""
    wide = np.zeros((*pixels.shape[:-2], pixels.shape[-2] + 1, 3 * pixels.shape[-1]), dtype=pixels.dtype)
    wide[..., : pixels.shape[-2], ::3] = pixels
    spread: NDArray[Any] = wide[..., : pixels.shape[-2], ::3]
    return spread
