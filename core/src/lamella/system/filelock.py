"""A lock among the processes of a machine, by a file that stays; the system lifts it when its holder ends."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

__all__ = ["Acquired", "FileLock"]

_POLL = 0.1


class Acquired(NamedTuple):
    """How taking a lock ended."""

    held: bool
    """Whether it is held now; false also where the file cannot be made or the system has no locks there."""
    waited: bool
    """Whether another process held it."""


class FileLock:
    """A lock that at most one process holds.

    The file means nothing by itself: it is locked through the system, so that one whose holder was killed is free. For
    one thread.

    Parameters
    ----------
    path
        Where the file is, or will be; its folder must exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None
        self._holder = 0

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._file is not None

    def acquire(self, timeout: float, given_up: Callable[[], bool] = bool) -> Acquired:
        """Take the lock, and wait for it.

        Parameters
        ----------
        timeout
            How long to wait at most [s].
        given_up
            Asked while waiting; ends it when true.
        """
        deadline = time.monotonic() + timeout
        waited = False
        try:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError:
            return Acquired(False, False)
        while True:
            try:
                _lock(file)
            except BlockingIOError:
                waited = True
            except OSError:
                break
            else:
                self._file, self._holder = file, os.getpid()
                return Acquired(True, waited)
            if time.monotonic() > deadline or given_up():
                break
            time.sleep(_POLL)
        os.close(file)
        return Acquired(False, waited)

    def release(self) -> None:
        """Give the lock back, if it is held; in a process that was forked, leave it to the parent."""
        file, self._file = self._file, None
        if file is None:
            return
        with contextlib.suppress(OSError):
            if self._holder == os.getpid():
                _unlock(file)
        with contextlib.suppress(OSError):
            os.close(file)


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        """Lock the first byte; raises `BlockingIOError` if another holds it."""
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(*error.args) from None

    def _unlock(file: int) -> None:
        """Unlock the first byte."""
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)

elif find_spec("fcntl") is None:

    def _lock(file: int) -> None:
        """Say that this system has no locks."""
        raise OSError(errno.ENOSYS, "this system has no locks")

    def _unlock(file: int) -> None:
        """Do nothing: nothing is locked."""

else:
    import fcntl

    def _lock(file: int) -> None:
        """Lock the file; raises `BlockingIOError` if another holds it."""
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(file: int) -> None:
        """Unlock the file, also for a process that was forked a moment ago and has it open without knowing of it."""
        fcntl.flock(file, fcntl.LOCK_UN)
