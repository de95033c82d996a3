"""What happens on a worker of Dask: it unpickles the plan of a run once, does batches of items, and stops when told."""

from __future__ import annotations

import errno
import os
import pickle
import socket
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
import psutil  # type: ignore[import-untyped]

from lamella.errors import CancelledRun, PluginError, UDFError
from lamella.executors import Message, one_thread, pack_error, pack_result
from lamella.io import paths_here, prefer

__all__ = ["Batch", "Done", "Pickled", "memory_limit", "on_host", "stop", "versions", "work"]

R = TypeVar("R")

_MOST_PLANS = 8
_MOST_STOPPED = 1000
_YOUNG, _HEARD = 10.0, 0.2
"""How old a worker process may be whose nanny may not have heard that it runs, and how long that takes [s]."""
_PASSING = (errno.ESTALE, errno.EIO, errno.ETIMEDOUT)
"""Errors of network file systems that a second attempt may not meet."""
_MAPPED = 2
"""Up to which part of its limit a worker keeps files mapped: Dask writes data to the disk at 70 % of it."""
_CHECKED = ("lamella", "lamella-dask", "numpy", "cloudpickle")


@dataclass(frozen=True, slots=True)
class Pickled:
    """A pickle that Dask carries and does not look into."""

    content: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """Some consecutive items of a run.

    Attributes
    ----------
    run : str
        Names the run.
    items : list of bytes
        A pickle of each item.
    versions : dict
        What the client has; see `versions`.
    paths : dict
        See `lamella.io.paths_here`.
    """

    run: str
    items: list[bytes]
    versions: dict[str, str]
    paths: dict[str, str]


@dataclass(frozen=True, slots=True)
class Done:
    """The answers to the items of a batch.

    Attributes
    ----------
    answers : list
        A packed result or error for each item; none follows an error.
    seconds : float
        How long the items took [s].
    notes : list of str
        Warnings for the user.
    """

    answers: list[Message]
    seconds: float
    notes: list[str]


class _Plans:
    """The plans of the last runs of this process, which runs are stopped, and how many batches of each are at work."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._plans: OrderedDict[str, _Plan] = OrderedDict()
        self._stopped: OrderedDict[str, None] = OrderedDict()
        self._working: Counter[str] = Counter()

    @contextmanager
    def at_work(self, run: str) -> Iterator[_Plan]:
        """Give the plan of a run, and count a batch of it meanwhile."""
        with self._lock:
            self._working[run] += 1
            plan = self._plans.setdefault(run, _Plan())
            self._plans.move_to_end(run)
            while len(self._plans) > _MOST_PLANS:
                self._plans.popitem(last=False)
        try:
            yield plan
        finally:
            with self._lock:
                self._working[run] -= 1
                if not self._working[run]:
                    del self._working[run]

    def stopped(self, run: str) -> bool:
        """Whether a run is of no interest any more."""
        return run in self._stopped

    def stop(self, run: str) -> int:
        """Stop a run, and forget its plan; gives how many batches of it still work."""
        with self._lock:
            self._stopped[run] = None
            while len(self._stopped) > _MOST_STOPPED:
                self._stopped.popitem(last=False)
            self._plans.pop(run, None)
            return self._working[run]


class _Plan:
    """The plan of a run, which is unpickled when it is first needed; an error is raised for each batch again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opened: Any = None

    def open(self, content: bytes) -> tuple[Any, Any]:
        """Give the job and what all items share."""
        with self._lock:
            if self._opened is None:
                self._opened = pickle.loads(content)
            return self._opened  # type: ignore[no-any-return]

    def forget(self) -> None:
        """Let it be unpickled again, which opens its files again."""
        with self._lock:
            self._opened = None


_plans = _Plans()


class _Settling:
    """Lets a worker process do nothing at first that may end it.

    A nanny gives a worker up for good that ends before the nanny has heard that it runs.
    """

    def __init__(self) -> None:
        self._settled = False

    def wait(self) -> None:
        """Wait once in a process that has just begun."""
        if self._settled:
            return
        if getattr(_worker(), "nanny", None):
            age = time.time() - psutil.Process().create_time()
            if 0 <= age < _YOUNG:
                time.sleep(_HEARD)
        self._settled = True


_settling = _Settling()


def stop(*runs: str) -> int:
    """Stop runs within a tile; gives how many batches of them still work in this process."""
    return sum(map(_plans.stop, runs))


def work(plan: Pickled, batch: Batch) -> Done:
    """Do the items of a batch, up to the first error; nothing is raised for what goes wrong in them."""
    started = time.perf_counter()
    answers: list[Message] = []
    notes: list[str] = []
    stopped = partial(_plans.stopped, batch.run)
    try:
        _check_versions(batch.versions)
        _settling.wait()
        limit = memory_limit()
        reason = f"the Dask worker has a memory limit of {(limit or 0) >> 20} MiB, to which mapped files count"
        with (
            _plans.at_work(batch.run) as opened,
            prefer("buffered", reason, mapped_below=limit // _MAPPED) if limit else nullcontext(),
            paths_here(batch.paths),
            one_thread,
        ):
            for item in map(pickle.loads, batch.items):
                if stopped():
                    raise CancelledRun("the run was cancelled")
                answers.append(_portable(pack_result(_done(opened, plan.content, item, stopped))))
            notes += _mapped_notes(opened.open(plan.content)[1], limit)
    except BaseException as error:
        if isinstance(error, FileNotFoundError):
            error.add_note(
                f"The file is not there on host {socket.gethostname()}, where a Dask worker runs. If it is under "
                "another path there, say so: DaskExecutor(..., paths={'/mnt/a': '/data/a'}), or "
                "LAMELLA_PATHS=/mnt/a=/data/a where the worker starts"
            )
        answers.append(_portable(pack_error(error, where())))
    return Done(answers, time.perf_counter() - started, notes)


def _done(opened: _Plan, content: bytes, item: Any, stopped: Callable[[], bool]) -> Any:
    """Do an item; once more with files that are opened again, if a network file system failed."""
    try:
        job, shared = opened.open(content)
        return job(shared, item, stopped)
    except Exception as error:
        if not _may_pass(error):
            raise
    opened.forget()
    job, shared = opened.open(content)
    return job(shared, item, stopped)


def _may_pass(error: BaseException | None) -> bool:
    """Whether reading failed in a way that may pass; what a UDF raises is its own concern."""
    while error is not None and not isinstance(error, OSError | UDFError):
        error = error.__cause__
    return isinstance(error, OSError) and error.errno in _PASSING


def on_host(function: Callable[[], R], paths: Mapping[str, str]) -> R:
    """Give ``function()``, for which files are where this host has them."""
    with paths_here(paths):
        return function()


def _portable(message: Message) -> Message:
    """Give a message whose memory can be pickled by any protocol."""
    body, buffers = message
    return body, [np.frombuffer(raw, np.uint8) if (raw := buffer.raw()).nbytes else b"" for buffer in buffers]


def where() -> str:
    """Say which worker this is."""
    return f"Dask worker {_address()} (host {socket.gethostname()}, process {os.getpid()})"


def _address() -> str:
    worker = _worker()
    return "in this process" if worker is None else str(worker.address)


def _worker() -> Any:
    from distributed import get_worker

    try:
        return get_worker()
    except ValueError:
        return None


def memory_limit() -> int | None:
    """Give the memory from which this worker is paused or ended [bytes], or None."""
    manager = getattr(_worker(), "memory_manager", None)
    return getattr(manager, "memory_limit", None)


def _mapped_notes(shared: Any, limit: int | None) -> list[str]:
    """Warn where the user named kept maps, and the worker has a limit."""
    backend = getattr(shared, "backend", None)
    if limit is None or getattr(backend, "name", None) != "mmap" or getattr(backend, "mapped_below", None):
        return []
    size = sum(resource.size for resource in shared.dataset.source.resources)
    return [
        f"io_backend='mmap' maps {size >> 20} MiB, which count as memory of Dask workers; their limit is {limit >> 20} "
        "MiB each, and Dask ends a worker that reaches it. Leave io_backend out, or name 'buffered'"
    ]


def versions() -> dict[str, str]:
    """Give the versions of what must be the same on all hosts."""
    from importlib.metadata import PackageNotFoundError, version

    found: dict[str, str] = {}
    for name in _CHECKED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


_here: dict[str, str] = {}


def _check_versions(wanted: dict[str, str]) -> None:
    if not _here:
        _here.update(versions())
    differ = [name for name in wanted if _minor(wanted[name]) != _minor(_here.get(name, "missing"))]
    if differ:
        told = "; ".join(f"{name} {wanted[name]} here, {_here.get(name, 'missing')} there" for name in differ)
        raise PluginError(
            f"{where()} has other versions than the client: {told}. Install the same versions on all hosts"
        )


def _minor(version: str) -> tuple[str, ...]:
    return tuple(version.split(".")[:2])
