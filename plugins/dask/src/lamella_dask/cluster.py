"""A cluster of Dask on this computer, whose processes do not import from the working directory."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dask
from distributed import Client, LocalCluster, Status

from lamella.errors import PluginError
from lamella.executors import ThreadsExecutor

__all__ = ["LocalWorkers"]

_SAFE = "PYTHONSAFEPATH"
_FEW_MESSAGES = 20
"""How many messages client and scheduler keep for those who look for faults in Dask; the usual 1000 may hold plans."""
_lock = threading.Lock()


class LocalWorkers:
    """A local cluster and a client to it.

    Parameters
    ----------
    workers
        Number of processes; one for each processor that this process may use if None.
    attempts
        How many workers may be lost with one task.
    options
        For `distributed.LocalCluster`, instead of what is usual here.
    set_as_default
        Whether the client is the default of Dask.

    Raises
    ------
    PluginError
        In a worker process that imports a script which makes a cluster again.
    """

    def __init__(self, workers: int | None, attempts: int, options: Mapping[str, Any], *, set_as_default: bool) -> None:
        import multiprocessing

        if getattr(multiprocessing.current_process(), "_inheriting", False):
            raise PluginError(
                "workers of Dask import the script that starts them, and it would start them again: put the part that "
                "computes under if __name__ == '__main__':"
            )
        usual: dict[str, Any] = {
            "n_workers": workers or ThreadsExecutor().workers,  # which knows quotas of containers
            "threads_per_worker": 1,
            "dashboard_address": "127.0.0.1:0",
            "worker_dashboard_address": "127.0.0.1:0",
            "silence_logs": logging.ERROR,
        }
        settings = {
            "distributed.scheduler.allowed-failures": attempts - 1,
            "distributed.scheduler.worker-ttl": "60s",
            "distributed.admin.low-level-log-length": _FEW_MESSAGES,
            "distributed.nanny.pre-spawn-environ": {
                **dask.config.get("distributed.nanny.pre-spawn-environ", {}),
                _SAFE: "1",
            },
        }
        with _lock, dask.config.set(settings), _safe_path():
            self.cluster = LocalCluster(**{**usual, **options})
            self.client = Client(self.cluster, set_as_default=set_as_default)
        self._wanted = len(self.cluster.worker_spec)

    def complete(self) -> None:
        """Start workers for those that Dask has given up: it does not restart one that ended while it began."""
        if len(self.cluster.workers) < self._wanted:
            self.cluster.scale(self._wanted)

    def close(self) -> None:
        """End the workers; may be called twice."""
        self.client.close()
        try:
            self.cluster.close()
        except KeyError:  # Dask does not know a worker that ended early; scheduler and workers are closed by then
            self.cluster.status = Status.closed


@contextmanager
def _safe_path() -> Iterator[None]:
    """Let children that start meanwhile not look for modules in the working directory first."""
    before = os.environ.get(_SAFE)
    os.environ[_SAFE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_SAFE]
        else:
            os.environ[_SAFE] = before
