"""Arrays of all kinds for the conformance kit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lamella.reader import Axis
from lamella_memory.specials import Indexed, special_arrays, wrong_objects
from lamella_testkit import SampleData, Sampler, Special

_FOR_SCIPY = ("sparse.from_scipy",)
_FOR_PYDATA = ("sparse.from_pydata", 'return array.asformat("coo").transpose(order)')
_FOR_BOTH = tuple(
    f"sparse.{name}"
    for name in (
        "SparseSource.__init__",
        "SparseSource.identity",
        "SparseSource.__getstate__",
        "SparseSource.read",
        "SparseSource._scatter",
        "_from_entries",
    )
)
_SCIPY, _PYDATA = find_spec("scipy") is not None, find_spec("sparse") is not None


class MemorySampler(Sampler):
    """Gives arrays with any strides, memory maps, buffers, and objects that are read by index."""

    format = "memory"
    dtypes = ("u2", ">i2", "u1", "f4", ">f8", "i8", "f2", "c8", "?")
    nav_ranks = (2, 1, 3)
    sig_ranks = (2, 1, 3)
    variants = ("C", "Fortran", "reversed", "strided", "detector first", "flat scan", "memory map", "indexed")
    unreached: ClassVar[Mapping[str, str]] = {
        "shared._attached": "only other processes attach to shared memory; level 2 starts some",
        "shared._Memory.__init__": "only other processes attach to shared memory; level 2 starts some",
        "shared._untracked": "only other processes attach to shared memory; level 2 starts some",
        "shared._start_tracker": "the environment decides",
        **({} if _SCIPY else dict.fromkeys((*_FOR_SCIPY, "return from_scipy(array, nav_dims, info)"), "no SciPy here")),
        **(
            {}
            if _PYDATA
            else dict.fromkeys((*_FOR_PYDATA, "return from_pydata(array, nav_dims, info)"), "no sparse here")
        ),
        **({} if _SCIPY or _PYDATA else dict.fromkeys(_FOR_BOTH, "no sparse arrays here")),
    }

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

    def axes(self, data: SampleData) -> list[Axis]:
        """Say that arrays have no calibration."""
        return [Axis(f"axis{i}") for i in range(len(data.nav_shape) + len(data.sig_shape))]

    def write_special(self, directory: Path, data: SampleData) -> Iterator[Special]:
        """Give buffers, objects in chunks, sparse arrays, and frames that parameters choose."""
        return special_arrays(data) if data.variant == "C" else iter(())

    def write_wrong(self, directory: Path, data: SampleData) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Give objects that are no arrays, or of a kind that is not taken."""
        return wrong_objects(directory, data)

    def write_sparse(self, directory: Path, nbytes: int) -> Mapping[str, Any]:
        """Give an array that repeats one frame without end."""
        frame = np.zeros((256, 256), dtype=np.uint16)
        n = nbytes // frame.nbytes
        return {"data": np.broadcast_to(frame, (n // 4096, 4096, *frame.shape))}


def _spread(pixels: NDArray[Any]) -> NDArray[Any]:
    """Put two unused items between the pixels of a row, and one between rows."""
    wide = np.zeros((*pixels.shape[:-2], pixels.shape[-2] + 1, 3 * pixels.shape[-1]), dtype=pixels.dtype)
    wide[..., : pixels.shape[-2], ::3] = pixels
    spread: NDArray[Any] = wide[..., : pixels.shape[-2], ::3]
    return spread
