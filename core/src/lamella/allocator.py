"""Memory that is used again and again: the C library is told once to keep what is given back."""

from __future__ import annotations

from functools import cache

import numpy as np

__all__ = ["keep_freed_memory"]

_LARGEST_KEPT = (32 << 20) - (64 << 10)


@cache
def keep_freed_memory() -> None:
    """Let buffers and results of later runs lie in memory that this process has touched before.

    By default, glibc maps large arrays one by one and gives each back to the system when it dies, so that every new one
    costs a page fault for each 4 KiB: as long as a kernel takes for ten times that. When glibc sees that a large array
    died, it keeps arrays up to that size (32 MiB at most) from then on. So one dies here, whose pages were never
    touched. Other C libraries are not impressed, and nothing breaks.
    """
    np.empty(_LARGEST_KEPT, dtype=np.uint8)
