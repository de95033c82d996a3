"""What runs in the child process of a search: it makes inputs, tries them, and says what comes of each."""

from __future__ import annotations

import faulthandler
import gc
import pickle
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from lamella.plugins.kinds import KINDS
from lamella.plugins.registry import default_registry
from lamella.system.spawn import parent_pipes
from lamella_testkit.fuzz.bases import Bases, samples_folder
from lamella_testkit.fuzz.exercise import Exercise
from lamella_testkit.fuzz.mutations import mutated
from lamella_testkit.fuzz.outcome import Outcome
from lamella_testkit.fuzz.recipe import Base, Recipe
from lamella_testkit.fuzz.steps import apply
from lamella_testkit.fuzz.watching import Surroundings
from lamella_testkit.kit import Kit, placed
from lamella_testkit.limits import one_arena
from lamella_testkit.profiles import profile_named
from lamella_testkit.sample import Sample

__all__ = ["main", "recipe_of"]

_BLOCK = 8
"""Inputs that follow each other and begin with the same intact file."""

_THOROUGH = 8
"""Of inputs that a reader refuses, one in so many is opened by the core as well."""


def main() -> None:
    """Serve jobs until the parent closes the pipe."""
    faulthandler.enable()
    one_arena()
    parent = parent_pipes()
    for kind in KINDS:
        default_registry().plugins(kind)  # a plugin that is slow to declare itself says so now, not during an input

    def send(kind: str, value: object) -> None:
        parent.send(pickle.dumps((kind, value)))

    with tempfile.TemporaryDirectory(prefix="lamella-fuzz-", ignore_cleanup_errors=True) as folder, suppress(EOFError):
        benches: dict[str, _Bench] = {}
        while True:
            job = pickle.loads(parent.receive())
            name = job["spec"].name
            bench = benches[name] = benches.get(name) or _Bench(job, Path(folder, name))
            last = job["start"]
            for number, recipe in _inputs(job, bench):
                send("making", (number, recipe.to_json()))
                sample = bench.made(recipe)
                send("trying", (number, job["limits"].seconds))
                outcome = bench.tried(sample, thorough="recipes" in job or number % _THOROUGH == 0)
                send("done", (number, outcome))
                last = number + 1
            send("result", last)


def _inputs(job: dict[str, Any], bench: _Bench) -> Iterator[tuple[int, Recipe]]:
    """Give the recipes of a job and their numbers, until the time of the job is over."""
    if "recipes" in job:
        made = [Recipe.from_json(facts) for facts in job["recipes"]]
        yield from list(enumerate(made))[job["start"] :]
        return
    end = time.monotonic() + job["seconds"]
    for number in range(job["start"], job["start"] + job["count"]):
        if time.monotonic() > end:
            return
        yield number, recipe_of(bench.bases, bench.format, job["seed"], number)


def recipe_of(bases: Bases, format: str, seed: int, number: int) -> Recipe:
    """Give an input of a search; format, seed and number determine it, with the sample files that are there."""
    base = bases.chosen(random.Random(f"{format}/{seed}/{number // _BLOCK}"))
    chance = random.Random(f"{format}/{seed}/{number}/steps")
    return Recipe(format, base, mutated(chance, bases.material(base)))


class _Bench:
    """All that is kept between the inputs of one format."""

    def __init__(self, job: dict[str, Any], folder: Path) -> None:
        spec = job["spec"]
        self.format = spec.name
        self._kit = Kit(spec, job["sampler"].resolve()(), profile=profile_named("dev"), workdir=folder / "bases")
        self.bases = Bases(self._kit, samples_folder())
        self._around = Surroundings(folder / "around")
        self._limits = job["limits"]
        self._exercise = Exercise(self._kit, job["limits"])
        self._there: Base | None = None
        self._touched: set[str] = set()
        self._learned: set[Base] = set()

    def made(self, recipe: Recipe) -> Sample:
        """Write the files of an input."""
        whole = self._placed(recipe.base)
        for step in recipe.steps:
            apply(self._around.inside, step, self.bases)
            self._touched.add(step.file)
        return whole

    def _placed(self, base: Base) -> Sample:
        """Put the intact files in place, as far as they are not there."""
        intact, inside = self.bases.sample(base), self._around.inside
        files = {str(path.relative_to(intact.directory)): path for path in intact.files}
        if base != self._there or any(name not in files for name in _names(inside)):
            shutil.rmtree(inside, ignore_errors=True)
            shutil.copytree(intact.directory, inside)
            self._around.prepare(files)
            self._there = base
        else:
            for name in files:
                if name in self._touched or not _is_plain(inside / name):
                    _restore(files[name], inside / name)
        self._touched.clear()
        sample = placed(intact, inside)
        if base not in self._learned:
            self._learned.add(base)
            self._learn(sample)
        return sample

    def _learn(self, sample: Sample) -> None:
        """Try the intact files first: kernels are compiled, libraries loaded, and what they read is usual."""
        for _ in range(2 if len(self._learned) == 1 else 1):
            self._exercise.run(sample)
            self._around.learn(self._exercise.seen)
        gc.collect()
        gc.freeze()  # looking for garbage then takes no time

    def tried(self, sample: Sample, *, thorough: bool) -> Outcome:
        """Try the files of an input."""
        _limit_processor(self._limits.cpu_seconds)
        self._around.begin()
        outcome = self._exercise.run(sample, thorough=thorough)
        if outcome.is_fault:
            return outcome
        for kind, text in self._around.problems(self._exercise.seen):
            return Outcome(kind, self._exercise.stage, text)
        return outcome


def _names(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()]


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _restore(intact: Path, path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif not _is_plain(path):
        path.unlink(missing_ok=True)
    shutil.copyfile(intact, path)


def _limit_processor(seconds: float) -> None:
    """Have the system end this process some seconds of the processor after the limit, where it does that."""
    if sys.platform == "win32":
        return
    import resource

    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    soft = int(time.process_time() + 2 * seconds) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))
