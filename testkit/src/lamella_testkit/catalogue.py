"""All checks of the kit."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import lamella_testkit.checks  # noqa: F401 -- registers them
from lamella_testkit.checking import Check, registered

__all__ = ["all_checks", "named"]


_FIRST = "level1_pixels"
"""The module whose checks come first within their level: what is wrong there shows in most of the others."""


def all_checks() -> tuple[Check, ...]:
    """Give every check, by level; those of shape, dtype and pixels before the rest."""
    return tuple(sorted(registered(), key=lambda one: (one.level, not one.run.__module__.endswith(_FIRST))))


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
