"""What a worker process does: it listens to its parent, does items, and answers."""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import traceback
from multiprocessing import connection as connections
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, NoReturn

from lamella.executors.channel import Channel, Order
from lamella.executors.messages import Message, pack, pack_error, pack_result, unpack
from lamella.executors.onethread import one_thread
from lamella.kernels.compilequeue import compile_queue

if TYPE_CHECKING:
    from lamella.kernels.compilejob import CompileJob

__all__ = ["serve"]


def serve(handle: int, requests: int, key: str, requests_key: str) -> None:
    """Do what comes through the pipe until it says end, or the other side is gone.

    Parameters
    ----------
    handle
        The end of the pipe for work.
    requests
        The end of the pipe through which the worker asks for compiled kernels.
    key, requests_key
        The keys of the two pipes.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    os.environ["NUMBA_NUM_THREADS"] = "1"
    compile_queue.ask_parent = _Requests(Channel(_connection(requests), requests_key)).compile
    servant = _Servant(Channel(_connection(handle), key))
    threading.Thread(target=servant.listen, name="lamella-listener", daemon=True).start()
    servant.work()


def _connection(handle: int) -> Connection:
    if sys.platform == "win32":
        return connections.PipeConnection(handle)
    os.set_inheritable(handle, False)  # a program that a job starts would keep the pipe open
    return Connection(handle)


class _Requests:
    """Asks the parent to have kernels compiled; for one thread."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def compile(self, job: CompileJob) -> str:
        """Wait until a job was compiled; gives what came of it."""
        self._channel.send(Order("compile"), pack((job.compiled, job.key, job.examples)))
        _, answer = self._channel.receive()
        return "" if answer is None else str(unpack(answer))


class _Servant:
    """Listens in one thread, so that a cancel is heard, and works in the other."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._process = os.getpid()
        self._work: queue.SimpleQueue[tuple[Order, Any] | None] = queue.SimpleQueue()
        self._shared: dict[int, Any] = {}
        self._cancelled: set[int] = set()

    def listen(self) -> None:
        """Take messages."""
        try:
            while True:
                order, message = self._channel.receive()
                if order.word == "end":
                    break
                self._take(order, message)
        except (EOFError, OSError):
            _leave()  # the parent is gone: nobody wants the result
        except BaseException:
            traceback.print_exc()  # the parent would wait for ever for a worker that does not listen
            _leave()
        self._work.put(None)

    def _take(self, order: Order, message: Message | None) -> None:
        run = order.run
        if order.word == "shared":
            self._shared[run] = _read(message)
        elif order.word == "item":
            self._work.put((order, _read(message)))
        elif order.word == "cancel":
            self._cancelled.add(run)
        elif order.word == "forget":
            self._shared.pop(run, None)
            self._cancelled.discard(run)

    def work(self) -> None:
        """Do items."""
        while (todo := self._work.get()) is not None:
            order, item = todo
            answer = self._answer(order.run, item)
            if os.getpid() != self._process:  # the job forked, and this is not the worker
                os._exit(0)
            try:
                self._channel.send(Order("answer", order.run, order.item), answer)
            except OSError:
                _leave()

    def _answer(self, run: int, item: Any) -> Any:
        try:
            job, shared = _unless_error(self._shared[run])
            with one_thread:
                result = job(shared, _unless_error(item), lambda: run in self._cancelled)
            return pack_result(result)
        except BaseException as error:
            return pack_error(error)


def _leave() -> NoReturn:
    """End at once and in silence, whatever the other thread does."""
    os._exit(1)


class _Unreadable:
    def __init__(self, error: BaseException) -> None:
        self.error = error


def _read(message: Message | None) -> Any:
    """Unpack an object; one that cannot be unpickled becomes an error when it is used."""
    try:
        return None if message is None else unpack(message)
    except BaseException as error:  # importing what is needed may even call sys.exit
        return _Unreadable(error)


def _unless_error(thing: Any) -> Any:
    if isinstance(thing, _Unreadable):
        raise thing.error
    return thing
