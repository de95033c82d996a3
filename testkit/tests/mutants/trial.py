"""Run the kit on mutants of a plugin, each in a fork of a process in which everything is imported already."""

from __future__ import annotations

import importlib
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
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lamella.registry import default_registry
from lamella_testkit.checking import all_checks
from lamella_testkit.kit import Kit
from lamella_testkit.profiles import PROFILES
from lamella_testkit.results import Status
from lamella_testkit.runner import carry_out
from lamella_testkit.samplers import sampler_named
from mutants.changes import Mutant, mutants

LONGEST = 180.0


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: the check that killed it, or None."""

    mutant: str
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
        exec(compile(self.mutant.tree, self.mutant.module, "exec"), module.__dict__)


def mutants_of(package: str, modules: Iterable[str], texts: Collection[str] = ()) -> list[Mutant]:
    """Give all mutants of some modules of a package, but for functions that make nothing but ``texts``."""
    found: list[Mutant] = []
    for name in modules:
        spec = importlib.util.find_spec(f"{package}.{name}")
        assert spec is not None
        assert spec.origin is not None
        found += mutants(f"{package}.{name}", Path(spec.origin).read_text(encoding="utf-8"), texts)
    return found


def judge(name: str, mutant: Mutant, profile: str = "dev") -> Verdict:
    """Try a mutant of the plugin of a format in a fork; what hangs or crashes is killed as well."""
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(receiver)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os.dup2(2, 1)
        killer: str | None = "import"
        try:
            killer = _first_failure(name, mutant, profile)
        finally:
            os.write(sender, pickle.dumps(killer))
            os._exit(0)
    os.close(sender)
    answer = _wait(child, receiver)
    os.close(receiver)
    return Verdict(str(mutant), answer)


def _wait(child: int, receiver: int) -> str | None:
    deadline = time.monotonic() + LONGEST
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            data = os.read(receiver, 1 << 16)
            if data:
                killer: str | None = pickle.loads(data)
                return killer
            return f"crash ({status})"
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "hang"


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
