"""The measuring: child processes that wait for orders, and rounds in which each of them gets the same order."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from datasets import File

WORKERS = Path(__file__).resolve().parent / "workers"


class Candidate:
    """A child process that runs jobs and says how long they took."""

    def __init__(self, name: str, python: str, workers: int) -> None:
        self.name = name
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "2"}
        script = WORKERS / f"with_{name}.py"
        self._process = subprocess.Popen(
            [python, str(script), str(workers)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def ask(self, **order: Any) -> dict[str, Any]:
        """Send an order and wait for the answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("{"):
                answer: dict[str, Any] = json.loads(line)
                return answer
        raise RuntimeError(f"the process with {self.name} ended with status {self._process.wait()}")

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)


def compare(files: Iterable[File], options: Namespace) -> list[dict[str, Any]]:
    """Give one record for each file, job, candidate, state of the caches and round."""
    pythons = {"libertem": options.libertem_python}
    names = [name for name in options.candidates.split(",") if name != "libertem" or options.libertem_python]
    candidates = [Candidate(name, pythons.get(name) or sys.executable, options.workers) for name in names]
    figures: list[dict[str, Any]] = []
    try:
        for file in files:
            for job in options.jobs.split(","):
                figures += _job(candidates, file, job, options)
    finally:
        for candidate in candidates:
            candidate.close()
    return figures


def _job(candidates: list[Candidate], file: File, job: str, options: Namespace) -> list[dict[str, Any]]:
    figures = []
    able = []
    for candidate in candidates:  # compile, map, fill the page cache
        answer = candidate.ask(do="warm", file=file.order(), job=job)
        if "error" in answer:
            sys.stderr.write(f"{candidate.name} cannot do {job} on {file.name}: {answer['error']}\n")
        else:
            able.append(candidate)
    states = ["later", "first", *(["cold"] if options.cold else [])]
    for state in states:
        for number in range(options.rounds):
            order = able if number % 2 == 0 else able[::-1]
            for candidate in order:
                if state == "cold":
                    _drop(file.path)
                answer = candidate.ask(do="run", file=file.order(), job=job, state=state)
                figures.append(
                    {
                        "file": file.name,
                        "job": job,
                        "state": state,
                        "candidate": candidate.name,
                        "round": number,
                        "gbps": file.nbytes / answer["seconds"] / 1e9,
                        **answer,
                    }
                )
    _agree(figures, file, job)
    return figures


def _agree(figures: list[dict[str, Any]], file: File, job: str) -> None:
    sums = {figure["candidate"]: figure["checksum"] for figure in figures}
    reference = sums.get("numpy", next(iter(sums.values()), 0.0))
    for name, value in sums.items():
        if abs(value - reference) > 1e-4 * max(1.0, abs(reference)):
            sys.stderr.write(f"{name} disagrees on {job} of {file.name}: {value} instead of {reference}\n")


def _drop(path: str) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(handle)
