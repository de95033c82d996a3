"""Sparse frames for the conformance kit, written without the reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lamella_testkit import SampleData, Sampler

__all__ = ["RawCsrSampler", "toml_text"]

_DTYPES = {"plain": ("<i4", "<i4"), "wide": ("<u8", "<i8"), "big": (">i4", ">u4"), "unsorted": ("<i8", "<u4")}


def toml_text(nav_shape: Sequence[int], sig_shape: Sequence[int], dtypes: Mapping[str, str], **changes: str) -> str:
    """Give the description of three arrays."""
    entries = {f"{kind}_file": f"{kind}.dat" for kind in dtypes} | {f"{kind}_dtype": dtypes[kind] for kind in dtypes}
    entries |= changes
    lines = ["[params]", 'filetype = "raw_csr"', f"nav_shape = {list(nav_shape)}", f"sig_shape = {list(sig_shape)}"]
    lines += ["", "[raw_csr]", *(f'{key} = "{value}"' for key, value in entries.items())]
    return "\n".join(lines) + "\n"


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
        rows = data.frames.reshape(data.n_frames, -1)
        indptr, indices, values = [0], [], []
        for row in rows:
            # Negative zero is an event too.
            found = np.flatnonzero(row.view(np.uint8).reshape(row.size, -1).any(axis=1))
            if data.variant == "unsorted":
                found = found[::-1]
            indices.append(found)
            values.append(row[found])
            indptr.append(indptr[-1] + len(found))
        arrays = {
            "indptr": np.asarray(indptr).astype(indptr_dtype),
            "indices": np.concatenate(indices).astype(indices_dtype),
            "data": np.concatenate(values).astype(data.stored_dtype),
        }
        for kind, array in arrays.items():
            (directory / f"{kind}.dat").write_bytes(array.tobytes())
        dtypes = {kind: array.dtype.str for kind, array in arrays.items()}
        path = directory / f"{data.stem}.toml"
        path.write_text(toml_text(data.nav_shape, data.sig_shape, dtypes), encoding="utf-8")
        return {"path": path}

    def write_sparse(self, directory: Path, nbytes: int) -> Mapping[str, Any]:
        """Write large frames of one event each, in the last pixel."""
        side = 1 << 14
        n_frames = nbytes // (2 * side * side)
        arrays = {
            "indptr": np.arange(n_frames + 1, dtype="<i8"),
            "indices": np.full(n_frames, side * side - 1, dtype="<i4"),
            "data": np.ones(n_frames, dtype="<u2"),
        }
        for kind, array in arrays.items():
            (directory / f"{kind}.dat").write_bytes(array.tobytes())
        path = directory / "sparse.toml"
        dtypes = {kind: array.dtype.str for kind, array in arrays.items()}
        path.write_text(toml_text((n_frames,), (side, side), dtypes), encoding="utf-8")
        return {"path": path}
