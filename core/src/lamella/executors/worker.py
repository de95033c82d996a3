"""The parent's side of a worker process: starting it, telling it what to do, and ending it."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import subprocess
import threading
import weakref

from lamella.errors import PluginError
from lamella.executors.channel import Channel, Order, new_key
from lamella.executors.messages import Message, pack, unpack
from lamella.kernels.compilequeue import compile_queue
from lamella.system.logs import logger_of
from lamella.system.spawn import NoPythonError, start

__all__ = ["Worker"]

_log = logger_of(__name__)

_LAST_WAIT = 1.0
"""How long a process that was killed is waited for [s]."""


class Worker:
    """A process of its own, and the pipe to it.

    Unlike a process of `multiprocessing`, it does not import the script of the user, which may be a notebook, may take
    long, or may start workers itself: what it needs of the script is sent by value.

    Attributes
    ----------
    channel : Channel
        Takes orders to it, and brings its answers.

    Raises
    ------
    PluginError
        If there is no Python executable to start.
    """

    def __init__(self) -> None:
        connection, theirs = multiprocessing.Pipe()
        requests, their_requests = multiprocessing.Pipe()
        handles = theirs.fileno(), their_requests.fileno()
        keys = new_key(), new_key()
        try:
            self._process = start("lamella.executors.servant:serve", *handles, *keys, inherit=handles)
        except NoPythonError as error:
            connection.close()
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
        self.channel = Channel(connection, keys[0])
        self._requests = Channel(requests, keys[1])
        _alive.add(self)
        threading.Thread(target=_answer_requests, args=(self._requests,), name="lamella-requests", daemon=True).start()

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    @property
    def usable(self) -> bool:
        """Whether a worker without work may be given some: it runs, and nothing is left in the pipe from it."""
        return self.alive and not self.channel.broken and not self.channel.connection.poll()

    def tell(self, word: str, run: int = 0) -> None:
        """Send a short message; a worker that is gone is found out when its answer does not come."""
        try:
            self.channel.send(Order(word, run))
        except OSError:
            _log.debug("worker %s is gone", self._process.pid)

    def end(self, patience: float = 1.0) -> int:
        """End the process, by force if it does not listen within ``patience`` [s]; gives its exit code."""
        if self.channel.broken:
            return self.kill()
        self.tell("end")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(patience)
        return self.kill()

    def kill(self) -> int:
        """End the process by force, if it still runs; gives its exit code."""
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_LAST_WAIT)
        self.channel.close()
        _alive.discard(self)
        code = self._process.returncode
        return 0 if code is None else code

    def leave_to_parent(self) -> None:
        """Release the worker of the parent, in a process that was forked."""
        self._process.returncode = 0
        self.channel.close()
        self._requests.close()


def _answer_requests(requests: Channel) -> None:
    """Have kernels compiled that a worker asks for, until it is gone: workers start no helpers of their own."""
    try:
        while True:
            _, message = requests.receive()
            requests.send(Order("compiled"), pack(_compiled(message)))
    except (EOFError, OSError):
        return
    except Exception as error:
        _log.debug("a worker asks for what cannot be compiled here: %s", error)
    finally:
        requests.close()


def _compiled(message: Message | None) -> str:
    if message is None:
        raise ValueError("it does not say what")
    return compile_queue.compile_for_child(*unpack(message))


_alive: weakref.WeakSet[Worker] = weakref.WeakSet()


def _after_fork() -> None:
    """Close the ends of all pipes in a process that was forked, so that workers see their parent end."""
    for worker in list(_alive):
        worker.leave_to_parent()
    _alive.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
