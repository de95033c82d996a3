"""The executors under the names of LiberTEM."""

from __future__ import annotations

from typing import NoReturn

from lamella.errors import LamellaWarning, ParameterError, PluginError
from lamella.executors import Executor, make_executor, warn_user

__all__ = ["dask_integration", "dask_make_default", "delayed"]


def dask_make_default(workers: int | None = None) -> Executor:
    """Make a local cluster whose client is Dask's default, so that ``array.compute()`` runs there, too."""
    from lamella_dask.executor import DaskExecutor

    return DaskExecutor(workers, set_as_default=True)


def dask_integration(workers: int | None = None) -> Executor:
    """Run on the present client of Dask; in threads where there is none."""
    from distributed import get_client

    from lamella_dask.executor import DaskExecutor

    try:
        client = get_client()
    except ValueError:
        warn_user(
            "there is no client of Dask in this process: runs happen in threads. Make a distributed.Client first, or "
            "use make_with('dask')",
            LamellaWarning,
        )
        return make_executor("threads", workers)
    if workers is not None:
        raise ParameterError("the present client of Dask has its own workers: leave out cpus", field="cpus")
    return DaskExecutor(client)


def delayed(workers: int | None = None) -> NoReturn:
    """Say what takes the place of LiberTEM's delayed executor."""
    raise PluginError(
        "there is no executor 'delayed': make a Dask array with array = ds.to_dask(), and compute on it with Dask, "
        "such as array.sum(axis=(-1, -2)).compute()"
    )
