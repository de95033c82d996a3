"""Work in threads of this process: the default, since the kernels do not hold the GIL."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Generator, Sequence
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from lamella.errors import CancelledRun
from lamella.executors.executor import PATIENCE, Executor, Job, Transport, as_error, limit, warn_of_left
from lamella.executors.onethread import one_thread
from lamella.system.processors import available_cpus

__all__ = ["ThreadsExecutor"]

S = TypeVar("S")
I = TypeVar("I")  # noqa: E741
R = TypeVar("R")

_PATIENCE = PATIENCE
"""How long functions may take to stop before nobody waits for them any more [s]."""
_POLL = 0.05
"""How often a set cancel flag is looked for, and an interrupt where waiting cannot be interrupted [s]."""


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
        run: _Run[I, R] = _Run(items, limit(self._workers, ahead), cancel)
        process = os.getpid()
        try:
            for _ in range(len(items)):
                for _ in range(run.hands_needed(self._workers)):
                    self._ready().orders.put(lambda: run.work(job, shared))
                one = run.next_begun()
                if one is None:
                    return
                yield one.result(run.check)
                run.taken()
        finally:
            run.stopped = True
            if os.getpid() == process:  # and not another one, which was forked meanwhile
                self._wait_for(run)

    def _wait_for(self, run: _Run[I, R]) -> None:
        """Wait for the functions that still run; leave those alone that do not stop."""
        try:
            run.wait(_PATIENCE)
        finally:
            team = self._team
            for index, thread in run.left():
                one_thread.leave(thread)
                if team is not None:
                    team.replace(thread)
                warn_of_left(run.items, index)

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
        self._threads: set[threading.Thread] = set()
        for _ in range(size):
            self._add()

    def _add(self) -> None:
        # A process may end while it waits, so it must not keep it alive.
        thread = threading.Thread(target=self._obey, name=f"lamella_{len(self._threads)}", daemon=True)
        self._threads.add(thread)
        thread.start()

    def _obey(self) -> None:
        thread = threading.current_thread()
        while thread in self._threads and (order := self.orders.get()) is not None:
            order()
            del order  # nothing of a run is kept while there is no work

    def replace(self, thread: threading.Thread) -> None:
        """Put a fresh thread in the place of one that does not come back; if it does, it ends."""
        if thread in self._threads:
            self._threads.discard(thread)
            self._add()

    def end(self) -> None:
        """Let every thread finish what it does, and end; at the end of the process, too, so that no kernel runs on."""
        threads = list(self._threads)
        for _ in threads:
            self.orders.put(None)
        deadline = time.monotonic() + _PATIENCE
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))


class _Run(Generic[I, R]):
    """One run: workers take items from it one after the other, as long as there are items and room for results.

    Attributes
    ----------
    stopped : bool
        Whether the results are of no interest any more.
    """

    def __init__(self, items: Sequence[I], room: int, cancel: threading.Event | None) -> None:
        self.items = items
        self.stopped = False
        self._cancel = cancel
        self._begun: SimpleQueue[_One[R] | None] = SimpleQueue()
        self._next_index = 0
        self._room = room
        self._lock = threading.Lock()
        self._all_done = threading.Condition(self._lock)
        self._doing: dict[threading.Thread, int] = {}
        self._waiting = 0
        self._hands = 0
        self._over = False

    def cancelled(self) -> bool:
        """Whether functions should stop."""
        return self.stopped or (self._cancel is not None and self._cancel.is_set())

    def check(self) -> None:
        """Raise if the caller cancelled the run."""
        if self._cancel is not None and self._cancel.is_set():
            raise CancelledRun("the run was cancelled")

    def hands_needed(self, workers: int) -> int:
        """Give how many workers should join those that are at it, and count them among those."""
        with self._lock:
            wanted = 0 if self._over else max(0, min(workers - self._hands, self._room - self._waiting))
            self._hands += wanted
            return wanted

    def next_begun(self) -> _One[R] | None:
        """Wait for the next item, in order, to be begun; None behind the last."""
        while True:
            self.check()
            try:
                return self._begun.get(timeout=_POLL)
            except Empty:
                continue

    def work(self, job: Job[S, I, R], shared: S) -> None:
        """Do items until there are none, or no room."""
        try:
            with one_thread:
                while (begun := self._begin()) is not None:
                    one, item = begun
                    one.do(lambda item=item: job(shared, item, self.cancelled))  # type: ignore[misc]
                    del begun, one, item
                    self._ended()
        except BaseException as error:  # errors of items are kept with them
            with self._lock:
                self._end(error)

    def _begin(self) -> tuple[_One[R], I] | None:
        with self._lock:
            if self._over or self.stopped or self._waiting >= self._room:
                self._hands -= 1
                return None
            if self._next_index == len(self.items):
                self._end(None)
                return None
            try:
                item = self.items[self._next_index]
            except BaseException as error:
                self._end(error)
                return None
            one: _One[R] = _One()
            self._doing[threading.current_thread()] = self._next_index
            self._next_index += 1
            self._waiting += 1
            self._begun.put(one)
            return one, item

    def _ended(self) -> None:
        with self._lock:
            del self._doing[threading.current_thread()]
            if not self._doing:
                self._all_done.notify_all()

    def _end(self, error: BaseException | None) -> None:
        self._hands -= 1
        self._over = True
        if error is not None:
            failed: _One[R] = _One()
            failed.fail(error)
            self._begun.put(failed)
        self._begun.put(None)

    def taken(self) -> None:
        """Count that a result was taken."""
        with self._lock:
            self._waiting -= 1

    def wait(self, seconds: float) -> None:
        """Wait until no function runs."""
        deadline = time.monotonic() + seconds
        while self._doing and (left := deadline - time.monotonic()) > 0:
            with self._all_done:
                self._all_done.wait_for(lambda: not self._doing, min(left, _POLL))

    def left(self) -> list[tuple[int, threading.Thread]]:
        """Give the items whose functions run, and where."""
        with self._lock:
            return sorted(((index, thread) for thread, index in self._doing.items()), key=lambda pair: pair[0])


class _One(Generic[R]):
    """What becomes of an item."""

    __slots__ = ("_done", "_error", "_result")

    _result: R

    def __init__(self) -> None:
        self._done = threading.Lock()
        self._done.acquire()
        self._error: BaseException | None = None

    def do(self, function: Callable[[], R]) -> None:
        """Call the function; an error is kept for who asks for the result."""
        try:
            self._result = function()
        except BaseException as error:
            self._error = as_error(error)
        self._done.release()

    def fail(self, error: BaseException) -> None:
        """Let the result be an error."""
        self._error = error
        self._done.release()

    def result(self, check: Callable[[], None]) -> R:
        """Wait, and give the result or raise the error; once. ``check`` may raise meanwhile."""
        while not self._done.acquire(timeout=_POLL):
            check()
        error, self._error = self._error, None
        try:
            if error is not None:
                raise error
            result = self._result
            del self._result  # whoever asked has it alone
            return result
        finally:
            del error  # its traceback leads here
