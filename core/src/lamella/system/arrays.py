"""What objects that are arrays, and more, give to NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

__all__ = ["as_array"]


def as_array(values: Any, dtype: DTypeLike | None, copy: bool | None) -> NDArray[Any]:
    """Give what ``__array__`` gives: a copy only if one is needed or wanted; NumPy 1 knows no None."""
    return np.asarray(values, dtype=dtype) if copy is None else np.array(values, dtype=dtype, copy=copy)
