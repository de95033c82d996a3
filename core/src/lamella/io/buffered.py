"""I/O by positional reads into one reused buffer per worker."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from lamella.errors import FormatError
from lamella.io.backend import IOBackend
from lamella.io.files import FileSession, check_range
from lamella.reader.localfiles import read_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lamella.reader.resource import Resource

__all__ = ["BufferedBackend"]


class BufferedBackend(IOBackend):
    """Read through the page cache into a reused buffer.

    The right choice for files on network drives, for files that other programs still write to, and for the first
    pass over a file. Remote files are read through their own resource, one request for each range.
    """

    name = "buffered"

    def open(self, resources: Sequence[Resource]) -> BufferedSession:
        """Open a session."""
        return BufferedSession(resources)


class BufferedSession(FileSession):
    """Positional reads of one worker."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        super().__init__(resources)
        self._buffer = np.empty(0, dtype=np.uint8)
        self._remote = frozenset(i for i, one in enumerate(self._resources) if not one.is_local)

    def view(self, resource: int, offset: int, nbytes: int) -> NDArray[np.uint8]:
        """Read bytes into the buffer of this session; valid until the next call."""
        info = self._resources[resource]
        check_range(info, offset, nbytes)
        if self._buffer.size < nbytes:
            self._buffer = np.empty(nbytes, dtype=np.uint8)
        target = self._buffer[:nbytes]
        if resource in self._remote:
            with info.reading() as file:
                file.readinto(offset, target)
            return target
        handle = self._handle(resource)
        done = 0
        while done < nbytes:
            try:
                got = read_at(handle, target[done:].data, offset + done)
            except OSError as error:
                raise FormatError(f"reading failed ({error.strerror})", path=info.location) from error
            if got == 0:
                raise info.shrunk(os.fstat(handle).st_size)
            done += got
        return target
