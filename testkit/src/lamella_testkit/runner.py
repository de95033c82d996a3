"""Run checks on one plugin, in this process or in a child that may crash or hang without harm."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from lamella.system.processors import available_cpus
from lamella_testkit.carryout import carry_out
from lamella_testkit.catalogue import all_checks, named
from lamella_testkit.isolation import Worker
from lamella_testkit.kit import Kit
from lamella_testkit.profiles import profile_named
from lamella_testkit.results import linked

if TYPE_CHECKING:
    from lamella.format import FormatSpec
    from lamella_testkit.checking import Check
    from lamella_testkit.profiles import Profile
    from lamella_testkit.results import Result
    from lamella_testkit.sampler import Sampler

__all__ = ["chosen", "iterate", "run"]

SPEED = 4
"""The level whose checks measure, and want the machine for themselves."""


def run(
    spec: FormatSpec,
    sampler: Sampler | type[Sampler],
    *,
    level: int = 4,
    checks: Sequence[str] = (),
    profile: str | None = None,
    isolate: bool = True,
    progress: Callable[[Result], None] | None = None,
) -> list[Result]:
    """Prove a plugin.

    Parameters
    ----------
    spec
        The declaration of the format.
    sampler
        What writes its files.
    level
        The highest level to check.
    checks
        Names of checks, if not all of them are wanted.
    profile
        ``"brief"``, ``"dev"``, ``"ci"`` or ``"nightly"``.
    isolate
        Run in child processes, one per processor, which may crash or hang without harm; checks of speed run when
        everything else is done. The sampler must be importable then.
    progress
        Called with each result.

    Returns
    -------
    list of Result
        One for each check; see `lamella_testkit.results.level_of` for the level that follows.
    """
    results = []
    for result in iterate(spec, sampler, level=level, checks=checks, profile=profile, isolate=isolate):
        if progress is not None:
            progress(result)
        results.append(result)
    return results


def iterate(
    spec: FormatSpec,
    sampler: Sampler | type[Sampler],
    *,
    level: int = 4,
    checks: Sequence[str] = (),
    profile: str | None = None,
    isolate: bool = True,
) -> Generator[Result, None, None]:
    """Give the results of `run` one by one, as they come."""
    wanted = chosen(level, checks)
    settings = profile_named(profile)
    found: list[Result] = []
    for result in _made(spec, sampler, wanted, settings, isolate=isolate):
        found.append(linked(result, found))
        yield found[-1]


def _made(
    spec: FormatSpec, sampler: Sampler | type[Sampler], wanted: Sequence[Check], settings: Profile, *, isolate: bool
) -> Iterator[Result]:
    if isolate:
        yield from _in_children(spec, sampler, wanted, settings)
        return
    instance = sampler() if isinstance(sampler, type) else sampler
    with tempfile.TemporaryDirectory(prefix="lamella-testkit-", ignore_cleanup_errors=True) as folder:
        kit = Kit(spec, instance, profile=settings, workdir=Path(folder))
        for one in wanted:
            yield carry_out(one, kit)


def _in_children(
    spec: FormatSpec, sampler: Sampler | type[Sampler], wanted: Sequence[Check], settings: Profile
) -> Iterator[Result]:
    """Make checks in children side by side, and those of speed one by one after them."""
    slow = [one for one in wanted if one.level < SPEED]
    with ExitStack() as stack:
        idle: SimpleQueue[Worker] = SimpleQueue()
        count = max(1, min(available_cpus(), len(slow)))
        for _ in range(count):
            idle.put(stack.enter_context(Worker()))

        def make(one: Check) -> Result:
            worker = idle.get()
            try:
                return worker.carry_out(spec, sampler, one, settings)
            finally:
                idle.put(worker)

        pool = ThreadPoolExecutor(count)
        stack.callback(pool.shutdown, wait=False, cancel_futures=True)
        waiting = {one.name: pool.submit(make, one) for one in slow}
        for one in wanted:
            if one.name in waiting:
                yield waiting[one.name].result()
            else:
                wait(waiting.values())
                yield make(one)


def chosen(level: int, checks: Sequence[str] = ()) -> list[Check]:
    """Give the checks up to a level, or those that are named.

    Raises
    ------
    KeyError
        If a name is unknown.
    """
    return [named(name) for name in checks] or [one for one in all_checks() if one.level <= level]
