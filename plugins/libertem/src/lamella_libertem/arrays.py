"""Small helpers for shapes and arrays."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray

__all__ = [
    "cached_njit",
    "count_nonzero",
    "empty_aligned",
    "flat_nonzero",
    "make_2D_square",
    "prod",
    "reshaped_view",
    "zeros_aligned",
]


def prod(iterable: Iterable[int]) -> int:
    """Multiply whole numbers of any size.

    Raises
    ------
    ValueError
        If one of them is no whole number.
    """
    numbers = list(iterable)
    if any(not isinstance(number, int | np.integer | np.bool_) for number in numbers):
        raise ValueError(f"{numbers} are not all whole numbers")
    return math.prod(map(int, numbers))


def count_nonzero(array: Any) -> int:
    """Count what is not zero in a dense or sparse array."""
    return int(np.count_nonzero(_dense(array)))


def flat_nonzero(array: Any) -> NDArray[np.intp]:
    """Give the flat indices of what is not zero in a dense or sparse array."""
    return np.flatnonzero(_dense(array))


def make_2D_square(shape: Sequence[int]) -> tuple[int, ...]:  # noqa: N802 - its name there
    """Give a square for a shape with one axis, if its length is a square number; else the shape itself.

    Raises
    ------
    ValueError
        If lengths are no whole numbers.
    """
    side = math.isqrt(prod(shape))
    return (side, side) if len(shape) == 1 and side * side == shape[0] else tuple(shape)


def reshaped_view(a: NDArray[Any], shape: Sequence[int]) -> NDArray[Any]:
    """Give an array in another shape, without copying it.

    Raises
    ------
    AttributeError
        If that is not possible.
    """
    view = a.reshape(tuple(shape))
    if a.size and not np.shares_memory(a, view):
        raise AttributeError(
            f"an array of shape {a.shape} and strides {a.strides} cannot be viewed in shape {tuple(shape)}"
        )
    return view


def zeros_aligned(size: int | tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Give zeros."""
    return np.zeros(size, dtype)


def empty_aligned(size: int | tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Give an array that was not filled."""
    return np.empty(size, dtype)


def cached_njit(*arguments: Any, **options: Any) -> Any:
    """Compile a function as `numba.njit` does, and keep the machine code for other processes."""
    import numba

    return numba.njit(*arguments, **{"cache": True, **options})


def _dense(array: Any) -> ArrayLike:
    return array.todense() if hasattr(array, "todense") else array  # type: ignore[no-any-return]
