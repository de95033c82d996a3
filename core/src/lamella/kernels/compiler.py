"""Whether there is a compiler: numba is optional, and everything works without it, more slowly."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec

__all__ = ["REMEDY", "WITHOUT", "is_installed"]

REMEDY = "pip install numba"
WITHOUT = f"numba is not installed, so kernels run in NumPy, several times slower: {REMEDY}"
"""What users are told."""


@lru_cache(maxsize=1)
def is_installed() -> bool:
    """Look for numba, without importing it."""
    try:
        return find_spec("numba") is not None
    except (ImportError, ValueError):  # somebody put something else in its place
        return False
