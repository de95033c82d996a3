"""What pixels are at scan positions without a frame: a value that their dtype has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import ParameterError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["fill_value"]


def fill_value(fill: object, dtype: np.dtype[Any], *, remedy: str = "") -> NDArray[Any]:
    """Give a value as pixels hold it: rounded for floating point, exact for whole numbers.

    Parameters
    ----------
    fill
        A number.
    dtype
        Dtype of the pixels.
    remedy
        What a user can do about a value that does not fit; a sentence without its full stop.

    Raises
    ------
    ParameterError
        If the dtype has no such value.

    Examples
    --------
    >>> fill_value(7.0, np.dtype("u1"))
    array(7, dtype=uint8)
    """
    value = _held(fill, dtype)
    if value is None:
        text = f"expected a value of dtype {dtype}, found {fill!r}"
        raise ParameterError(f"{text}. {remedy}" if remedy else text, field="fill")
    return value


def _held(fill: object, dtype: np.dtype[Any]) -> NDArray[Any] | None:
    try:
        given = np.asarray(fill)
    except ValueError:
        return None
    if given.ndim or given.dtype.kind not in "biufc":
        return None
    if given.dtype.kind == "c" and dtype.kind != "c":
        if given.imag != 0:
            return None
        given = given.real
    with np.errstate(all="ignore"):
        value = given.astype(dtype)
    if dtype.kind in "fc" and not np.isfinite(given):
        return value
    fits = np.isfinite(value) if dtype.kind in "fc" else value == given
    return value if fits else None
