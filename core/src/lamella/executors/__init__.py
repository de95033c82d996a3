"""The public module for authors of executors: where partitions run.

A plugin declares a class of executors, or a function that makes one, in the entry-point group ``lamella.executors``::

    [project.entry-points."lamella.executors"]
    ray = "my_package.ray:RayExecutor"

The name on the left is what users type, in any case of letters. The class may state the plugin API that it was written
for, as the class attribute ``api = (1, 0)``; without it, ``(1, 0)`` is assumed. A class for a plugin API that Lamella
does not understand is reported as incompatible, one that fails while it is imported as broken; neither is used.

`Executor` is the contract, with an example. What else is here helps to keep it: `limit` says how far to run ahead,
`one_thread` limits libraries for linear algebra, and `pack`, `unpack`, `pack_result`, `pack_error` and `result_of` take
jobs, results and errors to other processes. `InOrder` is a run whose workers answer in any order. `across_hosts` lets
objects know that shared memory of this host does not reach the workers. `warn_user` warns at the user's line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella.system.lazy import lazy_names

if TYPE_CHECKING:
    from lamella.errors import CancelledRun as CancelledRun, WorkerLost as WorkerLost
    from lamella.executors.executor import (
        Executor as Executor,
        Job as Job,
        Transport as Transport,
        limit as limit,
    )
    from lamella.executors.inline import InlineExecutor as InlineExecutor
    from lamella.executors.inorder import InOrder as InOrder
    from lamella.executors.make import make_executor as make_executor
    from lamella.executors.messages import (
        Message as Message,
        pack as pack,
        pack_error as pack_error,
        pack_result as pack_result,
        result_of as result_of,
        unpack as unpack,
    )
    from lamella.executors.onethread import one_thread as one_thread
    from lamella.executors.processes import ProcessesExecutor as ProcessesExecutor
    from lamella.executors.threads import ThreadsExecutor as ThreadsExecutor
    from lamella.system.hosts import across_hosts as across_hosts
    from lamella.system.warn import warn_user as warn_user

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "lamella.errors": "CancelledRun WorkerLost",
        "lamella.executors.executor": "Executor Job Transport limit",
        "lamella.executors.make": "make_executor",
        "lamella.executors.messages": "Message pack pack_error pack_result result_of unpack",
        "lamella.executors.onethread": "one_thread",
        "lamella.executors.inorder": "InOrder",
        "lamella.executors.inline": "InlineExecutor",
        "lamella.executors.threads": "ThreadsExecutor",
        "lamella.executors.processes": "ProcessesExecutor",
        "lamella.system.hosts": "across_hosts",
        "lamella.system.warn": "warn_user",
    },
)
