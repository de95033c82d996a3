"""What measurements of clusters have in common: rows of the report, files, LiberTEM beside us, and turns."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cluster_udfs import SIG

import lamella

_FEWEST = 3
_LONG = 20.0
"""How long a measurement takes before it has no more than the fewest rounds [s]."""

Turns = Mapping[str, Callable[[], float]]


@dataclass
class Row:
    """One line of the report.

    Parameters
    ----------
    what, value, unit
        What was measured.
    target
        A limit: ``"<= 8"`` or ``">= 0.9"``; "" if there is none.
    details
        Everything else, for people.
    """

    what: str
    value: float | None
    unit: str
    target: str = ""
    details: str = ""
    reached: bool | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        sign, _, limit = self.target.partition(" ")
        if self.value is not None and sign:
            self.value = round(self.value, 3)
            self.reached = self.value <= float(limit) if sign == "<=" else self.value >= float(limit)

    def __str__(self) -> str:
        value = "not measured" if self.value is None else f"{self.value:.3g} {self.unit}".strip()
        verdict = {None: "", True: "yes", False: "NO"}[self.reached]
        return f"| {self.what} | {value} | {self.target} | {verdict} | {self.details} |"


@dataclass(frozen=True)
class Scan:
    """A file of frames, and how many partitions it is cut into; 0 leaves that to the programs."""

    path: Path
    nav: tuple[int, int]
    sig: tuple[int, int] = SIG
    partitions: int = 0

    @classmethod
    def hole(cls, folder: Path, frames: int, sig: tuple[int, int] = SIG, partitions: int = 0, name: str = "") -> Scan:
        """Make a file that holds nothing."""
        path = folder / f"{name}{frames}-{sig[0]}.raw"
        with path.open("ab") as file:
            file.truncate(frames * sig[0] * sig[1] * 2)
        rows = next(n for n in (64, 16, 4, 2, 1) if frames % n == 0)
        return cls(path, (rows, frames // rows), sig, partitions)

    def open(self) -> lamella.DataSet:
        """Open it."""
        more = {"num_partitions": self.partitions} if self.partitions else {}
        return lamella.open(self.path, "raw", dtype="uint16", nav_shape=self.nav, sig_shape=self.sig, **more)


class _Child:
    """A script in a process of its own, which answers with lines of JSON."""

    def __init__(self, python: str, script: str) -> None:
        self._script = script
        self._process = subprocess.Popen(
            [python, str(Path(__file__).with_name(script))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ask(self, line: str) -> None:
        """Send a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """Wait for an answer."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"the process of {self._script} ended; run that with its Python to see why")
        found: dict[str, Any] = json.loads(line)
        return found

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)


def _order(job: str, scan: Scan, workers: int) -> str:
    order = {"job": job, "path": str(scan.path), "nav": scan.nav, "sig": scan.sig, "workers": workers}
    return json.dumps({**order, "partitions": scan.partitions})


class Plain:
    """Processes without an executor, each of which does a job over a file of its own: what the computer can do."""

    def __init__(self, processes: int) -> None:
        self._children = [_Child(sys.executable, "cluster_plain.py") for _ in range(processes)]
        self._asked: tuple[str, ...] = ()

    def seconds(self, job: str, scans: Sequence[Scan]) -> float:
        """Give how long the slowest takes of as many processes as there are files, all at the same time."""
        children = self._children[: len(scans)]
        asked = tuple(_order(job, scan, 1) for scan in scans)
        if asked != self._asked:
            self._together(children, asked)
            self._asked = asked
        return max(self._together(children, [""] * len(children)))

    def _together(self, children: Sequence[_Child], lines: Sequence[str]) -> list[float]:
        for child, line in zip(children, lines, strict=True):
            child.ask(line)
        return [float(child.answer()["seconds"]) for child in children]

    def close(self) -> None:
        """End them."""
        for child in self._children:
            child.close()


class Other:
    """LiberTEM in a process of its own."""

    def __init__(self, python: Path) -> None:
        self._child = _Child(str(python), "cluster_libertem.py")
        self.version = self._child.answer()["version"]

    def seconds(self, job: str, scan: Scan, workers: int) -> float:
        """Give how long a job takes."""
        self._child.ask(_order(job, scan, workers))
        return float(self._child.answer()["seconds"])

    def close(self) -> None:
        """End it."""
        self._child.close()


def timed(do: Callable[[], Any]) -> float:
    """Give how long something takes [s]."""
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def medians(turns: Turns, rounds: int) -> dict[str, float]:
    """Let each have its turn, round after round, after one that does not count; gives medians [s].

    Turns that take long have fewer rounds, but three.
    """
    found: dict[str, list[float]] = {name: [] for name in turns}
    began = time.perf_counter()
    for number in range(rounds + 1):
        if number > _FEWEST and time.perf_counter() - began > _LONG:
            break
        for name, turn in turns.items():
            seconds = turn()
            if number:
                found[name].append(seconds)
    return {name: statistics.median(values) for name, values in found.items()}
