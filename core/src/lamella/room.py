"""How much memory a process may address, where somebody limits that."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["address_space", "address_space_left"]

_STATM = Path("/proc/self/statm")


def address_space() -> int:
    """Give how much memory this process may address [bytes]: what the processor can, or what a limit leaves."""
    try:
        import resource
    except ImportError:  # Windows has no such limits
        return sys.maxsize
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return sys.maxsize if limit == resource.RLIM_INFINITY else int(limit)


def address_space_left() -> int:
    """Give how much of that is left [bytes]; where the system does not say what is used, nothing counts as used."""
    limit = address_space()
    if limit == sys.maxsize:
        return limit
    try:
        used = int(_STATM.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        used = 0
    return max(0, limit - used)
