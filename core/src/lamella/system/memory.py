"""Memory: how much a process may address, and how the C library keeps what is given back."""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

__all__ = [
    "address_space",
    "address_space_left",
    "keep_freed_memory",
    "limit_address_space",
    "memory_size",
    "resident_size",
]

_LARGEST_KEPT = (32 << 20) - (64 << 10)
_STATM = Path("/proc/self/statm")


def address_space() -> int:
    """Give how much memory this process may address [bytes]: what the processor can, or what a limit leaves."""
    try:
        import resource
    except ImportError:  # Windows has no such limits
        return sys.maxsize
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return sys.maxsize if limit == resource.RLIM_INFINITY else int(limit)


def memory_size() -> int:
    """Give how much memory this process can have [bytes]: that of the machine, or what a limit leaves of it."""
    return min(_physical(), _group_limit(), address_space())


@cache
def _physical() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return _windows_memory() if sys.platform == "win32" else sys.maxsize


@cache
def _group_limit(root: Path = Path("/")) -> int:
    """Give the memory that containers and batch systems leave to the control group of this process [bytes]."""
    mounted = root / "sys/fs/cgroup"
    files = [mounted / "memory.max", mounted / "memory/memory.limit_in_bytes"]
    try:
        groups = (root / "proc/self/cgroup").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return sys.maxsize
    for line in groups.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            files.append(mounted / path.lstrip("/") / "memory.max")
        elif "memory" in controllers.split(","):
            files.append(mounted / "memory" / path.lstrip("/") / "memory.limit_in_bytes")
    limits = [int(text) for file in files if (text := _content(file)).isdecimal()]
    return min([limit for limit in limits if limit > 0], default=sys.maxsize)


def _content(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _windows_memory() -> int:
    kilobytes = ctypes.c_ulonglong()
    library: Any = getattr(ctypes, "windll").kernel32  # noqa: B009  # there on Windows only
    known = library.GetPhysicallyInstalledSystemMemory(ctypes.byref(kilobytes))
    return int(kilobytes.value) << 10 if known else sys.maxsize


def address_space_left() -> int:
    """Give how much of that is left [bytes]; where the system does not say what is used, nothing counts as used."""
    limit = address_space()
    if limit == sys.maxsize:
        return limit
    try:
        used = int(_STATM.read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        used = 0
    return max(0, limit - used)


def resident_size() -> int | None:
    """Give how much memory this process takes [bytes], with touched pages of mapped files; None if that is unknown."""
    try:
        return int(_STATM.read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def limit_address_space(extra: int) -> bool:
    """Let this process address at most ``extra`` more bytes than now, for good; gives whether the system does that."""
    if not _STATM.exists():
        return False
    import resource

    used = int(_STATM.read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limits = [used + extra, *(limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY)]
    resource.setrlimit(resource.RLIMIT_AS, (min(limits), hard))
    return True


@cache
def keep_freed_memory() -> None:
    """Let buffers and results of later runs lie in memory that this process has touched before.

    By default, glibc maps large arrays one by one and gives each back to the system when it dies, so that every new one
    costs a page fault for each 4 KiB: as long as a kernel takes for ten times that. When glibc sees that a large array
    died, it keeps arrays up to that size (32 MiB at most) from then on. So one dies here, whose pages were never
    touched. Other C libraries are not impressed, and nothing breaks.
    """
    np.empty(_LARGEST_KEPT, dtype=np.uint8)
