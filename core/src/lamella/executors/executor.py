"""The contract of executors: run one function over items, side by side, and give the results in order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from lamella.errors import LamellaWarning, UDFError
from lamella.system.warn import warn_user

if TYPE_CHECKING:
    from threading import Event

__all__ = ["PATIENCE", "Executor", "Job", "Transport", "as_error", "call", "limit", "warn_of_left"]

PATIENCE = 3.0
"""How long jobs that run may take to stop before nobody waits for them any more [s]."""

S = TypeVar("S")
I = TypeVar("I")  # noqa: E741
R = TypeVar("R")

Job = Callable[[S, I, Callable[[], bool]], R]
"""What runs on a worker: ``job(shared, item, cancelled)``; asks ``cancelled()`` often and raises `CancelledRun`."""

Transport: TypeAlias = Literal["memory", "pipe", "network"]
"""How results reach the caller: they stay where they are, go through a pipe on one machine, or over a network."""


class Executor(ABC):
    """Where work happens: one function over many items, on workers side by side.

    An implementation gives `name`, `workers` and `run`, and says by class attributes what its workers are like; their
    defaults are right for workers on other machines. `map`, `warm`, `each_host`, `describe` and `close` have defaults.

    Attributes
    ----------
    shares_memory : bool
        Whether items, ``shared`` and results are the caller's own objects, and not copies that were pickled.
        Threads do, processes do not.
    calls_small : bool
        Whether the calling thread may do a run itself that is over before workers have begun. Lamella then does so
        without calling `run`.
    transport : {"memory", "pipe", "network"}
        What a result costs on its way to the caller. Scans are cut into fewer and larger partitions where results are
        dear.
    api : tuple of int
        The plugin API that the class of a plugin was written for, such as ``(1, 0)``, which is assumed without it.

    Notes
    -----
    An implementation guarantees:

    - Results come in the order of the items, whatever the order in which they become ready; so merging them always
      gives the same digits.
    - The first error *in that order* is raised, with its type, and nothing after it is given.
    - ``job`` and ``shared`` reach each worker once. Where they are pickled, classes and functions that workers cannot
      import travel by value; `lamella.executors.pack` does that with ``by_value=True``.
    - Only workers that are lost are tried again, never a job that raised. An item that loses several workers is given
      up with `lamella.errors.WorkerLost`.
    - Workers compute with one thread each for linear algebra; `lamella.executors.one_thread` is a context for that.
    - Several runs may go on at a time, from several threads, and one within another.

    Examples
    --------
    An executor that does everything in the calling thread; the guide "Write an executor" has one with workers:

    >>> import threading
    >>> from lamella.executors import CancelledRun, Executor, one_thread
    >>> class SerialExecutor(Executor):
    ...     name = "serial"
    ...     workers = 1
    ...     shares_memory = calls_small = True
    ...     transport = "memory"
    ...
    ...     def run(self, job, shared, items, *, cancel=None, ahead=None):
    ...         cancelled = (cancel or threading.Event()).is_set
    ...         for index in range(len(items)):
    ...             if cancelled():
    ...                 raise CancelledRun("the run was cancelled")
    ...             with one_thread:
    ...                 result = job(shared, items[index], cancelled)
    ...             yield result

    >>> import numpy as np
    >>> import lamella
    >>> from lamella.udf import SumSigUDF
    >>> ds = lamella.open(np.ones((4, 5, 8, 8), np.uint16), format="memory")
    >>> with lamella.Context(executor=SerialExecutor()) as ctx:
    ...     ctx.run_udf(ds, SumSigUDF())["intensity"].data[3].tolist()
    [64, 64, 64, 64, 64]

    The entry point ``serial = "my_package:SerialExecutor"`` in the group ``lamella.executors`` makes it known as
    ``lamella.Context.make_with("serial")``; it is called without arguments, or with a number of workers.
    """

    shares_memory: bool = False
    calls_small: bool = False
    transport: Transport = "network"

    @property
    @abstractmethod
    def name(self) -> str:
        """The name under which users choose it."""

    @property
    @abstractmethod
    def workers(self) -> int:
        """How many items are worked on at a time; it may change between runs, and during one."""

    @abstractmethod
    def run(
        self,
        job: Job[S, I, R],
        shared: S,
        items: Sequence[I],
        *,
        cancel: Event | None = None,
        ahead: int | None = None,
    ) -> Generator[R]:
        """Give ``job(shared, item, cancelled)`` for each item, in order.

        Parameters
        ----------
        job
            Picklable function; raises `lamella.errors.CancelledRun` when its third argument gives true.
        shared
            What all items need; brought to each worker once.
        items
            What differs. ``items[i]`` may be made when it is asked for, from what is known at that moment: ask for
            it once and when a worker is about to get it, in ascending order, and keep it for another attempt.
            Any thread may ask, one at a time. ``len(items)`` is known from the beginning, so that batches can be
            planned. If there is a method ``items.told(i)``, it gives what a warning calls an item, at any time. If
            there is an attribute ``items.often`` that is true, the caller shows what is known after each result:
            batches should take a quarter of a second at most.
        cancel
            Stops the run when it is set, from any thread; jobs that run see ``cancelled()`` turn true. It belongs to
            the caller: never set it.
        ahead
            How many items may be begun or wait with their result before the first of them is taken, if that is
            less than usual; one for each worker always may. `lamella.executors.limit` does the arithmetic.

        Yields
        ------
        object
            The results. Only a bounded number of them waits to be taken. Closing the generator, or an exception in it
            such as `KeyboardInterrupt`, stops all work: running jobs see ``cancelled()`` turn true, and are waited for.
            Those that do not stop within three seconds, or before the next Ctrl-C, are left alone with a warning, or
            their workers are ended.

        Raises
        ------
        CancelledRun
            If ``cancel`` was set while results were wanted.
        WorkerLost
            If several workers were lost with one item; says which.
        Exception
            What ``job`` raised, or ``items[i]``, in the place of that item. What a job raised on a worker that is no
            `Exception`, such as `SystemExit`, becomes a `lamella.errors.UDFError`.
        """

    def map(self, function: Callable[[I], R], items: Iterable[I]) -> Iterator[R]:
        """Give ``function(item)`` for each item, in order."""
        return self.run(call, function, items if isinstance(items, Sequence) else tuple(items))

    def warm(self) -> None:
        """Get ready, so that the first run is as fast as later ones; starts the workers by default."""
        for _ in self.map(abs, range(self.workers)):
            pass

    def each_host(self, function: Callable[[], R]) -> dict[str, R]:
        """Call a function once on each host that has workers.

        Parameters
        ----------
        function
            Picklable; what it raises on a host is raised here.

        Returns
        -------
        dict
            What it gave, by the name of the host; by default it is called here, because workers are on this host.
        """
        from socket import gethostname  # costs milliseconds

        return {gethostname(): function()}

    def describe(self) -> dict[str, object]:
        """Give facts for people, JSON-able: what `name`, `workers` and the attributes say; extend it by others."""
        return {
            "name": self.name,
            "workers": self.workers,
            "shares memory": self.shares_memory,
            "calls small runs": self.calls_small,
            "transport": self.transport,
        }

    def close(self) -> None:
        """Stop the workers; a later run starts new ones. Does nothing by default, and may be called twice."""
        return


def limit(workers: int, ahead: int | None = None) -> int:
    """Give how many items may be begun or wait: two for each worker, or ``ahead``, but one for each worker always."""
    return 2 * workers if ahead is None else max(workers, min(2 * workers, ahead))


def call(function: Callable[[I], R], item: I, cancelled: Callable[[], bool]) -> R:
    """Give ``function(item)``: the job behind `Executor.map`."""
    return function(item)


def as_error(error: BaseException) -> Exception:
    """Give what a job raised as an error; what would end the program of the user becomes a `UDFError`."""
    if isinstance(error, Exception):
        return error
    text = f": {error}" if str(error) else ""
    raised = UDFError(f"what ran on a worker ended with {type(error).__name__}{text}")
    raised.__cause__ = error
    return raised


def warn_of_left(items: Sequence[Any], index: int) -> None:
    """Warn that nobody waits any more for a job in a thread."""
    told = getattr(items, "told", "item {}".format)
    warn_user(
        f"gave up waiting for {told(index)}, which does not stop: its thread continues until the function returns, or "
        "this process ends",
        LamellaWarning,
    )
