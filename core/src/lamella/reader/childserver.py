"""What the child process of `lamella.reader.in_child` does: it answers calls until its parent is gone."""

from __future__ import annotations

import gc
import os
import pickle
import queue
import signal
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from operator import attrgetter

from lamella.reader.answers import answer, called, end_after, failed
from lamella.system.spawn import Pipes, parent_pipes

__all__ = ["serve"]


def serve(forks: int) -> None:
    """Answer calls one after the other; the process ends when the pipe from the parent does.

    Parameters
    ----------
    forks
        1 to have each call done by a process of its own, 0 to do it here.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    parent = parent_pipes()
    try:
        if forks:
            from lamella.reader.forkserver import serve_by_forking

            serve_by_forking(parent)
        else:
            _answer(parent, _receiver(parent))
    finally:
        os._exit(1)  # another thread may be inside of a read, so Python could not end in order


def _receiver(parent: Pipes) -> Callable[[], bytes]:
    """Give what waits for the next call; a thread listens all the time, to notice the end of the parent during a call.

    Not so on Windows, where loading a library may wait until no other thread reads standard input: the end of the
    parent is noticed after the call.
    """
    if sys.platform == "win32":
        return parent.receive
    calls: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(parent, calls), name="lamella-parent", daemon=True).start()
    return calls.get


def _answer(parent: Pipes, next_call: Callable[[], bytes]) -> None:
    begun = False
    while True:
        number, module, name, content, seconds, memory = pickle.loads(next_call())
        try:
            function = attrgetter(name)(import_module(module))
            arguments = pickle.loads(content)
            if not begun:
                _begin(memory)
                begun = True
        except BaseException as error:
            parent.send(answer(number, failed(error)))
            continue
        parent.send(answer(number, {"ready": True}))
        end_after(seconds)
        reply = called(function, arguments)
        del arguments
        gc.collect()  # closes files that only the collector closes
        end_after(None)
        parent.send(answer(number, reply))


def _begin(memory: int | None) -> None:
    """Do once, after the first import, what lasts for all calls."""
    if hasattr(gc, "freeze"):
        gc.freeze()  # modules stay, so looking through the rest after each call takes no time
    if memory is not None:
        from lamella.system.memory import limit_address_space

        limit_address_space(memory)


def _listen(parent: Pipes, calls: queue.SimpleQueue[bytes]) -> None:
    try:
        while True:
            calls.put(parent.receive())
    except (OSError, EOFError):
        os._exit(0)  # whatever the function does meanwhile, nobody waits for it
