"""The compiled version of a kernel, which is right."""

from __future__ import annotations

from typing import Any

from numba import njit


@njit(nogil=True)
def invert(source: Any, target: Any) -> None:
    """Invert all bits."""
    for i in range(len(source)):
        target[i] = source[i] ^ 0xFF
