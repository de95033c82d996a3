"""Dask arrays for scripts that were written for LiberTEM; others use ``ds.to_dask()``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from lamella.dataset.dataset import DataSet

__all__ = ["make_dask_array"]


def make_dask_array(dataset: DataSet, dtype: DTypeLike = "float32", roi: object = None) -> tuple[Any, dict[Any, Any]]:
    """Give a Dask array of a data set, and where its parts are best computed.

    Parameters
    ----------
    dataset
        The data set.
    dtype
        Dtype of the array.
    roi
        Selected scan positions, as for ``Context.run_udf``; the array then has one axis for them.

    Returns
    -------
    array : dask.array.Array
        Shape ``ds.shape``; with ``roi``, shape ``(n_selected, *sig_shape)``.
    workers : dict
        Which worker is to compute which part, for ``workers=`` of Dask. It is empty: every worker reads files alike.

    Raises
    ------
    PluginError
        If Dask is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> import lamella
    >>> from lamella.contrib.daskadapter import make_dask_array
    >>> array, workers = make_dask_array(lamella.open(np.ones((3, 4, 5, 5)), format="memory"))
    >>> float(array.sum().compute(workers=workers))
    300.0
    """
    return dataset.to_dask(dtype=dtype, roi=roi), {}
