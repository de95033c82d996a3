"""What needs xarray, imported when it is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lamella.interop.libraries import library

if TYPE_CHECKING:
    from lamella.dataset.dataset import DataSet
    from lamella.reader.metadata import Axis

__all__ = ["arrays_to_xarray", "to_xarray"]


def to_xarray(dataset: DataSet, *, fill: float = 0, chunks: Any = None) -> Any:
    """Give an xarray data set of a data set; see `lamella.DataSet.to_xarray`."""
    library("xarray", "xarray data sets", "xarray")
    from lamella.interop.xarraydata import make_xarray

    return make_xarray(dataset, fill=fill, chunks=chunks)


def arrays_to_xarray(arrays: Mapping[str, tuple[Any, Sequence[Axis]]]) -> Any:
    """Give an xarray data set of results: each array with the axes that are known, the first ones."""
    library("xarray", "xarray data sets", "xarray")
    from lamella.interop.xarraydata import from_arrays

    return from_arrays(arrays)
