"""Limits on time and memory of the code under test, and readings of what it used; what the platform allows."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

__all__ = [
    "TookTooLong",
    "address_space",
    "bytes_read",
    "open_descriptors",
    "queued",
    "resident_peak",
    "supported",
    "wall_clock",
]

_STATM = Path("/proc/self/statm")
_IO = Path("/proc/self/io")
_FD = Path("/proc/self/fd")
_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")
_TASKS = Path("/proc/self/task")
_PROCESSES = Path("/proc")
_SOON = 0.01  # seconds


class TookTooLong(BaseException):
    """The wall-clock limit of a case has passed; not an Exception, so that the code under test does not catch it."""


def supported() -> dict[str, bool]:
    """Say which limits and readings this platform has, for the report."""
    return {
        "address space": _limits_memory(),
        "wall clock": hasattr(signal, "setitimer"),
        "bytes read": _IO.exists(),
        "descriptors": _FD.exists(),
    }


def _limits_memory() -> bool:
    return sys.platform == "linux" and _STATM.exists()


@contextlib.contextmanager
def address_space(extra: int) -> Iterator[bool]:
    """Let the process take ``extra`` more bytes of address space; gives whether the platform enforces that."""
    if not _limits_memory():
        yield False
        return
    import resource

    present = int(_STATM.read_text(encoding="utf-8").split()[0]) * os.sysconf("SC_PAGE_SIZE")
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (present + extra, before[1]))
    try:
        yield True
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@contextlib.contextmanager
def resident_peak() -> Iterator[Callable[[], int | None]]:
    """Give what tells how many more bytes of memory the process had at once than at the beginning.

    What is asked for and never touched does not count. None where the system does not tell.
    """
    if not _RESET.exists():
        yield lambda: None
        return
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)  # what was given back before would be taken unseen
    before = _resident("VmRSS:")
    _RESET.write_text("5", encoding="utf-8")
    yield lambda: _resident("VmHWM:") - before


def _resident(key: str) -> int:
    status = _STATUS.read_text(encoding="utf-8")
    return int(status[status.index(key) :].split(maxsplit=2)[1]) << 10


@contextlib.contextmanager
def wall_clock(seconds: float) -> Iterator[None]:
    """Raise `TookTooLong` in the body once the time is over, where the platform and the thread allow that.

    The time that the thread waits for a processor does not count, where the system tells it.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    began, waited = time.monotonic(), queued()

    def ring(number: int, frame: FrameType | None) -> None:
        left = seconds - (time.monotonic() - began - (queued() - waited))
        if left > _SOON:
            signal.setitimer(signal.ITIMER_REAL, left)
            return
        raise TookTooLong(f"still running after {seconds:g} s")

    handler = signal.signal(signal.SIGALRM, ring)
    left, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, left)
        signal.signal(signal.SIGALRM, handler)


def bytes_read() -> int | None:
    """Give the number of bytes that this process has read from files so far, or None if that cannot be known."""
    if not _IO.exists():
        return None
    text = _IO.read_text(encoding="utf-8")
    return int(text.split(maxsplit=2)[1])


def queued(process: int | None = None) -> float:
    """Give how long this thread, or the first of a process, waited for a processor [s]; 0 where nobody counts that."""
    place = _TASKS / str(threading.get_native_id()) if process is None else _PROCESSES / str(process)
    try:
        return int((place / "schedstat").read_text().split()[1]) * 1e-9
    except (OSError, IndexError, ValueError):
        return 0.0


def open_descriptors() -> set[str] | None:
    """Give what the open file descriptors of this process point to, or None if that cannot be known."""
    if not _FD.exists():
        return None
    found = set()
    for entry in _FD.iterdir():
        with contextlib.suppress(OSError):
            found.add(f"{entry.name} -> {entry.readlink()}")
    return found
