"""The I/O contract: a backend opens sessions, a session brings bytes of files into memory for one worker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lamella.resource import Resource

__all__ = ["IOBackend", "IOSession"]


class IOSession(Protocol):
    """Reads for one worker; owns its handles and buffers, and is not shared between threads."""

    @property
    def zero_copy(self) -> bool:
        """Whether `view` gives memory that costs nothing until it is touched, and that stays valid."""
        ...

    @property
    def scratch(self) -> dict[Any, Any]:
        """A place where procedural sources keep what a worker needs again; closed with the session."""
        ...

    def view(self, resource: int, offset: int, nbytes: int) -> NDArray[np.uint8]:
        """Give bytes of a file, read-only, shape ``(nbytes,)``; valid until the next call unless `zero_copy`.

        Raises
        ------
        TruncatedError
            If the file ends before ``offset + nbytes``, also if it shrank since it was opened.
        """
        ...

    def close(self) -> None:
        """Give back handles and buffers."""
        ...


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
