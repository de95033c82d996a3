"""Compiled loops or plain NumPy: which of the two decodes the next frames."""

from __future__ import annotations

import logging
import sys
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

if TYPE_CHECKING:
    from types import ModuleType

    from numpy.typing import NDArray

__all__ = ["Flat", "flatten", "kernels_for", "read_only", "words_of"]

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


class Flat(NamedTuple):
    """An array as kernels like it: all its memory in one dimension, the first element, and two strides [elements]."""

    memory: NDArray[Any]
    first: int
    outer: int
    inner: int


def flatten(array: NDArray[Any]) -> Flat | None:
    """Give the memory of an array of shape ``(n, rows, width)``, of which the last axis is contiguous.

    Rows may lie apart and in any order. None if the items are not aligned, which NumPy can handle and kernels cannot.
    """
    outer, inner, item = array.strides
    if item != array.itemsize or outer % item or inner % item or not array.flags.aligned:
        return None
    n, rows, width = array.shape
    upwards = array[:: -1 if outer < 0 else 1, :: -1 if inner < 0 else 1]
    reach_outer, reach_inner = (n - 1) * outer // item, (rows - 1) * inner // item
    size = abs(reach_outer) + abs(reach_inner) + width
    memory = as_strided(upwards, (size,), (item,), writeable=array.flags.writeable)
    return Flat(memory, max(0, -reach_outer) + max(0, -reach_inner), outer // item, inner // item)


def words_of(array: NDArray[Any]) -> NDArray[np.uint64] | None:
    """Give C-contiguous memory as 64-bit words, or None if it is not aligned for that."""
    words = array.reshape(-1).view(np.uint64)
    return words if words.flags.aligned else None


def read_only(stored: NDArray[Any]) -> NDArray[Any]:
    """Give a view that nothing can be written to, so that kernels see one type whatever the memory."""
    view = stored.view()
    view.flags.writeable = False
    return view
