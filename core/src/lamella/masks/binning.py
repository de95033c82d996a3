"""Masks for frames whose pixels were added up in bins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import ParameterError
from lamella.geometry.bins import Bins
from lamella.geometry.shape import SigBox

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["binned"]


def binned(masks: ArrayLike, bins: int | Sequence[int], *, sig_dims: int = 2) -> NDArray[Any]:
    """Give masks for binned frames: the mean of each mask over each bin.

    Sums under them are exact where a mask has one value all over a bin; elsewhere the pixels of a bin count as if each
    had the mean of the bin.

    Parameters
    ----------
    masks
        One mask or several, dense: shape ``(..., *detector)``.
    bins
        As for `lamella.udf.BinUDF`.
    sig_dims
        Number of detector axes.

    Returns
    -------
    numpy.ndarray
        Shape ``(..., *binned detector)``, float64 or complex128.

    Raises
    ------
    ParameterError
        If the bins do not fit the detector, or the masks are no dense array with the axes of the detector.

    Examples
    --------
    >>> binned([[1, 1, 0, 0], [1, 1, 1, 0]], 2).tolist()
    [[1.0, 0.25]]
    """
    array = _dense(masks, sig_dims)
    cut = array.ndim - sig_dims
    divided = Bins.of(bins, array.shape[cut:])
    stack = array.reshape(-1, *array.shape[cut:])
    sums = np.zeros((len(stack), *divided.shape), dtype=np.result_type(array.dtype, np.float64))
    divided.add(stack, SigBox.full(divided.sig_shape), sums)
    return np.asarray(sums / divided.n_pixels).reshape(*array.shape[:cut], *divided.shape)


def _dense(masks: ArrayLike, sig_dims: int) -> NDArray[Any]:
    expected = f"expected a dense array of numbers, shape (..., *detector), with {sig_dims} axes of the detector"
    try:
        array = np.asarray(masks)
    except ValueError as error:
        raise ParameterError(f"{expected}; {error}", field="masks") from None
    if array.dtype.kind not in "biufc":
        found = f"dtype {array.dtype}" if isinstance(masks, np.ndarray | list | tuple) else type(masks).__name__
        raise ParameterError(f"{expected}, found {found}. Sparse masks have toarray() or todense()", field="masks")
    if array.ndim < sig_dims:
        raise ParameterError(f"{expected}, found shape {array.shape}", field="masks")
    return array
