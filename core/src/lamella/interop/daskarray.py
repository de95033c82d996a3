"""Dask arrays of data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.interop.lazyarray import LazyArray
from lamella.interop.libraries import library

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from lamella.dataset.dataset import DataSet

__all__ = ["to_dask"]


def to_dask(
    dataset: DataSet,
    chunks: Any = "auto",
    *,
    dtype: DTypeLike | None = None,
    fill: float = 0,
    corrected: bool = False,
    roi: object = None,
) -> Any:
    """Give a Dask array of a data set; see `lamella.DataSet.to_dask`."""
    array = library("dask.array", "Dask arrays", "lamella-dask")
    proxy = LazyArray(dataset, dtype=dtype, fill=fill, corrected=corrected, roi=roi)
    # One abstract layer (inline_array), into which Dask fuses slices (fancy), and which reads nothing now (meta).
    return array.from_array(
        proxy,
        chunks=_chunks(proxy, dataset, chunks),
        name=f"lamella-{proxy.token}-{_told(chunks)}",
        asarray=False,
        fancy=True,
        inline_array=True,
        meta=np.empty((0,) * proxy.ndim, proxy.dtype),
    )


def _chunks(proxy: LazyArray, dataset: DataSet, chunks: Any) -> Any:
    if isinstance(chunks, str):
        most = None if chunks == "auto" else library("dask.utils", "Dask arrays", "lamella-dask").parse_bytes(chunks)
        return proxy.advised_chunks(dataset, most)
    return chunks


def _told(chunks: Any) -> str:
    """Give what tells arrays with other chunks apart."""
    base = library("dask.base", "Dask arrays", "lamella-dask")
    return str(base.tokenize(chunks))[:8]
