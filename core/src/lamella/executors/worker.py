"""Worker processes: starting one, talking to it, and what it does."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import subprocess
import sys
import threading
from multiprocessing import connection as connections
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from lamella.errors import PluginError
from lamella.executors.messages import pack_error, pack_result, receive, send
from lamella.executors.onethread import one_thread
from lamella.kernels.compilequeue import compile_queue
from lamella.system.logs import logger_of
from lamella.system.spawn import NoPythonError, start

if TYPE_CHECKING:
    from lamella.kernels.compilejob import CompileJob

__all__ = ["Worker", "serve"]

_log = logger_of(__name__)


class Worker:
    """A process of its own, and the pipe to it.

    Unlike a process of `multiprocessing`, it does not import the script of the user, which may be a notebook, may take
    long, or may start workers itself: what it needs of the script is sent by value.

    Raises
    ------
    PluginError
        If there is no Python executable to start.
    """

    def __init__(self) -> None:
        self.connection, theirs = multiprocessing.Pipe()
        requests, their_requests = multiprocessing.Pipe()
        handles = theirs.fileno(), their_requests.fileno()
        try:
            self._process = start("lamella.executors.worker:serve", *handles, inherit=handles)
        except NoPythonError as error:
            self.connection.close()
            requests.close()
            raise PluginError(
                f"the executor 'processes' needs a Python executable for its workers: {error}. Or use "
                "executor='threads'"
            ) from None
        finally:
            theirs.close()
            their_requests.close()
        assert self._process.stdin is not None
        self._process.stdin.close()
        threading.Thread(target=_answer_requests, args=(requests,), name="lamella-requests", daemon=True).start()

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


def _answer_requests(requests: Connection) -> None:
    """Have kernels compiled that a worker asks for, until it is gone: workers start no helpers of their own."""
    with requests:
        while True:
            try:
                requests.send(compile_queue.compile_for_child(*requests.recv()))
            except (EOFError, OSError):
                return
            except Exception as error:
                _log.debug("a worker asks for what cannot be compiled here: %s", error)
                return


def serve(handle: int, requests: int) -> None:
    """Do what comes through the pipe until it says end, or the other side is gone.

    Parameters
    ----------
    handle
        The end of the pipe for work.
    requests
        The end of the pipe through which the worker asks for compiled kernels.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    os.environ["NUMBA_NUM_THREADS"] = "1"
    compile_queue.ask_parent = _Requests(_connection(requests)).compile
    servant = _Servant(_connection(handle))
    threading.Thread(target=servant.listen, name="lamella-listener", daemon=True).start()
    servant.work()


def _connection(handle: int) -> Connection:
    if sys.platform == "win32":
        return connections.PipeConnection(handle)
    return Connection(handle)


class _Requests:
    """Asks the parent to have kernels compiled; for one thread."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def compile(self, job: CompileJob) -> str:
        """Wait until a job was compiled; gives what came of it."""
        self._connection.send((job.compiled, job.key, job.examples))
        return str(self._connection.recv())


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
