"""Make one check and give its record."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lamella_testkit.kit import Kit, told
from lamella_testkit.limits import TookTooLong
from lamella_testkit.outcomes import Broken, NotHere, NotNeeded
from lamella_testkit.results import Result, Status

if TYPE_CHECKING:
    from lamella_testkit.checking import Check
    from lamella_testkit.sampler import Sampler

__all__ = ["CHECK_SECONDS", "carry_out", "judged"]

CHECK_SECONDS = 60.0
"""What a check may take between two cases before it counts as a hang."""


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
        return Status.not_applicable, f"the format is one of {kit.spec.target}s", None
    try:
        one.run(kit)
    except NotNeeded as why:
        return Status.not_applicable, str(why), None
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
