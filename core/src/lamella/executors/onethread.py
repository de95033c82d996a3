"""One thread for linear algebra and loops per worker: nested pools make a busy machine many times slower."""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from typing import Any

__all__ = ["OneThread", "one_thread"]


class OneThread:
    """A context in which BLAS libraries and numba use one thread; enter it from as many workers as there are.

    BLAS has one limit for the process: the first to enter sets it and the last to leave lifts it, whichever threads
    they are. Numba has one for each thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside: Counter[threading.Thread] = Counter()
        self._lifted: list[tuple[Any, int]] = []
        self._libraries: list[Any] = []
        self._modules = 0
        self._before = threading.local()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._alone)

    def _alone(self) -> None:
        """Forget the other threads in a process that was forked, where there are none."""
        self._lock = threading.Lock()
        self._inside.clear()

    def __enter__(self) -> None:
        self._limit_numba()
        with self._lock:
            first = not self._inside
            self._inside[threading.current_thread()] += 1
            if first:
                now = [(library, library.num_threads) for library in self._found()]
                self._lifted = [(library, n) for library, n in now if n not in (None, 1)]
                _set([(library, 1) for library, _ in self._lifted])

    def __exit__(self, *_: object) -> None:
        self._lift_numba()
        self._lift_blas(1)

    def leave(self, thread: threading.Thread) -> None:
        """Count a thread no more that is inside and does not come back, whatever it does later."""
        self._lift_blas(None, thread)

    def _lift_blas(self, times: int | None, thread: threading.Thread | None = None) -> None:
        one = thread or threading.current_thread()
        with self._lock:
            inside = self._inside.pop(one, 0)
            if times is not None and inside > times:
                self._inside[one] = inside - times
            if inside and not self._inside:
                _set(self._lifted)

    def _limit_numba(self) -> None:
        """Limit the loops of this thread, if something imported numba."""
        numba = sys.modules.get("numba")
        limit = getattr(numba, "set_num_threads", None)  # not there yet while another thread imports it
        stack = self._before.__dict__.setdefault("stack", [])
        if numba is None or limit is None:
            stack.append(None)
            return
        stack.append(numba.get_num_threads())
        limit(1)

    def _lift_numba(self) -> None:
        before = self._before.stack.pop()
        if before is not None:
            sys.modules["numba"].set_num_threads(before)

    def _found(self) -> list[Any]:
        """Give what controls the BLAS libraries that are loaded; looks again when modules were imported since."""
        if self._modules != len(sys.modules):
            from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

            self._libraries = ThreadpoolController().select(user_api="blas").lib_controllers
            self._modules = len(sys.modules)
        return self._libraries


def _set(limits: list[tuple[Any, int]]) -> None:
    """Set the number of threads of libraries; costs nothing where there is nothing to set."""
    if limits:
        _release()
        for library, n in limits:
            library.set_num_threads(n)
        _release()


def _release() -> None:
    """Let any thread set the limit of OpenBLAS: since threadpoolctl 3.7 it belongs to the thread that set it first."""
    import threadpoolctl

    release = getattr(threadpoolctl.OpenBLASController, "clear_controlling_thread", None)
    if release is not None:
        release(force=True)


one_thread = OneThread()
