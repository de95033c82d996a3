"""The client's side of one run: it hands out batches of items, and gives the results in order."""

from __future__ import annotations

import asyncio
import itertools
import queue
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future as LocalFuture
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
from distributed import Client, Future, KilledWorker, LocalCluster

from lamella.errors import LamellaError, LamellaWarning, WorkerLost
from lamella.executors import InOrder, across_hosts, warn_user
from lamella_dask.batchsize import batch_size, room_for
from lamella_dask.last_run import LastRun
from lamella_dask.leftovers import Leftovers
from lamella_dask.remote import Batch, Done, Pickled, stop, versions, work

__all__ = ["ClientRun"]

_RIDES_ALONG = 32 << 10
"""Plans up to this size go with each task; larger ones are the result of a task of their own [bytes].

A scheduler keeps the last 1000 messages for each worker.
"""
_HEAVY = 64 << 20
"""Plans from this size on are worth a note [bytes]."""
_SMALL = 1 << 20
"""Results of a batch up to this size may stay on the cluster for a moment [bytes]."""
_POLL = 0.05
"""How often a set cancel flag is looked for [s]."""
_PATIENCE = 3.0
"""How long jobs that run may take to stop [s]."""
_NO_SCHEDULER = 20.0
"""How long the scheduler may be silent before it counts as gone [s]."""
_NO_WORKERS = 60.0
"""How long a run goes on without any worker [s]."""
_REMEDY = (
    "Most often a worker is ended because it takes more memory than its limit: use fewer threads for each worker, more "
    "partitions, or a higher memory_limit"
)

_versions = cache(versions)


@dataclass(slots=True, eq=False)
class _Sent:
    """A batch that is under way.

    Attributes
    ----------
    first, items : int, list of bytes
        The number of its first item, and a pickle of each of its items.
    attempts : int
        How often it was given to the cluster.
    alone : bool
        Whether it is one item that is suspected to end workers, and must be at work alone.
    """

    first: int
    items: list[bytes]
    attempts: int = 0
    alone: bool = False
    future: Future[Any] | None = None


class ClientRun(InOrder[Any, Any]):
    """One run.

    Parameters
    ----------
    client
        Connected to the cluster.
    job, shared, items, cancel, ahead
        See `lamella.executors.Executor.run`.
    workers
        Gives the number of threads that work at present.
    attempts
        How many workers may be lost with one item.
    options
        For `distributed.Client.submit`.
    paths
        See `DaskExecutor`.
    leftovers
        Of all runs of this client.
    """

    def __init__(
        self,
        client: Client,
        job: Any,
        shared: Any,
        items: Sequence[Any],
        *,
        cancel: threading.Event | None,
        ahead: int | None,
        workers: Callable[[], int],
        attempts: int,
        options: dict[str, Any],
        paths: Mapping[str, str],
        leftovers: Leftovers,
    ) -> None:
        super().__init__(items, cancel)
        self._client = client
        self._ahead = ahead
        self._workers = workers
        self._attempts = attempts
        self._options = options
        self._paths = dict(paths)
        self._leftovers = leftovers
        self._name = uuid.uuid4().hex[:12]
        self._numbers = itertools.count()
        self._all_here = isinstance(client.cluster, LocalCluster)
        self._direct = True if self._all_here else None  # elsewhere there may be no way to the workers
        self._plan: Pickled | Future[Any] = Pickled(self._pickled((job, shared)))
        self._sent: set[_Sent] = set()
        self._again: deque[_Sent] = deque()
        self._came: queue.SimpleQueue[tuple[_Sent, Future[Any], Done | BaseException]] = queue.SimpleQueue()
        self._often = bool(getattr(items, "often", False))
        self._pace: float | None = None
        self._told: set[str] = set()
        self._heard = self._manned = time.monotonic()
        self.facts = LastRun(plan_bytes=len(self._plan.content))

    def results(self) -> Generator[Any]:
        """Give the results in order, and count what they took."""
        started = time.perf_counter()
        self._send_plan()
        with closing(super().results()) as results:
            for result in results:
                self.facts.items += 1
                yield result
                self.facts.wall = time.perf_counter() - started

    def _pickled(self, thing: Any) -> bytes:
        with nullcontext() if self._all_here else across_hosts():
            return cloudpickle.dumps(thing, protocol=5)  # type: ignore[no-any-return]

    def _send_plan(self) -> None:
        """Make a large plan the result of a task: that is computed again when the worker that holds it is lost."""
        assert isinstance(self._plan, Pickled)
        if len(self._plan.content) > _HEAVY:
            warn_user(
                f"each worker gets {len(self._plan.content) >> 20} MiB before it begins: an array in memory, masks, or "
                "the graph of a Dask array. Save the array to a file and open that, give masks as functions, or use "
                "threads",
                LamellaWarning,
            )
        if len(self._plan.content) > _RIDES_ALONG:
            key = f"lamella-{self._name}-plan"
            self._plan = self._client.submit(_same, self._plan, key=key, **self._options)

    def hand_out(self) -> None:
        """Submit batches, as many as workers can take."""
        started = time.perf_counter()
        batches: list[_Sent] = []
        while (sent := self._next_batch()) is not None:
            batches.append(sent)
            self._sent.add(sent)
        if batches:
            self._submit(batches)
        self.facts.submit += time.perf_counter() - started

    def _next_batch(self) -> _Sent | None:
        """Give what should be handed out now: batches that ended workers alone, then what was lost, then new items."""
        if any(sent.alone for sent in self._sent):
            return None
        if self._again:
            if self._again[0].alone and self._sent:
                return None
            return self._again.popleft()
        workers = max(1, self._workers())
        if len(self._sent) >= 2 * workers or not self.left:
            return None
        room = room_for(workers, self._ahead)
        size = batch_size(self.left, workers, room, self._pace, often=self._often)
        size = min(size, room - (self.begun - self.given))
        return self._new_batch(size)

    def _new_batch(self, size: int) -> _Sent | None:
        first = self.begun
        items: list[bytes] = []
        while len(items) < size and (taken := self.take(self._pickled)) is not None:
            items.append(taken[1])
        return _Sent(first, items) if items else None

    def _submit(self, batches: list[_Sent]) -> None:
        """Submit batches in one message: a client waits 10 ms before it sends another one."""
        tasks = [Batch(self._name, sent.items, _versions(), self._paths) for sent in batches]
        keys = [f"lamella-{self._name}-{next(self._numbers)}" for _ in batches]
        options = {"priority": 0 if len(self.items) > 64 else 1, **self._options}
        plans = [self._plan] * len(tasks)
        futures = self._client.map(work, plans, tasks, key=keys, **options)
        self._leftovers.release()
        for sent, future in zip(batches, futures, strict=True):
            sent.attempts += 1
            sent.future = future
            self.facts.batches += 1
            self._beside(self._fetch(sent, future))

    async def _fetch(self, sent: _Sent, future: Future[Any]) -> None:
        """Fetch a result when it is there, beside the thread that merges."""
        try:
            (came,) = await self._client.gather([future], direct=self._direct, asynchronous=True)
        except BaseException as error:  # also that it was cancelled
            came = error
        self._came.put((sent, future, came))

    def _beside(self, coroutine: Any) -> LocalFuture[Any]:
        loop: Any = self._client.loop
        return asyncio.run_coroutine_threadsafe(coroutine, loop.asyncio_loop)

    def collect(self) -> None:
        """Take what has come."""
        started = time.perf_counter()
        try:
            sent, future, came = self._came.get(timeout=_POLL)
        except queue.Empty:
            self._check_scheduler()
            self._check_workers()
            return
        finally:
            self.facts.wait += time.perf_counter() - started
        self._heard = time.monotonic()
        self._sent.discard(sent)
        sent.future = None
        if isinstance(came, Done):
            if self._take(sent, came) <= _SMALL and not self.left:
                self._leftovers.keep(future)
        else:
            self._lost(sent, future, came)

    def _take(self, sent: _Sent, done: Done) -> int:
        """Keep the results of a batch until it is their turn; gives their size [bytes]."""
        nbytes, count = 0, len(done.answers)
        pace = done.seconds / max(1, count)
        self._pace = pace if self._pace is None else 0.5 * (self._pace + pace)
        self.facts.busy += done.seconds
        for i, answer in enumerate(done.answers):
            body, buffers = answer
            nbytes += len(body) + sum(memoryview(buffer).nbytes for buffer in buffers)
            self.answered(sent.first + i, answer)
        for note in done.notes:
            if note not in self._told:
                self._told.add(note)
                warn_user(note, LamellaWarning)
        self.facts.result_bytes += nbytes
        return nbytes

    def _lost(self, sent: _Sent, future: Future[Any], error: BaseException) -> None:
        """Deal with a batch whose task has no result: workers were lost with it, or the cluster could not begin it."""
        status = future.status
        if isinstance(error, KilledWorker):
            self._killed(sent, error)
        elif status == "error":
            self.failed(sent.first, error)
        elif self._client.status != "running":
            raise self._gone()
        elif sent.attempts < self._attempts:
            self._retry(sent)
        else:
            self.failed(sent.first, WorkerLost(sent.first, sent.attempts, f"Dask says {status!r}", _REMEDY))

    def _killed(self, sent: _Sent, error: KilledWorker) -> None:
        """Do the items of a batch one by one, with nothing beside them: some may have been there by chance."""
        if sent.alone:
            last = getattr(error.last_worker, "address", error.last_worker)
            attempts = error.allowed_failures + 1
            self.failed(sent.first, WorkerLost(sent.first, attempts, f"the last one was {last}", _REMEDY))
            return
        for i, item in enumerate(sent.items):
            self._retry(_Sent(sent.first + i, [item], alone=True))

    def _retry(self, sent: _Sent) -> None:
        self.facts.retries += 1
        self._again.append(sent)
        self._again = deque(sorted(self._again, key=lambda one: one.first))

    def _check_scheduler(self) -> None:
        if self._client.status == "running":
            self._heard = time.monotonic()
        elif self._client.status == "closed" or time.monotonic() - self._heard > _NO_SCHEDULER:
            raise self._gone()

    def _check_workers(self) -> None:
        """Give up when all workers are lost and none comes back."""
        if self._workers():
            self._manned = time.monotonic()
        elif time.monotonic() - self._manned > _NO_WORKERS:
            raise LamellaError(
                f"all workers of the Dask scheduler {self._address} are gone, and none came back within "
                f"{_NO_WORKERS:.0f} s. Start workers; for a local cluster, close the context and make another one"
            )

    @property
    def _address(self) -> str:
        return str(getattr(self._client.scheduler, "address", ""))

    def _gone(self) -> LamellaError:
        return LamellaError(
            f"the Dask scheduler {self._address} is gone; start it again, and make a new executor for a new client"
        )

    def stop(self) -> None:
        """Stop what still runs, and forget everything of this run."""
        unfinished = [sent.future for sent in self._sent if sent.future is not None]
        self._sent.clear()
        if unfinished and self._client.status == "running":
            self._cancel_all(unfinished)
            self._stop_workers()
        elif self.facts.batches:
            self._leftovers.ended(self._name)
        if isinstance(self._plan, Future):
            self._leftovers.keep(self._plan)

    def _cancel_all(self, futures: list[Future[Any]]) -> None:
        async def cancel() -> None:
            await self._client.cancel(futures, asynchronous=True)

        with suppress(Exception):
            self._beside(cancel()).result(_PATIENCE)

    def _stop_workers(self) -> None:
        """Tell all workers that the run is over, until none of them works on it any more."""

        async def tell() -> dict[str, Any]:
            return await self._client.run(stop, self._name, on_error="ignore", asynchronous=True)  # type: ignore[no-any-return]

        told = self._beside(tell())
        deadline = time.monotonic() + _PATIENCE
        with suppress(Exception):
            while any((told.result(max(0.01, deadline - time.monotonic())) or {}).values()):
                if time.monotonic() > deadline:
                    break
                time.sleep(0.02)
                told = self._beside(tell())
            else:
                return
        warn_user(
            "gave up waiting for Dask workers that do not stop: they continue until the function returns",
            LamellaWarning,
        )


def _same(plan: Pickled) -> Pickled:
    return plan
