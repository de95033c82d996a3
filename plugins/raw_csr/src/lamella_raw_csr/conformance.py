"""Sparse frames for the conformance kit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lamella.reader import Axis
from lamella_raw_csr.specials import special_files, wrong_files
from lamella_raw_csr.writer import sparse_rows, write_arrays
from lamella_testkit import SampleData, Sampler, Special

__all__ = ["RawCsrSampler"]

_DTYPES = {"plain": ("<i4", "<i4"), "wide": ("<u8", "<i8"), "big": (">i4", ">u4"), "unsorted": ("<i8", "<u4")}


class RawCsrSampler(Sampler):
    """Every pixel that is not zero as an event, with several dtypes, sorted and unsorted."""

    format = "raw_csr"
    dtypes = ("<u2", ">i2", "|u1", "<i4", ">u4", "<f4", ">f8", "<c8")
    nav_ranks = (2, 1, 3)
    sig_ranks = (2, 1, 3)
    variants = tuple(_DTYPES)
    expansion = None  # pixels without events take no room
    floor = 0.01

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        """Write the TOML and three arrays."""
        indptr_dtype, indices_dtype = _DTYPES[data.variant]
        arrays = sparse_rows(data.frames.reshape(data.n_frames, -1), backwards=data.variant == "unsorted")
        arrays["indptr"] = arrays["indptr"].astype(indptr_dtype)
        arrays["indices"] = arrays["indices"].astype(indices_dtype)
        return {"path": write_arrays(directory / f"{data.stem}.toml", data.nav_shape, data.sig_shape, arrays)}

    def per_frame(self, data: SampleData) -> Mapping[str, object]:
        """Give the number of events of each frame."""
        octets = np.ascontiguousarray(data.frames).view(np.uint8).reshape(data.n_frames, -1, data.stored_dtype.itemsize)
        return {"events": octets.any(axis=2).sum(axis=1)}

    def raw_metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give the parameters of the TOML; a special file states all of it."""
        shapes = {"nav_shape": list(data.nav_shape), "sig_shape": list(data.sig_shape)}
        return {"params": {"filetype": "raw_csr", **shapes}}

    def axes(self, data: SampleData) -> list[Axis]:
        """Say that files hold no calibration."""
        return [Axis(f"axis{i}") for i in range(len(data.nav_shape) + len(data.sig_shape))]

    def expects_notes(self, data: SampleData) -> bool:
        """Say that these files are as they should be."""
        return False

    def write_special(self, directory: Path, data: SampleData) -> Iterator[Special]:
        """Write frames with odd numbers of events, and arrays elsewhere."""
        return special_files(directory, data) if data.variant == "plain" else iter(())

    def write_wrong(self, directory: Path, data: SampleData) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Write descriptions that make no sense, and arrays that do not fit together."""
        return wrong_files(directory, data)

    def write_sparse(self, directory: Path, nbytes: int) -> Special:
        """Write large frames: very many events in the first one, which are holes, a few in the last, and no others."""
        side = 1 << 14
        end = np.arange(1, 17, dtype="<u2")[np.newaxis]
        n, count, last = nbytes // (2 * side * side), nbytes // 4, end.size
        arrays = {
            "indptr": np.asarray([0, *[count] * (n - 1), count + last], dtype="<i8"),
            "indices": np.arange(side * side - last, side * side, dtype="<i4"),
            "data": end,
        }
        path = write_arrays(directory / "sparse.toml", (n,), (side, side), arrays)
        for kind in ("indices", "data"):
            array = arrays[kind]
            with (directory / f"{kind}.dat").open("wb") as file:
                file.seek(count * array.itemsize)
                file.write(array.tobytes())
        return Special("large files", {"path": path}, end=end, per_frame={"events": np.diff(arrays["indptr"])})
