"""Run the kit on a mutant of an installed plugin, in a process of its own."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import marshal
import os
import pickle
import queue
import random
import sys
import tempfile
import threading
import time
import types
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from lamella.plugins.registry import default_registry
from lamella.system.spawn import parent_pipes
from lamella_testkit.isolation import Child
from lamella_testkit.modules import modules_of
from lamella_testkit.mutants.changes import Mutant, mutants
from lamella_testkit.samplers import sampler_named

__all__ = ["Outcome", "Verdict", "judged", "mutants_of", "sampled", "tried"]

_TIMED_OUT = 75
"""The exit code of a process that has used up its time."""
_PATIENCE = 20.0
"""How many times as long as its share of a processor a process may take, in seconds that pass."""
_MOST_HANGS = 4
"""Checks that may hang before the others are left out: they would use up the time."""
_NOT_THEIRS = {
    "right_files_reach_the_reader": "it asks whether lines run, and a change does that by itself",
    "spawned_process_reads_the_same": "the other process has the original",
    "surroundings_do_not_matter": "the other process has the original",
}
"""Checks that notice a change for another reason than a mistake, and why."""
_FIRST = ("full_read_equals_what_was_written", "special_files_are_read_as_stated", "wrong_files_are_refused")
"""The checks that notice most for the least time."""


class Outcome(StrEnum):
    """What became of a mutant."""

    killed = "killed"
    survived = "survived"
    timed_out = "timed out"
    """It used up its processor time, or hung in several checks, which does not count as killed."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant, and the check that noticed it, or how its process ended."""

    mutant: Mutant
    outcome: Outcome
    killer: str | None = None


def mutants_of(name: str) -> list[Mutant]:
    """Give all mutants of the reader of an installed format, and of its parameters.

    Raises
    ------
    PluginError
        If no such format is installed, or it declares no sampler.
    """
    spec = default_registry().get(name).spec
    assert spec is not None
    return [
        one
        for module, path in modules_of(spec, sampler_named(name)).items()
        for one in mutants(module, path.read_text(encoding="utf-8"))
    ]


def sampled(some: Sequence[Mutant], count: int, seed: int) -> list[Mutant]:
    """Give ``count`` of the mutants, chosen at random, in the order of the source; all of them if there are fewer."""
    chosen = sorted(random.Random(seed).sample(range(len(some)), min(count, len(some))))
    return [some[i] for i in chosen]


def judged(name: str, some: Sequence[Mutant], *, profile: str, seconds: float, workers: int) -> Iterator[Verdict]:
    """Try mutants, several at a time, and give the verdicts in the order of the mutants.

    Parameters
    ----------
    name
        The format.
    some
        Its mutants.
    profile
        How hard the kit tries.
    seconds
        Processor time of each; one that takes more is no kill.
    workers
        Processes at a time.
    """
    pool = ThreadPoolExecutor(max(1, workers))
    try:
        yield from pool.map(lambda one: _tried(name, one, profile, seconds), some)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _tried(name: str, mutant: Mutant, profile: str, seconds: float) -> Verdict:
    job = {
        "name": name,
        "module": mutant.module,
        "code": marshal.dumps(compile(mutant.make(), mutant.module, "exec")),
        "profile": profile,
        "seconds": seconds,
    }
    with Child("lamella_testkit.mutants.trial:serve") as child:
        try:
            child.send(job)
            outcome, killer = child.message(_PATIENCE * seconds)
        except queue.Empty:
            child.interrupt()
            return Verdict(mutant, Outcome.timed_out)
        except (OSError, EOFError):
            how = child.crash()
            if f"exit code {_TIMED_OUT}" in how:
                return Verdict(mutant, Outcome.timed_out)
            return Verdict(mutant, Outcome.killed, how.partition("\n")[0])
    return Verdict(mutant, Outcome(outcome), killer)


class _Loader(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the changed code for one module."""

    def __init__(self, module: str, code: types.CodeType) -> None:
        self.module = module
        self.code = code

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_loader(name, self) if name == self.module else None

    def exec_module(self, module: types.ModuleType) -> None:
        exec(self.code, module.__dict__)


def serve() -> None:
    """Try the mutant that the parent sends, and answer with what becomes of it."""
    parent = parent_pipes()
    job = pickle.loads(parent.receive())
    sys.meta_path.insert(0, _Loader(job["module"], marshal.loads(job["code"])))
    threading.Thread(target=_watch, args=(job["seconds"],), daemon=True).start()
    parent.send(pickle.dumps(tried(job["name"], job["profile"])))


def _watch(seconds: float) -> None:
    """End this process when it has used up its processor time, which a busy machine does not shorten."""
    while time.process_time() < seconds:
        time.sleep(0.2)
    os._exit(_TIMED_OUT)


def tried(name: str, profile: str) -> tuple[Outcome, str | None]:
    """Give what becomes of the reader that this process has, and the name of the first check that fails.

    Parameters
    ----------
    name
        The format.
    profile
        How hard the kit tries.
    """
    from lamella_testkit.carryout import carry_out
    from lamella_testkit.catalogue import all_checks
    from lamella_testkit.kit import Kit
    from lamella_testkit.profiles import profile_named
    from lamella_testkit.results import Status

    plugin = default_registry().get(name)
    assert plugin.spec is not None
    with tempfile.TemporaryDirectory(prefix="lamella-mutants-", ignore_cleanup_errors=True) as folder:
        kit = Kit(plugin.spec, sampler_named(name)(), profile=profile_named(profile), workdir=Path(folder))
        hangs = 0
        for one in sorted(all_checks(), key=lambda one: one.name not in _FIRST):
            if (one.level in (0, 4) and one.name != "reader_is_importable") or one.name in _NOT_THEIRS:
                continue
            result = carry_out(one, kit)
            if result.status is not Status.failed or result.advisory:
                continue
            if "it hangs" not in (result.reason or ""):
                return Outcome.killed, one.name
            hangs += 1
            if hangs == _MOST_HANGS:
                return Outcome.timed_out, None
    return Outcome.survived, None
