"""The flag that stops a run: set by the context, by who iterates, or by an event that the caller gave."""

from __future__ import annotations

import threading
import time

from lamella.errors import ParameterError

__all__ = ["Cancel"]

_POLL = 0.05
"""How often the event of the caller is looked at while somebody waits for the flag [s]."""


class Cancel(threading.Event):
    """An event that counts as set as soon as it, or an event of the caller, is set. It never sets that one.

    Parameters
    ----------
    other
        The event of the caller; it may stop several runs.

    Raises
    ------
    ParameterError
        If it is no event.
    """

    def __init__(self, other: threading.Event | None = None) -> None:
        if other is not None and not callable(getattr(other, "is_set", None)):
            raise ParameterError(f"expected a threading.Event, found {type(other).__name__}", field="cancel")
        super().__init__()
        self._other = other

    def is_set(self) -> bool:
        """Whether the run is to stop."""
        return super().is_set() or (self._other is not None and self._other.is_set())

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the run is to stop, or the time [s] is over; gives whether it is to stop."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self.is_set():
            left = _POLL if deadline is None else min(_POLL, deadline - time.monotonic())
            if left <= 0:
                break
            super().wait(left)
        return self.is_set()
