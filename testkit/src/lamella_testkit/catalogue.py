"""All checks of the kit."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import lamella_testkit.checks  # noqa: F401 -- registers them
from lamella_testkit.checking import Check, registered

__all__ = ["all_checks", "named"]


def all_checks() -> tuple[Check, ...]:
    """Give every check, by level and in the order in which they are written."""
    return tuple(sorted(registered(), key=lambda one: one.level))


def named(name: str) -> Check:
    """Give the check of that name.

    Raises
    ------
    KeyError
        If there is none; says which names are close.
    """
    known = {one.name: one for one in all_checks()}
    if name not in known:
        close: Any = get_close_matches(name, known, n=3)
        raise KeyError(
            f"no check is called {name!r}; did you mean {' or '.join(close) or 'one of ' + ', '.join(known)}?"
        )
    return known[name]
