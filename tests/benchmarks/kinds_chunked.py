"""HDF5 files: in one piece, packed frame by frame, and in chunks of several frames; and sparse frames in CSR layout."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Kind, Pixels, Shape

_SIG = (256, 256)
_FRAME = math.prod(_SIG) * 2
_WEIGHED = ("sum", "sumsig", "com", "mask1", "mask8", "rings")
_STREAMS = ("sum", "sumsig", "std", "com", "mask1", "mask8", "rings", "four")


def _hdf5(chunks: tuple[int, ...] | None = None, *, bitshuffle: bool = False, **filters: Any) -> Any:
    def write(path: Path, nav: Shape, pixels: Pixels) -> None:
        import h5py
        import hdf5plugin

        more: Mapping[str, Any] = {**filters, **hdf5plugin.Bitshuffle()} if bitshuffle else filters
        with h5py.File(path, "w") as file:
            fitting = None if chunks is None else tuple(map(min, chunks, (*nav, *_SIG)))
            scan = file.create_dataset("scan", (*nav, *_SIG), "<u2", chunks=fitting, **more)
            step = 1 if fitting is None else fitting[0]
            block = np.empty((step * nav[1], *_SIG), dtype=np.uint16)
            row = filled = 0
            for batch in pixels:
                while len(batch):
                    taken = min(len(batch), min(step, nav[0] - row) * nav[1] - filled)
                    block[filled : filled + taken] = batch[:taken]
                    batch, filled = batch[taken:], filled + taken
                    if filled == min(step, nav[0] - row) * nav[1]:
                        rows = filled // nav[1]
                        scan[row : row + rows] = block[:filled].reshape(rows, nav[1], *_SIG)
                        row, filled = row + rows, 0

    return write


def _csr(path: Path, nav: Shape, pixels: Pixels) -> None:
    first = np.zeros(1, dtype=np.int64)
    with (path.parent / "indices.dat").open("wb") as indices, (path.parent / "values.dat").open("wb") as values:
        for batch in pixels:
            flat = batch.reshape(len(batch), -1)
            rows, places = np.nonzero(flat)
            places.astype("<i4").tofile(indices)
            flat[rows, places].astype("<i4").tofile(values)
            first = np.append(first, first[-1] + np.cumsum(np.bincount(rows, minlength=len(flat))))
    first.astype("<i8").tofile(path.parent / "indptr.dat")
    lines = ["[params]", 'filetype = "raw_csr"', f"nav_shape = {list(nav)}", f"sig_shape = {list(_SIG)}", "[raw_csr]"]
    for kind, name, dtype in (("indptr", "indptr", "<i8"), ("indices", "indices", "<i4"), ("data", "values", "<i4")):
        lines += [f'{kind}_file = "{name}.dat"', f'{kind}_dtype = "{dtype}"']
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _kind(write: Any) -> Kind:
    return Kind("hdf5", ".h5", "<u2", 40, _FRAME, write, jobs=_STREAMS)


_GZIP: dict[str, Any] = {"compression": "gzip", "compression_opts": 4, "shuffle": True}

KINDS = {
    "hdf_plain": _kind(_hdf5()),
    "hdf_gzip": _kind(_hdf5((1, 1, *_SIG), **_GZIP)),
    "hdf_bits": _kind(_hdf5((1, 1, *_SIG), bitshuffle=True)),
    "hdf_grid": _kind(_hdf5((4, 4, 64, 64), **_GZIP)),
    "csr": Kind(
        "raw_csr", ".toml", "<i4", 1, 2 * _FRAME, _csr, jobs=("sum", "sumsig", "com", "mask1", "mask8", "rings")
    ),
}
