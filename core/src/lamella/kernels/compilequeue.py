"""Where kernels are compiled while the process computes: in a process of its own.

Compiling holds the interpreter lock for seconds, so a helper process does it, at a low priority, and leaves the
result in numba's cache. A background thread of this process then loads it from there. When this process ends, the
helper ends with it; what it had finished stays in the cache for the next time.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Any

from lamella.system.memory import address_space_left
from lamella.system.processors import available_cpus

__all__ = ["CompileJob", "CompileQueue", "compile_queue"]

_log = logging.getLogger(__name__)

WORTH_COMPILING = 0.5
"""Processor time that all NumPy versions together use before anything is compiled [s]."""
WORTH_ITS_WHILE = 0.1
"""Processor time that one of them uses before it is compiled [s]."""


ROOM = 512 << 20
ROOM_PER_CPU = 64 << 20
"""Address space without which the compiler is not loaded [bytes]: it and its libraries end the process, or never
return, where they do not get what they ask for."""
ROOM_ONCE_LOADED = 128 << 20


@dataclass(eq=False)
class CompileJob:
    """A kernel for arguments of certain types: where its code is, examples of arguments, and what makes it ready.

    ``load`` says whether numba keeps the result on disk. ``seconds`` counts the time that the NumPy version used.
    """

    compiled: str
    examples: tuple[Any, ...]
    load: Callable[[], bool]
    seconds: float = 0.0
    begun: bool = False


class CompileQueue:
    """Counts what the NumPy versions cost, and has compiled what is worth it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loading = threading.Lock()
        self._seen: dict[Hashable, CompileJob] = {}
        self._seconds = 0.0
        self._waiting: queue.SimpleQueue[CompileJob] = queue.SimpleQueue()
        self._left = 0
        self._idle = threading.Condition(self._lock)
        self._thread: threading.Thread | None = None
        self._helper: Any = None
        self._loaded = False
        self._pauses = 0
        self.closed = False

    def order(self, name: str, key: tuple[Any, ...], make: Callable[[], CompileJob]) -> CompileJob:
        """Give the order for a kernel and types of arguments."""
        found = self._seen.get((name, key))
        if found is None:
            with self._lock:
                found = self._seen.setdefault((name, key), make())
        return found

    def spent(self, order: CompileJob, seconds: float) -> None:
        """Count the time that a NumPy version took, and have it replaced if that pays."""
        self._seconds += seconds
        order.seconds += seconds
        if not order.begun and self._seconds > WORTH_COMPILING and order.seconds > WORTH_ITS_WHILE:
            self._begin(order)

    def finish(self, timeout: float | None) -> bool:
        """Have everything that was used compiled; gives False when the time ran out first."""
        for order in list(self._seen.values()):
            self._begin(order)
        with self._idle:
            return self._idle.wait_for(lambda: not self._left, timeout)

    def make_now(self, order: CompileJob) -> None:
        """Compile here, and wait for it, if there is room."""
        if not self._may_begin():
            return
        with self._loading:
            if not order.begun:
                order.begun = True
                self._load(order)

    def _begin(self, order: CompileJob) -> None:
        if order.begun or not self._may_begin():
            return
        with self._lock:
            if order.begun or self.closed:
                return
            order.begun = True
            self._left += 1
            if self._thread is None:
                # A thread that waits for the helper must not keep the process from ending.
                self._thread = threading.Thread(target=self._work, name="lamella-compile", daemon=True)
                self._thread.start()
                atexit.register(self.close)
        self._waiting.put(order)

    def _work(self) -> None:
        while True:
            order = self._waiting.get()
            self._prepare(order)
            with self._loading:
                if self.closed:
                    return
                self._load(order)
            if self._waiting.empty() and self._helper is not None:
                self._helper.end()  # it would hold memory until there is something to do again
                self._helper = None
            with self._idle:
                self._left -= 1
                self._idle.notify_all()

    def _prepare(self, order: CompileJob) -> None:
        """Have the helper fill numba's cache; without a helper, loading will compile."""
        from lamella.kernels.helper import Helper

        begin = time.monotonic()
        try:
            if self._helper is None:
                self._helper = Helper()
            done = self._helper.compile(order.compiled, order.examples)
        except Exception as error:
            done = f"no helper ({type(error).__name__}: {error})"
        _log.debug("%s: %s after %.1f s", order.compiled, done, time.monotonic() - begin)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Begin nothing meanwhile, after what was begun is done."""
        self._pauses += 1
        try:
            with self._idle:
                self._idle.wait_for(lambda: not self._left)
            yield
        finally:
            self._pauses -= 1

    def _may_begin(self) -> bool:
        """Whether nobody minds, and the process may address what the compiler needs."""
        needed = ROOM_ONCE_LOADED if self._loaded else ROOM + ROOM_PER_CPU * available_cpus()
        return not self._pauses and address_space_left() >= needed

    def _load(self, order: CompileJob) -> None:
        try:
            order.load()
            self._loaded = True
        except Exception as error:
            _log.warning(
                "Kernel(%r) stays in NumPy: compiling failed (%s: %s)", order.compiled, type(error).__name__, error
            )

    def close(self) -> None:
        """End the helper, and let what is being loaded become ready: nothing may be cut off in the compiler."""
        self.closed = True
        helper = self._helper
        if helper is not None:
            helper.end()
        with self._loading:
            pass


compile_queue = CompileQueue()
