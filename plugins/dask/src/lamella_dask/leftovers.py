"""What runs leave on a cluster, which is cleared a moment later: so it does not delay the run after it."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import Any

from distributed import Client, Future

from lamella_dask.remote import stop

__all__ = ["Leftovers"]

_LATER = 0.2
"""How long after a run its leftovers are cleared [s]."""


class Leftovers:
    """Results that were fetched, and names of runs that workers have plans of.

    A client sends no message within 10 ms after another one, a scheduler none within 5 ms. Results that are released
    at the end of a run would delay the first batches of a run that follows at once; so they are released after these
    were submitted, or else a little later.

    Parameters
    ----------
    client
        Connected to the cluster.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self._lock = threading.Lock()
        self._futures: list[Future[Any]] = []
        self._runs: list[str] = []

    def keep(self, future: Future[Any]) -> None:
        """Keep a future until later."""
        with self._lock:
            self._futures.append(future)

    def release(self) -> None:
        """Release all futures."""
        with self._lock:
            futures, self._futures = self._futures, []
        del futures

    def ended(self, run: str) -> None:
        """Clear what a run left, a moment later."""
        with self._lock:
            self._runs.append(run)
            first = len(self._runs) == 1
        if first:
            loop: Any = self.client.loop
            with suppress(RuntimeError):  # the loop is closed, and the cluster gone
                asyncio.run_coroutine_threadsafe(self._clear(), loop.asyncio_loop)

    async def _clear(self) -> None:
        await asyncio.sleep(_LATER)
        self.release()
        with self._lock:
            runs, self._runs = self._runs, []
        if self.client.status == "running":
            with suppress(Exception):
                await self.client.run(stop, *runs, on_error="ignore", asynchronous=True)
