"""What the child process of `lamella.reader.in_child` does on Linux: it forks a process of its own for each call.

The child itself imports the modules of the functions and touches no file, so nothing that a call does reaches a later
one, and a call costs milliseconds also after a crash. The process of a call has a pipe to the child only, never to the
program that waits for the result.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import pickle
import select
import signal
import time
import warnings
from dataclasses import dataclass
from importlib import import_module
from operator import attrgetter

from lamella.reader.answers import LARGEST_ANSWER, answer, called, end_after, failed, how_it_ended
from lamella.system.memory import limit_address_space
from lamella.system.spawn import Pipes

__all__ = ["serve_by_forking"]

_SET_PARENT_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of Linux."""
_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True)
class _Forked:
    """The process of one call, and the pipe on which it answers."""

    pid: int
    answers: int
    end: float
    """When its time is over (`time.monotonic`)."""


def serve_by_forking(parent: Pipes) -> None:
    """Answer calls one after the other, until the pipe from the parent ends."""
    set_parent_death_signal = ctypes.CDLL(None).prctl
    while True:
        try:
            number, module, name, content, seconds, memory = pickle.loads(parent.receive())
        except EOFError:
            return
        try:
            function = attrgetter(name)(import_module(module))
            arguments = pickle.loads(content)
        except BaseException as error:
            parent.send(answer(number, failed(error)))
            continue
        gc.freeze()  # the collector of a forked process would copy every page it looks at
        reading, writing = os.pipe()
        pid = _fork()
        if pid == 0:
            try:
                set_parent_death_signal(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
                end_after(seconds)
                os.close(reading)
                parent.close()
                os.open(os.devnull, os.O_RDONLY)  # standard input, which was the pipe from the parent
                if memory is not None:
                    limit_address_space(memory)
                _write(writing, answer(number, called(function, arguments)))
                os._exit(0)
            finally:
                os._exit(1)
        os.close(writing)
        parent.send(answer(number, {"ready": True}))
        parent.send(_relay(_Forked(pid, reading, time.monotonic() + seconds), number, seconds))


def _fork() -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of libraries take care of themselves
        return os.fork()


def _write(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def _relay(forked: _Forked, number: int, seconds: float) -> bytes:
    """Wait for the answer of the process of a call, end it, and give what the parent is told."""
    content: bytes | None = None
    try:
        content = _received(forked)
    finally:
        if content is None or len(content) > LARGEST_ANSWER:
            with contextlib.suppress(ProcessLookupError):
                os.kill(forked.pid, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(forked.pid, 0)[1])
        os.close(forked.answers)
    if content is None:
        return answer(number, {"error": f"no answer within {seconds:g} s"})
    if len(content) > LARGEST_ANSWER:
        return answer(number, {"error": f"its answer has more than {LARGEST_ANSWER} bytes"})
    if code != 0:
        return answer(number, {"error": how_it_ended(code)})
    return content if _answers(content, number) else answer(number, {"error": "its answer makes no sense"})


def _received(forked: _Forked) -> bytes | None:
    """Give all that a process of a call wrote before it closed its pipe, or None if that takes too long.

    Raises
    ------
    SystemExit
        If the parent is gone.
    """
    content = bytearray()
    while len(content) <= LARGEST_ANSWER:
        left = forked.end - time.monotonic()
        ready = select.select([0, forked.answers], [], [], max(0.0, left))[0]
        if 0 in ready:  # the parent sends nothing while it waits, so this is its end
            raise SystemExit
        if not ready:
            return None
        piece = os.read(forked.answers, _AT_ONCE)
        if not piece:
            break
        content += piece
    return bytes(content)


def _answers(content: bytes, number: int) -> bool:
    """Whether this is an answer to the call of this number; the file may have taken over the process that wrote it."""
    try:
        reply = json.loads(content)
    except (ValueError, RecursionError):
        return False
    return isinstance(reply, dict) and reply.get("number") == number
