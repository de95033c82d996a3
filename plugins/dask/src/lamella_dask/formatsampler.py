"""Dask arrays of all kinds for the conformance kit."""

from __future__ import annotations

import math
import threading
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import dask.array as da
import numpy as np
from dask.delayed import delayed
from numpy.typing import NDArray

from lamella.reader import Axis
from lamella_testkit import SampleData, Sampler, Special

__all__ = ["DaskSampler"]

_XARRAY = find_spec("xarray") is not None
_FOR_XARRAY = (
    *(f"formatreader.{name}" for name in ("_named", "_chunked", "_axis", "_attributes")),
    "array, axes, raw = _named(target, order, dims)",
    "return list(names).index(axis)",
)


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
        "read in part",
        "computed again",
        *(("from_zarr",) if find_spec("zarr") else ()),
        *(("xarray",) if _XARRAY else ()),
    )
    unreached: ClassVar[Mapping[str, str]] = {} if _XARRAY else dict.fromkeys(_FOR_XARRAY, "xarray is not installed")
    unsaid: ClassVar[Mapping[str, str]] = {"parameters.scheduler": "every scheduler computes the same"}

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        """Give an array whose values are those of the scan, whatever its blocks are."""
        rank = len(data.sig_shape)
        if data.variant == "xarray":
            return {"data": _data_array(data), "sig_axes": tuple(f"k{i}" for i in range(rank))}
        keywords: dict[str, Any] = {"data": _array(directory, data, rank), "sig_dims": rank}
        match data.variant:
            case "transposed":
                keywords["sig_axes"] = tuple(range(rank))
            case "read in part":
                keywords["cache"] = 0
            case "computed again":
                keywords["cache"] = _frame_nbytes(data) * math.prod(_halves(data.nav_shape))
        return keywords

    def axes(self, data: SampleData) -> Sequence[Axis] | None:
        """Give the axes of an array that has coordinates."""
        if data.variant != "xarray":
            return None
        axes = zip(_calibrated(data), (*data.nav_shape, *data.sig_shape), strict=True)
        return [axis if length > 1 else replace(axis, scale=1.0) for axis, length in axes]

    def raw_metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give the name and the attributes of an array that has such."""
        return {"name": "counts", "gain": 2, "comment": "cold"} if data.variant == "xarray" else {}

    def expects_notes(self, data: SampleData) -> int:
        """Say that blocks that cut the detector are worth a word, and such of which a worker cannot keep a row."""
        if data.variant == "computed again":
            return int(_row(data.nav_shape) > math.prod(_halves(data.nav_shape)))
        return int(data.variant == "detector cut" and max(data.sig_shape) > 1)

    def write_special(self, directory: Path, data: SampleData) -> Iterable[Special]:
        """Give arrays that are opened with parameters, that have odd coordinates, or whose blocks become dense."""
        if data.variant == "rows":
            yield from _with_parameters(data)
        if data.variant == "xarray":
            yield from _with_odd_coordinates(data)

    def write_wrong(self, directory: Path, data: SampleData) -> Iterable[tuple[str, Mapping[str, Any]]]:
        """Give arrays of which no frame can be computed, or that are not what they announce."""
        array = da.from_array(data.pixels.copy(), chunks=-1)
        dims = {"sig_dims": len(data.sig_shape)}
        yield "no frames", {"data": array[:0], **dims}
        yield "blocks of unknown size", {"data": array[da.from_array(np.ones(len(data.pixels), bool))], **dims}
        yield "objects", {"data": array.astype(object), **dims}
        yield "text", {"data": array.astype("U8"), **dims}
        yield "an array of NumPy", {"data": data.pixels, **dims}
        yield "no scan axis", {"data": array, "sig_dims": array.ndim}
        yield "two numbers of detector axes", {"data": array, "sig_axes": (-1,), "sig_dims": 2}
        for axes in ((0, 0), (1, array.ndim), (-array.ndim - 1, 0), (1, "k")):
            yield f"detector axes {axes}", {"data": array, "sig_axes": axes}
        for what, change in _WRONG.items():
            yield what, {"data": array.map_blocks(change, dtype=array.dtype, meta=array._meta), **dims}
        announced = array + 0
        announced._meta = array._meta.view(_OnGPU)
        yield "an array on a GPU", {"data": announced, **dims}

    def write_sparse(self, directory: Path, nbytes: int) -> Mapping[str, Any]:
        """Give an array without end that nobody has computed."""
        n = max(1, nbytes // (256 * 256 * 2) // 1024)
        return {"data": da.zeros((n, 1024, 256, 256), dtype="u2", chunks=(1, 512, -1, -1))}


class _OnGPU(np.ndarray[Any, Any]):
    """Stands for an array of CuPy, which there is only with a GPU; must not be taken for one of NumPy."""

    __module__ = "cupy"


class _Watched:
    """Gives blocks, and fails if a thread keeps many of them, or computes one that it has.

    Parameters
    ----------
    most
        How many blocks a thread may have at a time.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._known = threading.local()

    def __reduce__(self) -> tuple[Any, ...]:
        return _Watched, (self._most,)

    def __call__(self, block: NDArray[Any], block_info: Any = None) -> NDArray[Any]:
        found = block.copy()
        blocks: dict[Any, Any] = self._known.__dict__.setdefault("blocks", {})
        alive = {where for where, one in blocks.items() if one() is not None}
        where = tuple(block_info[0]["chunk-location"])
        if where in alive or len(alive) >= self._most:
            raise RuntimeError(f"block {where} is computed while blocks {sorted(alive)} are kept")
        blocks[where] = weakref.ref(found)
        return found


class _Packed:
    """Stands for a sparse array: all that is asked of one is how it becomes dense."""

    def __init__(self, pixels: NDArray[Any]) -> None:
        self.pixels = pixels

    def todense(self) -> NDArray[Any]:
        return self.pixels


def _fail(block: NDArray[Any]) -> NDArray[Any]:
    raise RuntimeError("this block cannot be computed")


_WRONG = {
    "blocks of another shape": lambda block: block[:1],
    "blocks of another dtype": lambda block: block.astype(complex),
    "blocks that are no arrays": lambda block: "text",
    "blocks that fail": _fail,
    "blocks with a mask": np.ma.masked_array,
    "blocks on a GPU": lambda block: block.view(_OnGPU),
}


def _array(directory: Path, data: SampleData, rank: int) -> Any:
    pixels = data.pixels.copy()
    nav = data.nav_shape
    match data.variant:
        case "squares" | "read in part":
            return da.from_array(pixels, chunks=(*_halves(nav), *data.sig_shape))
        case "computed again":
            return _computed(da.from_array(pixels, chunks=(*_halves(nav), *data.sig_shape)))
        case "ones":
            return da.from_array(pixels, chunks=(*(1 for _ in nav), *data.sig_shape))
        case "uneven":
            return da.from_array(pixels, chunks=(*map(_uneven, nav), *data.sig_shape))
        case "detector cut":
            return da.from_array(pixels, chunks=(*nav, *_halves(data.sig_shape)))
        case "transposed":
            moved = np.moveaxis(pixels, range(-rank, 0), range(rank)).copy()
            return da.from_array(moved, chunks=(*data.sig_shape, *_halves(nav)))
        case "delayed":
            return da.stack([da.from_delayed(delayed(np.copy)(row), row.shape, row.dtype) for row in pixels])
        case "from_zarr":
            return _zarr(directory, pixels, rank)
    return da.from_array(pixels, chunks=(1, *pixels.shape[1:]))


def _computed(array: Any) -> Any:
    """Give an array of the same values that is no plain read."""
    return array.map_blocks(np.copy, dtype=array.dtype, meta=array._meta)


def _halves(lengths: Sequence[int]) -> tuple[int, ...]:
    return tuple(-(-n // 2) for n in lengths)


def _row(nav_shape: Sequence[int]) -> int:
    """Give the number of frames of the first row of blocks that `_halves` gives."""
    block = _halves(nav_shape)
    axis = next((i for i, n in enumerate(block) if n > 1), len(block) - 1)
    return block[axis] * math.prod(nav_shape[axis + 1 :])


def _frame_nbytes(data: SampleData) -> int:
    return math.prod(data.sig_shape) * data.stored_dtype.itemsize


def _with_parameters(data: SampleData) -> Iterable[Special]:
    pixels, rank = data.pixels.copy(), len(data.sig_shape)
    array = da.from_array(pixels, chunks=(1, *pixels.shape[1:]))
    known: dict[str, Any] = {"data": array, "sig_dims": rank}
    if array.ndim == 4 and rank == 2:
        axes = [Axis(name) for name in ("y", "x", "ky", "kx")]
        yield Special("the last two axes", {"data": array}, pixels=pixels, axes=axes, notes=0)
    yield Special("a detector of one axis", {"data": array, "sig_dims": 1}, pixels=pixels, notes=0)
    first = tuple(range(-array.ndim, -array.ndim + rank))
    moved = np.moveaxis(pixels, first, range(-rank, 0))
    whole = array.rechunk(-1)
    yield Special("detector axes counted from the end", {"data": whole, "sig_axes": first}, pixels=moved, notes=0)
    nbytes = _frame_nbytes(data) * math.prod(data.nav_shape[1:])
    fits = {**known, "data": _computed(array)}
    yield Special("rows that just fit", {**fits, "cache": nbytes}, pixels=pixels, notes=0)
    yield Special("rows that do not fit", {**fits, "cache": nbytes - 1}, pixels=pixels, notes=1)
    turned = {**known, "data": _computed(array)[:, ::-1], "cache": nbytes - 1}
    yield Special("parts of blocks that do not fit", turned, pixels=pixels[:, ::-1], notes=1)
    many = np.resize(pixels, (20, *pixels.shape[1:]))
    blocks = da.from_array(many, chunks=(1, *pixels.shape[1:]))
    watched = blocks.map_blocks(_Watched(3), dtype=blocks.dtype, meta=blocks._meta)
    wide = np.resize(pixels, (2, 6, *data.sig_shape))
    columns = da.from_array(wide, chunks=(2, 1, *data.sig_shape))
    columns = columns.map_blocks(_Watched(3), dtype=wide.dtype, meta=columns._meta)
    some = {**known, "data": columns, "cache": 2 * _frame_nbytes(data)}
    yield Special("rows of which one block fits", some, pixels=wide, notes=1)
    yield Special("many blocks", {**known, "data": watched}, pixels=many, notes=0)
    large = np.resize(pixels, (2, 6, 1024, 1024)).astype("u1")
    blocks_of_six = da.from_array(large, chunks=(1, -1, -1, -1))
    blocks_of_six = blocks_of_six.map_blocks(_Watched(2), dtype=large.dtype, meta=blocks_of_six._meta)
    tiles = {"data": blocks_of_six, "cache": large.nbytes // 2}
    yield Special("blocks of several tiles that just fit", tiles, pixels=large, notes=0)
    yield Special("a scheduler of Dask", {**known, "scheduler": "sync"}, pixels=pixels, notes=0)
    dense = array.map_blocks(_Packed, dtype=array.dtype, meta=array._meta)
    yield Special("blocks that become dense", {**known, "data": dense}, pixels=pixels, notes=0)
    more = {"preserve_dimensions": True, "min_size": 1 << 20}
    yield Special("parameters of LiberTEM", {**known, **more}, pixels=pixels, notes=2)


def _calibrated(data: SampleData) -> tuple[Axis, ...]:
    """Give the axes of an array with coordinates: also such as begin anywhere, and such as run backwards."""
    axes = (*data.nav_axes, *data.sig_axes)
    return tuple(replace(axis, offset=0.5 * i, scale=axis.scale * (-1) ** i) for i, axis in enumerate(axes))


def _names(data: SampleData) -> list[str]:
    return [f"n{i}" for i in range(len(data.nav_shape))] + [f"k{i}" for i in range(len(data.sig_shape))]


def _data_array(data: SampleData, **coordinates: Any) -> Any:
    """Give an array with names, whose detector comes first."""
    import xarray

    names = _names(data)
    usual = {
        name: (name, axis.offset + axis.scale * np.arange(length), {"units": axis.units})
        for name, axis, length in zip(names, _calibrated(data), data.pixels.shape, strict=True)
    }
    array = xarray.DataArray(
        data.pixels.copy(),
        dims=names,
        coords={**usual, **coordinates},
        name="counts",
        attrs={"gain": 2, "comment": "cold"},
    )
    detector = names[len(data.nav_shape) :]
    return array.transpose(*detector, ...).chunk({names[0]: 1})


def _with_odd_coordinates(data: SampleData) -> Iterable[Special]:
    called = zip(_calibrated(data), _names(data), strict=True)
    axes, rows = [replace(axis, name=name) for axis, name in called], data.nav_shape[0]
    names = {"sig_axes": tuple(f"k{i}" for i in range(len(data.sig_shape)))}
    for text, values in {
        "uneven steps": np.arange(rows) ** 2.0,
        "steps of zero": np.full(rows, 3.0),
        "texts": np.array([f"row {i}" for i in range(rows)]),
    }.items():
        array = _data_array(data, n0=("n0", values, {"units": "nm"}))
        yield Special(text, {"data": array, **names}, pixels=data.pixels, axes=[Axis("n0"), *axes[1:]], notes=0)
    whole = _data_array(data, n0=("n0", np.arange(rows) + 3))
    without = [Axis("n0", 1.0, 3.0), *axes[1:]]
    yield Special("whole numbers without units", {"data": whole, **names}, pixels=data.pixels, axes=without, notes=0)
    rows_of_one = _data_array(data)
    rows_of_one = rows_of_one.copy(data=_computed(rows_of_one.data))
    cache = _frame_nbytes(data) * math.prod(data.nav_shape[1:])
    kept = {"data": rows_of_one, "cache": cache, **names}
    yield Special("rows that just fit and stay as they are", kept, pixels=data.pixels, axes=axes, notes=0)
    for few in (1, 2):
        first = _data_array(data).isel(n0=slice(few))
        scaled = [replace(axes[0], scale=1.0), *axes[1:]] if first.sizes["n0"] == 1 else axes
        yield Special(f"rows: {few}", {"data": first, **names}, pixels=data.pixels[:few], axes=scaled, notes=0)
    loaded = _data_array(data).drop_vars("n0").compute().rename(None)
    missing = [Axis("n0"), *axes[1:]]
    yield Special(
        "neither blocks nor coordinates", {"data": loaded, **names}, pixels=data.pixels, axes=missing, notes=0
    )


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
