"""Work in the calling thread: for debugging, and for jobs too small to share out."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from threading import Event
from typing import TypeVar

from lamella.errors import CancelledRun
from lamella.executors.executor import Executor, Job, Transport
from lamella.executors.onethread import one_thread

__all__ = ["InlineExecutor"]

S = TypeVar("S")
I = TypeVar("I")  # noqa: E741
R = TypeVar("R")


class InlineExecutor(Executor):
    """Runs everything in the calling thread, with one BLAS thread."""

    name = "inline"
    workers = 1
    shares_memory = True
    calls_small = True
    transport: Transport = "memory"

    def run(
        self,
        job: Job[S, I, R],
        shared: S,
        items: Sequence[I],
        *,
        cancel: Event | None = None,
        ahead: int | None = None,
    ) -> Generator[R]:
        """Give ``job(shared, item, cancelled)`` for each item; see `Executor.run`."""
        cancelled = (cancel or Event()).is_set
        for index in range(len(items)):
            if cancelled():
                raise CancelledRun("the run was cancelled")
            with one_thread:
                result = job(shared, items[index], cancelled)
            yield result
