"""The contract of I/O backends: ways in which bytes of files reach memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from lamella.reader.resource import Resource
    from lamella.reader.session import IOSession

__all__ = ["IOBackend"]


class IOBackend(Protocol):
    """A way in which bytes reach memory."""

    @property
    def name(self) -> str:
        """The name under which users choose it."""
        ...

    @property
    def zero_copy(self) -> bool:
        """Whether its sessions give memory that costs nothing until it is touched."""
        ...

    def unavailable(self, resources: Sequence[Resource]) -> str | None:
        """Say why this platform or these files cannot be read this way, or give None."""
        ...

    def open(self, resources: Sequence[Resource]) -> IOSession:
        """Open a session; looks at every file again, so that one that shrank is an error and not a crash."""
        ...
