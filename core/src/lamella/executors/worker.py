"""Worker processes: starting one, talking to it, and what it does."""

from __future__ import annotations

import logging
import multiprocessing
import os
import queue
import signal
import subprocess
import sys
import threading
from multiprocessing.connection import Connection
from multiprocessing.spawn import get_executable
from typing import Any

from lamella.executors.messages import pack_error, pack_result, receive, send
from lamella.executors.onethread import one_thread

__all__ = ["Worker", "serve"]

_log = logging.getLogger(__name__)

# Unlike a process of `multiprocessing`, a worker does not import the script of the user, which may be a notebook, may
# take long, or may start workers itself: what it needs of the script is sent by value.
_START = """
import sys
from multiprocessing import connection
pipe = getattr(connection, "PipeConnection", connection.Connection)(int(sys.argv[1]))
sys.path[:] = pipe.recv()
from lamella.executors.worker import serve
serve(pipe)
"""


class Worker:
    """A process of its own, and the pipe to it."""

    def __init__(self) -> None:
        self.connection, theirs = multiprocessing.Pipe()
        self._process = _start(theirs.fileno())
        theirs.close()
        self.tell(sys.path)

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def tell(self, *message: Any) -> None:
        """Send a short message; a worker that is gone is found out when its answer does not come."""
        try:
            self.connection.send(message if len(message) > 1 else message[0])
        except OSError:
            _log.debug("worker %s is gone", self._process.pid)

    def end(self, patience: float = 1.0) -> int:
        """End the process, by force if it does not listen within ``patience`` [s]; gives its exit code."""
        self.tell("end")
        try:
            code = self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self.connection.close()
        return code


def _start(handle: int) -> subprocess.Popen[bytes]:
    """Start a fresh interpreter that inherits one end of a pipe and nothing else."""
    command = [os.fsdecode(get_executable()), "-c", _START, str(handle)]
    if sys.platform != "win32":
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=(handle,))
    os.set_handle_inheritable(handle, True)
    inherited = subprocess.STARTUPINFO(lpAttributeList={"handle_list": [handle]})
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, startupinfo=inherited)


def serve(connection: Connection) -> None:
    """Do what comes through the pipe until it says end, or the other side is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    os.environ["NUMBA_NUM_THREADS"] = "1"
    servant = _Servant(connection)
    threading.Thread(target=servant.listen, name="lamella-listener", daemon=True).start()
    servant.work()


class _Servant:
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
                message = self._connection.recv()
                if message == "end":
                    break
                self._take(*message)
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
            return pack_result(result)
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
