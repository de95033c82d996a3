"""A child process in which checks run: it may crash or hang, and the parent says on which case it did."""

from __future__ import annotations

import pickle
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from typing import IO, TYPE_CHECKING, Any, Self

from lamella.system.spawn import Pipes, start
from lamella_testkit.carryout import CHECK_SECONDS, judged
from lamella_testkit.limits import LOOK_AGAIN, Others, queued
from lamella_testkit.references import reference_to
from lamella_testkit.results import Result, Status

if TYPE_CHECKING:
    from lamella.format import FormatSpec
    from lamella_testkit.checking import Check
    from lamella_testkit.profiles import Profile
    from lamella_testkit.sampler import Sampler

__all__ = ["Child", "Worker"]

_HIGHEST_EXIT_CODE = 0xFFFF
_GRACE = 5.0  # seconds that the child gets to notice by itself that a case takes too long


class Child:
    """A child process that answers messages; it may crash or hang.

    Parameters
    ----------
    target
        What it runs, as ``"module:function"``.
    """

    def __init__(self, target: str) -> None:
        self._target = target
        self._process: subprocess.Popen[bytes] | None = None
        self._pipes: Pipes | None = None
        self._log: IO[bytes] | None = None
        self._messages: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def send(self, message: object) -> None:
        """Start the process if there is none, and send it a message; raises `OSError` if it is gone."""
        self._start()
        assert self._pipes is not None
        self._pipes.send(pickle.dumps(message))

    def message(self, limit: float) -> tuple[Any, Any]:
        """Wait for the child to say something, longer if it, or a process that it waits for, waits for a processor.

        Raises
        ------
        queue.Empty
            If it says nothing.
        EOFError
            If it has ended.
        """
        assert self._process is not None
        process = self._process.pid
        began, waited, others = time.monotonic(), queued(process), Others(process, limit)
        left = limit + _GRACE
        while True:
            try:
                kind, value = self._messages.get(timeout=left)
            except queue.Empty:
                left = limit + _GRACE - (time.monotonic() - began - (queued(process) - waited))
                if left <= 0.01:
                    if not others.go_on():
                        raise
                    left = LOOK_AGAIN
                continue
            if kind == "end":
                raise EOFError
            return kind, value

    def close(self) -> None:
        """End the child."""
        process, self._process = self._process, None
        pipes, self._pipes = self._pipes, None
        if process is not None and pipes is not None:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(timeout=_GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            pipes.close()
        if self._log is not None:
            self._log.close()
            self._log = None

    def crash(self) -> str:
        """Say how a child that is gone has ended, and where it was."""
        assert self._process is not None
        code = self._process.wait()
        text = self._tail()
        self.close()
        if code < 0:
            return f"it ends the process by {signal.Signals(-code).name}{text}"
        shown = f"{code:#x}" if code > _HIGHEST_EXIT_CODE else str(code)  # a status of Windows
        return f"it ends the process with exit code {shown}{text}"

    def interrupt(self) -> str:
        """End a child that hangs; gives the place where it hung."""
        assert self._process is not None
        if sys.platform == "win32":
            self._process.kill()
        else:
            self._process.send_signal(signal.SIGABRT)  # makes faulthandler print where it is
        try:
            self._process.wait(timeout=_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        text = self._tail()
        self.close()
        return text

    def _start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self.close()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 -- closed with the child
        self._process = start(self._target, answers=True, errors=self._log)
        self._pipes = Pipes.to(self._process)
        self._messages = queue.SimpleQueue()
        threading.Thread(target=_pump, args=(self._pipes, self._messages), daemon=True).start()

    def _tail(self) -> str:
        assert self._log is not None
        self._log.seek(0)
        lines = [line.strip() for line in self._log.read().decode(errors="replace").splitlines()]
        current = next((i for i, line in enumerate(lines) if line.startswith("Current thread")), 0)
        places = [line for line in lines[current:] if line.startswith('File "')][:3]
        shown = places or [line for line in lines if line][-3:]
        return "".join(f"\n{line}" for line in shown)


class Worker(Child):
    """A child process that makes checks; a new one is started after each crash."""

    def __init__(self) -> None:
        super().__init__("lamella_testkit.child:main")

    def carry_out(self, spec: FormatSpec, sampler: Sampler | type[Sampler], one: Check, profile: Profile) -> Result:
        """Make one check in the child.

        Raises
        ------
        ValueError
            If the class of the sampler cannot be imported by another process.
        """
        kind = sampler if isinstance(sampler, type) else type(sampler)
        job = {"spec": spec, "sampler": reference_to(kind), "profile": profile.name, "check": one.name}
        began = time.perf_counter()
        case: str | None = None
        reason = ""
        limit = CHECK_SECONDS
        try:
            self.send(job)
            while True:
                kind_of_message, value = self.message(limit)
                if kind_of_message == "result":
                    result: Result = value
                    return result
                case, limit = value
        except queue.Empty:
            reason = f"it hangs: no answer within {limit:g} s{self.interrupt()}"
        except (OSError, EOFError):
            reason = self.crash()
        return judged(one, sampler, spec.edition, Status.failed, reason, case, time.perf_counter() - began)


def _pump(pipes: Pipes, messages: queue.SimpleQueue[Any]) -> None:
    while True:
        try:
            message = pickle.loads(pipes.receive())
        except (OSError, EOFError, ValueError, pickle.UnpicklingError):
            messages.put(("end", None))
            return
        messages.put(message)
