"""Compiled loops or plain NumPy: which of the two decodes the next frames."""

from __future__ import annotations

import logging
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

    from numpy.typing import NDArray

__all__ = ["address", "kernels_for"]

WARM = 16 << 20
"""Bytes that a process decodes with NumPy before it uses compiled loops, if numba is there already."""
WORTH_IMPORTING = 256 << 20
"""Bytes after which the third of a second that it takes to import numba is worth it."""

_log = logging.getLogger(__name__)
_decoded = 0


def kernels_for(nbytes: int) -> ModuleType | None:
    """Give the compiled loops for decoding another ``nbytes`` of pixels, None if NumPy is the better choice.

    Opening a file and looking at some frames never waits for a compiler; streaming a scan never does without.
    """
    global _decoded
    _decoded += nbytes
    if _decoded < (WARM if "numba" in sys.modules else WORTH_IMPORTING):
        return None
    return _kernels()


@cache
def _kernels() -> ModuleType | None:
    try:
        from lamella.codecs import kernels
    except ImportError as error:
        _log.warning("numba cannot be imported (%s); frames are decoded with NumPy, which is slower", error)
        return None
    return kernels


def address(array: NDArray[Any], unit: int = 1) -> int | None:
    """Give where an array begins in memory, for a kernel that goes through it by its strides.

    None if the items of a row do not lie side by side, or if rows do not begin at multiples of ``unit`` bytes, a
    power of two; NumPy can handle that, kernels cannot.
    """
    strides = array.strides
    begin: int = array.ctypes.data
    bits = begin
    for stride in strides[:-1]:
        bits |= stride
    return None if bits & (unit - 1) or strides[-1] != array.itemsize else begin
