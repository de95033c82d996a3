"""Run the kit on mutants of a plugin, each in a fork of a process in which everything is imported already."""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import pickle
import signal
import sys
import tempfile
import time
import types
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lamella.plugins.registry import default_registry
from lamella_testkit.carryout import carry_out
from lamella_testkit.catalogue import all_checks
from lamella_testkit.kit import Kit
from lamella_testkit.mutants.changes import Mutant, mutants
from lamella_testkit.profiles import PROFILES
from lamella_testkit.results import Status
from lamella_testkit.samplers import sampler_named
from mutants.subjects import Subject

LONGEST = {"dev": 180.0, "ci": 600.0}
"""When a mutant counts as one that hangs [s], many times what the kit takes."""


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: the check that killed it, or None."""

    mutant: Mutant
    killer: str | None


class _Loader(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the mutated code for one module."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self.mutant.module:
            return None
        return importlib.util.spec_from_loader(name, self)

    def exec_module(self, module: types.ModuleType) -> None:
        exec(compile(self.mutant.make(), self.mutant.module, "exec"), module.__dict__)


def mutants_of(subject: Subject) -> list[Mutant]:
    """Give all mutants of the modules of a plugin."""
    found: list[Mutant] = []
    for name in subject.modules:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        found += mutants(name, Path(spec.origin).read_text(encoding="utf-8"), subject.texts)
    return found


def judged(subject: Subject, some: Iterable[Mutant], profile: str, workers: int) -> Iterator[Verdict]:
    """Try mutants, several at a time, and give each verdict as it comes; what hangs or crashes is killed as well."""
    waiting, running = list(reversed(list(some))), list[_Trial]()
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                running.append(_Trial(subject.format, waiting.pop(), profile))
            for trial in [one for one in running if one.is_over()]:
                running.remove(trial)
                yield Verdict(trial.mutant, trial.killer)
            time.sleep(0.01)
    finally:
        for trial in running:
            trial.end()


class _Trial:
    """One mutant in a process of its own."""

    def __init__(self, name: str, mutant: Mutant, profile: str) -> None:
        self.mutant = mutant
        self.killer: str | None = None
        self._deadline = time.monotonic() + LONGEST[profile]
        self._receiver, sender = os.pipe()
        self._child = os.fork()
        if self._child == 0:
            _try(name, mutant, profile, sender)
        os.close(sender)

    def is_over(self) -> bool:
        done, status = os.waitpid(self._child, os.WNOHANG)
        if done:
            answer = os.read(self._receiver, 1 << 16)
            os.close(self._receiver)
            self.killer = pickle.loads(answer) if answer else f"crash ({status})"
            return True
        if time.monotonic() > self._deadline:
            self.end()
            self.killer = "hang"
            return True
        return False

    def end(self) -> None:
        os.kill(self._child, signal.SIGKILL)
        os.waitpid(self._child, 0)
        os.close(self._receiver)


def _try(name: str, mutant: Mutant, profile: str, sender: int) -> None:
    """Answer with the name of the first check that fails, and end this process."""
    killer: str | None = "import"
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os.dup2(2, 1)
        killer = _first_failure(name, mutant, profile)
    finally:
        with contextlib.suppress(BaseException):
            os.write(sender, pickle.dumps(killer))
        os._exit(0)


def _first_failure(name: str, mutant: Mutant, profile: str) -> str | None:
    package = mutant.module.partition(".")[0]
    for loaded in [module for module in sys.modules if module.partition(".")[0] == package]:
        del sys.modules[loaded]
    sys.meta_path.insert(0, _Loader(mutant))
    registry = default_registry()
    registry.refresh()
    plugin = registry.get(name)
    assert plugin.spec is not None
    with tempfile.TemporaryDirectory() as folder:
        kit = Kit(plugin.spec, sampler_named(name)(), profile=PROFILES[profile], workdir=Path(folder))
        for one in all_checks():
            if one.level in (0, 4) and one.name != "reader_is_importable":
                continue
            if carry_out(one, kit).status is Status.failed:
                return one.name
    return None
