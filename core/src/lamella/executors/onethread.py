"""One thread for linear algebra per worker: nested thread pools make a busy machine dozens of times slower."""

from __future__ import annotations

import sys
import threading
from typing import Any

__all__ = ["OneThread", "one_thread"]


class OneThread:
    """A context in which BLAS libraries use one thread; enter it from as many workers as there are.

    The first to enter sets the limit and the last to leave lifts it, whichever threads they are.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._limit: Any = None
        self._controller: Any = None
        self._modules = 0

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                controller = self._found()
                _release()
                self._limit = controller.limit(limits=1, user_api="blas")
                _release()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                _release()
                self._limit.restore_original_limits()
                _release()

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
