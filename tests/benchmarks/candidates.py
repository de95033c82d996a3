"""Candidates: child processes that wait for orders, and what they need while they work."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from plan import ALONE, SCRIPTS
from system import anonymous_mb, cpu_seconds, family

_WORKERS = Path(__file__).resolve().parent / "workers"
_PATIENCE = 300  # seconds for one order
_SAMPLE = 0.001


class Candidate:
    """A child process that runs jobs and says how long they took."""

    def __init__(self, name: str, python: str, workers: int) -> None:
        workers = 1 if name == ALONE else workers
        self.name, self.workers, self._python = name, workers, python
        script, *more = SCRIPTS.get(name, (f"with_{name}.py",))
        # NumPy alone may use several threads for products of matrices; the others have workers of their own.
        blas = str(workers) if name == "numpy" else "1"
        threads = {"OMP_NUM_THREADS": blas, "OPENBLAS_NUM_THREADS": blas, "NUMBA_NUM_THREADS": str(workers)}
        self._process = subprocess.Popen(
            [python, str(_WORKERS / script), str(workers), *more],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **threads},
        )
        self._answers: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        self.versions = self._answer()

    def again(self) -> Candidate:
        """Give a fresh process of the same candidate."""
        return Candidate(self.name, self._python, self.workers)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                self._answers.put(line)
        self._answers.put(None)

    def _answer(self) -> dict[str, Any]:
        try:
            line = self._answers.get(timeout=_PATIENCE)
        except queue.Empty:
            self._process.kill()
            raise RuntimeError(f"{self.name} gave no answer within {_PATIENCE} s") from None
        if line is None:
            raise RuntimeError(f"the process with {self.name} ended with status {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _send(self, **order: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def ask(self, **order: Any) -> dict[str, Any]:
        """Send an order and wait for the answer."""
        self._send(**order)
        return self._answer()

    def measure(self, **order: Any) -> dict[str, Any]:
        """Send an order to run; the answer has the processor time of other processes of the candidate added."""
        others = [pid for pid in family(self._process.pid) if pid != self._process.pid]
        before = cpu_seconds(others)
        answer = self.ask(do="run", **order)
        if others and "cpu" in answer:
            answer["cpu"] += (cpu_seconds(others) - before) / order.get("repeats", 1)
        return answer

    def peak(self, **order: Any) -> float:
        """Send an order to warm up, which compiles and runs; gives the peak of memory [MB] that is not of files."""
        self._send(do="warm", **order)
        peak = 0.0
        while self._answers.empty():
            peak = max(peak, anonymous_mb(family(self._process.pid)))
            time.sleep(_SAMPLE)
        answer = self._answer()
        if "error" in answer:
            raise RuntimeError(f"{self.name}: {answer['error']}")
        return peak

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        with suppress(OSError):  # it may have ended
            self._process.stdin.close()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()


def start(names: list[str], pythons: dict[str, str], workers: int) -> list[Candidate]:
    """Start candidates; those that cannot be started are named and left out."""
    started = []
    for name in names:
        try:
            started.append(Candidate(name, pythons.get(name, sys.executable), workers))
        except (OSError, RuntimeError) as error:
            sys.stderr.write(f"{name} cannot be measured: {error}\n")
    return started
