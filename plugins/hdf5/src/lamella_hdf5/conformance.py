"""HDF5 files for the conformance kit, written by h5py."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import h5py
import numpy as np

from lamella.reader import Axis
from lamella_testkit import SampleData, Sampler

__all__ = ["Hdf5Sampler"]


class Hdf5Sampler(Sampler):
    """Contiguous data sets, chunks of a frame, grids of chunks with filters and uneven edges, NeXus."""

    format = "hdf5"
    dtypes = ("<u2", ">u2", "|u1", "|i1", ">i4", "<u4", "<i8", "<f4", ">f8", "<f2", "<c8", "|b1")
    nav_ranks = (2, 1, 3)
    sig_ranks = (2, 1, 3)
    variants = ("contiguous", "user block", "frames", "grid", "lzf", "nexus")
    careful: ClassVar[Mapping[str, Any]] = {"isolate": "always"}
    expansion = None  # chunks that were never written take no room

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        """Write one file with one data set."""
        path = directory / f"{data.stem}.h5"
        block = 1024 if data.variant == "user block" else 0
        with h5py.File(path, "w", userblock_size=block) as file:
            group = file
            if data.variant == "nexus":
                file.attrs["default"] = "entry"
                entry = file.create_group("entry")
                entry.attrs["default"] = "scan"
                group = entry.create_group("scan")
                _describe(group, data)
            group.create_dataset("data", data=data.pixels, dtype=data.stored_dtype, **self._layout(data))
        return {"path": path, "sig_dims": len(data.sig_shape)}

    def _layout(self, data: SampleData) -> dict[str, Any]:
        ones = (1,) * len(data.nav_shape)
        match data.variant:
            case "frames":
                return {"chunks": (*ones, *data.sig_shape), "compression": "gzip", "compression_opts": 1}
            case "grid":
                nav = tuple(min(2, n) for n in data.nav_shape)
                sig = tuple(max(1, n // 2 + n % 2) for n in data.sig_shape)
                return {"chunks": (*nav, *sig), "compression": "gzip", "shuffle": True, "fletcher32": True}
            case "lzf":
                return {"chunks": (*ones[1:], min(3, data.nav_shape[-1]), *data.sig_shape), "compression": "lzf"}
        return {}

    def axes(self, data: SampleData) -> Sequence[Axis] | None:
        """Give what an NXdata group says."""
        return (*data.nav_axes, *data.sig_axes) if data.variant == "nexus" else None

    def boundaries(self, data: SampleData) -> Mapping[str, Sequence[int]]:
        """Give the fields of the superblock."""
        block = 1024 if data.variant == "user block" else 0
        return {f"{data.stem}.h5": [block + at for at in (0, 8, 13, 24, 40, 48, 56, 96)]}

    def write_sparse(self, directory: Path, nbytes: int) -> Mapping[str, Any]:
        """Write a data set whose bytes are allocated and never written."""
        side = math.isqrt(nbytes // (2 * 256 * 256))
        path = directory / "sparse.h5"
        with h5py.File(path, "w") as file:
            plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            plist.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
            plist.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
            space = h5py.h5s.create_simple((side, side, 256, 256))
            h5py.h5d.create(file.id, b"data", h5py.h5t.NATIVE_UINT16, space, plist)
        return {"path": path}


def _describe(group: Any, data: SampleData) -> None:
    group.attrs["NX_class"] = "NXdata"
    group.attrs["signal"] = "data"
    axes = (*data.nav_axes, *data.sig_axes)
    group.attrs["axes"] = [axis.name for axis in axes]
    for axis, length in zip(axes, (*data.nav_shape, *data.sig_shape), strict=True):
        vector = group.create_dataset(axis.name, data=axis.offset + axis.scale * np.arange(max(2, length)))
        vector.attrs["units"] = axis.units
