"""Work in threads of this process: the default, since the kernels do not hold the interpreter lock."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Generator, Sequence
from queue import SimpleQueue
from typing import Generic, TypeVar

from lamella.errors import CancelledRun
from lamella.executors.executor import Executor, Job, Transport, limit
from lamella.executors.onethread import one_thread
from lamella.system.processors import available_cpus

__all__ = ["ThreadsExecutor"]

S = TypeVar("S")
I = TypeVar("I")  # noqa: E741
R = TypeVar("R")


class ThreadsExecutor(Executor):
    """Runs on threads that stay between runs, each with one BLAS thread.

    Parameters
    ----------
    workers
        Number of threads; all processors that this process may use if None.
    """

    name = "threads"
    shares_memory = True
    calls_small = True
    transport: Transport = "memory"

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers or available_cpus()
        self._team: _Team | None = None
        self._lock = threading.Lock()

    @property
    def workers(self) -> int:
        """The number of threads."""
        return self._workers

    def _ready(self) -> _Team:
        """Give the threads; new ones in a process that was forked, where there are none."""
        with self._lock:
            if self._team is None or self._team.process != os.getpid():
                self._team = _Team(self._workers)
                weakref.finalize(self, self._team.end)
            return self._team

    def run(
        self,
        job: Job[S, I, R],
        shared: S,
        items: Sequence[I],
        *,
        cancel: threading.Event | None = None,
        ahead: int | None = None,
    ) -> Generator[R]:
        """Give ``job(shared, item, cancelled)`` for each item, in order; see `Executor.run`."""
        stop = threading.Event()
        flags = (stop,) if cancel is None else (stop, cancel)

        def cancelled() -> bool:
            return any(flag.is_set() for flag in flags)

        run: _Run[I, R] = _Run(lambda item: job(shared, item, cancelled), items, limit(self._workers, ahead))
        orders = self._ready().orders
        try:
            for _ in range(len(items)):
                if cancelled():
                    raise CancelledRun("the run was cancelled")
                for _ in range(run.hands_needed(self._workers)):
                    orders.put(run.work)
                one = run.begun.get()
                if one is None:
                    return
                yield one.result()
                run.taken()
        finally:
            left = run.close()
            if left:
                stop.set()
                for one in left:
                    one.wait()

    def close(self) -> None:
        """Stop the threads."""
        with self._lock:
            team, self._team = self._team, None
        if team is not None:
            team.end()


class _Team:
    """Threads that wait for orders: functions to call."""

    def __init__(self, size: int) -> None:
        self.process = os.getpid()
        self.orders: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        # A process may end while they wait, so they must not keep it alive.
        self._threads = [
            threading.Thread(target=_obey, args=(self.orders,), name=f"lamella_{i}", daemon=True) for i in range(size)
        ]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Let every thread finish what it does, and end; at the end of the process, too, so that no kernel runs on."""
        for _ in self._threads:
            self.orders.put(None)
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join()


def _obey(orders: SimpleQueue[Callable[[], None] | None]) -> None:
    while (order := orders.get()) is not None:
        order()
        del order  # nothing of a run is kept while there is no work


class _Run(Generic[I, R]):
    """One run: workers take items from it one after the other, as long as there are items and room for results.

    Attributes
    ----------
    begun : queue.SimpleQueue
        The items that were begun, in order; None behind the last.
    """

    def __init__(self, function: Callable[[I], R], items: Sequence[I], room: int) -> None:
        self.begun: SimpleQueue[_One[I, R] | None] = SimpleQueue()
        self._function = function
        self._items = items
        self._next_index = 0
        self._room = room
        self._lock = threading.Lock()
        self._waiting = 0
        self._hands = 0
        self._over = False

    def hands_needed(self, workers: int) -> int:
        """Give how many workers should join those that are at it, and count them among those."""
        with self._lock:
            wanted = 0 if self._over else max(0, min(workers - self._hands, self._room - self._waiting))
            self._hands += wanted
            return wanted

    def work(self) -> None:
        """Do items until there are none, or no room."""
        try:
            with one_thread:
                while (one := self._next()) is not None:
                    one.do(self._function)
        except BaseException as error:  # errors of items are kept with them
            with self._lock:
                self._end(error)

    def _next(self) -> _One[I, R] | None:
        with self._lock:
            if self._over or self._waiting >= self._room:
                self._hands -= 1
                return None
            if self._next_index == len(self._items):
                self._end(None)
                return None
            one: _One[I, R] = _One()
            try:
                one.item = self._items[self._next_index]
            except BaseException as error:
                self._end(error)
                return None
            self._next_index += 1
            self._waiting += 1
            self.begun.put(one)
            return one

    def _end(self, error: BaseException | None) -> None:
        self._hands -= 1
        self._over = True
        if error is not None:
            failed: _One[I, R] = _One()
            failed.fail(error)
            self.begun.put(failed)
        self.begun.put(None)

    def taken(self) -> None:
        """Count that a result was taken."""
        with self._lock:
            self._waiting -= 1

    def close(self) -> list[_One[I, R]]:
        """Begin nothing any more; gives what was begun and not taken."""
        with self._lock:
            self._over = True
            self.begun.put(None)
        return list(iter(self.begun.get, None))


class _One(Generic[I, R]):
    """An item, and what becomes of it."""

    __slots__ = ("_done", "_error", "_result", "item")

    item: I
    _result: R

    def __init__(self) -> None:
        self._done = threading.Lock()
        self._done.acquire()
        self._error: BaseException | None = None

    def do(self, function: Callable[[I], R]) -> None:
        """Call the function; an error is kept for who asks for the result."""
        try:
            self._result = function(self.item)
        except BaseException as error:
            self._error = error
        self._done.release()

    def fail(self, error: BaseException) -> None:
        """Let the result be an error."""
        self._error = error
        self._done.release()

    def wait(self) -> None:
        """Wait until it is done."""
        with self._done:
            pass

    def result(self) -> R:
        """Wait, and give the result or raise the error; once."""
        self.wait()
        error, self._error = self._error, None
        try:
            if error is not None:
                raise error
            result = self._result
            del self._result  # whoever asked has it alone
            return result
        finally:
            del error  # its traceback leads here
