"""One child process that is kept between calls, because starting Python and importing a large library takes long."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamella.errors import ChildError
from lamella.reader.childprocess import Call, ChildProcess

__all__ = ["WarmChild", "warm_child"]

_IDLE_SECONDS = 10.0
_MOST_CALLS = 100


@dataclass(frozen=True)
class _Place:
    """What two calls must have in common to share a child: whose files it serves, and all that it was started with."""

    group: str
    memory: int | None
    folder: str
    path: list[str]
    environment: dict[str, str]

    @classmethod
    def of(cls, group: str, memory: int | None) -> _Place:
        try:
            folder = str(Path.cwd())
        except OSError:  # it is gone
            folder = ""
        return cls(group, memory, folder, list(sys.path), dict(os.environ))


class WarmChild:
    """At most one child that waits for the next call.

    A call takes it out and puts it back afterwards. So a second thread that calls meanwhile has a child of its own, and
    nothing that happens during a call, such as Ctrl-C, leaves a child in doubt behind.

    Parameters
    ----------
    idle_seconds
        How long it waits before it is ended [s].
    most_calls
        How many calls it answers, if it does them itself.
    forks
        Whether it forks a process for each call, so that no call sees what an earlier one did. If not, calls share a
        child only within their group, and only until one gives no result.
    """

    def __init__(
        self,
        idle_seconds: float = _IDLE_SECONDS,
        most_calls: int = _MOST_CALLS,
        forks: bool = sys.platform == "linux",
    ) -> None:
        self.idle_seconds = idle_seconds
        self.most_calls = most_calls
        self.forks = forks
        self.forget()

    def forget(self) -> None:
        """Be without a child, and without a lock or timer of another thread, in a process that was forked."""
        self._lock = threading.Lock()
        self._child: ChildProcess | None = None
        self._place: _Place | None = None
        self._timer: threading.Timer | None = None

    def ask(self, call: Call, group: str | None) -> Any:
        """Have a function called, by the child that waits or by a fresh one.

        Raises
        ------
        ChildError
            If there is no result.
        """
        if self.forks:
            return self._asked(call, _Place.of("", None))
        if group is not None:
            return self._asked(call, _Place.of(group, call.memory))
        child = ChildProcess(call.name, forks=False)
        result = child.ask(call)
        child.end()
        return result

    def _asked(self, call: Call, place: _Place) -> Any:
        kept = self._take(place)
        if kept is not None:
            try:
                return self._ask(kept, call, place)
            except ChildError as error:
                filled = error.raised and call.memory is not None and not self.forks
                if not (kept.lost or filled):
                    raise
        return self._ask(ChildProcess(call.name, self.forks), call, place)

    def _ask(self, child: ChildProcess, call: Call, place: _Place) -> Any:
        try:
            return child.ask(call)
        finally:
            if not child.ended:
                self._keep(child, place)

    def close(self) -> None:
        """End the child, if there is one."""
        self._swap(None, None)

    def _take(self, place: _Place) -> ChildProcess | None:
        with self._lock:
            child, found = self._child, self._place
            self._child = self._place = None
            self._stop_timer()
        if child is None or found == place:
            return child
        child.end()
        return None

    def _keep(self, child: ChildProcess, place: _Place) -> None:
        if child.calls >= self.most_calls and not self.forks:
            child.end()
        else:
            self._swap(child, place)

    def _swap(self, child: ChildProcess | None, place: _Place | None) -> None:
        with self._lock:
            old, self._child, self._place = self._child, child, place
            self._stop_timer()
            if child is not None:
                self._timer = threading.Timer(self.idle_seconds, self._end_idle)
                self._timer.daemon = True
                self._timer.name = "lamella-idle-child"
                self._timer.start()
        if old is not None:
            old.end()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end_idle(self) -> None:
        with self._lock:
            if self._timer is not threading.current_thread():
                return  # a call came in the meantime
            child, self._child, self._place, self._timer = self._child, None, None, None
        if child is not None:
            child.end()


warm_child = WarmChild()
"""The one of this process."""

atexit.register(warm_child.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=warm_child.forget)
