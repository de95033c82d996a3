"""Regions of interest: the scan positions that a computation is asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import ParameterError
from lamella.system.memory import memory_size

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Region", "RoiMaker", "region_of"]


class Region:
    """The scan positions that a computation is asked for: all of them, or those where a mask is true.

    Results along the scan are *compressed*: the i-th result belongs to the i-th selected position in C order.
    """

    _BLOCK = 1 << 16

    def __init__(self, nav_shape: Sequence[int], mask: NDArray[np.bool_] | None = None) -> None:
        self.nav_shape = tuple(nav_shape)
        self.n_positions = math.prod(self.nav_shape)
        self.mask = None if mask is None else np.ascontiguousarray(mask).reshape(-1)

    @property
    def everything(self) -> bool:
        """Whether no mask was given."""
        return self.mask is None

    @cached_property
    def size(self) -> int:
        """The number of selected positions."""
        return self.n_positions if self.mask is None else int(np.count_nonzero(self.mask))

    @cached_property
    def _counts(self) -> NDArray[np.int64]:
        assert self.mask is not None
        mask, block = self.mask, self._BLOCK
        counts = [int(np.count_nonzero(mask[start : start + block])) for start in range(0, mask.size, block)]
        return np.cumsum([0, *counts], dtype=np.int64)

    def before(self, position: int) -> int:
        """Count the selected positions before the flat ``position``."""
        if self.mask is None:
            return position
        if position in (0, self.n_positions):
            return self.size if position else 0
        block = position // self._BLOCK
        return int(self._counts[block]) + int(np.count_nonzero(self.mask[block * self._BLOCK : position]))

    def positions(self, start: int, stop: int) -> range | NDArray[np.int64]:
        """Give the selected flat positions in ``[start, stop)``."""
        if self.mask is None:
            return range(start, stop)
        return np.flatnonzero(self.mask[start:stop]).astype(np.int64) + start


class RoiMaker:
    """Makes masks of a scan by slicing; see `lamella.DataSet.roi`."""

    __slots__ = ("_nav_shape",)

    def __init__(self, nav_shape: Sequence[int]) -> None:
        self._nav_shape = tuple(nav_shape)

    def __getitem__(self, index: Any) -> NDArray[np.bool_]:
        mask = np.zeros(self._nav_shape, dtype=np.bool_)
        mask[index] = True
        return mask


def region_of(roi: object, nav_shape: Sequence[int]) -> Region:
    """Turn any form of a region of interest into a `Region`.

    Parameters
    ----------
    roi
        ``None``; a boolean array of shape ``nav_shape``, or a flat one with an entry for each position (NumPy, SciPy
        sparse or pydata/sparse); one scan position as a tuple; or a list of ``(position, bool)`` pairs, all true
        (exactly these) or all false (all but these).
    nav_shape
        Shape of the scan.

    Raises
    ------
    ParameterError
        If the shape does not fit, a position lies outside, or the pairs are mixed.
    """
    nav_shape = tuple(nav_shape)
    if roi is None or isinstance(roi, Region):
        return Region(nav_shape) if roi is None else roi
    if isinstance(roi, tuple) and all(isinstance(i, (int, np.integer)) for i in roi):
        return Region(nav_shape, _mask_of_positions([roi], True, nav_shape))
    if isinstance(roi, (list, tuple)) and roi and all(_is_pair(item) for item in roi):
        flags = {bool(flag) for _, flag in roi}
        if len(flags) > 1:
            raise ParameterError("roi lists positions with True and with False; use one of the two", field="roi")
        return Region(nav_shape, _mask_of_positions([where for where, _ in roi], flags.pop(), nav_shape))
    mask = _dense(roi)
    if mask.size == math.prod(nav_shape) and _is_flat(roi, mask):
        mask = mask.reshape(nav_shape)
    if mask.shape != nav_shape:
        raise ParameterError(f"roi has shape {mask.shape}, the scan has {nav_shape}", field="roi")
    if mask.dtype != np.bool_:
        mask = mask.astype(np.bool_)
    return Region(nav_shape, mask)


def _is_flat(roi: object, mask: NDArray[Any]) -> bool:
    """Whether a region has one axis; sparse matrices have two, one of them of length one."""
    return mask.ndim == 1 or (mask.ndim == 2 and 1 in mask.shape and hasattr(roi, "tocoo"))


def _is_pair(item: object) -> bool:
    return (
        isinstance(item, (list, tuple))
        and len(item) == 2
        and isinstance(item[0], (list, tuple))
        and isinstance(item[1], (bool, np.bool_))
    )


def _mask_of_positions(positions: Sequence[Any], flag: bool, nav_shape: tuple[int, ...]) -> NDArray[np.bool_]:
    if (size := math.prod(nav_shape)) > memory_size() // 4:
        text = f"the mask of {size} scan positions (nav_shape {nav_shape}) takes more than a quarter of the memory"
        raise ParameterError(f"{text}; give a smaller nav_shape", field="roi")
    mask = np.zeros(nav_shape, dtype=np.bool_) if flag else np.ones(nav_shape, dtype=np.bool_)
    for position in positions:
        where = tuple(int(i) for i in position)
        if len(where) != len(nav_shape):
            raise ParameterError(f"position {where} needs {len(nav_shape)} numbers", field="roi")
        if not all(-n <= i < n for i, n in zip(where, nav_shape, strict=True)):
            raise ParameterError(f"position {where} lies outside the scan of {nav_shape}", field="roi")
        mask[where] = flag
    return mask


def _dense(roi: Any) -> NDArray[Any]:
    for method in ("toarray", "todense"):
        if hasattr(roi, method):
            return np.asarray(getattr(roi, method)())
    return np.asarray(roi)
