"""Work in processes: for UDFs that hold the GIL. A worker that is killed costs its partition again."""

from __future__ import annotations

import itertools
import os
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Generator, Sequence
from multiprocessing.connection import wait
from typing import Any, TypeVar

from lamella.errors import WorkerLost
from lamella.executors.channel import BrokenFrameError, Order
from lamella.executors.executor import PATIENCE, Executor, Job, Transport, limit
from lamella.executors.inorder import InOrder
from lamella.executors.messages import Message, pack
from lamella.executors.worker import Worker
from lamella.system.logs import logger_of
from lamella.system.processors import available_cpus

__all__ = ["ProcessesExecutor"]

S = TypeVar("S")
I = TypeVar("I")  # noqa: E741
R = TypeVar("R")

_log = logger_of(__name__)

_MOST_WORKERS = 60 if sys.platform == "win32" else 4096
_ATTEMPTS = 3
"""How often an item is tried whose worker is killed."""
_REMEDY = "Exit code -9 means that it was killed, most often for lack of memory: use fewer workers or more partitions"
_PATIENCE = PATIENCE
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
        Number of processes; all processors that this process may use if None. Windows waits for 60 of them at most.
    """

    name = "processes"
    transport: Transport = "pipe"

    def __init__(self, workers: int | None = None) -> None:
        self._workers = min(workers or available_cpus(), _MOST_WORKERS)
        self._idle: list[Worker] = []
        self._lock = threading.Lock()
        weakref.finalize(self, _end, self._idle)
        _executors.add(self)

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
        run: _Run[I, R] = _Run(self._take(), self._give_back, message, items, cancel, room)
        yield from run.results()

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
        usable = [worker for worker in workers if worker.usable]
        for worker in workers:
            if worker not in usable:
                worker.kill()
        return usable + [Worker() for _ in range(self._workers - len(usable))]

    def _give_back(self, workers: list[Worker]) -> None:
        whole = [worker for worker in workers if not worker.channel.broken]
        with self._lock:
            room = self._workers - len(self._idle)
            self._idle += whole[:room]
        for worker in workers:
            if worker not in whole[:room]:
                worker.end()

    def forget(self) -> None:
        """Be without workers in a process that was forked, where they belong to the parent."""
        self._lock = threading.Lock()
        self._idle.clear()


_executors: weakref.WeakSet[ProcessesExecutor] = weakref.WeakSet()


def _after_fork() -> None:
    for executor in list(_executors):
        executor.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _end(workers: list[Worker]) -> None:
    for worker in workers:
        worker.tell("end")
    for worker in workers:
        worker.end()


class _Run(InOrder[I, R]):
    """One run: which worker has which item, and which items wait to be done again."""

    _numbers = itertools.count()

    def __init__(
        self,
        workers: list[Worker],
        give_back: Callable[[list[Worker]], None],
        shared: Message,
        items: Sequence[I],
        cancel: threading.Event | None,
        room: int,
    ) -> None:
        super().__init__(items, cancel)
        self._workers = workers
        self._give_back = give_back
        self._shared = shared
        self._room = room
        self._number = next(self._numbers)
        self._busy: dict[Worker, tuple[int, Message]] = {}
        self._knows: set[Worker] = set()
        self._again: deque[tuple[int, Message]] = deque()
        self._deaths: dict[int, int] = {}

    def hand_out(self) -> None:
        """Give idle workers something to do, but do not run far ahead of the first result that is missing."""
        for worker in self._workers:
            if worker in self._busy:
                continue
            if self.waiting + len(self._busy) >= self._room and not self._again:
                return
            item = self._again.popleft() if self._again else self.take(_packed)
            if item is None:
                return
            self._busy[worker] = item
            try:
                if worker not in self._knows:
                    worker.channel.send(Order("shared", self._number), self._shared)
                    self._knows.add(worker)
                worker.channel.send(Order("item", self._number, item[0]), item[1])
            except OSError:
                self._replace(worker)
                return

    def collect(self) -> None:
        """Take the answers that have come, and notice who ended without one."""
        answering = self._answering()
        for worker in answering:
            try:
                answer = self._answer_of(worker)
            except (EOFError, OSError):
                self._replace(worker)
                continue
            index, _ = self._busy.pop(worker)
            self.answered(index, answer)
        if not answering:  # another process may hold the pipe of a worker that is gone
            for worker in [worker for worker in self._busy if not worker.alive]:
                self._replace(worker)

    def _answering(self) -> list[Worker]:
        busy = {worker.channel.connection: worker for worker in self._busy}
        return [busy[connection] for connection in wait(list(busy), _POLL)] if busy else []  # type: ignore[index]

    def _answer_of(self, worker: Worker) -> Message:
        """Receive the answer of a worker; only one to the item that it was given counts."""
        order, answer = worker.channel.receive()
        if answer is None or order != Order("answer", self._number, self._busy[worker][0]):
            raise BrokenFrameError(f"an answer was expected, not {order}")
        return answer

    def _replace(self, worker: Worker) -> None:
        """Put a fresh worker in the place of one that died, and have its item done again."""
        index, item = self._busy.pop(worker)
        self._workers.remove(worker)
        code = worker.kill()
        self._workers.append(Worker())
        deaths = self._deaths[index] = self._deaths.get(index, 0) + 1
        if deaths < _ATTEMPTS:
            _log.warning("a worker ended with exit code %s; item %d is done again", code, index)
            self._again.append((index, item))
        else:
            self.failed(index, WorkerLost(index, deaths, f"exit code {code}", _REMEDY))

    def stop(self) -> None:
        """Make busy workers stop within a tile, and all forget this run. Who does not stop is ended by force."""
        try:
            self._stop()
        finally:
            self._give_back(self._workers)

    def _stop(self) -> None:
        try:
            for worker in list(self._busy):
                if worker.channel.broken:
                    self._drop(worker)
                else:
                    worker.tell("cancel", self._number)
            deadline = time.monotonic() + _PATIENCE
            while self._busy and time.monotonic() < deadline:
                self._settle()
        finally:
            for worker in list(self._busy):
                self._drop(worker)
        for worker in self._knows & set(self._workers):
            worker.tell("forget", self._number)

    def _settle(self) -> None:
        """Take answers that nobody wants any more."""
        for worker in self._answering():
            try:
                self._answer_of(worker)
            except (EOFError, OSError):
                self._drop(worker)
            else:
                del self._busy[worker]

    def _drop(self, worker: Worker) -> None:
        """End a worker that is in the middle of something."""
        self._busy.pop(worker, None)
        self._workers.remove(worker)
        worker.kill()


def _packed(item: Any) -> Message:
    return pack(item, by_value=True)
