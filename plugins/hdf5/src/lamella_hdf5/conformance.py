"""HDF5 files for the conformance kit, written by h5py."""

from __future__ import annotations

import math
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import h5py
import numpy as np

from lamella.reader import Axis
from lamella_hdf5.specials import special_files, wrong_files
from lamella_hdf5.specials.packed import HAS_NUMCODECS, HAS_PLUGINS
from lamella_testkit import SampleData, Sampler, Special, Wrong

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
    unreached: ClassVar[Mapping[str, str]] = {
        "inuse.used_elsewhere": "asked where a file cannot be read; permissions and locks are matters of the system",
        "inuse._is_locked": "asked where a file cannot be read; permissions and locks are matters of the system",
        "rehearsal.act": "it runs in a child process",
        "rehearsal.rehearse": "the child has no error with a right file",
        "tree.refuse_growing": "asked where nothing else is found, which is an error",
        "worker.Worker.drop": "only chunks that are damaged are dropped",
        **({"worker.most_kept": "this system tells its memory"} if hasattr(os, "sysconf") else {}),
        **(
            {'return f"{step.name} without the package numcodecs ({CODECS})"': "the package is installed"}
            if HAS_NUMCODECS
            else dict.fromkeys(("filters._numcodecs", "filters._has_numcodecs"), "the package is not installed")
        ),
        **(
            {}
            if HAS_PLUGINS
            else dict.fromkeys(
                ("stored._is_available", 'return "bitshuffle without LZ4"'), "the package hdf5plugin is not installed"
            )
        ),
    }
    unsaid: ClassVar[Mapping[str, str]] = {
        "raw_metadata": "values of small data sets as they are; special files state attributes and such a value",
        "parameters.isolate": "a right file is read alike in a child process and without one",
    }

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

    def write_special(self, directory: Path, data: SampleData) -> Iterator[Special]:
        """Write files of other programs, layouts and parameters."""
        if data.variant == "contiguous":
            yield from special_files(directory, data)

    def write_wrong(self, directory: Path, data: SampleData) -> Iterator[Wrong]:
        """Write contradictions, missing files, and files of known programs without frames."""
        return wrong_files(directory, data)

    def write_costly(self, directory: Path, data: SampleData) -> Iterable[tuple[str, Mapping[str, Any]]]:
        """Write small files with long texts, packed values and never written ones beside the scan."""
        for write in (_long_attribute, _long_text, _long_fill_value, _packed_value, _unwritten_values, _wide_group):
            path = directory / f"{data.stem}.h5"
            with h5py.File(path, "w") as file:
                file.create_dataset("data", data=data.pixels, dtype=data.stored_dtype)
                write(file)
            _lengthen_texts(path)
            yield (
                write.__name__.strip("_").replace("_", " "),
                {"path": path, "ds_path": "data", "sig_dims": len(data.sig_shape)},
            )

    def guarded(self, directory: Path, data: SampleData) -> Mapping[str, Sequence[tuple[int, int]]]:
        """Give where chunks lie that end with a checksum: of zlib, or of HDF5 itself."""
        if data.variant not in ("frames", "grid"):
            return {}
        path = directory / f"{data.stem}.h5"
        with h5py.File(path) as file:
            stored = file["data"].id
            chunks = [stored.get_chunk_info(i) for i in range(stored.get_num_chunks())]
        return {path.name: [(one.byte_offset, one.byte_offset + one.size) for one in chunks]}

    def write_sparse(self, directory: Path, nbytes: int) -> Special:
        """Write a data set whose bytes are allocated and never written, but for the last ones."""
        side = math.isqrt(nbytes // (2 * 256 * 256))
        path = directory / "sparse.h5"
        end = np.arange(1, 257, dtype=np.uint16)[np.newaxis]
        with h5py.File(path, "w") as file:
            plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            plist.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
            plist.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
            space = h5py.h5s.create_simple((side, side, 256, 256))
            h5py.h5d.create(file.id, b"data", h5py.h5t.NATIVE_UINT16, space, plist)
            file["data"][-1, -1, -1:] = end
        return Special("a large file", {"path": path}, end=end)


_TEXT = "a text that is looked for in the file"
_CLAIMED = 512 << 20


def _long_attribute(file: Any) -> None:
    """Write an attribute that states a long text."""
    file["data"].attrs["note"] = _TEXT


def _long_text(file: Any) -> None:
    """Write a text that states another length."""
    file["note"] = _TEXT


def _long_fill_value(file: Any) -> None:
    """Write a fill value that states a long text."""
    file.create_dataset("note", (20,), h5py.string_dtype(), chunks=(5,), fillvalue=_TEXT)


def _packed_value(file: Any) -> None:
    """Write a small chunk that unpacks to a large one."""
    data = file.create_dataset("small", (100,), "u2", chunks=(100,), compression="gzip")
    data.id.write_direct_chunk((0,), zlib.compress(bytes(_CLAIMED // 4), 4))


def _unwritten_values(file: Any) -> None:
    """Declare texts of huge shapes and sizes, and write none."""
    file.create_dataset("texts", (1 << 40,), h5py.string_dtype(), chunks=(1 << 20,))
    file.create_dataset("words", (1 << 30,), "S1000", chunks=(1 << 10,))
    file.create_dataset("word", (1,), f"S{_CLAIMED}")


def _wide_group(file: Any) -> None:
    """Write many small data sets in chunks."""
    for number in range(500):
        file.create_dataset(f"wide/{number}", (4, 4), "u2", chunks=(1, 4))


def _lengthen_texts(path: Path) -> None:
    """Let each text be stated as longer than it is: its length stands before the address of its collection."""
    content = path.read_bytes()
    stated, claimed = (length.to_bytes(4, "little") for length in (len(_TEXT), _CLAIMED))
    at = content.find(b"GCOL")
    while at >= 0:
        place = at.to_bytes(8, "little")
        content = content.replace(stated + place, claimed + place)
        at = content.find(b"GCOL", at + 4)
    path.write_bytes(content)


def _describe(group: Any, data: SampleData) -> None:
    group.attrs["NX_class"] = "NXdata"
    group.attrs["signal"] = "data"
    axes = (*data.nav_axes, *data.sig_axes)
    group.attrs["axes"] = [axis.name for axis in axes]
    for axis, length in zip(axes, (*data.nav_shape, *data.sig_shape), strict=True):
        vector = group.create_dataset(axis.name, data=axis.offset + axis.scale * np.arange(max(2, length)))
        vector.attrs["units"] = axis.units
