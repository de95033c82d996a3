"""Work in threads of this process: the default, since the kernels do not hold the interpreter lock."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

from lamella.executors.executor import Job, available_cpus, call, limit
from lamella.executors.onethread import one_thread

__all__ = ["ThreadsExecutor"]

S = TypeVar("S")
I = TypeVar("I")  # noqa: E741
R = TypeVar("R")


class ThreadsExecutor:
    """Runs on threads that stay between runs, each with one BLAS thread.

    Parameters
    ----------
    workers
        Number of threads; all processors that this process may use if None.
    """

    name = "threads"
    shares_memory = True

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or available_cpus()
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def _threads(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self.workers, thread_name_prefix="lamella")
            return self._pool

    def run(
        self,
        job: Job[S, I, R],
        shared: S,
        items: Iterable[I],
        *,
        cancel: threading.Event | None = None,
        ahead: int | None = None,
    ) -> Generator[R]:
        """Give ``job(shared, item, cancelled)`` for each item, in order; see `Executor.run`."""
        stop = cancel or threading.Event()
        room = limit(self.workers, ahead)
        pool = self._threads()
        begun: deque[Future[R]] = deque()

        def work(item: I) -> R:
            with one_thread:
                return job(shared, item, stop.is_set)

        try:
            for item in items:
                begun.append(pool.submit(work, item))
                if len(begun) >= room:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            if begun:
                stop.set()
                for future in begun:
                    future.cancel()
                wait(begun)

    def map(self, function: Callable[[I], R], items: Iterable[I]) -> Iterator[R]:
        """Give ``function(item)`` for each item, in order."""
        return self.run(call, function, items)

    def close(self) -> None:
        """Stop the threads."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown()
