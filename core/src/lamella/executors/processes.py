"""Work in processes: for UDFs that hold the interpreter lock. A worker that is killed costs its partition again."""

from __future__ import annotations

import itertools
import threading
import time
import weakref
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from multiprocessing.connection import wait
from typing import Any, Generic, TypeVar

from lamella.errors import CancelledRun, WorkerLost
from lamella.executors.executor import Executor, Job, Transport, limit
from lamella.executors.messages import Message, pack, receive, result_of, send
from lamella.executors.worker import Worker
from lamella.system.logs import logger_of
from lamella.system.processors import available_cpus

__all__ = ["ProcessesExecutor"]

S = TypeVar("S")
I = TypeVar("I")  # noqa: E741
R = TypeVar("R")

_log = logger_of(__name__)

_ATTEMPTS = 3
"""How often an item is tried whose worker is killed."""
_REMEDY = "Exit code -9 means that it was killed, most often for lack of memory: use fewer workers or more partitions"
_PATIENCE = 5.0
"""How long a cancelled worker may go on with its tile before it is ended [s]."""
_POLL = 0.05
"""How often a set cancel flag is looked for [s]."""


class ProcessesExecutor(Executor):
    """Runs in processes of their own, which stay between runs, each with one thread.

    Data sets travel as the recipe to open them again, parameters of UDFs once per run and worker; functions and classes
    of scripts and notebooks travel along. Workers do not import the script that started them.

    Parameters
    ----------
    workers
        Number of processes; all processors that this process may use if None.
    """

    name = "processes"
    transport: Transport = "pipe"

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers or available_cpus()
        self._idle: list[Worker] = []
        self._lock = threading.Lock()
        weakref.finalize(self, _end, self._idle)

    @property
    def workers(self) -> int:
        """The number of processes."""
        return self._workers

    def run(
        self,
        job: Job[S, I, R],
        shared: S,
        items: Sequence[I],
        *,
        cancel: threading.Event | None = None,
        ahead: int | None = None,
    ) -> Generator[R]:
        """Give ``job(shared, item, cancelled)`` for each item, in order; see `Executor.run`.

        Raises
        ------
        WorkerLost
            If the worker of an item ended several times.
        """
        message = pack((job, shared), by_value=True)
        room = limit(self.workers, ahead)
        run: _Run[I, R] = _Run(self._take(), message, items, cancel or threading.Event(), room)
        try:
            yield from run.results()
        finally:
            run.stop()
            self._give_back(run.workers)

    def close(self) -> None:
        """End the processes."""
        with self._lock:
            workers = self._idle[:]
            self._idle.clear()
        _end(workers)

    def _take(self) -> list[Worker]:
        """Give idle workers; new ones if another run that is not over yet has them."""
        with self._lock:
            workers = self._idle[:]
            self._idle.clear()
        alive = [worker for worker in workers if worker.alive]
        _end([worker for worker in workers if worker not in alive])
        return alive + [Worker() for _ in range(self._workers - len(alive))]

    def _give_back(self, workers: list[Worker]) -> None:
        with self._lock:
            room = self._workers - len(self._idle)
            self._idle += workers[:room]
        for worker in workers[room:]:
            worker.end()


def _end(workers: list[Worker]) -> None:
    for worker in workers:
        worker.tell("end")
    for worker in workers:
        worker.end()


class _Run(Generic[I, R]):
    """One run: which worker has which item, which items wait to be done again, which results wait for their turn."""

    _numbers = itertools.count()

    def __init__(
        self, workers: list[Worker], shared: Message, items: Sequence[I], cancel: threading.Event, room: int
    ) -> None:
        self.workers = workers
        self._shared = shared
        self._items = items
        self._begun = 0
        self._end = len(items)
        self._cancel = cancel
        self._room = room
        self._number = next(self._numbers)
        self._busy: dict[Worker, tuple[int, Message]] = {}
        self._knows: set[Worker] = set()
        self._again: deque[tuple[int, Message]] = deque()
        self._deaths: dict[int, int] = {}
        self._ready: dict[int, Any] = {}
        self._next = 0

    def results(self) -> Iterator[R]:
        """Give the results in order."""
        while self._next < len(self._items):
            if self._cancel.is_set():
                raise CancelledRun("the run was cancelled")
            self._hand_out()
            if self._next in self._ready:
                self._next += 1
                yield result_of(self._ready.pop(self._next - 1))
            elif self._busy:
                self._collect(_POLL)

    def _hand_out(self) -> None:
        """Give idle workers something to do, but do not run far ahead of the first result that is missing."""
        for worker in self.workers:
            if worker in self._busy:
                continue
            if len(self._ready) + len(self._busy) >= self._room and not self._again:
                return
            item = self._again.popleft() if self._again else self._taken()
            if item is None:
                return
            self._busy[worker] = item
            try:
                if worker not in self._knows:
                    worker.connection.send(("shared", self._number))
                    send(worker.connection, self._shared)
                    self._knows.add(worker)
                worker.connection.send(("item", self._number))
                send(worker.connection, item[1])
            except OSError:
                self._replace(worker)
                return

    def _taken(self) -> tuple[int, Message] | None:
        """Take the next item, ready to be sent; one that cannot be had is an error in its place, and the last."""
        index = self._begun
        if index == self._end:
            return None
        try:
            message = pack(self._items[index], by_value=True)
        except Exception as error:
            self._ready[index] = "error", (error, error.__cause__)
            self._end = index
            return None
        self._begun += 1
        return index, message

    def _collect(self, timeout: float) -> None:
        """Take the answers that have come."""
        busy = {worker.connection: worker for worker in self._busy}
        for connection in wait(list(busy), timeout):
            worker = busy[connection]  # type: ignore[index]
            try:
                answer = receive(worker.connection)
            except (EOFError, OSError):
                self._replace(worker)
                continue
            index, _ = self._busy.pop(worker)
            self._ready[index] = answer

    def _replace(self, worker: Worker) -> None:
        """Put a fresh worker in the place of one that died, and have its item done again."""
        index, item = self._busy.pop(worker)
        self.workers.remove(worker)
        code = worker.end()
        self.workers.append(Worker())
        deaths = self._deaths[index] = self._deaths.get(index, 0) + 1
        if deaths < _ATTEMPTS:
            _log.warning("a worker ended with exit code %s; item %d is done again", code, index)
            self._again.append((index, item))
        else:
            self._ready[index] = "error", (WorkerLost(index, deaths, f"exit code {code}", _REMEDY), None)

    def stop(self) -> None:
        """Make busy workers stop within a tile, and all forget this run."""
        for worker in self._busy:
            worker.tell("cancel", self._number)
        deadline = time.monotonic() + _PATIENCE
        while self._busy and time.monotonic() < deadline:
            self._settle()
        for worker in self._busy:
            worker.end()
            self.workers.remove(worker)
        for worker in self._knows & set(self.workers):
            worker.tell("forget", self._number)

    def _settle(self) -> None:
        busy = {worker.connection: worker for worker in self._busy}
        for connection in wait(list(busy), _POLL):
            worker = busy[connection]  # type: ignore[index]
            del self._busy[worker]
            try:
                receive(worker.connection)
            except (EOFError, OSError):
                self.workers.remove(worker)
                worker.end()
