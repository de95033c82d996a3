"""Lamella and Dask: Dask arrays as data sets, and runs on the workers of dask.distributed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamella_dask.executor import DaskExecutor as DaskExecutor
    from lamella_dask.last_run import LastRun as LastRun

__all__ = ["DaskExecutor", "LastRun"]

_PLACES = {"DaskExecutor": "lamella_dask.executor", "LastRun": "lamella_dask.last_run"}


def __getattr__(name: str) -> Any:
    """Import what is asked for: distributed takes long to import."""
    from importlib import import_module

    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
