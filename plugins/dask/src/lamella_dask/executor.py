"""The executor on dask.distributed: on a local cluster, or on one that runs already."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
import time
import weakref
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard, TypeVar

from lamella.errors import LamellaError, ParameterError, PluginError
from lamella.executors import Executor, Job, Transport
from lamella_dask.last_run import LastRun

if TYPE_CHECKING:
    from distributed import Client

    from lamella_dask.cluster import LocalWorkers
    from lamella_dask.leftovers import Leftovers

__all__ = ["DaskExecutor"]

S = TypeVar("S")
I = TypeVar("I")  # noqa: E741
R = TypeVar("R")

_KEPT = 1.0
"""How long the number of workers counts [s]."""
_NEEDED = "import lamella_dask.remote"
_NO_ANSWER = 10.0
"""How long is waited until workers have imported that [s]."""
_NO_WORKERS = 30.0
"""How long is waited for the first worker [s]."""


class DaskExecutor(Executor):
    """Runs on the workers of a cluster of Dask.

    A run is pickled once and goes to the workers with batches of partitions; each worker opens the files itself, by
    path. Whoever reaches a scheduler without TLS can run code on its workers: that is how Dask works.

    Parameters
    ----------
    client
        A `distributed.Client`, which is never closed here; the address of a scheduler, such as
        ``"tcp://head:8786"``; the path of a scheduler file; a number of workers for a cluster on this computer; or
        None for such a cluster with one worker for each processor.
    paths
        Where workers have files whose mount point is another one: from the beginning of a path here to the beginning
        of the path there, such as ``{"/mnt/a": "/data/a"}``. Hosts that differ have ``LAMELLA_PATHS`` in their
        environment instead, such as ``/mnt/a=/data/a``.
    attempts
        How many workers may be lost with one partition. It holds for clusters that are made here; others have their
        own setting, ``distributed.scheduler.allowed-failures``.
    local
        Options for `distributed.LocalCluster`, where one is made.
    resources
        What a worker must have for the tasks of a run, as for `distributed.Client.submit`.
    set_as_default
        Make a client that is made here the default of Dask, at once.

    Attributes
    ----------
    last_run : LastRun or None
        Counters of the run that ended last.

    Examples
    --------
    >>> from lamella_dask import DaskExecutor
    >>> with lamella.Context(executor=DaskExecutor("tcp://head:8786")) as ctx:  # doctest: +SKIP
    ...     result = ctx.run_udf(ds, udf)
    """

    name = "dask"
    calls_small = True
    transport: Transport = "network"

    def __init__(
        self,
        client: Client | str | os.PathLike[str] | int | None = None,
        *,
        paths: Mapping[str, str] | None = None,
        attempts: int = 3,
        local: Mapping[str, Any] | None = None,
        resources: Mapping[str, float] | None = None,
        set_as_default: bool = False,
    ) -> None:
        if attempts < 1:
            raise ParameterError(f"at least one attempt is needed, not {attempts}", field="attempts")
        if not (client is None or isinstance(client, str | os.PathLike | int) or _is_client(client)):
            raise ParameterError(
                f"expected a distributed.Client, an address, a scheduler file or a number of workers, found "
                f"{type(client).__name__}",
                field="client",
            )
        if local is not None and not (client is None or isinstance(client, int)):
            raise ParameterError("it is for a cluster that is made here, and a client was given", field="local")
        self._given = client
        self._attempts = attempts
        self._paths = {os.fspath(there): os.fspath(here) for there, here in (paths or {}).items()}
        self._local = dict(local or {})
        self._options: dict[str, Any] = {"resources": dict(resources)} if resources else {}
        self._lock = threading.RLock()
        self._client: Client | None = client if _is_client(client) else None
        self._cluster: LocalWorkers | None = None
        self._leftovers: Leftovers | None = None
        self._counted = (0, float("-inf"))
        self._known: set[str] = set()
        self._new: set[str] = set()
        self.last_run: LastRun | None = None
        self._set_as_default = set_as_default
        if set_as_default:
            _ = self.client

    @property
    def client(self) -> Client:
        """The client; a cluster is made, or a scheduler connected, when it is first needed.

        Raises
        ------
        LamellaError
            If the scheduler cannot be reached.
        """
        with self._lock:
            if self._client is None:
                self._client = self._connected()
            return self._client

    def _connected(self) -> Client:
        from distributed import Client

        from lamella_dask.cluster import LocalWorkers

        given = self._given
        if given is None or isinstance(given, int):
            self._cluster = LocalWorkers(given, self._attempts, self._local, set_as_default=self._set_as_default)
            weakref.finalize(self, self._cluster.close)
            return self._cluster.client
        where = os.fspath(given)  # type: ignore[arg-type]
        try:
            if "://" not in where and Path(where).is_file():
                return Client(scheduler_file=where, set_as_default=self._set_as_default)
            return Client(where, set_as_default=self._set_as_default)
        except (OSError, ValueError) as error:
            raise LamellaError(f"the Dask scheduler {where} cannot be reached: {error}") from error

    @property
    def workers(self) -> int:
        """The number of threads of all workers at present, at least one."""
        return max(1, self._present())

    def _present(self) -> int:
        """Give the number of threads of all workers at present."""
        number, when = self._counted
        if time.monotonic() - when > _KEPT:
            client = self.client
            if client.status == "running":
                threads = client.nthreads()
                number, self._new = sum(threads.values()), set(threads) - self._known
            self._counted = number, time.monotonic()
            if self._cluster is not None:
                self._cluster.complete()
        return number

    @property
    def _address(self) -> str:
        return str(getattr(self.client.scheduler, "address", "of a closed client"))

    def _wait_for_workers(self) -> None:
        if self._present():
            return
        try:
            self.client.wait_for_workers(1, timeout=_NO_WORKERS)
        except TimeoutError:
            raise LamellaError(
                f"the Dask scheduler {self._address} has no workers, and none came within {_NO_WORKERS:.0f} s"
            ) from None
        self._counted = 0, float("-inf")

    def _check_new_workers(self) -> None:
        """Look whether workers have this package: one that cannot unpickle a task leaves the cluster without a word."""
        _ = self._present()
        if not self._new:
            return
        new = sorted(self._new)
        loop: Any = self.client.loop
        asked = self.client.run(exec, _NEEDED, workers=new, on_error="return", asynchronous=True)
        try:
            answers = asyncio.run_coroutine_threadsafe(asked, loop.asyncio_loop).result(_NO_ANSWER)
        except (TimeoutError, OSError):  # one of them hangs, or is gone meanwhile
            return
        for address, answer in answers.items():
            if isinstance(answer, ImportError):
                name = (answer.name or "lamella_dask").partition(".")[0].replace("_", "-")
                raise PluginError(
                    f"the Dask worker {address} lacks {name} ({answer}): pip install {name} there, in the version of "
                    "this host"
                ) from answer
        self._known.update(new)
        self._new -= set(new)

    def run(
        self,
        job: Job[S, I, R],
        shared: S,
        items: Sequence[I],
        *,
        cancel: threading.Event | None = None,
        ahead: int | None = None,
    ) -> Generator[R]:
        """Give ``job(shared, item, cancelled)`` for each item, in order; see `lamella.executors.Executor.run`.

        Raises
        ------
        LamellaError
            If the scheduler is gone, or has no workers.
        """
        from lamella_dask.client_run import ClientRun
        from lamella_dask.leftovers import Leftovers

        if self.client.status not in ("running", "connecting"):
            raise LamellaError("the Dask client is closed; make a new executor for a new client")
        self._wait_for_workers()
        self._check_new_workers()
        with self._lock:
            client = self.client
            if self._leftovers is None:
                self._leftovers = Leftovers(client)
        run = ClientRun(
            client,
            job,
            shared,
            items,
            cancel=cancel,
            ahead=ahead,
            workers=self._present,
            attempts=self._attempts,
            options=self._options,
            paths=self._paths,
            leftovers=self._leftovers,
        )
        try:
            yield from run.results()
        finally:
            self.last_run = run.facts

    def each_host(self, function: Callable[[], R]) -> dict[str, R]:
        """Call a function once on each host that has workers; see `lamella.executors.Executor.each_host`.

        Raises
        ------
        LamellaError
            If there are no workers.
        """
        from lamella_dask.remote import on_host

        self._wait_for_workers()
        self._check_new_workers()
        addresses = sorted(self.client.run(socket.gethostname, on_error="ignore").items(), reverse=True)
        first = {host: address for address, host in addresses}
        asked = {
            # A task that must stay at its worker fails, and does not wait, when that is lost.
            host: self.client.submit(on_host, function, self._paths, workers=[address], pure=False, **self._options)
            for host, address in sorted(first.items())
        }
        return {host: future.result() for host, future in asked.items()}

    def describe(self) -> dict[str, object]:
        """Give facts for people: also the address of the scheduler."""
        return {**super().describe(), "scheduler": self._address}

    def close(self) -> None:
        """Close what was made here: the cluster, or the connection to a scheduler; a client that was given stays."""
        with self._lock:
            client, self._client = self._client, self._given if _is_client(self._given) else None
            cluster, self._cluster = self._cluster, None
            self._counted = (0, float("-inf"))
            self._known = set()
            leftovers, self._leftovers = self._leftovers, None
        if leftovers is not None:
            leftovers.release()
        if cluster is not None:
            cluster.close()
        elif client is not None and client is not self._given:
            client.close()


def _is_client(given: object) -> TypeGuard[Client]:
    """Whether it is a client; where distributed was not imported there is none."""
    distributed = sys.modules.get("distributed")
    return distributed is not None and isinstance(given, distributed.Client)
