"""The other side of the processes executor: what a worker process does."""

from __future__ import annotations

import os
import queue
import signal
import threading
from multiprocessing.connection import Connection
from typing import Any

from lamella.executors.messages import pack, pack_error, receive, send
from lamella.executors.onethread import one_thread

__all__ = ["serve"]


def serve(connection: Connection) -> None:
    """Do what comes through the pipe until it says end, or the other side is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    os.environ["NUMBA_NUM_THREADS"] = "1"
    worker = _Worker(connection)
    threading.Thread(target=worker.listen, name="lamella-listener", daemon=True).start()
    worker.work()


class _Worker:
    """Listens in one thread, so that a cancel is heard, and works in the other."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._work: queue.SimpleQueue[tuple[int, Any] | None] = queue.SimpleQueue()
        self._shared: dict[int, Any] = {}
        self._cancelled: set[int] = set()

    def listen(self) -> None:
        """Take messages."""
        try:
            while True:
                kind, *run = self._connection.recv()
                if kind == "end":
                    break
                self._take(kind, run[0])
        except (EOFError, OSError):
            os._exit(1)  # the parent is gone: nobody wants the result
        self._work.put(None)

    def _take(self, kind: str, run: int) -> None:
        if kind == "shared":
            self._shared[run] = _received(self._connection)
        elif kind == "item":
            self._work.put((run, _received(self._connection)))
        elif kind == "cancel":
            self._cancelled.add(run)
        elif kind == "forget":
            self._shared.pop(run, None)
            self._cancelled.discard(run)

    def work(self) -> None:
        """Do items."""
        while (item := self._work.get()) is not None:
            send(self._connection, self._answer(*item))

    def _answer(self, run: int, item: Any) -> Any:
        try:
            job, shared = _unless_error(self._shared[run])
            with one_thread:
                result = job(shared, _unless_error(item), lambda: run in self._cancelled)
            return pack(("result", result))
        except BaseException as error:
            return pack_error(error)


class _Unreadable:
    def __init__(self, error: Exception) -> None:
        self.error = error


def _received(connection: Connection) -> Any:
    """Receive an object; one that cannot be unpickled becomes an error when it is used."""
    try:
        return receive(connection)
    except (EOFError, OSError):
        raise
    except Exception as error:
        return _Unreadable(error)


def _unless_error(thing: Any) -> Any:
    if isinstance(thing, _Unreadable):
        raise thing.error
    return thing
