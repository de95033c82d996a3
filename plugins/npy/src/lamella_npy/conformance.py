"""Array files for the conformance kit, written without the reader."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lamella_testkit import SampleData, Sampler

_VERSIONS = {"version 1": 1, "version 2": 2, "version 3": 3, "fortran": 1, "unaligned": 1}


class NpySampler(Sampler):
    """Writes header and pixels byte by byte, in every version, and in both orders."""

    format = "npy"
    dtypes = ("<u2", ">i2", "|u1", "|i1", ">u4", "<i8", ">f4", "<f8", "<f2", "<c8", ">c16", "|b1")
    nav_ranks = (2, 1, 3, 4)
    sig_ranks = (2, 1, 3)
    variants = tuple(_VERSIONS)

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        """Write one file."""
        order = "F" if data.variant == "fortran" else "C"
        path = directory / f"{data.stem}.npy"
        path.write_bytes(self._header(data) + data.pixels.tobytes(order=order))  # type: ignore[arg-type]
        return {"path": path} | ({} if len(data.sig_shape) == 2 else {"sig_dims": len(data.sig_shape)})

    def _header(self, data: SampleData) -> bytes:
        version = _VERSIONS[data.variant]
        shape = (*data.nav_shape, *data.sig_shape)
        fortran = data.variant == "fortran"
        text = f"{{'descr': '{data.stored_dtype.str}', 'fortran_order': {fortran}, 'shape': {shape}, }}"
        width = 2 if version == 1 else 4
        begin = 8 + width
        step = 1 if data.variant == "unaligned" else 64
        length = -(-(begin + len(text) + 1) // step) * step - begin
        line = text.ljust(length - 1) + "\n"
        return b"\x93NUMPY" + bytes([version, 0]) + length.to_bytes(width, "little") + line.encode("ascii")

    def expects_notes(self, data: SampleData) -> bool:
        """Say that users should hear of the order in which they save their data, if that makes a difference."""
        shape = (*data.nav_shape, *data.sig_shape)
        return data.variant == "fortran" and sum(n > 1 for n in shape) > 1

    def boundaries(self, data: SampleData) -> Mapping[str, Sequence[int]]:
        """Give where the parts of the header and the pixels begin."""
        return {f"{data.stem}.npy": [6, 8, 10, 12, len(self._header(data))]}

    def write_sparse(self, directory: Path, nbytes: int) -> Mapping[str, Any]:
        """Write a header and a hole."""
        side = math.isqrt(nbytes // (2 * 256 * 256))
        data = SampleData((side, side), (256, 256), "<u2", variant="version 1")
        path = directory / "sparse.npy"
        with path.open("wb") as file:
            file.write(self._header(data))
            file.truncate(len(self._header(data)) + data.n_frames * 256 * 256 * np.dtype("<u2").itemsize)
        return {"path": path}
