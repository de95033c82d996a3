"""Reading in a process with another time zone, locale, hash seed and working directory, which watches what changes."""

from __future__ import annotations

import contextlib
import locale
import logging
import os
import pickle
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.opening.open import open_dataset
from lamella.plugins.registry import default_registry
from lamella.system.spawn import Pipes, parent_pipes, start
from lamella_testkit.described import described
from lamella_testkit.kit import Kit
from lamella_testkit.profiles import profile_named
from lamella_testkit.sample import Sample

if TYPE_CHECKING:
    from lamella.format import FormatSpec
    from lamella_testkit.references import Reference

__all__ = ["PLACES", "Place", "read_elsewhere", "serve"]

_SHOWN = 80
_AT_START = dict(os.environ)
"""The environment before any reader was imported here, which may have changed it."""


@dataclass(frozen=True, slots=True)
class Place:
    """What is different around a process."""

    zone: str
    hash_seed: int

    def __str__(self) -> str:
        return (
            f"time zone {self.zone}, locale C with ASCII files, hash seed {self.hash_seed}, another working directory"
        )

    @property
    def environment(self) -> Mapping[str, str]:
        """What it is started with."""
        text = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
        return {"TZ": self.zone, "PYTHONHASHSEED": str(self.hash_seed), **text}


PLACES = (Place("EAST-05:45", 1), Place("WEST+09:30", 2))
"""Zones as POSIX writes them, which need no data base."""


def read_elsewhere(
    place: Place, spec: FormatSpec, sampler: Reference, samples: list[Sample]
) -> tuple[list[Any], list[str]]:
    """Read samples in a process at another place.

    Returns
    -------
    list
        For each sample what is read, or what is raised as text.
    list of str
        What importing the reader, opening and reading changed in that process.

    Raises
    ------
    EOFError
        If the process ends before it has answered.
    """
    with _environment(place.environment):
        process = start("lamella_testkit.surroundings:serve", answers=True, errors=subprocess.DEVNULL)
    pipes = Pipes.to(process)
    try:
        pipes.send(pickle.dumps((spec, sampler, samples)))
        answer: tuple[list[Any], list[str]] = pickle.loads(pipes.receive())
    finally:
        process.kill()
        process.wait()
        pipes.close()
    return answer


@contextlib.contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update({**_AT_START, **changes})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def serve() -> None:
    """Read what the parent sends."""
    parent = parent_pipes()
    spec, sampler, samples = pickle.loads(parent.receive())
    with tempfile.TemporaryDirectory(prefix="lamella-testkit-", ignore_cleanup_errors=True) as folder:
        home = Path.cwd()
        os.chdir(folder)
        kit = Kit(spec, sampler.resolve()(), profile=profile_named("brief"), workdir=Path(folder))
        before = _global_state()
        answers = [_read(kit, sample) for sample in samples]
        after = _global_state()
        os.chdir(home)
    changed = [_change(name, before[name], after[name]) for name in before if before[name] != after[name]]
    parent.send(pickle.dumps((answers, changed)))


def _read(kit: Kit, sample: Sample) -> Any:
    try:
        return described(open_dataset(kit.spec.name, sample.target, sample.keywords, registry=default_registry()))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _global_state() -> dict[str, str]:
    """Give what a reader must leave as it is, each as a text."""
    root = logging.getLogger()
    handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
    return {
        "the environment": repr([(name, zlib.crc32(value.encode())) for name, value in sorted(os.environ.items())]),
        "filters of warnings": repr(warnings.filters),
        "the root logger": repr((root.level, root.handlers, logging.root.manager.disable)),
        "np.geterr()": repr(np.geterr()),
        "np.get_printoptions()": repr(sorted(np.get_printoptions().items())),
        "the state of random": repr(hash(random.getstate())),
        "the state of np.random": repr(np.random.get_state()[1].tobytes().hex()),  # type: ignore[index]  # noqa: NPY002
        "handlers of signals": repr(handlers),
        "the locale": repr(locale.setlocale(locale.LC_ALL)),
        "the time zone": repr((time.tzname, time.timezone)),
        "the working directory": repr(str(Path.cwd())),
        "sys.path": repr(sys.path),
        "the recursion limit": repr(sys.getrecursionlimit()),
        "the switch interval": repr(sys.getswitchinterval()),
        "the timeout of sockets": repr(socket.getdefaulttimeout()),
        "sys.excepthook": repr(sys.excepthook),
        "the number of threads": repr(threading.active_count()),
    }


def _change(name: str, before: str, after: str) -> str:
    """Say what changed, from the first difference on."""
    same = next((i for i, (one, other) in enumerate(zip(before, after, strict=False)) if one != other), 0)
    begin = max(0, same - 20)
    return f"{name}: ...{before[begin : begin + _SHOWN]}... before, ...{after[begin : begin + _SHOWN]}... now"
