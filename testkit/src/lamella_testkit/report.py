"""The report: everything that was found out about a plugin, as JSON, as text, as a badge and as a table."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from lamella_testkit.checking import EDITION, LEVELS
from lamella_testkit.limits import supported
from lamella_testkit.results import Result, Status, failures, level_of

if TYPE_CHECKING:
    from lamella.plugins.plugin import Plugin

__all__ = ["FILE_NAME", "Report", "begin_with", "level_text", "summary"]

FILE_NAME = "conformance.json"
"""The name under which a plugin ships its report, beside its spec."""

_COLOURS = {None: "#9f9f9f", 0: "#e05d44", 1: "#fe7d37", 2: "#dfb317", 3: "#97ca00", 4: "#4c1"}


@dataclass(frozen=True, slots=True)
class Report:
    """What the kit found out about one plugin."""

    facts: dict[str, Any]

    @classmethod
    def of(cls, plugin: Plugin, results: Sequence[Result], *, profile: str) -> Self:
        """Make the report of a run."""
        assert plugin.spec is not None
        level = level_of(results)
        return cls(
            {
                "format": plugin.name,
                "title": plugin.spec.title,
                "distribution": plugin.distribution,
                "version": plugin.version,
                "level": level,
                "level_name": None if level is None else LEVELS[level],
                "edition": plugin.spec.edition,
                "capabilities": sorted(map(str, plugin.spec.capabilities)),
                "kit": {"version": _version("lamella-testkit"), "edition": EDITION, "profile": profile},
                "platform": {
                    "system": platform.system(),
                    "machine": platform.machine(),
                    "python": platform.python_version(),
                    "limits": supported(),
                },
                "versions": {name: _version(name) for name in ("lamella", "numpy", "numba", "hypothesis")},
                "checks": [result.to_json() for result in results],
            }
        )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a report."""
        return cls(json.loads(path.read_text(encoding="utf-8")))

    def save(self, path: Path) -> None:
        """Write the report as JSON."""
        text = json.dumps(self.facts, indent=1, ensure_ascii=False) + "\n"
        # Half a surrogate pair, of a file name for instance, is no UTF-8; escaped as Python does, it is JSON.
        path.write_text(text, encoding="utf-8", errors="backslashreplace")

    @property
    def level(self) -> int | None:
        """The level that was reached."""
        level: int | None = self.facts["level"]
        return level

    def badge(self) -> str:
        """Give a badge, as SVG."""
        left, right = "lamella", level_text(self.level)
        widths = [6.5 * len(left) + 12, 6.5 * len(right) + 12]
        total = sum(widths)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{total:.0f}" height="20" role="img" '
            f'aria-label="{left}: {right}"><title>{left}: {right}</title>'
            f'<rect rx="3" width="{total:.0f}" height="20" fill="#555"/>'
            f'<rect rx="3" x="{widths[0]:.0f}" width="{widths[1]:.0f}" height="20" fill="{_COLOURS[self.level]}"/>'
            '<g fill="#fff" text-anchor="middle" font-family="Verdana,sans-serif" font-size="11">'
            f'<text x="{widths[0] / 2:.1f}" y="14">{left}</text>'
            f'<text x="{widths[0] + widths[1] / 2:.1f}" y="14">{right}</text></g></svg>\n'
        )


def level_text(level: int | None) -> str:
    """Give a level as people read it."""
    return "no level" if level is None else f"level {level}, {LEVELS[level]}"


def summary(results: Iterable[Result]) -> list[str]:
    """Give the lines that end a run: what failed, what was skipped, and why the level is what it is."""
    made = list(results)
    counts = {status: sum(result.status is status for result in made) for status in Status}
    told = [f"{count} {str(status).replace('-', ' ')}" for status, count in counts.items() if count]
    level = level_of(made)
    lines = [f"{len(made)} checks: {', '.join(told)}", level_text(level).capitalize()]
    following = 0 if level is None else level + 1
    blocking = [
        result.check
        for result in made
        if result.level == following
        and not result.advisory
        and result.status in (Status.skipped, Status.excused, Status.failed)
    ]
    if blocking:
        lines.append(f"Level {following} wants: {', '.join(blocking)}")
    lines += begin_with(made)
    lines += left_open(made)
    if failures(made) and sys.platform == "win32":
        lines.append("This platform has no limits on memory and time of a case: a hang ends the whole check")
    return lines


_OF_SAMPLER = (
    "right_files_reach_the_reader",
    "what_is_reported_is_stated",
    "parameters_have_an_effect",
    "special_files_are_read_as_stated",
    "wrong_files_are_refused",
    "guarded_bytes_are_checked",
    "the_end_of_large_files_is_read",
    "recorded_files_are_read",
)
"""Checks that look as far as the sampler lets them, the most valuable first."""


def left_open(results: Iterable[Result]) -> list[str]:
    """Say what more the sampler could write or state, so that the other checks see more of the reader."""
    made = {result.check: result for result in results}
    found = []
    for name in _OF_SAMPLER:
        result = made.get(name)
        if result is None or result.reason is None:
            continue
        silent = result.status is Status.not_applicable and "sampler" in result.reason
        if silent or result.status is Status.failed:
            found.append(f"  {name}: {result.reason.partition(chr(10))[0].rstrip(':')}")
    return ["What the sampler leaves open, the most valuable first:", *found] if found else []


def begin_with(results: Iterable[Result]) -> list[str]:
    """Say which failures to look at, if others have the same reasons."""
    failed = failures(results)
    begin = [result.check for result in failed if result.follows is None]
    if len(begin) == len(failed):
        return []
    return [f"Begin with: {', '.join(begin)}; the other failures have the same reasons"]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
