"""I/O backends that watch: which bytes are read, whether buffers are kept, and what happens while a read waits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from lamella.io import BufferedBackend, IOBackend, MmapBackend
from lamella.reader import IOSession
from lamella_testkit.outcomes import Broken

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.reader import Resource

__all__ = ["SpyBackend"]

_POISON = 0xA5


class SpyBackend(IOBackend):
    """Reads through another backend, and records each range.

    Parameters
    ----------
    zero_copy
        Whether views are kept maps; otherwise every buffer is overwritten as soon as the next read begins.
    during
        Called within each read, before its bytes are there.
    """

    name = "spy"

    def __init__(self, *, zero_copy: bool = False, during: Callable[[], None] | None = None) -> None:
        self.reads: list[tuple[int, int, int]] = []
        self.sessions: list[SpySession] = []
        self.during = during
        self._inner: IOBackend = MmapBackend() if zero_copy else BufferedBackend()

    @property
    def zero_copy(self) -> bool:
        """Whether views are kept maps."""
        return self._inner.zero_copy

    def open(self, resources: Sequence[Resource]) -> SpySession:
        """Open a session that is watched."""
        session = SpySession(self, self._inner.open(resources), resources)
        self.sessions.append(session)
        return session

    @property
    def nbytes(self) -> int:
        """The bytes that were asked for so far."""
        return sum(nbytes for _, _, nbytes in self.reads)


class SpySession(IOSession):
    """A session of `SpyBackend`."""

    def __init__(self, backend: SpyBackend, inner: IOSession, resources: Sequence[Resource]) -> None:
        self._backend = backend
        self._inner = inner
        self._resources = resources
        self._last: NDArray[np.uint8] | None = None
        self.closed = False

    @property
    def zero_copy(self) -> bool:
        """Whether views stay valid."""
        return self._inner.zero_copy

    def view(self, resource: int, offset: int, nbytes: int) -> NDArray[np.uint8]:
        """Read bytes after everything given out before was spoiled."""
        if self.closed:
            raise Broken("a session is used after it was closed")
        self._spoil()
        if not 0 <= resource < len(self._resources):
            raise Broken(f"file number {resource} is read, but there are {len(self._resources)}")
        size = self._resources[resource].size
        if offset < 0 or nbytes < 0 or offset + nbytes > size:
            raise Broken(f"bytes {offset} to {offset + nbytes} are read from a file of {size} bytes")
        self._backend.reads.append((resource, offset, nbytes))
        if self._backend.during is not None:
            self._backend.during()
        if self.zero_copy:
            return self._inner.view(resource, offset, nbytes)
        self._last = self._inner.view(resource, offset, nbytes).copy()
        given = self._last.view()
        given.setflags(write=False)
        return given

    def confirm(self) -> None:
        """Ask the session that is watched."""
        self._inner.confirm()

    def close(self) -> None:
        """Spoil what was given out, and close."""
        self._spoil()
        self.closed = True
        super().close()
        self._inner.close()

    def _spoil(self) -> None:
        if self._last is not None:
            self._last[:] = _POISON
            self._last = None
