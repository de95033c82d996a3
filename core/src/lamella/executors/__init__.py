"""The public module for authors of executors: where partitions run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella.system.lazy import lazy_names

if TYPE_CHECKING:
    from lamella.executors.executor import Executor as Executor, Job as Job
    from lamella.executors.inline import InlineExecutor as InlineExecutor
    from lamella.executors.make import make_executor as make_executor
    from lamella.executors.processes import ProcessesExecutor as ProcessesExecutor
    from lamella.executors.threads import ThreadsExecutor as ThreadsExecutor

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "lamella.executors.executor": "Executor Job",
        "lamella.executors.make": "make_executor",
        "lamella.executors.inline": "InlineExecutor",
        "lamella.executors.threads": "ThreadsExecutor",
        "lamella.executors.processes": "ProcessesExecutor",
    },
)
