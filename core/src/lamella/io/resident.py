"""Mapped files where a process may not take much memory: their pages are given back in time.

Pages of mapped files count as memory of the process that touched them. Some hosts end a process for that, such as the
nanny of a Dask worker. Nothing is lost with such pages: they stay in the page cache, and a touch brings them back
for less than what reading into a buffer costs.

While a process is below its bound, all it touched stays mapped for later passes. At the bound, each session gives back
what it was given last. So a part of a file that is too large stays, and the next pass finds it; to give back the oldest
pages would let each pass find none of its own. A thread gives back files that nobody used for a while, and all of them
when other memory of the process grows.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from typing import Protocol

from lamella.system.memory import resident_size

__all__ = ["GivesBack", "Lent", "can_bound"]

_STEP = 32 << 20
"""How much a session gives at most until it looks at the memory of the process [bytes]."""
_STEPS = 16
"""How often it looks at least while it gives as much as the bound is."""
_SLACK = 1.2
"""How many times the bound a process may take before all mapped files go."""
_POLL = 0.1
"""How often a thread looks [s]."""
_UNUSED = 10.0
"""How long pages of a file stay that nobody uses [s]."""


class GivesBack(Protocol):
    """A mapped file."""

    def give_back(self, offset: int = 0, nbytes: int | None = None) -> None:
        """Unmap the pages of some bytes, or of all, until they are touched again."""


def can_bound() -> bool:
    """Whether this system says how much memory the process takes, and takes pages back."""
    import mmap

    return hasattr(mmap, "MADV_DONTNEED") and resident_size() is not None


class Lent:
    """What one session was given of mapped files, and may have touched.

    Parameters
    ----------
    most
        Memory of the process from which on pages of files are given back [bytes].
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._step = min(_STEP, most // _STEPS)
        self._given: list[tuple[weakref.ref[GivesBack], int, int]] = []
        self._nbytes = 0

    def add(self, mapping: GivesBack, offset: int, nbytes: int) -> None:
        """Note what is given now; what was given before is not in use any more, and may have to go."""
        if self._nbytes >= self._step:
            self.look()
        known = weakref.ref(mapping)
        if not self._given or self._given[-1][0] is not known:
            _keeper.use(mapping, self._most)
        self._given.append((known, offset, nbytes))
        self._nbytes += nbytes

    def look(self) -> None:
        """Give back what was given since the last look, if the process takes too much."""
        if (resident_size() or 0) > self._most:
            for known, offset, nbytes in self._given:
                mapping = known()
                if mapping is not None:
                    mapping.give_back(offset, nbytes)
        self._given.clear()
        self._nbytes = 0


class _Keeper:
    """Looks after mapped files between and during runs, in a thread that lives as long as there are some."""

    def __init__(self) -> None:
        self.forked()

    def forked(self) -> None:
        """Go on in a process that was forked: it has no such thread."""
        self._lock = threading.Lock()
        self._used: dict[weakref.ref[GivesBack], float] = {}
        self._most = 0
        self._runs = False

    def use(self, mapping: GivesBack, most: int) -> None:
        """Keep pages of a mapping for some time from now on."""
        with self._lock:
            self._used[weakref.ref(mapping)] = time.monotonic()
            self._most = most
            if not self._runs:
                threading.Thread(target=self._work, name="lamella-mapped-files", daemon=True).start()
                self._runs = True

    def _work(self) -> None:
        while self._goes_on():
            time.sleep(_POLL)
            for mapping in self._due():
                mapping.give_back()

    def _goes_on(self) -> bool:
        with self._lock:
            self._runs = bool(self._used)
            return self._runs

    def _due(self) -> list[GivesBack]:
        """Give the mappings whose pages have to go."""
        with self._lock:
            crowded = (resident_size() or 0) > _SLACK * self._most
            earliest = time.monotonic() - _UNUSED
            due = [known for known, used in self._used.items() if crowded or used < earliest]
            found = [mapping for known in due if (mapping := known()) is not None]
            for known in due:
                del self._used[known]
            return found


_keeper = _Keeper()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_keeper.forked)
