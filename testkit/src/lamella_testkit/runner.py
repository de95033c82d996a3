"""Run checks on one plugin, in this process or in a child that may crash or hang without harm."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from lamella.system.processors import available_cpus
from lamella_testkit.checking import Broken, Check, NotHere, NotNeeded, all_checks, named
from lamella_testkit.kit import Kit, told
from lamella_testkit.limits import TookTooLong
from lamella_testkit.profiles import profile_named
from lamella_testkit.results import Result, Status

if TYPE_CHECKING:
    from lamella.format import FormatSpec
    from lamella_testkit.profiles import Profile
    from lamella_testkit.sampler import Sampler

__all__ = ["carry_out", "chosen", "iterate", "run"]

SPEED = 4
"""The level whose checks measure, and want the machine for themselves."""
CHECK_SECONDS = 60.0
"""What a check may take between two cases before it counts as a hang."""


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
        ``"dev"``, ``"ci"`` or ``"nightly"``.
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
    if isolate:
        yield from _in_children(spec, sampler, wanted, settings)
        return
    instance = sampler() if isinstance(sampler, type) else sampler
    with tempfile.TemporaryDirectory(prefix="lamella-testkit-") as folder:
        kit = Kit(spec, instance, profile=settings, workdir=Path(folder))
        for one in wanted:
            yield carry_out(one, kit)


def _in_children(
    spec: FormatSpec, sampler: Sampler | type[Sampler], wanted: Sequence[Check], settings: Profile
) -> Iterator[Result]:
    """Make checks in children side by side, and those of speed one by one after them."""
    from lamella_testkit.isolation import Worker

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


def carry_out(one: Check, kit: Kit) -> Result:
    """Make one check and say how it ended; nothing that a plugin raises gets through."""
    kit.current = None
    began = time.perf_counter()
    status, reason, example = _outcome(one, kit)
    kit.current = None
    kit.clean()
    return judged(one, kit.sampler, kit.spec.edition, status, reason, example, time.perf_counter() - began)


def _outcome(one: Check, kit: Kit) -> tuple[Status, str | None, str | None]:
    if kit.spec.target not in one.targets:
        return Status.not_needed, f"the format is one of {kit.spec.target}s", None
    try:
        one.run(kit)
    except NotNeeded as why:
        return Status.not_needed, str(why), None
    except NotHere as why:
        return Status.skipped, str(why), None
    except Broken as broken:
        return Status.failed, _with_cause(broken, kit), broken.example or kit.current
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except TookTooLong as late:
        return Status.failed, f"it hangs: {late}", kit.current
    except BaseException as error:
        return Status.failed, f"it raises {told(error, kit.package)}", kit.current
    return Status.passed, None, None


def _with_cause(broken: Broken, kit: Kit) -> str:
    cause = broken.__cause__
    return broken.what if cause is None else f"{broken.what}: {told(cause, kit.package)}"


def judged(
    one: Check,
    sampler: Sampler | type[Sampler],
    edition: str,
    status: Status,
    reason: str | None,
    example: str | None,
    seconds: float,
) -> Result:
    """Give the record of a check after the excuses of the sampler were weighed."""
    excuse = sampler.known_failures.get(one.name)
    if excuse is not None and status is Status.failed:
        status, reason, example = Status.excused, f"{excuse} ({reason})", None
    elif excuse is not None and status is Status.passed:
        status, reason = Status.failed, "it passes, but is listed in known_failures; take it out"
    failed = status is Status.failed
    return Result(
        check=one.name,
        level=one.level,
        since=one.since,
        rule=one.rule,
        status=status,
        advisory=one.since > edition,
        reason=reason,
        example=example,
        hint=one.hint if failed else None,
        seconds=seconds,
    )
