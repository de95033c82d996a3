"""Writes the three arrays of sparse frames and their description, without the reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Arrays", "sparse_rows", "toml_text", "write_arrays"]

Arrays = Mapping[str, "NDArray[Any]"]


def toml_text(nav_shape: Sequence[int], sig_shape: Sequence[int], dtypes: Mapping[str, str], **changes: str) -> str:
    """Give the description of three arrays."""
    entries = {f"{kind}_file": f"{kind}.dat" for kind in dtypes} | {f"{kind}_dtype": dtypes[kind] for kind in dtypes}
    entries |= changes
    lines = ["[params]", 'filetype = "raw_csr"', f"nav_shape = {list(nav_shape)}", f"sig_shape = {list(sig_shape)}"]
    lines += ["", "[raw_csr]", *(f'{key} = "{value}"' for key, value in entries.items())]
    return "\n".join(lines) + "\n"


def sparse_rows(rows: NDArray[Any], *, backwards: bool = False) -> dict[str, NDArray[Any]]:
    """Give every pixel that is not zero as an event; ``rows`` has the shape ``(n_frames, pixels)``."""
    indptr: list[int] = [0]
    indices, values = [np.zeros(0, np.int64)], [rows[:0, 0]]
    for row in rows:
        # Negative zero is an event too.
        found = np.flatnonzero(row.view(np.uint8).reshape(row.size, -1).any(axis=1))
        if backwards:
            found = found[::-1]
        indices.append(found)
        values.append(row[found])
        indptr.append(indptr[-1] + len(found))
    return {"indptr": np.asarray(indptr), "indices": np.concatenate(indices), "data": np.concatenate(values)}


def write_arrays(
    path: Path, nav_shape: Sequence[int], sig_shape: Sequence[int], arrays: Arrays, **changes: str
) -> Path:
    """Write three arrays with the dtypes that they have, and their description to ``path``."""
    for kind, array in arrays.items():
        (path.parent / f"{kind}.dat").write_bytes(array.tobytes())
    dtypes = {kind: array.dtype.str for kind, array in arrays.items()}
    path.write_text(toml_text(nav_shape, sig_shape, dtypes, **changes), encoding="utf-8")
    return path
