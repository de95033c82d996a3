"""A time limit for opening: a file or a disk that never answers holds up nobody else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from lamella.errors import LamellaError

__all__ = ["OPEN_SECONDS", "NotOpenedInTime", "OpenLimit"]

OPEN_SECONDS = 60.0
"""How long a page waits for a file by default [s]."""
_MOST = 8
T = TypeVar("T")


class NotOpenedInTime(LamellaError):
    """A file did not answer in time; the sentence says which file, how long, and what to do."""


class OpenLimit:
    """Runs what reads a file in a thread of its own, and waits for it no longer than a limit.

    A thread cannot be ended from outside. One that takes too long is left alone, and what it gives later is dropped.
    As long as it hangs, the same file is refused at once, so that asking again makes no further thread hang.

    Parameters
    ----------
    seconds
        How long is waited at most [s].
    most
        Threads at a time at most, with those that hang.
    """

    def __init__(self, seconds: float = OPEN_SECONDS, most: int = _MOST) -> None:
        self.seconds = seconds
        self._most = most
        self._lock = threading.Lock()
        self._running: list[_Try] = []

    def run(self, file: str, work: Callable[[], T]) -> T:
        """Give the result of some work.

        Parameters
        ----------
        file
            What the sentence calls the file.
        work
            Reads the file.

        Raises
        ------
        NotOpenedInTime
            If it takes too long, the same file still hangs from before, or too many do.
        """
        one = _Try(file, work)
        with self._lock:
            if any(other.given_up and other.file == file for other in self._running):
                raise NotOpenedInTime(f"{file} still does not answer: {self._remedy}")
            if len(self._running) >= self._most:
                raise NotOpenedInTime(
                    f"{file} was not opened, because {self._most} others are being opened and do not answer yet: wait, "
                    "or end lamella gui and start it again"
                )
            self._running.append(one)
        threading.Thread(target=self._try, args=(one,), name="lamella-open", daemon=True).start()
        if not one.done.wait(self.seconds):
            with self._lock:
                one.given_up = not one.done.is_set()
        if one.given_up:
            raise NotOpenedInTime(f"{file} did not open within {self.seconds:g} s, so it was given up: {self._remedy}")
        if one.error is not None:
            try:
                raise one.error
            finally:
                del one  # else the error would hold what holds the error
        result: T = one.result
        return result

    @property
    def _remedy(self) -> str:
        return (
            "look whether its disk or network folder answers, or copy it to this computer; if it only needs more time, "
            "start lamella gui with a larger --open-limit"
        )

    def _try(self, one: _Try) -> None:
        try:
            one.result = one.work()
        except BaseException as error:
            one.error = error
        with self._lock:
            self._running.remove(one)
            one.done.set()
        if one.given_up:
            one.result = one.error = None


class _Try:
    """One piece of work, and what became of it."""

    def __init__(self, file: str, work: Callable[[], Any]) -> None:
        self.file = file
        self.work = work
        self.done = threading.Event()
        self.given_up = False
        self.result: Any = None
        self.error: BaseException | None = None
