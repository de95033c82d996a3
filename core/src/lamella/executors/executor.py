"""The contract of executors: run one function over items, side by side, and give the results in order."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from threading import Event

__all__ = ["Executor", "Job", "call", "limit"]

S = TypeVar("S")
I = TypeVar("I")  # noqa: E741
R = TypeVar("R")

Job = Callable[[S, I, Callable[[], bool]], R]
"""What runs on a worker: ``job(shared, item, cancelled)``; asks ``cancelled()`` often and raises `CancelledRun`."""


class Executor(Protocol):
    """Where work happens.

    Results come in the order of the items, whatever the order in which they become ready, so that merging them always
    gives the same result, and the first error in that order is the one that is raised.
    """

    @property
    def name(self) -> str:
        """The name under which users choose it."""
        ...

    @property
    def workers(self) -> int:
        """How many items are worked on at a time."""
        ...

    @property
    def shares_memory(self) -> bool:
        """Whether workers are threads of this process: then the calling thread may do work that is soon over itself."""
        ...

    def run(
        self,
        job: Job[S, I, R],
        shared: S,
        items: Iterable[I],
        *,
        cancel: Event | None = None,
        ahead: int | None = None,
    ) -> Generator[R]:
        """Give ``job(shared, item, cancelled)`` for each item, in order.

        Items are taken when there is room for them, and only a bounded number of results waits. Closing the generator
        stops all work: running jobs see ``cancelled()`` turn true, and are waited for.

        Parameters
        ----------
        job
            Picklable function; raises `lamella.CancelledRun` when its third argument gives true.
        shared
            What all items need; brought to each worker once.
        items
            What differs.
        cancel
            Stops the run when it is set, from any thread.
        ahead
            How many items may be begun or wait with their result before the first of them is taken, if that is
            less than usual; one for each worker always may.
        """
        ...

    def map(self, function: Callable[[I], R], items: Iterable[I]) -> Iterator[R]:
        """Give ``function(item)`` for each item, in order."""
        ...

    def close(self) -> None:
        """Stop the workers; a later run starts new ones."""
        ...


def limit(workers: int, ahead: int | None) -> int:
    """Give how many items may be begun or wait: two for each worker, or ``ahead``, but one for each worker always."""
    return 2 * workers if ahead is None else max(workers, min(2 * workers, ahead))


def call(function: Callable[[I], R], item: I, cancelled: Callable[[], bool]) -> R:
    """Give ``function(item)``: the job behind `Executor.map`."""
    return function(item)
