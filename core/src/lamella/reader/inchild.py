"""Work in a child process that may crash, hang or take all memory without harm to this one."""

from __future__ import annotations

import json
import pickle
import queue
import signal
import subprocess
import threading
from collections.abc import Callable
from importlib import import_module
from operator import attrgetter
from typing import Any

from lamella.errors import ChildError
from lamella.system.spawn import NoPythonError, Pipes, parent_pipes, start

__all__ = ["answer", "in_child"]

_START_SECONDS = 60.0
"""What starting Python and importing the function may take; a busy machine is no fault of the function."""
_LEAVE_SECONDS = 5.0
"""How long a child may live that has closed its pipe."""
_LARGEST_ANSWER = 16 << 20
_LONGEST_TEXT = 2000


def in_child(function: Callable[..., Any], *arguments: Any, seconds: float = 10.0, memory: int | None = None) -> Any:
    """Call a function in a child process, and wait for its result.

    The child has none of the state of this process. It may crash, hang or run out of memory: that becomes an error
    here. Use it for libraries that do so on damaged files.

    Parameters
    ----------
    function
        A function at the top of a module that can be imported.
    *arguments
        What it is called with; they are pickled.
    seconds
        How long it may take [s]. Starting the child and importing the module of the function do not count.
    memory
        How much more memory it may take than after the import [bytes]; unlimited if None, and where the system has no
        such limit (only Linux has).

    Returns
    -------
    object
        The result, which must be None, or consist of bools, numbers, strings, lists, and dicts with strings as keys,
        16 MiB at most: nothing from the child is unpickled, because the file may have taken it over.

    Raises
    ------
    ChildError
        If the child ends without a result, takes too long, or the function raises an exception; ``found`` says which.
        Also if no child can be started.
    ValueError
        If the function cannot be imported by another process.

    Examples
    --------
    >>> from math import gcd
    >>> in_child(gcd, 12, 18)
    6
    """
    name = function.__qualname__
    if "<" in name or function.__module__ == "__main__":
        raise ValueError(f"{name} cannot be imported by another process; define it at the top of a module")
    message = pickle.dumps((function.__module__, name, pickle.dumps(arguments), memory))
    try:
        process = start("lamella.reader.inchild:answer", answers=True, errors=subprocess.DEVNULL)
    except OSError as error:
        raise ChildError(name, f"{error}", started=not isinstance(error, NoPythonError)) from None
    pipes = Pipes.to(process)
    answers: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    listener = threading.Thread(target=_listen, args=(pipes, answers), name="lamella-child", daemon=True)
    listener.start()
    try:
        pipes.send(message)
        _next(answers, _START_SECONDS)  # it is ready
        reply = dict(json.loads(_next(answers, seconds)))
    except queue.Empty:
        raise ChildError(name, f"no answer within {seconds:g} s") from None
    except (OSError, EOFError):
        raise ChildError(name, _ended(process)) from None
    except (ValueError, TypeError):
        raise ChildError(name, "its answer makes no sense") from None
    finally:
        process.kill()
        process.wait()
        listener.join()
        pipes.close()
    if "result" not in reply:
        raise ChildError(name, str(reply.get("error")))
    return reply["result"]


def _listen(pipes: Pipes, answers: queue.SimpleQueue[bytes | None]) -> None:
    try:
        while True:
            answers.put(pipes.receive(_LARGEST_ANSWER))
    except (OSError, EOFError, ValueError):
        answers.put(None)


def _next(answers: queue.SimpleQueue[bytes | None], seconds: float) -> bytes:
    found = answers.get(timeout=seconds)
    if found is None:
        raise EOFError
    return found


def _ended(process: subprocess.Popen[bytes]) -> str:
    try:
        code = process.wait(_LEAVE_SECONDS)
    except subprocess.TimeoutExpired:
        return f"it gave no answer of at most {_LARGEST_ANSWER >> 20} MiB"
    if code >= 0:
        return f"it ended with exit code {code}"
    try:
        return f"it ended by signal {-code} ({signal.Signals(-code).name})"
    except ValueError:
        return f"it ended by signal {-code}"


def answer() -> None:
    """Do in the child what the parent asks for."""
    parent = parent_pipes()
    try:
        module, name, content, memory = pickle.loads(parent.receive())
        function = attrgetter(name)(import_module(module))
        arguments = pickle.loads(content)
        if memory is not None:
            from lamella.system.memory import limit_address_space

            limit_address_space(memory)
        parent.send(b"ready")
        reply = json.dumps({"result": function(*arguments)})
    except BaseException as error:
        reply = json.dumps({"error": f"{type(error).__name__}: {error}"[:_LONGEST_TEXT]})
    parent.send(reply.encode())
