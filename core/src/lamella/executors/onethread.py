"""One thread for linear algebra and loops per worker: nested pools make a busy machine many times slower."""

from __future__ import annotations

import sys
import threading
from typing import Any

__all__ = ["OneThread", "one_thread"]


class OneThread:
    """A context in which BLAS libraries and numba use one thread; enter it from as many workers as there are.

    BLAS has one limit for the process: the first to enter sets it and the last to leave lifts it, whichever threads
    they are. Numba has one for each thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._limit: Any = None
        self._controller: Any = None
        self._modules = 0
        self._before = threading.local()

    def __enter__(self) -> None:
        self._limit_numba()
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                controller = self._found()
                _release()
                self._limit = controller.limit(limits=1, user_api="blas")
                _release()

    def __exit__(self, *_: object) -> None:
        self._lift_numba()
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                _release()
                self._limit.restore_original_limits()
                _release()

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

    def _found(self) -> Any:
        """Give the controller of the libraries that are loaded; looks again when modules were imported since."""
        if self._controller is None or self._modules != len(sys.modules):
            from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

            self._controller = ThreadpoolController()
            self._modules = len(sys.modules)
        return self._controller


def _release() -> None:
    """Let any thread set the limit of OpenBLAS: since threadpoolctl 3.7 it belongs to the thread that set it first."""
    import threadpoolctl

    release = getattr(threadpoolctl.OpenBLASController, "clear_controlling_thread", None)
    if release is not None:
        release(force=True)


one_thread = OneThread()
