"""What a check of executors is, and what comes out of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeVar

from lamella.system.text import fitting
from lamella_testkit.results import Status

__all__ = ["ExecutorCheck", "ExecutorResult", "executor_check", "executor_checks"]


@dataclass(frozen=True, slots=True)
class ExecutorCheck:
    """One check of executors.

    Parameters
    ----------
    name
        Name of its function.
    rule
        What must hold.
    hint
        Where to look when it does not.
    run
        The function, which takes a `Trial`; raises `lamella_testkit.Broken` if the rule is broken.
    """

    name: str
    rule: str
    hint: str
    run: Callable[[Any], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorResult:
    """The outcome of one check of an executor.

    Parameters
    ----------
    check, rule, hint
        Which check it was.
    status
        How it ended: passed, failed, skipped after a check that hangs, or not applicable.
    reason
        What is wrong, or why it does not apply.
    seconds
        How long it took.
    """

    check: str
    rule: str
    hint: str
    status: Status
    reason: str | None = None
    seconds: float = 0.0

    def __str__(self) -> str:
        lines = [f"{self.check}: {self.status}"]
        if self.status is Status.failed:
            lines.append(f"  rule     {self.rule}")
        if self.reason:
            lines.append(f"  found    {self.reason}")
        if self.status is Status.failed and self.hint:
            lines.append(f"  hint     {self.hint}")
        return "\n".join(fitting(lines))


T = TypeVar("T")

_checks: dict[str, ExecutorCheck] = {}


def executor_check(function: Callable[[T], None]) -> Callable[[T], None]:
    """Register a function as a check; its docstring is the rule (first line) and the hint (the rest)."""
    rule, _, hint = (inspect.getdoc(function) or "").partition("\n")
    name = function.__name__
    _checks[name] = ExecutorCheck(name, rule, " ".join(hint.split()), function)
    return function


def executor_checks() -> tuple[ExecutorCheck, ...]:
    """Give all checks, in the order in which they are made."""
    for module in ("checkruns", "checkstops", "checkudfs", "checkends"):
        import_module(f"{__package__}.{module}")  # which registers them
    return tuple(_checks.values())
