"""Stacks of masks, dense and sparse, in the kinds of arrays that LiberTEM gives."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

import lamella.masks
from lamella.errors import ParameterError
from lamella.masks import SparseMasks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray

    from lamella.reader import SigBox
    from lamella.udf import Slice

__all__ = [
    "MaskContainer",
    "is_sparse",
    "radial_bins",
    "sparse_circular_multi_stack",
    "sparse_template_multi_stack",
    "to_dense",
    "to_sparse",
]

_MANY_BINS = 32
"""More rings than these are sparse without being asked for, for detectors of the usual size."""
_KINDS = ("scipy.sparse", "scipy.sparse.csr", "scipy.sparse.csc", "sparse.pydata", "sparse.pydata.GCXS")


def is_sparse(a: Any) -> bool:
    """Say whether an array is sparse: of SciPy, of pydata/sparse, or `SparseMasks`."""
    return not isinstance(a, np.ndarray) and hasattr(a, "todense")


def to_dense(a: Any) -> NDArray[Any]:
    """Give an array as a dense one."""
    return np.asarray(a.todense() if is_sparse(a) else a)


def to_sparse(a: Any, shape: Sequence[int] | None = None) -> Any:
    """Give an array as `sparse.COO`, in another shape if one is given."""
    import sparse  # type: ignore[import-untyped]

    if isinstance(a, SparseMasks):
        axes = np.unravel_index(a.pixel, a.shape[1:])
        made = _coo((a.mask, *axes), a.value, a.shape)
    else:
        made = sparse.as_coo(a)
    return made if shape is None else made.reshape(tuple(shape))


def _as_there(masks: SparseMasks) -> Any:
    """Give a stack as `sparse.COO` where that can be imported, as LiberTEM does; as it is elsewhere."""
    try:
        return to_sparse(masks)
    except ImportError:
        return masks


def radial_bins(
    centerX: float,  # noqa: N803 - what scripts say
    centerY: float,  # noqa: N803
    imageSizeX: int,  # noqa: N803
    imageSizeY: int,  # noqa: N803
    radius: float | None = None,
    radius_inner: float = 0,
    n_bins: int | None = None,
    normalize: bool = False,
    use_sparse: bool | str | None = None,
    dtype: DTypeLike | None = None,
) -> Any:
    """Rings; see `lamella.masks.radial_bins`. The names of kinds of sparse arrays mean True."""
    where = (centerX, centerY, imageSizeX, imageSizeY)
    sparse = True if isinstance(use_sparse, str) or (use_sparse is None and (n_bins or 0) > _MANY_BINS) else use_sparse
    masks = lamella.masks.radial_bins(*where, radius, radius_inner, n_bins, normalize, sparse, dtype)
    return _as_there(masks) if isinstance(masks, SparseMasks) else masks


def sparse_circular_multi_stack(
    mask_index: ArrayLike,
    centerX: ArrayLike,  # noqa: N803
    centerY: ArrayLike,  # noqa: N803
    imageSizeX: int,  # noqa: N803
    imageSizeY: int,  # noqa: N803
    radius: float,
) -> Any:
    """Many circles; see `lamella.masks.sparse_circular_multi_stack`."""
    masks = lamella.masks.sparse_circular_multi_stack(mask_index, centerX, centerY, imageSizeX, imageSizeY, radius)
    return _as_there(masks)


def sparse_template_multi_stack(
    mask_index: ArrayLike,
    offsetX: ArrayLike,  # noqa: N803
    offsetY: ArrayLike,  # noqa: N803
    template: ArrayLike,
    imageSizeX: int,  # noqa: N803
    imageSizeY: int,  # noqa: N803
) -> Any:
    """Many copies of a template; see `lamella.masks.sparse_template_multi_stack`."""
    where = (offsetX, offsetY, template, imageSizeX, imageSizeY)
    return _as_there(lamella.masks.sparse_template_multi_stack(mask_index, *where))


class MaskContainer:
    """Masks, made once and cut for tiles.

    Parameters
    ----------
    mask_factories
        A function that gives all masks, or several that give one each.
    dtype
        Dtype of the masks; theirs by default.
    use_sparse
        False for dense ones; True or the name of a kind for sparse ones; None for what the functions give.
    count
        Number of masks, where they should not be made just to find that out.
    backend
        Kind of arrays; only NumPy's.
    default_sparse
        What ``use_sparse=True`` means.
    """

    def __init__(
        self,
        mask_factories: Callable[[], Any] | Sequence[Callable[[], Any]],
        dtype: DTypeLike | None = None,
        use_sparse: bool | str | None = None,
        count: int | None = None,
        backend: str | None = None,
        default_sparse: str = "scipy.sparse",
    ) -> None:
        _check_kinds(use_sparse, default_sparse, backend)
        self.mask_factories = mask_factories
        self._dtype, self._count = dtype, count
        self._wanted, self._default = use_sparse, default_sparse
        self._cuts: dict[Any, Any] = {}

    def __len__(self) -> int:
        if self._count is not None:
            return self._count
        return len(self.mask_factories) if isinstance(self.mask_factories, Sequence) else len(self._stack)

    @cached_property
    def _stack(self) -> NDArray[Any] | SparseMasks:
        factories = self.mask_factories
        given = [factory() for factory in factories] if isinstance(factories, Sequence) else [factories()]
        stack: NDArray[Any] | SparseMasks
        if self._wanted is False or (self._wanted is None and not all(map(is_sparse, given))):
            dense = [to_dense(mask) for mask in given]
            stack = np.stack(dense) if isinstance(factories, Sequence) else dense[0]
        else:
            stack = _joined([_entries(mask) for mask in given])
        return stack if self._dtype is None else stack.astype(self._dtype)

    @property
    def dtype(self) -> Any:
        """Dtype of the masks."""
        return self._stack.dtype if self._dtype is None else self._dtype

    @property
    def use_sparse(self) -> Any:
        """The name of the kind of sparse arrays, or False."""
        if self._wanted is None or self._wanted is True:
            return self._default if isinstance(self._stack, SparseMasks) else False
        return self._wanted

    @cached_property
    def computed_masks(self) -> Any:
        """All masks, shape ``(n, *detector)``: an array, or `sparse.COO`."""
        return to_sparse(self._stack) if isinstance(self._stack, SparseMasks) else self._stack

    def get(
        self,
        key: Slice | SigBox,
        dtype: DTypeLike | None = None,
        sparse_backend: str | None = None,
        transpose: bool = True,
        backend: str | None = None,
    ) -> Any:
        """Give the part of the masks that belongs to a tile, detector axes in one.

        Parameters
        ----------
        key
            The tile, ``meta.slice``, or its part on the detector.
        dtype
            Dtype of the result; that of the masks by default.
        sparse_backend
            Kind of sparse arrays, instead of that of the container.
        transpose
            Give shape ``(pixels, n)`` instead of ``(n, pixels)``.
        backend
            Kind of arrays; only NumPy's.
        """
        _check_kinds(sparse_backend, self._default, backend)
        kind = (sparse_backend or self.use_sparse) if self.use_sparse else False
        n = len(self._stack.shape) - 1
        origin, shape = tuple(key.origin)[-n:], tuple(key.shape)[-n:]
        wanted = np.dtype(self.dtype if dtype is None else dtype)
        which = (origin, shape, wanted, kind, transpose)
        if which not in self._cuts:
            self._cuts[which] = self._cut(origin, shape, wanted, kind, transpose=transpose)
        return self._cuts[which]

    def _cut(self, origin: tuple[int, ...], shape: tuple[int, ...], dtype: Any, kind: Any, *, transpose: bool) -> Any:
        masks = self._stack
        if not isinstance(masks, SparseMasks):
            box = tuple(slice(start, start + length) for start, length in zip(origin, shape, strict=True))
            part = masks[(slice(None), *box)].reshape(len(masks), -1).astype(dtype)
            return part.T if transpose else part
        where = np.stack(np.unravel_index(masks.pixel, masks.shape[1:])) - np.array(origin)[:, np.newaxis]
        inside = ((where >= 0) & (where < np.array(shape)[:, np.newaxis])).all(axis=0)
        pixel = np.ravel_multi_index(tuple(where[:, inside]), shape)
        axes, size = (masks.mask[inside], pixel), (len(masks), math.prod(shape))
        return _of_kind(
            masks.value[inside].astype(dtype),
            axes[::-1] if transpose else axes,
            size[::-1] if transpose else size,
            kind,
        )

    def get_for_sig_slice(self, sig_slice: Slice | SigBox, *arguments: Any, **options: Any) -> Any:
        """Give the part of the masks in a part of the detector; see `get`."""
        return self.get(sig_slice, *arguments, **options)

    def get_for_idx(self, scheme: Sequence[Any], idx: int, *arguments: Any, **options: Any) -> Any:
        """Give the part of the masks in a box of a tiling scheme; see `get`."""
        return self.get(scheme[idx], *arguments, **options)


def _entries(a: Any) -> SparseMasks:
    """Give one mask or a stack of them as the entries that are not zero."""
    if isinstance(a, SparseMasks):
        return a
    coo: Any = a.tocoo() if hasattr(a, "tocoo") else a
    if isinstance(coo, np.ndarray):
        axes, values = np.nonzero(coo), coo[np.nonzero(coo)]
    else:
        axes, values = (tuple(coo.coords) if hasattr(coo, "coords") else (coo.row, coo.col)), coo.data
    n = len(coo.shape)
    number = axes[0] if n > 2 else np.zeros(len(values), np.int64)
    detector = coo.shape[1:] if n > 2 else coo.shape
    pixel = np.ravel_multi_index(tuple(axes[-len(detector) :]), detector)
    return SparseMasks((coo.shape[0] if n > 2 else 1, *detector), number, pixel, values)


def _joined(parts: Sequence[SparseMasks]) -> SparseMasks:
    """Give several stacks of masks as one."""
    first = np.cumsum([0, *map(len, parts)])
    return SparseMasks(
        (int(first[-1]), *parts[0].shape[1:]),
        np.concatenate([part.mask + start for part, start in zip(parts, first, strict=False)]),
        np.concatenate([part.pixel for part in parts]),
        np.concatenate([part.value for part in parts]),
    )


def _of_kind(values: NDArray[Any], axes: tuple[Any, Any], shape: tuple[int, int], kind: str) -> Any:
    """Give entries of a matrix as the kind of array that is wanted."""
    if kind.startswith("scipy"):
        from scipy import sparse as scipy_sparse  # type: ignore[import-untyped]

        make = scipy_sparse.csc_matrix if kind == "scipy.sparse.csc" else scipy_sparse.csr_matrix
        return make((values, axes), shape=shape)
    coo = _coo(axes, values, shape)
    return coo.asformat("gcxs") if kind == "sparse.pydata.GCXS" else coo


def _coo(axes: Sequence[NDArray[Any]], values: NDArray[Any], shape: Sequence[int]) -> Any:
    """Give entries as `sparse.COO`; sorted here, because there they would wait for a compiler."""
    import sparse

    order = np.lexsort(tuple(axes)[::-1])
    coords = np.stack(axes)[:, order]
    twice = bool((np.diff(coords, axis=1) == 0).all(axis=0).any())
    return sparse.COO(coords, values[order], shape=tuple(shape), has_duplicates=twice, sorted=True)


def _check_kinds(use_sparse: bool | str | None, default: str, backend: str | None) -> None:
    for kind in (use_sparse, default):
        if isinstance(kind, str) and kind not in _KINDS:
            text = f"{kind!r} is none of the kinds of sparse arrays: {', '.join(_KINDS)}"
            raise ParameterError(text, field="use_sparse")
    if backend not in (None, "numpy"):
        raise ParameterError(f"backend={backend!r}: Lamella has NumPy arrays only", field="backend")
