"""Masks ready to be multiplied with tiles: made once, cut for each box of the detector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from lamella.errors import ParameterError
from lamella.udf.memo import Memo

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from lamella.geometry import SigBox

__all__ = ["MaskFactories", "MaskStack"]

MaskFactories: TypeAlias = "Callable[[], Any] | Sequence[Callable[[], Any] | Any]"
"""A function that gives all masks, or a sequence of masks and functions that give one mask each."""


class MaskStack:
    """A stack of masks over one detector.

    Parameters
    ----------
    factories
        Where masks come from.
    sig_shape
        Shape of the detector.
    dtype
        Dtype of the masks; that of what the factories give by default.

    Raises
    ------
    ParameterError
        If a mask has another shape than the detector.
    """

    def __init__(self, factories: MaskFactories, sig_shape: Sequence[int], *, dtype: DTypeLike | None = None) -> None:
        self.sig_shape = tuple(sig_shape)
        masks = _stack(factories, self.sig_shape)
        self._masks = masks if dtype is None else masks.astype(dtype, copy=False)
        self._cuts = Memo()

    def __len__(self) -> int:
        return len(self._masks)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the masks."""
        return self._masks.dtype

    def columns(self, box: SigBox, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Give the masks inside ``box`` as columns, shape ``(box.size, len(self))``."""

        def cut() -> NDArray[Any]:
            part = self._masks[(slice(None), *box.slices)].reshape(len(self), -1)
            return np.ascontiguousarray(part.T, dtype=dtype)

        return self._cuts.once((box, dtype), cut)


def _stack(factories: MaskFactories, sig_shape: tuple[int, ...]) -> NDArray[Any]:
    if callable(factories):
        masks = np.asarray(factories())
        if masks.shape == sig_shape:
            masks = masks[np.newaxis]
    else:
        made = [np.asarray(item() if callable(item) else item) for item in factories]
        for i, mask in enumerate(made):
            _check(i, mask.shape, sig_shape)
        masks = np.stack(made) if made else np.zeros((0, *sig_shape))
    if masks.ndim != len(sig_shape) + 1:
        _check(0, masks.shape, sig_shape)
    _check(0, masks.shape[1:], sig_shape)
    return masks


def _check(index: int, shape: tuple[int, ...], sig_shape: tuple[int, ...]) -> None:
    if shape != sig_shape:
        raise ParameterError(f"mask {index} has shape {shape}, the detector has {sig_shape}", subject="mask_factories")
