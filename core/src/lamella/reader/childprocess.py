"""The parent's side of one child process that is asked to call functions."""

from __future__ import annotations

import json
import os
import pickle
import queue
import subprocess
import threading
import weakref
from dataclasses import dataclass
from typing import Any

from lamella.errors import ChildError
from lamella.reader.answers import LARGEST_ANSWER, LONGEST_TEXT, how_it_ended
from lamella.system.spawn import NoPythonError, Pipes, leave_to_parent, start

__all__ = ["Call", "ChildProcess"]

_START_SECONDS = 60.0
"""What starting Python and importing the function may take; a busy machine is no fault of the function."""
_AGAIN_SECONDS = 10.0
"""What it may take a child to begin a call that has imported the module before."""
_LEAVE_SECONDS = 5.0
"""How long a child may live that has closed its pipe."""
_GRACE_SECONDS = 5.0
"""How much later than the process of a call its server may say that the time is over."""

_Answers = queue.SimpleQueue[bytes | Exception]


@dataclass(frozen=True, slots=True)
class Call:
    """What a child is asked to do.

    Parameters
    ----------
    module, name
        Where the function is.
    arguments
        What it is called with, a pickled tuple.
    seconds
        How long it may take [s].
    memory
        How much more memory it may take [bytes].
    """

    module: str
    name: str
    arguments: bytes
    seconds: float
    memory: int | None

    def message(self, number: int) -> bytes:
        """Give what the child is sent."""
        return pickle.dumps((number, self.module, self.name, self.arguments, self.seconds, self.memory))


class ChildProcess:
    """A child and the pipes to it.

    A child that does calls itself is ended as soon as it gives anything but a result. One that forks a process for each
    call is ended where the pipe to it is in doubt.

    Parameters
    ----------
    task
        What an error calls its work.
    forks
        Whether it forks a process for each call; only Linux does that safely.

    Raises
    ------
    ChildError
        If it cannot be started.
    """

    def __init__(self, task: str, forks: bool) -> None:
        self.forks = forks
        self.calls = 0
        self.ended = False
        self.lost = False
        """Whether it failed by itself: it ended, did not begin the call, or its answer makes no sense."""
        self._modules: set[str] = set()
        try:
            self._process = start(
                "lamella.reader.childserver:serve", int(forks), answers=True, errors=subprocess.DEVNULL
            )
        except OSError as error:
            raise ChildError(task, f"{error}", started=not isinstance(error, NoPythonError)) from None
        self._pipes = Pipes.to(self._process)
        self._exchange: threading.Thread | None = None
        _alive.add(self)

    def ask(self, call: Call) -> Any:
        """Have a function called, and wait for its result.

        Raises
        ------
        ChildError
            If there is none.
        """
        try:
            reply = self._reply(call)
        except BaseException:  # also Ctrl-C: what comes out of the pipe later belongs to this call
            self.end()
            raise
        if "result" in reply:
            return reply["result"]
        if not self.forks:
            self.end()
        raise ChildError(call.name, str(reply.get("error"))[:LONGEST_TEXT], raised=reply.get("raised") is True)

    def _reply(self, call: Call) -> dict[str, Any]:
        self.calls += 1
        number = int.from_bytes(os.urandom(6), "little")  # so that nothing written before can be its answer
        answers = _Answers()
        self._exchange = threading.Thread(
            target=_send_and_listen,
            args=(self._pipes, call.message(number), answers),
            name="lamella-child",
            daemon=True,
        )
        self._exchange.start()
        limit = _AGAIN_SECONDS if call.module in self._modules else _START_SECONDS
        begun = False
        try:
            reply = _next(answers, number, limit)
            if "error" in reply:
                return {"error": reply["error"]}
            if "ready" not in reply:
                raise ValueError("it gives a result before it is ready")
            begun, limit = True, call.seconds + (_GRACE_SECONDS if self.forks else 0)
            self._modules.add(call.module)
            return _next(answers, number, limit)
        except queue.Empty:
            self.lost = not begun
            raise ChildError(call.name, f"no answer within {limit:g} s") from None
        except (OSError, EOFError):
            self.lost = True
            raise ChildError(call.name, _ended(self._process)) from None
        except (ValueError, TypeError, RecursionError) as error:
            self.lost = True
            raise ChildError(call.name, f"its answer makes no sense ({error})") from None

    def end(self) -> None:
        """End the process, whatever it does."""
        self.ended = True
        self._process.kill()
        self._process.wait()
        if self._exchange is not None:
            self._exchange.join(_LEAVE_SECONDS)
        self._pipes.close()
        _alive.discard(self)

    def leave_to_parent(self) -> None:
        """Release the process of the parent, in a process that was forked."""
        leave_to_parent(self._process, self._pipes)


def _send_and_listen(pipes: Pipes, message: bytes, answers: _Answers) -> None:
    """Send a call and take two answers: ready, and the result. More is not read, whatever the child writes."""
    try:
        pipes.send(message)
        for _ in range(2):
            answers.put(pipes.receive(LARGEST_ANSWER))
    except (OSError, EOFError, ValueError) as error:
        answers.put(error)


def _next(answers: _Answers, number: int, seconds: float) -> dict[str, Any]:
    found = answers.get(timeout=seconds)
    if isinstance(found, Exception):
        raise found
    reply = json.loads(found)
    if not isinstance(reply, dict) or reply.get("number") != number:
        raise ValueError("it answers another call")
    return reply


def _ended(process: subprocess.Popen[bytes]) -> str:
    try:
        code = process.wait(_LEAVE_SECONDS)
    except subprocess.TimeoutExpired:
        return "it closed its pipe without an answer"
    return how_it_ended(code)


_alive: weakref.WeakSet[ChildProcess] = weakref.WeakSet()


def _after_fork() -> None:
    """Close the ends of all pipes in a process that was forked, so that a child sees its parent end."""
    for child in list(_alive):
        child.leave_to_parent()
    _alive.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
