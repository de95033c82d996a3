"""Warnings that point at the line of the user's program, and calls that let none through."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from lamella.system.text import LINE, printable

__all__ = ["quiet", "warn_user"]

_PACKAGE = __name__.partition(".")[0]


def warn_user(text: str, category: type[Warning]) -> None:
    """Issue a warning that points at the line of the user's program.

    That is the innermost line that is neither in ``lamella`` nor in the package that calls this function, and not in
    ``contextlib``, which such packages use.

    Parameters
    ----------
    text
        One sentence. Characters that act on a terminal are shown as escapes.
    category
        Such as `lamella.errors.LamellaWarning`.
    """
    frame, level = sys._getframe(1), 2
    inside = {_PACKAGE, _package(frame), "contextlib"}
    while frame.f_back is not None and _package(frame) in inside:
        frame, level = frame.f_back, level + 1
    warnings.warn(printable(text, LINE), category, stacklevel=level)


def _package(frame: FrameType) -> str:
    """Give the name of the package of a line."""
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


@contextmanager
def quiet(category: type[Warning] = Warning) -> Iterator[None]:
    """Ignore warnings that the present thread issues; other threads go on, and none waits for another."""
    before = _here.ignored
    _here.ignored = (*before, category)
    warnings.simplefilter("ignore", _IgnoredHere)  # in front of filters that came meanwhile; it may stay
    try:
        yield
    finally:
        _here.ignored = before


class _Here(threading.local):
    """Categories of warnings that a thread ignores."""

    ignored: tuple[type[Warning], ...] = ()


class _AsksTheThread(type):
    def __subclasscheck__(cls, category: type) -> bool:
        return issubclass(category, _here.ignored)


class _IgnoredHere(Warning, metaclass=_AsksTheThread):
    """Stands in the list of filters, which belongs to the whole process, for what the asking thread ignores."""


_here = _Here()
