"""What would be warned of while a file is opened, as sentences."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lamella import LamellaWarning

__all__ = ["heard"]


class _Here(threading.local):
    """What a thread was warned of; None while nobody wants to know."""

    texts: list[str] | None = None


_here = _Here()
_lock = threading.Lock()
_listening = 0
_caught = warnings.catch_warnings()
_show: Callable[..., Any] = warnings.showwarning


@contextmanager
def heard() -> Iterator[list[str]]:
    """Collect the warnings of Lamella that the present thread issues; those of other threads are shown as ever.

    How warnings are shown belongs to the whole process: it is changed while anybody listens, and no longer.
    """
    texts: list[str] = []
    _begin()
    _here.texts = texts
    try:
        yield texts
    finally:
        _here.texts = None
        _end()


def _begin() -> None:
    global _listening, _caught, _show
    with _lock:
        if not _listening:
            _caught = warnings.catch_warnings()
            _caught.__enter__()
            _show, warnings.showwarning = warnings.showwarning, _take
            warnings.simplefilter("always", LamellaWarning)
        _listening += 1


def _end() -> None:
    global _listening
    with _lock:
        _listening -= 1
        if not _listening:
            _caught.__exit__(None, None, None)


def _take(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
    if _here.texts is not None and issubclass(category, LamellaWarning):
        _here.texts.append(str(message))
    else:
        _show(message, category, *where, **more)
