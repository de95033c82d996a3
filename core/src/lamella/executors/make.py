"""Where partitions run: in the calling thread, in threads, in processes; others by entry point."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from lamella.errors import ParameterError, PluginError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella.executors.executor import Executor

__all__ = ["executor_on", "make_executor"]

_ALIASES = {"synchronous": "inline", "concurrent": "threads"}
_DASK = ("dask", "dask-integration", "dask-make-default", "delayed")
_ONLY_ONE = ("inline",)


def make_executor(name: str = "threads", cpus: int | Sequence[int] | None = None) -> Executor:
    """Give an executor by its name.

    Parameters
    ----------
    name
        ``"inline"`` (also ``"synchronous"``), ``"threads"`` (also ``"concurrent"``), ``"processes"``, or what a
        plugin adds.
    cpus
        Number of workers, or the numbers of processors, for one worker each; all processors that this process may use
        if None.

    Raises
    ------
    ParameterError
        If the executor has no choice of workers, or their number is not positive.
    PluginError
        If there is no such executor, or its plugin cannot be used; says what to install or to use.
    """
    from lamella.plugins.kinds import EXECUTORS
    from lamella.plugins.registry import default_registry

    wanted = _ALIASES.get(name.lower(), name.lower())
    if wanted == "pipelined":
        raise PluginError("the executor 'pipelined' is called 'processes' here: make_with('processes')")
    registry = default_registry()
    if wanted in _DASK and wanted not in registry.names(EXECUTORS):
        raise PluginError(
            f"the executor {name!r} needs a plugin: pip install lamella-dask. Without it: 'threads' or 'processes'"
        )
    plugin = registry.get(wanted, EXECUTORS)
    if cpus is None:
        return cast("Executor", plugin.make())
    if wanted in _ONLY_ONE:
        raise ParameterError(f"the executor {name!r} runs in the calling thread; leave out cpus", field="cpus")
    workers = cpus if isinstance(cpus, int) else len(cpus)
    if workers < 1:
        raise ParameterError(f"at least one worker is needed, not {cpus}", field="cpus")
    return cast("Executor", plugin.make(workers))


def executor_on(scheduler: str) -> Executor:
    """Give the executor on a cluster that runs already.

    Parameters
    ----------
    scheduler
        Address of a Dask scheduler, or the path of a scheduler file.

    Raises
    ------
    PluginError
        If the package for Dask is not installed, or cannot be used.
    """
    from lamella.plugins.kinds import EXECUTORS
    from lamella.plugins.registry import default_registry

    registry = default_registry()
    if "dask" not in registry.names(EXECUTORS):
        raise PluginError("a Dask scheduler needs a plugin: pip install lamella-dask")
    return cast("Executor", registry.get("dask", EXECUTORS).make(scheduler))
