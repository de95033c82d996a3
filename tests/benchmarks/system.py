"""What only the operating system knows: memory and processor time of processes, and what the page cache holds.

All of it is for Linux; elsewhere memory is None and the page cache cannot be emptied, and the report says so.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import platform
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

_PROC = Path("/proc")
LINUX = sys.platform == "linux"


def family(pid: int) -> list[int]:
    """Give a process and all that it started, directly or not."""
    if not LINUX:
        return [pid]
    found = [pid]
    for one in found:
        for task in _listed(_PROC / str(one) / "task"):
            found += [int(child) for child in _read(task / "children").split()]
    return found


def anonymous_mb(pids: Iterable[int]) -> float:
    """Give the memory [MB] that processes have to themselves: neither mapped files nor what they share; Linux only."""
    total = 0
    for pid in pids:
        for line in _read(_PROC / str(pid) / "status").splitlines():
            if line.startswith("RssAnon:"):
                total += int(line.split()[1])
    return total * 1024 / 1e6


def cpu_seconds(pids: Iterable[int]) -> float:
    """Give the processor time that processes have had, in steps of 10 ms."""
    ticks = 0
    for pid in pids:
        fields = _read(_PROC / str(pid) / "stat").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12]) if fields else 0
    return ticks / os.sysconf("SC_CLK_TCK") if LINUX else 0.0


def drop_from_cache(paths: Iterable[str]) -> str | None:
    """Drop files from the page cache; gives None, or why it did not work."""
    if not hasattr(os, "posix_fadvise"):
        return f"{platform.system()} has no way to drop a file from the page cache"
    for path in paths:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)  # what is not on the disk yet cannot be dropped
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(handle)
        held = cached_share(path)
        if held > 0.02:
            return f"{held:.0%} of {Path(path).name} stays in the page cache"
    return None


def cached_share(path: str) -> float:
    """Give how much of a file the page cache holds, from 0 to 1."""
    size = Path(path).stat().st_size
    if not size:
        return 0.0
    with Path(path).open("rb") as file, mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as mapped:
        pages = -(-size // mmap.PAGESIZE)
        flags = np.zeros(pages, dtype=np.uint8)
        view = np.frombuffer(mapped, dtype=np.uint8)
        address = ctypes.c_void_p(view.ctypes.data)
        failed = ctypes.CDLL(None, use_errno=True).mincore(
            address, ctypes.c_size_t(size), ctypes.c_void_p(flags.ctypes.data)
        )
        del view
    if failed:
        raise OSError(ctypes.get_errno(), "mincore")
    return float((flags & 1).mean())


def machine() -> dict[str, Any]:
    """Describe the machine."""
    names = [line.partition(":")[2].strip() for line in _read(_PROC / "cpuinfo").splitlines() if "model name" in line]
    memory = [int(line.split()[1]) for line in _read(_PROC / "meminfo").splitlines() if line.startswith("MemTotal")]
    return {
        "processor": names[0] if names else platform.processor(),
        "processors": os.cpu_count(),
        "memory_gb": round(memory[0] / 1e6, 1) if memory else None,
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def load() -> float | None:
    """Give how many processes wanted to run in the last minute, on average."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # the process has ended
        return ""


def _listed(path: Path) -> list[Path]:
    try:
        return list(path.iterdir())
    except OSError:
        return []
