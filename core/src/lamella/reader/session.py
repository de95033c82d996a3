"""What brings bytes of files into memory for a reader: one session for each worker."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["IOSession"]


class IOSession(ABC):
    """Reads for one worker; owns its handles and buffers, and is not shared between threads.

    A session is opened by `lamella.io.IOBackend.open` with the resources of a source; files are named by their number
    among these. A session of one's own has to define `view`; every other method has a default. Methods that later
    versions add will have one, too.

    Examples
    --------
    A session that reads each range through the resource itself, one request at a time:

    >>> import numpy as np
    >>> from lamella.reader import IOSession
    >>> class ByResource(IOSession):
    ...     def __init__(self, resources):
    ...         self.resources = tuple(resources)
    ...
    ...     def view(self, resource, offset, nbytes):
    ...         memory = np.empty(nbytes, np.uint8)
    ...         with self.resources[resource].reading() as file:
    ...             file.readinto(offset, memory)
    ...         return memory
    """

    @property
    def zero_copy(self) -> bool:
        """Whether `view` gives memory that costs nothing until it is touched, and that stays valid."""
        return False

    @cached_property
    def scratch(self) -> dict[Any, Any]:
        """A place where procedural sources keep what a worker needs again; closed with the session."""
        return {}

    @abstractmethod
    def view(self, resource: int, offset: int, nbytes: int) -> NDArray[np.uint8]:
        """Give bytes of a file, read-only, shape ``(nbytes,)``; valid until the next call unless `zero_copy`.

        Parameters
        ----------
        resource
            Number of the file.
        offset, nbytes
            Where to begin and how much to read [bytes].

        Raises
        ------
        TruncatedError
            If the file ends before ``offset + nbytes``, also if it shrank since it was opened.
        FormatError
            If it is gone, was rewritten since it was opened, or reading fails.
        """

    def views(self, ranges: Sequence[tuple[int, int, int]]) -> list[NDArray[np.uint8]]:
        """Give several ranges at once, all of them valid until the next call.

        By default they are read one after the other by `view`, and copied unless `zero_copy`. Sessions for which many
        requests at once are cheaper override this.

        Parameters
        ----------
        ranges
            Number of the file, offset and length [bytes] of each range.

        Returns
        -------
        list of array
            Bytes of each range in the order wanted, read-only, shape ``(nbytes,)``.

        Raises
        ------
        TruncatedError, FormatError
            As `view` does.
        """
        if self.zero_copy:
            return [self.view(*wanted) for wanted in ranges]
        copies = [self.view(*wanted).copy() for wanted in ranges]
        for copy in copies:
            copy.setflags(write=False)
        return copies

    def confirm(self) -> None:  # noqa: B027 - most sessions know it when they read
        """Make sure that what was given so far are bytes of the files, now that it has been used.

        Sessions that give memory of files that may change meanwhile override this. It is called before results of what
        was read are shown to anybody, and where computing with it failed. Sessions that hold another one call its.

        Raises
        ------
        TruncatedError, FormatError
            As `view` does: if a file shrank or was rewritten since.
        """

    def prefetch(self, ranges: Sequence[tuple[int, int, int]]) -> None:  # noqa: B027 - a hint has a default
        """Hear which ranges will be wanted soon, numbered as for `views`; a hint that may be ignored, as by default.

        Returns at once and raises nothing: what goes wrong is for the later `view` to report.
        """

    def close(self) -> None:
        """Give back handles and buffers, and close what procedural sources left in `scratch`."""
        while self.scratch:
            thing = self.scratch.popitem()[1]
            if hasattr(thing, "close"):
                thing.close()
