"""Dtypes in which sums are exact, or as good as double precision makes them."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["sum_dtype"]


def sum_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Give the dtype for sums: 64-bit integers for whole numbers, double precision for the others."""
    wide = {"b": np.uint64, "u": np.uint64, "i": np.int64, "f": np.float64, "c": np.complex128}
    return np.result_type(dtype, wide[dtype.kind]) if dtype.kind in wide else dtype
