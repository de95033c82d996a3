"""What a check is: a plain function with a level, an edition, and a rule in the first line of its docstring."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lamella_testkit.kit import Kit

__all__ = ["EDITION", "LEVELS", "Check", "check", "registered"]

EDITION = "2026.2"
"""The newest edition of the checks in this kit."""

FIRST = "2026.1"
"""The edition of the checks that do not say since when they are mandatory."""

LEVELS = ("declared", "readable", "tiled", "robust", "fast")
"""The names of the levels 0 to 4."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Parameters
    ----------
    name
        Name of its function.
    level
        From 0 to 4; see `LEVELS`.
    since
        The edition in which it became mandatory.
    rule
        What must hold.
    hint
        Where to look when it does not.
    targets
        Kinds of targets that it applies to.
    run
        The function; raises `Broken` if the rule is broken.
    """

    name: str
    level: int
    since: str
    rule: str
    hint: str
    targets: frozenset[str]
    run: Callable[[Kit], None]


_checks: dict[str, Check] = {}


def check(
    *, level: int, since: str = FIRST, targets: Sequence[str] = ("path", "object")
) -> Callable[[Callable[[Kit], None]], Callable[[Kit], None]]:
    """Register a function as a check; its docstring is the rule (first line) and the hint (the rest).

    Parameters
    ----------
    level
        From 0 to 4.
    since
        The edition in which it becomes mandatory.
    targets
        ``"path"`` for formats of files, ``"object"`` for formats that wrap objects in memory.
    """

    def register(function: Callable[[Kit], None]) -> Callable[[Kit], None]:
        name = function.__name__
        rule, _, hint = (inspect.getdoc(function) or "").partition("\n")
        if name in _checks and _checks[name].run.__module__ != function.__module__:
            raise ValueError(f"two checks are called {name!r}")
        _checks[name] = Check(name, level, since, rule, " ".join(hint.split()), frozenset(targets), function)
        return function

    return register


def registered() -> tuple[Check, ...]:
    """Give the checks of all modules that are imported, in the order in which they are written."""
    return tuple(_checks.values())
