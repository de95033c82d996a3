"""What came out: one record per check, and the level that follows from them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from lamella.system.text import fitting
from lamella_testkit.checking import LEVELS

__all__ = ["Result", "Status", "failures", "level_of", "linked"]

_PLACE = re.compile(r"\([^()]+, line \d+, in \w+\)")
_DECLARATION = "spec_is_valid"
_PIXELS = re.compile(r" differs in \d+ of \d+ pixels")


class Status(StrEnum):
    """How a check ended."""

    passed = "passed"
    failed = "failed"
    excused = "excused"
    """It fails, and the sampler says why in ``known_failures``."""
    skipped = "skipped"
    """It could not be made here; the level stays below it."""
    not_applicable = "not-applicable"
    """It does not apply: the plugin declares nothing that it could check."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The outcome of one check.

    Parameters
    ----------
    check, level, since, rule
        Which check it was.
    status
        How it ended.
    advisory
        Whether the check is newer than the edition that the plugin targets, and so does not count.
    reason
        What is wrong, why it was skipped, or why it is excused.
    example
        The smallest case in which it fails.
    hint
        Where to look.
    follows
        The check before it that failed for the same reason, so that this one says nothing new.
    seconds
        How long it took.
    """

    check: str
    level: int
    since: str
    rule: str
    status: Status
    advisory: bool = False
    reason: str | None = None
    example: str | None = None
    hint: str | None = None
    follows: str | None = None
    seconds: float = 0.0

    @property
    def counts_as_failure(self) -> bool:
        """Whether this makes a run fail."""
        return self.status is Status.failed and not self.advisory

    def __str__(self) -> str:
        lines = [f"{self.check} (level {self.level}): {self.status}"]
        if self.status is Status.failed:
            lines.append(f"  rule     {self.rule}")
        for label, text in (("found", self.reason), ("example", self.example), ("hint", self.hint)):
            if text and (self.status is not Status.passed):
                first, *others = text.split("\n")
                lines += [f"  {label:<8} {first}", *(f"{'':<11}{other}" for other in others)]
        return "\n".join(fitting(lines))

    @property
    def cause(self) -> str | None:
        """What other checks would fail for as well: a declaration, the line that raised, or pixels that differ."""
        if self.status is not Status.failed or not self.reason:
            return None
        if self.check == _DECLARATION or "PluginError: " in self.reason:
            return _DECLARATION
        places = _PLACE.findall(self.reason)
        if places:
            return str(places[-1])
        return "pixels" if _PIXELS.search(self.reason) else None

    def to_json(self) -> dict[str, Any]:
        """Give the record without what is empty."""
        record = {key: value for key, value in asdict(self).items() if value not in (None, False)}
        return record | {"status": str(self.status), "seconds": round(self.seconds, 3)}


def linked(result: Result, before: Iterable[Result]) -> Result:
    """Give the result of a check with the first one before it that failed for the same reason, if there is one."""
    cause = result.cause
    first = next((one.check for one in before if cause and one.cause == cause and one.counts_as_failure), None)
    return replace(result, follows=first)


def failures(results: Iterable[Result]) -> list[Result]:
    """Give the results that make a run fail."""
    return [result for result in results if result.counts_as_failure]


def level_of(results: Iterable[Result]) -> int | None:
    """Give the level that was reached, or None if not even level 0 was.

    Level n means that every mandatory check up to n was made and passed; a skipped or excused check does not count
    as passed, and a level none of whose checks were made is not reached.
    """
    made = [result for result in results if not result.advisory]
    reached: int | None = None
    for level in range(len(LEVELS)):
        of_level = [result for result in made if result.level == level]
        if not of_level or any(result.status not in (Status.passed, Status.not_applicable) for result in of_level):
            break
        reached = level
    return reached
