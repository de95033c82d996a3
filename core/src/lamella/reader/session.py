"""What brings bytes of files into memory for a reader: one session for each worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["IOSession"]


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
