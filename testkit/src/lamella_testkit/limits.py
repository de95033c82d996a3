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

from lamella.kernels.library import nothing_compiled

__all__ = [
    "LOOK_AGAIN",
    "Others",
    "TookTooLong",
    "address_space",
    "bytes_read",
    "one_arena",
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
_ARENA_MAX = -8
"""The number of a parameter of `mallopt` of glibc: how many regions threads may take memory from."""
LOOK_AGAIN = 0.5
"""Time between two looks at other processes that a case waits for [s]."""
_MOST_TIMES = 20
"""How many times its limit a case may last that waits for other processes which do not get a processor."""


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


def one_arena() -> None:
    """Have all threads of this process take memory from one region; called before `address_space`, and before threads.

    Otherwise glibc tries to reserve 64 MiB for each thread. For a moment nothing is left of a small limit then, and
    libraries that do not expect that, such as libhdf5, end the process. Other C libraries have nothing to set.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)


@contextlib.contextmanager
def address_space(extra: int) -> Iterator[bool]:
    """Let the process take ``extra`` more bytes of address space; gives whether the platform enforces that.

    No compiler is loaded meanwhile: its libraries would count.
    """
    if not _limits_memory():
        yield False
        return
    import resource

    with nothing_compiled():
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

    The time that the thread waits for a processor does not count, where the system tells it. Other processes that it
    waits for may go on as long as they are at work, until they have used as much processor time again.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    began, waited = time.monotonic(), queued()
    others = Others(os.getpid(), seconds)

    def ring(number: int, frame: FrameType | None) -> None:
        passed = time.monotonic() - began - (queued() - waited)
        if passed < seconds - _SOON:
            signal.setitimer(signal.ITIMER_REAL, seconds - passed)
        elif others.go_on():
            signal.setitimer(signal.ITIMER_REAL, LOOK_AGAIN)
        else:
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


class Others:
    """Processes that a process has started, and that these have started, after a limit of time has passed.

    They may go on for the limit again, in processor time, as long as they are at work: as they run, or wait for a
    processor or a disk.

    Parameters
    ----------
    process
        The process that waits for them.
    limit
        The limit [s].
    """

    def __init__(self, process: int, limit: float) -> None:
        self._process = process
        self._limit = limit
        self._most: float | None = None
        self._idle = 0
        self._looks = 0

    def go_on(self) -> bool:
        """Look whether they may go on; False where nobody counts their time. To be asked every `LOOK_AGAIN` seconds."""
        family = _family(self._process) if _TASKS.exists() else []
        used = sum(spent for spent, _ in family) / os.sysconf("SC_CLK_TCK") if family else 0.0
        self._most = used + self._limit if self._most is None else self._most
        self._looks += 1
        self._idle = 0 if any(state in "RD" for _, state in family) else self._idle + 1
        # One that has just ended is idle, until the process that waits for it is told.
        over = self._idle > 1 or used > self._most or self._looks * LOOK_AGAIN > _MOST_TIMES * self._limit
        return bool(family) and not over


def _family(process: int) -> list[tuple[int, str]]:
    """Give processor time, with that of children that have ended, and state of all that a process has started."""
    facts: dict[int, tuple[int, str]] = {}
    started: dict[int, list[int]] = {}
    for entry in _PROCESSES.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                text = (entry / "stat").read_text(encoding="utf-8", errors="replace")
                state, parent, *rest = text[text.rindex(")") + 2 :].split()
                facts[int(entry.name)] = sum(map(int, rest[9:13])), state
                started.setdefault(int(parent), []).append(int(entry.name))
    found, left = [], list(started.get(process, ()))
    while left:
        one = left.pop()
        left += started.get(one, ())
        found.append(facts[one])
    return found


def open_descriptors() -> set[str] | None:
    """Give what the open file descriptors of this process point to, or None if that cannot be known."""
    if not _FD.exists():
        return None
    found = set()
    for entry in _FD.iterdir():
        with contextlib.suppress(OSError):
            found.add(f"{entry.name} -> {entry.readlink()}")
    return found
