"""What a process does with its unfinished files when it is told to end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamella.export.parts import Part

__all__ = ["removed_on_leaving"]

_SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]
"""Asks to end, a terminal that closes, Ctrl-Break on Windows; an interrupt is an exception already."""

_parts: set[Part] = set()


@contextmanager
def removed_on_leaving(part: Part) -> Iterator[None]:
    """Remove a part if a signal ends the process meanwhile, where a handler may be set.

    It may in the main thread, for signals that the program neither handles nor ignores. The process then ends by the
    signal, as without a handler.
    """
    _parts.add(part)
    _handle()
    try:
        yield
    finally:
        _parts.discard(part)
        if not _parts:
            _handle_no_more()


def _handle() -> None:
    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            if signal.getsignal(number) is signal.SIG_DFL:
                _set(number, _leave)


def _handle_no_more() -> None:
    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            if signal.getsignal(number) is _leave:
                _set(number, signal.SIG_DFL)


def _set(number: int, handler: Any) -> None:
    with suppress(ValueError, OSError):  # an interpreter within another one has no handlers
        signal.signal(number, handler)


def _leave(number: int, frame: object) -> None:
    for part in list(_parts):
        part.remove()
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
