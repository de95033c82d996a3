"""Threads that are interrupted far more often than usual, so that races show."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

__all__ = ["busy_switching"]


@contextlib.contextmanager
def busy_switching() -> Iterator[None]:
    """Let Python change from thread to thread as often as it can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
