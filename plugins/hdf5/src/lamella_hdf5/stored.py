"""How one HDF5 data set lies in its file: plain data, found once at opening."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import h5py
import numpy as np

from lamella.errors import CorruptError, UnsupportedError
from lamella_hdf5.filters import ALLOWED, CODECS, LZF, Filter, Pipeline, filters_of
from lamella_hdf5.library import translated
from lamella_hdf5.tree import colours_of, plain_dtype

if TYPE_CHECKING:
    from lamella_hdf5.mapping import Steps

__all__ = ["Piece", "Stored", "Tile", "check_frame", "describe"]

_LARGEST_FREE = 16 << 20
_LARGEST_RATIO = 1100
"""Deflate packs 1032 to one; no other filter that is allowed packs more, but unwritten chunks take no room at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A data set: shape, stored dtype, and by which way its pixels are reached.

    ``how`` is ``"contiguous"`` (from byte ``offset``), ``"chunks"``, ``"fill"`` (nothing was ever written),
    ``"mosaic"`` (put together from ``tiles`` of other data sets) or ``"h5py"``, and then ``why`` says what stands in
    the way. ``fill`` is the fill value as stored bytes. ``colours`` names the channels of pixels in colours, which are
    then the last axis.
    """

    path: str
    name: str
    size: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    how: Literal["contiguous", "chunks", "fill", "h5py", "mosaic"]
    offset: int = 0
    chunks: tuple[int, ...] = ()
    filters: tuple[Filter, ...] = ()
    fill: bytes = b""
    why: str = ""
    tiles: tuple[Tile, ...] = ()
    colours: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that hold the pixels; this one comes first."""
        inner = (path for tile in self.tiles if tile.piece.stored for path in tile.piece.stored.paths)
        return tuple(dict.fromkeys((self.path, *inner)))

    @property
    def pipeline(self) -> Pipeline:
        """The filters, with the sizes they need."""
        return Pipeline(self.filters, self.dtype.itemsize, math.prod(self.chunks) * self.dtype.itemsize)


@dataclass(frozen=True, slots=True)
class Piece:
    """``count`` items of the scan from ``first``; in ``stored``, they begin at item ``skip`` of the first axis.

    ``stored`` is None where the file that should hold them is missing.
    """

    stored: Stored | None
    first: int
    count: int
    skip: int = 0


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a virtual data set.

    Parameters
    ----------
    target, source
        What it is made of along each axis of the virtual data set, and along each axis of the source.
    piece
        The source, or the stretch of its first axis that this tile takes its pixels from.
    """

    target: tuple[Steps, ...]
    source: tuple[Steps, ...]
    piece: Piece

    @property
    def axis_of(self) -> tuple[int, ...]:
        """The axis of the virtual data set for each axis of the source, -1 for none: the last axes are pairs."""
        spare = len(self.source) - len(self.target)
        return tuple(axis - spare if axis >= spare else -1 for axis in range(len(self.source)))


def describe(dataset: Any, path: str, *, fast: bool = True) -> Stored:
    """Look at an open data set.

    Raises
    ------
    FormatError
        If it cannot be read, with the package that would help.
    """
    with translated(path, f"looking at {dataset.name}"):
        return _described(dataset, path, fast)


def _described(dataset: Any, path: str, fast: bool) -> Stored:
    colours = colours_of(np.dtype(dataset.dtype))
    shape = tuple(int(n) for n in (*dataset.shape, *([len(colours)] if colours else [])))
    dtype = np.dtype(plain_dtype(dataset).str)
    size = Path(path).stat().st_size
    plist = dataset.plist
    layout = plist.get_layout()
    common: dict[str, Any] = {"path": path, "name": dataset.name, "size": size, "shape": shape, "dtype": dtype}
    if math.prod(shape) * dtype.itemsize >= 1 << 62:
        raise CorruptError("the data set has an absurd size", path=path, found=f"shape {shape}")
    fill = np.zeros((), dtype=dtype)
    common["colours"] = colours
    if plist.fill_value_defined() != h5py.h5d.FILL_VALUE_UNDEFINED and not colours:
        native = np.zeros((), dtype=dataset.dtype)
        plist.get_fill_value(native)
        fill = native.view(dtype)
    common["fill"] = fill.tobytes()
    filters = filters_of(plist)
    _refuse_unknown(filters, path, dataset.name)
    converted = not _same_type(dataset, dtype)
    if layout == h5py.h5d.CONTIGUOUS and not plist.get_external_count():
        offset = dataset.id.get_offset()
        if offset is None or not dataset.id.get_storage_size():  # behind a user block, "nowhere" is an offset, too
            return Stored(**common, how="fill", why="nothing was ever written")
        nbytes = math.prod(shape) * dtype.itemsize
        if offset + nbytes > size:
            raise CorruptError(
                f"{dataset.name} lies outside the file",
                path=path,
                expected=f"{offset + nbytes} bytes",
                found=f"{size} bytes",
            )
        if fast and not converted:
            return Stored(**common, how="contiguous", offset=int(offset))
        return Stored(**common, how="h5py", why="its numbers have to be converted" if converted else "fast=False")
    if layout == h5py.h5d.VIRTUAL:
        return Stored(**common, how="mosaic", why="a virtual data set")
    if layout == h5py.h5d.COMPACT:
        return Stored(**common, how="h5py", why="compact layout")
    if layout != h5py.h5d.CHUNKED:
        return Stored(**common, how="contiguous", why="external storage")
    if colours:
        return Stored(**common, how="h5py", why="pixels in colours")
    chunks = tuple(int(n) for n in dataset.chunks)
    if math.prod(chunks) * dtype.itemsize > max(_LARGEST_FREE, _LARGEST_RATIO * size):
        raise CorruptError(
            "a chunk cannot be that large in a file of that size", path=path, found=f"chunks of {chunks}"
        )
    common |= {"chunks": chunks, "filters": filters}
    why = Pipeline(filters, dtype.itemsize, 0).why_not()
    if converted:
        why = "its numbers have to be converted"
    if fast and why is None:
        return Stored(**common, how="chunks")
    for step in filters:
        if not _is_available(step):
            raise UnsupportedError(
                f"{dataset.name} is packed with {step.name}, which is not installed",
                path=path,
                expected="a filter that is available",
                found=f"filter {step.code}",
                remedy=f"{CODECS} (hdf5plugin) gives libhdf5 the filter {step.name}",
            )
    return Stored(**common, how="h5py", why=why or "fast=False")


def _is_available(step: Filter) -> bool:
    """Whether libhdf5 can undo a filter; the package that has further ones is loaded for them only."""
    if step.code > LZF:
        with suppress(Exception):
            import hdf5plugin  # type: ignore[import-not-found, unused-ignore]  # noqa: F401
    return bool(h5py.h5z.filter_avail(step.code))


def _refuse_unknown(filters: tuple[Filter, ...], path: str, name: str) -> None:
    for step in filters:
        if step.code not in ALLOWED:
            raise UnsupportedError(
                f"{name} is packed with an unknown filter",
                path=path,
                expected="one of the filters that are known to be safe",
                found=f"filter {step.code}",
                remedy="Pack it anew with gzip: h5repack -f GZIP=1 IN OUT",
            )


def _same_type(dataset: Any, dtype: np.dtype[Any]) -> bool:
    """Whether bytes in the file mean what NumPy takes them for: no odd precision, no rare floating point format."""
    stored = dataset.id.get_type()
    if colours_of(np.dtype(dataset.dtype)):
        return bool(stored.get_size() == dataset.dtype.itemsize and stored.get_member_type(0).equal(_h5type(dtype)))
    if dtype.kind == "b":
        return bool(stored.get_size() == 1)
    if dtype.kind == "c":
        return bool(stored.get_size() == dtype.itemsize and stored.get_nmembers() == 2)
    if isinstance(stored, h5py.h5t.TypeEnumID):
        stored = stored.get_super()
    return bool(stored.equal(_h5type(dtype)))


def _h5type(dtype: np.dtype[Any]) -> Any:
    return h5py.h5t.py_create(dtype)


def check_frame(stored: Stored, frame_nbytes: int) -> None:
    """Refuse frames that cannot be in a file of that size.

    Raises
    ------
    CorruptError
        If they are absurd.
    """
    if frame_nbytes > max(_LARGEST_FREE, _LARGEST_RATIO * stored.size):
        raise CorruptError(
            f"{stored.name} has frames that cannot be in a file of that size",
            path=stored.path,
            expected=f"frames of less than {_LARGEST_RATIO * stored.size} bytes",
            found=f"shape {stored.shape}",
        )
