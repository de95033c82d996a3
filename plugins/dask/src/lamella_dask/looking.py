"""What a worker of Dask says about itself, and about a file: whether it sees it, and how fast it reads it."""

from __future__ import annotations

import os
import pickle
import platform
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lamella.io import paths_here, prefer
from lamella_dask.remote import memory_limit, versions

__all__ = ["Seen", "look", "measure"]

_STRETCH = 16 << 20
"""How much is read at a time [bytes]."""


@dataclass(slots=True)
class Seen:
    """What a worker says.

    Attributes
    ----------
    host, process
        Where it runs.
    limit
        Its memory limit [bytes], or None.
    versions
        See `lamella_dask.remote.versions`.
    path
        Where it has the file; None without one.
    problem
        Why it cannot open the file.
    """

    host: str = field(default_factory=socket.gethostname)
    process: int = field(default_factory=os.getpid)
    python: str = field(default_factory=platform.python_version)
    limit: int | None = field(default_factory=memory_limit)
    versions: dict[str, str] = field(default_factory=versions)
    path: str | None = None
    problem: str | None = None


def look(packed: bytes | None, paths: Mapping[str, str]) -> Seen:
    """Say what this worker is, and whether it can open a data set.

    Parameters
    ----------
    packed
        A pickle of the data set.
    paths
        See `lamella.io.paths_here`.
    """
    seen = Seen()
    if packed is not None:
        try:
            seen.path = _opened(packed, paths).provenance.target
        except Exception as error:
            seen.problem = f"{type(error).__name__}: {error}"
    return seen


def measure(packed: bytes, paths: Mapping[str, str], part: tuple[int, int], seconds: float) -> float:
    """Read a part of a data set for some seconds, again and again; gives how fast that was [bytes/s].

    Parameters
    ----------
    packed, paths
        See `look`.
    part
        Which of how many equal parts of the scan.
    seconds
        How long to read.
    """
    dataset = _opened(packed, paths)
    rows = dataset.shape[0]
    row = dataset.nbytes // rows
    step = max(1, _STRETCH // max(1, row))
    number, count = part
    first, last = rows * number // count, max(rows * number // count + 1, rows * (number + 1) // count)
    began, nbytes, at = time.perf_counter(), 0, first
    while (took := time.perf_counter() - began) < seconds:
        nbytes += dataset.read(slice(at, min(at + step, last))).nbytes
        at = first if at + step >= last else at + step
    return nbytes / took


def _opened(packed: bytes, paths: Mapping[str, str]) -> Any:
    with paths_here(paths), prefer("buffered", "a measurement reads it once"):
        return pickle.loads(packed)
