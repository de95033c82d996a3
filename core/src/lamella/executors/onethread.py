"""One thread for linear algebra per worker: nested thread pools make a busy machine dozens of times slower."""

from __future__ import annotations

import sys
import threading
from typing import Any

__all__ = ["one_thread"]


class OneThread:
    """A context in which BLAS libraries use one thread; enter it from as many workers as there are."""

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
                self._limit = self._found().limit(limits=1, user_api="blas")

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._limit.restore_original_limits()

    def _found(self) -> Any:
        """Give the controller of the libraries that are loaded; looks again when modules were imported since."""
        if self._controller is None or self._modules != len(sys.modules):
            from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

            self._controller = ThreadpoolController()
            self._modules = len(sys.modules)
        return self._controller


one_thread = OneThread()
