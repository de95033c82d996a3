"""Work in the calling thread: for debugging, and for jobs too small to share out."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from threading import Event
from typing import TypeVar

from lamella.executors.executor import Job
from lamella.executors.onethread import one_thread

__all__ = ["InlineExecutor"]

S = TypeVar("S")
I = TypeVar("I")  # noqa: E741
R = TypeVar("R")


class InlineExecutor:
    """Runs everything in the calling thread, with one BLAS thread."""

    name = "inline"
    shares_memory = True
    workers = 1

    def run(
        self,
        job: Job[S, I, R],
        shared: S,
        items: Iterable[I],
        *,
        cancel: Event | None = None,
        ahead: int | None = None,
    ) -> Generator[R]:
        """Give ``job(shared, item, cancelled)`` for each item; see `Executor.run`."""
        cancelled = (cancel or Event()).is_set
        for item in items:
            with one_thread:
                result = job(shared, item, cancelled)
            yield result

    def map(self, function: Callable[[I], R], items: Iterable[I]) -> Iterator[R]:
        """Give ``function(item)`` for each item."""
        return map(function, items)

    def close(self) -> None:
        """Do nothing: there are no workers."""
