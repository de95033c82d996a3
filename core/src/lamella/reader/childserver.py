"""What the child process of `lamella.reader.in_child` does: it answers calls until its parent is gone."""

from __future__ import annotations

import gc
import json
import math
import os
import pickle
import queue
import signal
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from operator import attrgetter
from typing import Any

from lamella.system.spawn import Pipes, parent_pipes

__all__ = ["serve"]

_LONGEST_TEXT = 2000
_SPARE_SECONDS = 30
"""How much longer than its time a call may last where nobody ends this process."""
_LONGEST_SECONDS = 1 << 24


def serve() -> None:
    """Answer calls one after the other; the process ends when the pipe from the parent does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    parent = parent_pipes()
    try:
        _answer(parent, _receiver(parent))
    finally:
        os._exit(1)  # the other thread is inside of a read, so Python could not end in order


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
            _say(parent, number, _failed(error))
            continue
        _say(parent, number, {"ready": True})
        _end_after(seconds)
        reply = _called(function, arguments)
        del arguments
        gc.collect()  # closes files that only the collector closes
        _end_after(None)
        _say(parent, number, reply)


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


def _called(function: Any, arguments: tuple[Any, ...]) -> dict[str, Any]:
    try:
        return {"result": function(*arguments)}
    except Exception as error:
        return {**_failed(error), "raised": True}
    except BaseException as error:
        return _failed(error)


def _failed(error: BaseException) -> dict[str, Any]:
    return {"error": f"{type(error).__name__}: {error}"[:_LONGEST_TEXT]}


def _say(parent: Pipes, number: int, reply: dict[str, Any]) -> None:
    try:
        text = json.dumps({"number": number, **reply})
    except Exception as error:
        text = json.dumps({"number": number, **_failed(error)})
    parent.send(text.encode())


def _end_after(seconds: float | None) -> None:
    """Have the system end this process after a time, also where the function lets no thread run; None calls it off.

    The parent does that earlier, if there still is one.
    """
    if hasattr(signal, "alarm"):
        signal.alarm(0 if seconds is None else math.ceil(min(seconds, _LONGEST_SECONDS)) + _SPARE_SECONDS)
