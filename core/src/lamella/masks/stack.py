"""Masks ready to be multiplied with tiles: made once, cut for each box of the detector; dense or sparse."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, SupportsIndex, TypeAlias, overload

import numpy as np

from lamella.errors import ParameterError
from lamella.kernels.accumulate import Widened
from lamella.kernels.fallback import sums_of_stretches
from lamella.system.memo import Memo

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray

    from lamella.geometry.shape import SigBox

__all__ = ["DenseMasks", "MaskFactories", "Masks", "SparseMasks", "make_masks"]

MaskFactories: TypeAlias = "Callable[[], Any] | Sequence[Callable[[], Any] | Any]"
"""A function that gives all masks, or a sequence of masks and functions that give one mask each."""

_GATHERED = 1 << 18
"""Pixels that are gathered at a time for sparse masks."""


class Cut(Protocol):
    """The part of some masks that lies in one box of the detector."""

    def project(self, tile: NDArray[Any], widened: Widened, out: NDArray[Any]) -> None:
        """Add the sum over each mask to ``out``, shape ``(n_frames, n_masks)``."""
        ...


class Masks(Protocol):
    """A stack of masks over one detector."""

    def __len__(self) -> int: ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the masks."""
        ...

    def cut(self, box: SigBox, dtype: np.dtype[Any]) -> Cut:
        """Give the part inside ``box``, for sums in ``dtype``; kept for the next call."""
        ...

    def shifted(self, shift: Sequence[int]) -> Masks:
        """Give the masks moved on the detector; what leaves it is lost."""
        ...

    def toarray(self) -> NDArray[Any]:
        """Give the masks as an array of shape ``(n, *detector)``."""
        ...


class DenseMasks:
    """Masks as an array of shape ``(n, *detector)``."""

    def __init__(self, array: NDArray[Any]) -> None:
        self._array = array
        self._cuts = Memo()

    def __len__(self) -> int:
        return len(self._array)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the masks."""
        return self._array.dtype

    def toarray(self) -> NDArray[Any]:
        """Give the array itself."""
        return self._array

    def shifted(self, shift: Sequence[int]) -> DenseMasks:
        """Give the masks moved on the detector."""
        moved = np.zeros_like(self._array)
        shift_into(moved, self._array, shift)
        return DenseMasks(moved)

    def cut(self, box: SigBox, dtype: np.dtype[Any]) -> DenseCut:
        """Give the masks inside ``box`` as columns."""

        def make() -> DenseCut:
            part = self._array[(slice(None), *box.slices)].reshape(len(self), -1)
            return DenseCut(np.ascontiguousarray(part.T, dtype=dtype))

        return self._cuts.once((box, dtype), make)


@dataclass(frozen=True, slots=True)
class DenseCut:
    """Columns of shape ``(pixels, n_masks)``."""

    columns: NDArray[Any]

    def project(self, tile: NDArray[Any], widened: Widened, out: NDArray[Any]) -> None:
        """Add the matrix product."""
        for rows, block in widened.blocks(tile):
            out[rows] += block @ self.columns


class OneMask(np.ndarray[Any, Any]):
    """One mask of a sparse stack, as an array that may be asked for its dense form like a sparse one."""

    def todense(self) -> NDArray[Any]:
        """Give a plain array."""
        return self.view(np.ndarray)

    toarray = todense


class SparseMasks:
    """Masks as the pixels that are not zero: sorted by mask, then by pixel.

    Parameters
    ----------
    shape
        ``(n, *detector)``.
    mask, pixel, value
        For each entry: number of the mask, flat index of the pixel, and its weight. Entries for the same pixel of a
        mask add up.
    """

    def __init__(self, shape: Sequence[int], mask: ArrayLike, pixel: ArrayLike, value: ArrayLike) -> None:
        self.shape = tuple(int(n) for n in shape)
        number, where = np.asarray(mask, dtype=np.int64), np.asarray(pixel, dtype=np.int64)
        order = np.lexsort((where, number))
        self.mask, self.pixel, self.value = number[order], where[order], np.asarray(value)[order]
        self._cuts = Memo()

    @classmethod
    def of(cls, array: NDArray[Any]) -> SparseMasks:
        """Give the sparse form of an array of shape ``(n, *detector)``."""
        flat = array.reshape(len(array), -1)
        mask, pixel = np.nonzero(flat)
        return cls(array.shape, mask, pixel, flat[mask, pixel])

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the masks."""
        return self.value.dtype

    @property
    def size(self) -> int:
        """The number of pixels of all masks, zeros included."""
        return math.prod(self.shape)

    def astype(self, dtype: DTypeLike) -> SparseMasks:
        """Give the masks in another dtype."""
        return SparseMasks(self.shape, self.mask, self.pixel, self.value.astype(dtype))

    @overload
    def __getitem__(self, index: SupportsIndex) -> OneMask: ...

    @overload
    def __getitem__(self, index: slice) -> SparseMasks: ...

    def __getitem__(self, index: SupportsIndex | slice) -> OneMask | SparseMasks:
        """Give one of the masks as an array, or some of them as a stack."""
        numbers = range(len(self))[index]
        if isinstance(numbers, int):
            first, end = np.searchsorted(self.mask, (numbers, numbers + 1))
            dense = np.zeros(math.prod(self.shape[1:]), self.dtype)
            np.add.at(dense, self.pixel[first:end], self.value[first:end])
            return dense.reshape(self.shape[1:]).view(OneMask)
        parts = [slice(*np.searchsorted(self.mask, (number, number + 1))) for number in numbers]
        counts = [part.stop - part.start for part in parts]
        return SparseMasks(
            (len(parts), *self.shape[1:]),
            np.repeat(np.arange(len(parts)), counts),
            np.concatenate([self.pixel[:0], *(self.pixel[part] for part in parts)]),
            np.concatenate([self.value[:0], *(self.value[part] for part in parts)]),
        )

    def todense(self) -> NDArray[Any]:
        """Give the same as `toarray`, under the name that it has for sparse arrays of other libraries."""
        return self.toarray()

    def toarray(self) -> NDArray[Any]:
        """Give the dense array of shape ``(n, *detector)``."""
        dense = np.zeros((len(self), math.prod(self.shape[1:])), dtype=self.dtype)
        np.add.at(dense, (self.mask, self.pixel), self.value)
        return dense.reshape(self.shape)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self.toarray(), dtype=dtype)

    def shifted(self, shift: Sequence[int]) -> SparseMasks:
        """Give the masks moved on the detector."""
        sig = self.shape[1:]
        where = np.stack(np.unravel_index(self.pixel, sig)) + np.asarray(shift, dtype=np.int64)[:, np.newaxis]
        inside = ((where >= 0) & (where < np.asarray(sig)[:, np.newaxis])).all(axis=0)
        pixel = np.ravel_multi_index(tuple(where[:, inside]), sig)
        return SparseMasks(self.shape, self.mask[inside], pixel, self.value[inside])

    def by_pixel(self, dtype: np.dtype[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]]:
        """Give the entries by pixel: the first one of each pixel and the end of the last, their masks and weights."""
        order = np.argsort(self.pixel, kind="stable")
        counts = np.bincount(self.pixel, minlength=math.prod(self.shape[1:]))
        first = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]).astype(np.int64)
        return first, self.mask[order], self.value[order].astype(dtype)

    def listed(self, pixels: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Give the entries of some pixels: the number of each among ``pixels``, its mask and its weight."""
        first, masks, weights = self.by_pixel(np.dtype(np.float64))
        counts = first[pixels + 1] - first[pixels]
        items = np.repeat(np.arange(len(pixels)), counts)
        entries = np.arange(len(items)) + np.repeat(first[pixels] - (np.cumsum(counts) - counts), counts)
        return items, masks[entries], weights[entries]

    def cut(self, box: SigBox, dtype: np.dtype[Any]) -> SparseCut:
        """Give the entries inside ``box``."""

        def make() -> SparseCut:
            where = np.stack(np.unravel_index(self.pixel, self.shape[1:]))
            origin, size = np.asarray(box.origin)[:, np.newaxis], np.asarray(box.shape)[:, np.newaxis]
            inside = ((where >= origin) & (where < origin + size)).all(axis=0)
            pixel = np.ravel_multi_index(tuple(where[:, inside] - origin), box.shape)
            masks, starts = np.unique(self.mask[inside], return_index=True)
            return SparseCut(masks, starts, pixel, self.value[inside].astype(dtype))

        return self._cuts.once((box, dtype), make)


@dataclass(frozen=True, slots=True)
class SparseCut:
    """Entries in a box: masks that have any, where their entries begin, pixels and weights."""

    masks: NDArray[np.int64]
    starts: NDArray[np.int64]
    pixel: NDArray[np.int64]
    value: NDArray[Any]

    def project(self, tile: NDArray[Any], widened: Widened, out: NDArray[Any]) -> None:
        """Gather the pixels of each mask, weigh them and add them up."""
        if not self.masks.size:
            return
        flat = tile.reshape(len(tile), -1)
        depth = max(1, _GATHERED // self.pixel.size)
        for start in range(0, len(tile), depth):
            weighed = np.take(flat[start : start + depth], self.pixel, axis=1) * self.value
            out[start : start + depth, self.masks] += sums_of_stretches(weighed, self.starts)


def make_masks(
    factories: MaskFactories,
    sig_shape: Sequence[int],
    *,
    dtype: DTypeLike | None = None,
    sparse: bool | None = None,
) -> Masks:
    """Make masks.

    Parameters
    ----------
    factories
        Where masks come from; they may give arrays, `SparseMasks`, or sparse arrays of SciPy or pydata/sparse.
    sig_shape
        Shape of the detector.
    dtype
        Dtype of the masks; that of what the factories give by default.
    sparse
        True for sparse, False for dense, None for sparse if all masks are given as sparse.

    Raises
    ------
    ParameterError
        If there is no mask, or one has another shape than the detector.
    """
    sig_shape = tuple(sig_shape)
    given = [factories()] if callable(factories) else [item() if callable(item) else item for item in factories]
    parts = [_part(i, item, sig_shape) for i, item in enumerate(given)]
    if not sum(map(len, parts)):
        raise ParameterError("there is no mask", field="mask_factories")
    if sparse is None:
        sparse = all(isinstance(part, SparseMasks) for part in parts)
    if sparse:
        stack = _join([part if isinstance(part, SparseMasks) else SparseMasks.of(part) for part in parts], sig_shape)
        return stack if dtype is None else stack.astype(dtype)
    arrays = [part.toarray() if isinstance(part, SparseMasks) else part for part in parts]
    array = np.concatenate(arrays)
    return DenseMasks(array if dtype is None else array.astype(dtype, copy=False))


def _join(parts: Sequence[SparseMasks], sig_shape: tuple[int, ...]) -> SparseMasks:
    first = np.cumsum([0, *(len(part) for part in parts)])
    return SparseMasks(
        (int(first[-1]), *sig_shape),
        np.concatenate([part.mask + begin for part, begin in zip(parts, first, strict=False)]),
        np.concatenate([part.pixel for part in parts]),
        np.concatenate([part.value for part in parts]),
    )


def _part(index: int, given: Any, sig_shape: tuple[int, ...]) -> NDArray[Any] | SparseMasks:
    """Give one mask or a stack of them as a stack."""
    masks = given if isinstance(given, SparseMasks) else _foreign(given)
    shape = tuple(masks.shape)
    if shape == sig_shape and not isinstance(masks, SparseMasks):
        return masks[np.newaxis]
    if len(shape) != len(sig_shape) + 1 or shape[1:] != sig_shape:
        text = f"mask {index} has shape {shape}, the detector has {sig_shape}"
        raise ParameterError(text, field="mask_factories")
    return masks


def _foreign(given: Any) -> NDArray[Any] | SparseMasks:
    """Turn sparse arrays of other libraries into ours, anything else into an array."""
    coo = given.tocoo() if hasattr(given, "tocoo") else given
    coords = getattr(coo, "coords", None)
    if coords is None and hasattr(coo, "row"):
        coords = (coo.row, coo.col)
    if coords is None:
        return np.asarray(given.todense() if hasattr(given, "todense") else given)
    shape = tuple(coo.shape) if len(coo.shape) > 2 else (1, *coo.shape)
    axes = [np.asarray(axis) for axis in coords]
    mask = axes[0] if len(coo.shape) > 2 else np.zeros(len(axes[0]), dtype=np.int64)
    pixel = np.ravel_multi_index(tuple(axes[-len(shape[1:]) :]), shape[1:])
    return SparseMasks(shape, mask, pixel, coo.data)


def shift_into(target: NDArray[Any], source: NDArray[Any], shift: Sequence[int]) -> None:
    """Copy ``source``, moved along its last axes, into ``target``, which holds zeros."""
    axes = len(shift)
    lengths = source.shape[-axes:]
    there = tuple(slice(max(0, s), max(0, n + min(0, s))) for s, n in zip(shift, lengths, strict=True))
    here = tuple(slice(max(0, -s), max(0, n - max(0, s))) for s, n in zip(shift, lengths, strict=True))
    everything: Any = ...
    target[(everything, *there)] = source[(everything, *here)]
