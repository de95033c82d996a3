"""Dask arrays of all kinds for the conformance kit."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
from dask.delayed import delayed
from numpy.typing import NDArray

from lamella_testkit import SampleData, Sampler

__all__ = ["CALLS", "DaskSampler"]

CALLS: Counter[tuple[int, tuple[int, ...]]] = Counter()
"""How often each block of a delayed array was computed, by process and place."""


class DaskSampler(Sampler):
    """Gives arrays whose blocks are rows, squares, single frames, uneven, or parts of frames; computed or read."""

    format = "dask"
    dtypes = ("u2", ">i2", "u1", "f4", ">f8", "i8", "f2", "c8", "?")
    nav_ranks = (2, 1, 3)
    sig_ranks = (2, 1, 3)
    variants = (
        "rows",
        "squares",
        "ones",
        "uneven",
        "detector cut",
        "transposed",
        "delayed",
        *(("from_zarr",) if find_spec("zarr") else ()),
        *(("xarray",) if find_spec("xarray") else ()),
    )

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        """Give an array whose values are those of the scan, whatever its blocks are."""
        rank = len(data.sig_shape)
        if data.variant == "xarray":
            return {"data": _data_array(data, rank), "sig_axes": tuple(f"k{i}" for i in range(rank))}
        return {"data": _array(directory, data, rank), "sig_dims": rank} | (
            {"sig_axes": tuple(range(rank))} if data.variant == "transposed" else {}
        )

    def expects_notes(self, data: SampleData) -> bool:
        """Say that only blocks that cut the detector are worth a word."""
        return data.variant == "detector cut" and max(data.sig_shape) > 1

    def write_wrong(self, directory: Path, data: SampleData) -> Iterable[tuple[str, Mapping[str, Any]]]:
        """Give arrays of which no frame can be computed, or that are not what they announce."""
        array = da.from_array(data.pixels.copy(), chunks=-1)
        rank = len(data.sig_shape)
        dims = {"sig_dims": rank}
        yield "no frames", {"data": array[:0], **dims}
        yield "blocks of unknown size", {"data": array[da.from_array(np.ones(len(data.pixels), bool))], **dims}
        yield "objects", {"data": array.astype(object), **dims}
        yield "text", {"data": array.astype("U8"), **dims}

    def write_sparse(self, directory: Path, nbytes: int) -> Mapping[str, Any]:
        """Give an array without end that nobody has computed."""
        n = max(1, nbytes // (256 * 256 * 2) // 1024)
        return {"data": da.zeros((n, 1024, 256, 256), dtype="u2", chunks=(1, 512, -1, -1))}


def _array(directory: Path, data: SampleData, rank: int) -> Any:
    pixels = data.pixels.copy()
    nav = data.nav_shape
    match data.variant:
        case "squares":
            return da.from_array(pixels, chunks=(*(-(-n // 2) for n in nav), *data.sig_shape))
        case "ones":
            return da.from_array(pixels, chunks=(*(1 for _ in nav), *data.sig_shape))
        case "uneven":
            return da.from_array(pixels, chunks=(*map(_uneven, nav), *data.sig_shape))
        case "detector cut":
            return da.from_array(pixels, chunks=(*nav, *(-(-n // 2) for n in data.sig_shape)))
        case "transposed":
            moved = np.moveaxis(pixels, range(-rank, 0), range(rank)).copy()
            return da.from_array(moved, chunks=(*data.sig_shape, *(-(-n // 2) for n in nav)))
        case "delayed":
            rows = [da.from_delayed(delayed(_counted)(row, (i,)), row.shape, row.dtype) for i, row in enumerate(pixels)]
            return da.stack(rows)
        case "from_zarr":
            return _zarr(directory, pixels, rank)
    return da.from_array(pixels, chunks=(1, *pixels.shape[1:]))


def _data_array(data: SampleData, rank: int) -> Any:
    """Give an array with names, whose detector comes first."""
    import xarray

    names = [f"n{i}" for i in range(len(data.nav_shape))] + [f"k{i}" for i in range(rank)]
    array = xarray.DataArray(data.pixels.copy(), dims=names, name="counts")
    return array.transpose(*names[-rank:], *names[:-rank]).chunk({names[0]: 1})


def _counted(row: NDArray[Any], place: tuple[int, ...]) -> NDArray[Any]:
    CALLS[os.getpid(), place] += 1
    return row


def _uneven(length: int) -> tuple[int, ...]:
    """Cut an axis into blocks of 1, 2, 3, ... and what is left."""
    lengths: list[int] = []
    while (left := length - sum(lengths)) > 0:
        lengths.append(min(left, len(lengths) + 1))
    return tuple(lengths[::-1])


def _zarr(directory: Path, pixels: NDArray[Any], rank: int) -> Any:
    import zarr

    path = str(directory / "array.zarr")
    stored = zarr.create_array(
        path, shape=pixels.shape, dtype=pixels.dtype, chunks=(1, *pixels.shape[1:]), zarr_format=2
    )
    stored[...] = pixels
    return da.from_zarr(path)
