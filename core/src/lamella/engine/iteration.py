"""Partial results while a run goes on: to iterate over, to wait for, to stop, and to change parameters meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from lamella.errors import LamellaWarning
from lamella.executors.executor import PATIENCE, as_error
from lamella.system.warn import warn_user

if TYPE_CHECKING:
    from lamella.engine.runner import PartialResults, Run
    from lamella.udf.results import RunResults

__all__ = ["AsyncPartials", "Partials", "finish_later"]

_PATIENCE = 2 * PATIENCE
"""How long a run may take to stop; executors have their own patience with jobs [s]."""


class Partials(Iterator["PartialResults"]):
    """What is known after each partition.

    The run goes on while it is asked for more; `close` and `throw` stop it within a tile. They belong to the thread
    that iterates; `cancel` may be called from any.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._results = run.partials()

    def __next__(self) -> PartialResults:
        return next(self._results)

    def cancel(self) -> None:
        """Stop this run within a tile, from any thread; other runs of the context go on.

        The iteration ends with `lamella.errors.CancelledRun`, unless all of it is done. May be called again, and after
        the end.
        """
        self._run.cancel.set()

    def close(self) -> None:
        """Stop the run."""
        self._results.close()

    def throw(self, error: BaseException) -> PartialResults:
        """Stop the run by raising ``error`` inside it."""
        return self._results.throw(error)

    def update_parameters(self, changes: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
        """Change parameters of the UDFs for the partitions that have not begun yet.

        Parameters
        ----------
        changes
            New values by name for the only UDF, or one mapping for each UDF, empty for no change.
        """
        self._run.update_parameters([changes] if isinstance(changes, Mapping) else changes)


class AsyncPartials(AsyncIterator["PartialResults"]):
    """What is known after each partition, for asynchronous code: the run happens in threads beside the event loop."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._partials = Partials(run)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> PartialResults:
        partial = await _beside(self._run, next, self._partials, None)
        if partial is None:
            raise StopAsyncIteration
        return partial  # type: ignore[no-any-return]

    def cancel(self) -> None:
        """Stop this run within a tile, from any thread; see `Partials.cancel`."""
        self._partials.cancel()

    async def aclose(self) -> None:
        """Stop the run."""
        self.cancel()
        await _in_thread(self._partials.close)

    async def athrow(self, error: BaseException) -> PartialResults:
        """Stop the run by raising ``error`` inside it."""
        return await _beside(self._run, self._partials.throw, error)  # type: ignore[no-any-return]

    def update_parameters(self, changes: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
        """Change parameters of the UDFs; see `Partials.update_parameters`."""
        self._partials.update_parameters(changes)


async def finish_later(run: Run) -> RunResults:
    """Run to the end in a thread; cancelling the waiting task cancels the run."""
    return await _beside(run, run.finish)  # type: ignore[no-any-return]


async def _beside(run: Run, function: Any, *args: Any) -> Any:
    """Call a function in a thread. When the waiting task is cancelled, cancel the run and wait until it has stopped.

    What does not stop is left alone in its thread, which does not keep the process from ending.
    """
    work = _in_thread(function, *args)
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        run.cancel.set()
        await asyncio.wait([work], timeout=_PATIENCE)
        if not work.done():
            warn_user(
                f"gave up waiting for {run.names} over {run.plan.dataset.name}: its thread continues", LamellaWarning
            )
        elif not work.cancelled():
            work.exception()
        raise


def _in_thread(function: Any, *args: Any) -> asyncio.Future[Any]:
    """Call a function in a thread of its own; those of `asyncio.to_thread` would keep the process from ending."""
    loop = asyncio.get_running_loop()
    work: asyncio.Future[Any] = loop.create_future()
    context = contextvars.copy_context()

    def call() -> None:
        result, failed = None, None
        try:
            result = context.run(function, *args)
        except BaseException as error:
            failed = as_error(error)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_settle, work, result, failed)

    threading.Thread(target=call, name="lamella-run", daemon=True).start()
    return work


def _settle(work: asyncio.Future[Any], result: Any, failed: Exception | None) -> None:
    if work.cancelled():
        return
    if failed is None:
        work.set_result(result)
    else:
        work.set_exception(failed)
