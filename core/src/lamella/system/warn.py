"""Warnings that point at the line of the user's program, and calls that let none through."""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from lamella.system.text import LINE, printable

__all__ = ["quiet", "warn_user"]

_PACKAGE = __name__.partition(".")[0]
_one_at_a_time = threading.RLock()


def warn_user(text: str, category: type[Warning]) -> None:
    """Issue a warning at the first line outside of this package from which the present function was called."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _is_inside(frame.f_globals.get("__name__", "")):
        frame, level = frame.f_back, level + 1
    warnings.warn(printable(text, LINE), category, stacklevel=level)


def _is_inside(module: str) -> bool:
    return module == _PACKAGE or module.startswith(f"{_PACKAGE}.")


@contextmanager
def quiet(category: type[Warning] = Warning) -> Iterator[None]:
    """Ignore warnings, in one thread after the other: the list of filters belongs to the whole process."""
    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore", category)
        yield


def _after_fork() -> None:
    """Let nobody wait, in a process that was forked, for a thread that stayed with the parent."""
    global _one_at_a_time
    _one_at_a_time = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
