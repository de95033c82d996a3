"""The contract of I/O backends: ways in which bytes of files reach memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella.reader.resource import Resource
    from lamella.reader.session import IOSession

__all__ = ["IOBackend"]


class IOBackend(ABC):
    """A way in which bytes of files reach memory; made without arguments, and picklable.

    A backend of one's own defines a ``name`` and `open`; every other method has a default. Methods that later versions
    add will have one, too. It is given as ``io_backend=`` when a data set is opened, or is declared in the entry-point
    group ``lamella.io_backends`` and then chosen by its name. Its class attribute ``api``, such as ``(1, 0)``, is the
    plugin API that it was written for; without it, ``(1, 0)`` is assumed.

    Examples
    --------
    A backend that counts the bytes that computations ask for:

    >>> import pathlib, tempfile
    >>> import lamella
    >>> from lamella.io import BufferedBackend, IOBackend, IOSession
    >>> class CountingSession(IOSession):
    ...     def __init__(self, backend, inner):
    ...         self.backend, self.inner = backend, inner
    ...
    ...     def view(self, resource, offset, nbytes):
    ...         self.backend.nbytes += nbytes
    ...         return self.inner.view(resource, offset, nbytes)
    ...
    ...     def confirm(self):
    ...         self.inner.confirm()
    ...
    ...     def close(self):
    ...         super().close()
    ...         self.inner.close()
    >>> class CountingBackend(IOBackend):
    ...     name = "counting"
    ...     nbytes = 0
    ...
    ...     def open(self, resources):
    ...         return CountingSession(self, BufferedBackend().open(resources))
    >>> counting = CountingBackend()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "scan.raw"
    ...     _ = path.write_bytes(bytes(4 * 8 * 8))
    ...     ds = lamella.open(path, format="raw", dtype="u1", sig_shape=(8, 8), io_backend=counting)
    ...     _ = ds[2]
    >>> counting.nbytes
    64
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """The name under which users choose it; a class attribute will do."""

    @property
    def zero_copy(self) -> bool:
        """Whether its sessions give memory that costs nothing until it is touched, and that stays valid."""
        return False

    def unavailable(self, resources: Sequence[Resource]) -> str | None:
        """Say in one clause why this platform or these files cannot be read this way; None, the default, if they can.

        Parameters
        ----------
        resources
            The files of a source: location, size and identity of each.
        """
        return None

    @abstractmethod
    def open(self, resources: Sequence[Resource]) -> IOSession:
        """Open the session of one worker.

        Parameters
        ----------
        resources
            The files of a source. Local ones have a path; the bytes of any can be read by `Resource.read`.

        Returns
        -------
        IOSession
            Reads these files, by their number. Before it gives bytes of a file it looks at it again, so that one
            that shrank or was rewritten is an error and neither a crash nor wrong data. If the memory that it gives can
            change later, its `IOSession.confirm` tells.

        Raises
        ------
        ParameterError
            If it is impossible, for the reason that `unavailable` gives.
        """
