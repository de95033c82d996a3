"""Dark frame, gain map and excluded pixels: ``(x - dark) * gain``, then bad pixels from their good neighbours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np

from lamella.errors import ParameterError

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from lamella.corrections.deadpixels import Patches, PatchPlan
    from lamella.geometry.pixelorder import ItemOrder
    from lamella.geometry.shape import SigBox

__all__ = ["Corrections"]

_KEPT_PLANS = 1024

K = TypeVar("K")
T = TypeVar("T")


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Corrections:
    """What to do to pixels before anything is computed from them: ``(x - dark) * gain``, then excluded pixels.

    An excluded pixel becomes the mean of the pixels in its 3 x 3 neighbourhood (3 along each detector axis) that are
    not excluded themselves. Made from what a user has with `Corrections.of`; `Corrections()` corrects nothing and
    is false.

    Parameters
    ----------
    dark
        Frame to subtract, of the shape of the detector.
    gain
        Map to multiply with, of the shape of the detector.
    excluded
        True at the pixels to replace, of the shape of the detector.
    allow_empty
        Leave an excluded pixel without any good neighbour as it is, instead of refusing it.
    grid
        Detector shape in which pixels are neighbours, where frames are presented in another shape.

    Raises
    ------
    ParameterError
        If shapes differ, an array is not made of real numbers, or an excluded pixel has no good neighbour.

    Examples
    --------
    >>> from lamella.reader import SigBox
    >>> corrections = Corrections.of((3, 3), dark=np.ones((3, 3)), excluded=[(1, 1)])
    >>> tile = np.arange(9, dtype=np.float32).reshape(1, 3, 3)
    >>> tile[0, 1, 1] = 1000
    >>> corrections.apply(tile, SigBox.full((3, 3)))
    >>> float(tile[0, 1, 1])
    3.0
    """

    dark: NDArray[Any] | None = None
    gain: NDArray[Any] | None = None
    excluded: NDArray[np.bool_] | None = None
    allow_empty: bool = False
    grid: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("dark", "gain", "excluded"):
            object.__setattr__(self, name, _plane(getattr(self, name), name))
        if self.excluded is not None and not self.excluded.any():
            object.__setattr__(self, "excluded", None)
        shapes = {name: plane.shape for name, plane in self._planes().items()}
        if len(set(shapes.values())) > 1:
            listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
            raise ParameterError(f"shapes differ: {listed}. All must have the shape of the detector", field=_FIELD)
        if self.excluded is not None and not self.allow_empty:
            self._refuse_hopeless(self.excluded)

    @classmethod
    def of(
        cls,
        sig_shape: Sequence[int],
        *,
        dark: object = None,
        gain: object = None,
        excluded: object = None,
        allow_empty: bool = False,
    ) -> Self:
        """Make corrections from what a user has.

        Parameters
        ----------
        sig_shape
            Shape of the detector, ``ds.shape.sig``.
        dark, gain
            Anything that NumPy takes for an array of shape ``sig_shape``.
        excluded
            A mask of shape ``sig_shape`` (an array, SciPy sparse or pydata/sparse, excluded where not zero), or a
            list of pixel indices, shape ``(n, len(sig_shape))``.
        allow_empty
            Leave an excluded pixel without any good neighbour as it is, instead of refusing it.

        Raises
        ------
        ParameterError
            If something does not fit the detector.

        Examples
        --------
        >>> Corrections.of((256, 256), gain=np.full((256, 256), 0.5), excluded=[(3, 4), (200, 17)])
        <Corrections of (256, 256): gain float64, 2 excluded pixels>
        """
        shape = tuple(int(n) for n in sig_shape)
        mask = None if excluded is None else _mask(excluded, shape)
        made = cls(dark=_array(dark), gain=_array(gain), excluded=mask, allow_empty=allow_empty)
        return made.checked(shape)

    def checked(self, sig_shape: Sequence[int]) -> Self:
        """Give these corrections, for a detector of ``sig_shape``.

        Raises
        ------
        ParameterError
            If they have another shape.
        """
        shape = self.sig_shape
        if shape is not None and shape != tuple(sig_shape):
            names = " and ".join(self._planes())
            raise ParameterError(
                f"{names} of shape {shape} do not fit frames of shape {tuple(sig_shape)}", field=_FIELD
            )
        return self

    def reshape(self, sig_shape: Sequence[int]) -> Self:
        """Give the same corrections for frames presented in another shape; neighbours stay those of the detector.

        Raises
        ------
        ParameterError
            If the number of pixels differs.
        """
        shape, wanted = self.sig_shape, tuple(int(n) for n in sig_shape)
        if shape is None or shape == wanted:
            return self
        if math.prod(shape) != math.prod(wanted):
            raise ParameterError(f"shape {shape} cannot be presented as {wanted}", field=_FIELD)
        planes = {name: plane.reshape(wanted) for name, plane in self._planes().items()}
        return replace(self, **planes, grid=self.grid or shape)  # type: ignore[arg-type]

    @property
    def sig_shape(self) -> tuple[int, ...] | None:
        """The shape of the detector, None if there is nothing to correct."""
        return next((plane.shape for plane in self._planes().values()), None)

    def result_dtype(self, dtype: DTypeLike) -> np.dtype[Any]:
        """Give the floating point dtype in which pixels stored as ``dtype`` are corrected.

        That is what NumPy gives for ``dtype`` with float32: float32 for integers of up to 16 bits and for float32,
        float64 for anything wider, so that no stored value is rounded.
        """
        return np.result_type(np.dtype(dtype), np.float32)

    def reach(self, box: SigBox) -> SigBox:
        """Give ``box``, enlarged by the pixels from which excluded pixels inside it are patched."""
        if self.excluded is None:
            return box
        wide = self._reaches.get(box)
        if wide is None:
            wide = _remember(self._reaches, box, self._patches.reach(box))
        return wide

    def apply(self, tile: NDArray[Any], box: SigBox) -> None:
        """Correct pixels in place.

        Parameters
        ----------
        tile
            Floating point pixels, shape ``(n, *box.shape)``, which nobody else uses.
        box
            The part of the detector, as given by `reach`. An excluded pixel whose neighbours are not all inside
            lies in the margin that `reach` added, and is left alone.

        Raises
        ------
        ParameterError
            If the tile holds integers, which cannot hold the result.
        """
        if tile.dtype.kind not in "fc":
            raise ParameterError(
                f"corrected pixels are floating point, {tile.dtype} cannot hold them. "
                "Ask for float32, or give corrections=Corrections() to get the stored values",
                field=_FIELD,
            )
        inside = box.slices
        if self.dark is not None:
            tile -= self._cast("dark", self.dark, tile.dtype)[inside]
        if self.gain is not None:
            tile *= self._cast("gain", self.gain, tile.dtype)[inside]
        self._patch(tile, box)

    def correct(self, stored: NDArray[Any], tile: NDArray[Any], box: SigBox) -> None:
        """Convert and correct pixels in one pass: `apply` on a copy of ``stored`` in the dtype of ``tile``.

        Parameters
        ----------
        stored
            Pixels as they are, shape ``(n, *box.shape)``; not changed.
        tile
            Where corrected pixels go, C-contiguous, of the same shape.
        box
            The part of the detector, as given by `reach`.
        """
        affine = self.dark is not None or self.gain is not None
        if not affine or not stored[:1].flags.c_contiguous or tile.dtype not in (np.float32, np.float64):
            np.copyto(tile, stored, casting="unsafe")
            self.apply(tile, box)
            return
        from lamella.kernels.builtin import correct_rows  # slow to import, and not needed to open a file

        rows = (len(tile), box.size)
        correct_rows(stored.reshape(rows), (), *self._affine(box, tile.dtype), tile.reshape(rows))
        self._patch(tile, box)

    @property
    def pixel_by_pixel(self) -> bool:
        """Whether each pixel is corrected by what is known of it alone, so that `correct_items` can be used."""
        return self.excluded is None

    def correct_items(
        self, rows: NDArray[Any], swapped: tuple[int, ...], tile: NDArray[Any], order: ItemOrder | None, first: int
    ) -> None:
        """Convert and correct items in the order in which they are stored.

        Parameters
        ----------
        rows
            Items as they are, shape ``(n, n_items)``; not changed.
        swapped
            ``(1,)`` if their bytes are in the other order, ``()`` if not.
        tile
            Where corrected items go, C-contiguous, of the same shape, float32 or float64.
        order
            Which pixel each item is; None if they are in C order.
        first
            Number of the first item.
        """
        key = id(order), first, tile.shape[1], tile.dtype
        known = self._items.get(key)
        if known is None:
            end = first + tile.shape[1]
            dark, gain = np.zeros(end - first, tile.dtype), np.ones(0, tile.dtype)
            if self.dark is not None:
                dark = _cut(self._cast("dark", self.dark, tile.dtype), order, first, end)
            if self.gain is not None:
                gain = _cut(self._cast("gain", self.gain, tile.dtype), order, first, end)
            known = _remember(self._items, key, (order, dark, gain))  # holding the order keeps its id from others
        from lamella.kernels.builtin import correct_rows

        correct_rows(rows, swapped, *known[1:], tile)

    def _affine(self, box: SigBox, dtype: np.dtype[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Give dark and gain inside a box as contiguous rows; no gain as a row without elements."""
        rows = self._rows.get((box, dtype))
        if rows is None:
            dark = np.zeros(box.size, dtype) if self.dark is None else self._row("dark", self.dark, box, dtype)
            gain = np.ones(0, dtype) if self.gain is None else self._row("gain", self.gain, box, dtype)
            rows = _remember(self._rows, (box, dtype), (dark, gain))
        return rows

    def _row(self, name: str, plane: NDArray[Any], box: SigBox, dtype: np.dtype[Any]) -> NDArray[Any]:
        return np.ascontiguousarray(self._cast(name, plane, dtype)[box.slices]).reshape(-1)

    def _patch(self, tile: NDArray[Any], box: SigBox) -> None:
        if self.excluded is None:
            return
        plan = self._plans.get(box)
        if plan is None:
            plan = _remember(self._plans, box, self._patches.plan(box))
        plan.apply(tile)

    @cached_property
    def digest(self) -> str:
        """A key for caches, which changes with the content."""
        import hashlib

        key = hashlib.sha256(repr((self.allow_empty, self.grid)).encode())
        for name, plane in self._planes().items():
            key.update(f"{name} {plane.dtype.str} {plane.shape}".encode())
            key.update(np.ascontiguousarray(plane).tobytes())
        return key.hexdigest()

    def __bool__(self) -> bool:
        return bool(self._planes())

    def __repr__(self) -> str:
        parts = [f"{name} {plane.dtype}" for name, plane in self._planes().items() if name != "excluded"]
        if self.excluded is not None:
            parts.append(f"{np.count_nonzero(self.excluded)} excluded pixels")
        return f"<Corrections of {self.sig_shape}: {', '.join(parts)}>" if parts else "<Corrections: none>"

    def __getstate__(self) -> dict[str, Any]:
        return {item.name: getattr(self, item.name) for item in fields(self)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)

    def _planes(self) -> dict[str, NDArray[Any]]:
        planes = {"dark": self.dark, "gain": self.gain, "excluded": self.excluded}
        return {name: plane for name, plane in planes.items() if plane is not None}

    def _refuse_hopeless(self, excluded: NDArray[np.bool_]) -> None:
        hopeless = self._patches.hopeless
        if not hopeless.size:
            return
        first = tuple(int(i) for i in np.unravel_index(int(hopeless[0]), excluded.shape))
        raise ParameterError(
            f"{hopeless.size} of {np.count_nonzero(excluded)} excluded pixels have no good neighbour to be patched "
            f"from, the first is {first}. Exclude fewer pixels, or give allow_empty=True to leave those as they are",
            field=_FIELD,
        )

    # What is worked out once: casts for each dtype, patches for each box.

    @cached_property
    def _casts(self) -> dict[tuple[str, np.dtype[Any]], NDArray[Any]]:
        return {}

    def _cast(self, name: str, plane: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
        cast = self._casts.get((name, dtype))
        if cast is None:
            real = np.dtype(dtype.char.lower()) if dtype.kind == "c" else dtype
            cast = self._casts[name, dtype] = plane.astype(real)
        return cast

    @cached_property
    def _patches(self) -> Patches:
        from lamella.corrections.deadpixels import Patches

        assert self.excluded is not None
        return Patches.of(self.excluded, self.grid or self.excluded.shape)

    @cached_property
    def _reaches(self) -> dict[SigBox, SigBox]:
        return {}

    @cached_property
    def _rows(self) -> dict[tuple[SigBox, np.dtype[Any]], tuple[NDArray[Any], NDArray[Any]]]:
        return {}

    @cached_property
    def _items(self) -> dict[tuple[int, int, int, np.dtype[Any]], tuple[ItemOrder | None, NDArray[Any], NDArray[Any]]]:
        return {}

    @cached_property
    def _plans(self) -> dict[SigBox, PatchPlan]:
        return {}


_FIELD = "corrections"


def _cut(plane: NDArray[Any], order: ItemOrder | None, first: int, end: int) -> NDArray[Any]:
    flat = plane.reshape(1, -1)
    return np.ascontiguousarray(flat[0, first:end]) if order is None else order.take(flat, first, end)[0]


def _remember(kept: dict[K, T], key: K, made: T) -> T:
    if len(kept) >= _KEPT_PLANS:
        kept.clear()
    kept[key] = made
    return made


def _array(value: object) -> NDArray[Any] | None:
    if value is None:
        return None
    for method in ("toarray", "todense"):
        if hasattr(value, method):
            return np.asarray(getattr(value, method)())
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ParameterError(f"not an array ({error})", field=_FIELD) from error


def _plane(value: NDArray[Any] | None, name: str) -> NDArray[Any] | None:
    """Give a read-only view of one of the arrays, after a look at its dtype."""
    if value is None:
        return None
    plane = np.asarray(value).view()
    if name == "excluded" and plane.dtype != np.bool_:
        raise ParameterError(f"excluded is a boolean array, found {plane.dtype}", field=_FIELD)
    if plane.dtype.kind not in "buif":
        raise ParameterError(f"{name} holds real numbers, found {plane.dtype}", field=_FIELD)
    if plane.ndim == 0:
        raise ParameterError(f"{name} has the shape of the detector, found a single number", field=_FIELD)
    plane.setflags(write=False)
    return plane


def _mask(excluded: object, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Turn a mask of any kind, or a list of pixels, into a boolean array."""
    given = _array(excluded)
    assert given is not None
    if given.dtype == np.bool_ or given.shape == shape:
        return given.astype(np.bool_)
    mask = np.zeros(shape, dtype=np.bool_)
    if given.size == 0:
        return mask
    if given.dtype.kind not in "iu" or given.ndim != 2 or given.shape[1] != len(shape):
        raise ParameterError(
            f"excluded is a mask of shape {shape} or a list of pixels with {len(shape)} integers each, "
            f"found {given.dtype} of shape {given.shape}",
            field=_FIELD,
        )
    outside = ((given < 0) | (given >= np.array(shape))).any(axis=1)
    if outside.any():
        pixel = tuple(given[int(np.argmax(outside))].tolist())
        raise ParameterError(f"excluded pixel {pixel} lies outside frames of shape {shape}", field=_FIELD)
    mask[tuple(given.T)] = True
    return mask
