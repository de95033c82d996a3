"""xarray data sets of data sets, and the backend by which ``xarray.open_dataset`` opens files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray
from xarray.backends import BackendArray, BackendEntrypoint
from xarray.core import indexing

from lamella.interop.daskarray import to_dask
from lamella.interop.lazyarray import LazyArray
from lamella.interop.scanimage import scan_image
from lamella.opening.open import open_dataset

if TYPE_CHECKING:
    from lamella.dataset.dataset import DataSet
    from lamella.reader.metadata import Axis

__all__ = ["LamellaBackend", "from_arrays", "make_xarray"]

_OURS = (".mib", ".blo", ".dm3", ".dm4", ".emi", ".ser", ".gtg", ".tvips", ".frms6")
"""Extensions that no other backend of xarray claims."""


class _Pixels(BackendArray):  # type: ignore[misc, unused-ignore]
    """Pixels that xarray reads when they are needed."""

    def __init__(self, array: LazyArray) -> None:
        self.array = array
        self.shape = array.shape
        self.dtype = array.dtype

    def __getitem__(self, key: Any) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, ...]) -> Any:
        return self.array[key]


class LamellaBackend(BackendEntrypoint):  # type: ignore[misc, unused-ignore]
    """Opens every file that an installed format reads: ``xarray.open_dataset(path, engine="lamella")``."""

    description = "Scans of electron microscopes, by Lamella"
    open_dataset_parameters = ("filename_or_obj", "drop_variables", "format", "parameters", "fill")

    def open_dataset(
        self,
        filename_or_obj: Any,
        *,
        drop_variables: str | Iterable[str] | None = None,
        format: str = "auto",
        parameters: dict[str, Any] | None = None,
        fill: float = 0,
    ) -> xarray.Dataset:
        """Open a file; see `lamella.DataSet.to_xarray`.

        Parameters
        ----------
        filename_or_obj
            Path of the file.
        drop_variables
            Names of variables that are left out.
        format, parameters
            As for `lamella.open`.
        fill
            Value of pixels at scan positions without a frame.
        """
        found = make_xarray(open_dataset(format, filename_or_obj, parameters or {}), fill=fill)
        dropped = [drop_variables] if isinstance(drop_variables, str) else list(drop_variables or ())
        found = found.drop_vars(dropped, errors="ignore")
        found.set_close(_nothing_is_open)  # `xarray.open_mfdataset` calls what there is, and there must be something
        return found

    def guess_can_open(self, filename_or_obj: Any) -> bool:
        """Whether the name of a file is that of a format that is not for anybody else; nothing is opened."""
        if not isinstance(filename_or_obj, (str, os.PathLike)):
            return False
        return os.fspath(filename_or_obj).lower().endswith(_OURS)


def _nothing_is_open() -> None:
    """Close nothing: files are open only while they are read."""


def make_xarray(dataset: DataSet, *, fill: float = 0, chunks: Any = None) -> xarray.Dataset:
    """Give an xarray data set of a data set; see `lamella.DataSet.to_xarray`."""
    names = [axis.name for axis in dataset.axes]
    nav = names[: len(dataset.shape.nav)]
    proxy = LazyArray(dataset, fill=fill)
    variables: dict[str, Any] = {}
    if chunks is None:
        pixels: Any = indexing.LazilyIndexedArray(_Pixels(proxy))
    else:
        pixels = to_dask(dataset, chunks, fill=fill)
    encoding = {"preferred_chunks": dict(zip(names, proxy.chunks, strict=True))}
    variables["counts"] = xarray.Variable(names, pixels, {"long_name": "counts"}, encoding)
    if dataset.missing_count:
        variables["valid"] = (nav, np.asarray(dataset.valid_mask))
    navigator = scan_image(dataset)
    if navigator is not None:
        variables["navigator"] = (nav, navigator)
    in_order = not dataset.missing_count and dataset.frame_map.index is None and not dataset.frame_map.sync_offset
    for name, read in dataset.info.per_frame.items() if in_order else ():
        values = np.asarray(read())
        if name not in variables and name not in names and values.shape == (dataset.shape.nav.size,):
            variables[name] = (nav, values.reshape(tuple(dataset.shape.nav)))
    coordinates = {
        axis.name: _coordinate(axis, length)
        for axis, length in zip(dataset.axes, dataset.shape, strict=True)
        if axis.calibrated
    }
    return xarray.Dataset(variables, coordinates, _attributes(dataset))


def from_arrays(arrays: Mapping[str, tuple[Any, Sequence[Axis]]]) -> xarray.Dataset:
    """Give an xarray data set of arrays and their first axes; other axes are named after the array."""
    variables: dict[str, Any] = {}
    coordinates: dict[str, Any] = {}
    for name, (values, axes) in arrays.items():
        data = np.asarray(values)
        known = tuple(axes)[: data.ndim]
        dims = [axis.name for axis in known] + [f"{name}_{i}" for i in range(len(known), data.ndim)]
        variables[name] = (dims, data)
        for axis, length in zip(known, data.shape, strict=False):
            if axis.calibrated:
                coordinates[axis.name] = _coordinate(axis, length)
    return xarray.Dataset(variables, coordinates)


def _coordinate(axis: Axis, length: int) -> Any:
    values = axis.offset + axis.scale * np.arange(length)
    return (axis.name,), values, {"units": axis.units, "long_name": axis.name}


def _attributes(dataset: DataSet) -> dict[str, Any]:
    """Give what is known as values that netCDF and Zarr can hold."""
    return {
        **dataset.metadata.to_json(),
        "source": dataset.provenance.target or "",
        "format": dataset.format,
        "lamella_version": version("lamella"),
        "raw_metadata": json.dumps(dict(dataset.raw_metadata), default=str),
    }
