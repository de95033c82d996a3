"""Make one check and give its record."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lamella.errors import LamellaError, PluginError
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


_OF_SAMPLER = "The sampler raises this, before the reader is asked: repair the sampler first."
_OF_READER = "The reader raises this for a right file, before the rule is looked at: begin with the line that is named."
_REFUSED = (
    "The reader refuses a right file, or the sampler wrote a wrong one: compare what the error says with what the "
    "sampler writes there. What the format cannot hold, `fit` of the sampler replaces."
)
_UNUSABLE = "The core does not use this plugin, so nothing else can be checked: begin with spec_is_valid."
_HANGS = (
    "Look for a loop whose end depends on what the file says: each step has to go forward, and no step may cost as "
    "much as all of them."
)


def carry_out(one: Check, kit: Kit) -> Result:
    """Make one check and say how it ended; nothing that a plugin raises gets through."""
    kit.current = None
    began = time.perf_counter()
    status, reason, example, hint = _outcome(one, kit)
    kit.current = None
    kit.clean()
    seconds = time.perf_counter() - began
    return judged(one, kit.sampler, kit.spec.edition, status, reason, example, seconds, hint)


def _outcome(one: Check, kit: Kit) -> tuple[Status, str | None, str | None, str | None]:
    """Give how a check ended, why, in which case, and where to look if the check does not know it."""
    if kit.spec.target not in one.targets:
        return Status.not_applicable, f"the format is one of {kit.spec.target}s", None, None
    try:
        one.run(kit)
    except NotNeeded as why:
        return Status.not_applicable, str(why), None, None
    except NotHere as why:
        return Status.skipped, str(why), None, None
    except Broken as broken:
        return Status.failed, _with_cause(broken, kit), broken.example or kit.current, broken.hint
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except TookTooLong as late:
        return Status.failed, f"it hangs: {late}", kit.current, _HANGS
    except BaseException as raised:
        error = _original(raised, kit)
        return Status.failed, f"it raises {told(error, kit.package)}", kit.current, _hint_for(error, kit)
    return Status.passed, None, None, None


def _original(error: BaseException, kit: Kit) -> BaseException:
    """Give what a reader raised where the core made another error of it."""
    if error.__cause__ is None or not isinstance(error, LamellaError) or _is_of(kit, _files(error)[-1:]):
        return error
    return error.__cause__


def _hint_for(error: BaseException, kit: Kit) -> str | None:
    """Say whose mistake an exception is that no check expects."""
    files = _files(error)
    sampler = sys.modules[type(kit.sampler).__module__]
    if files[-1:] == [getattr(sampler, "__file__", None)]:
        return _OF_SAMPLER
    if isinstance(error, PluginError):
        return _UNUSABLE
    if isinstance(error, LamellaError):
        return _REFUSED
    return _OF_READER if _is_of(kit, files) else None


def _files(error: BaseException) -> list[str]:
    return [frame.filename for frame in traceback.extract_tb(error.__traceback__)]


def _is_of(kit: Kit, files: Sequence[str]) -> bool:
    """Whether one of the files belongs to the plugin."""
    return any(kit.package in Path(file).parts or kit.package == Path(file).stem for file in files)


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
    hint: str | None = None,
) -> Result:
    """Give the record of a check after the excuses of the sampler were weighed; ``hint`` replaces its own."""
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
        hint=(hint or one.hint) if failed else None,
        seconds=seconds,
    )
