"""I/O by positional reads into one reused buffer per worker."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from lamella.errors import FormatError
from lamella.io.files import FileSession, check_range, shrunk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lamella.reader.resource import Resource

__all__ = ["BufferedBackend"]


class BufferedBackend:
    """Read through the page cache into a reused buffer.

    The right choice for files on network drives, for files that other programs still write to, and for the first
    pass over a file.
    """

    name = "buffered"
    zero_copy = False

    def unavailable(self, resources: Sequence[Resource]) -> str | None:
        """Give None: positional reads work everywhere."""
        return None

    def open(self, resources: Sequence[Resource]) -> BufferedSession:
        """Open a session."""
        return BufferedSession(resources)


class BufferedSession(FileSession):
    """Positional reads of one worker."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        super().__init__(resources)
        self._buffer = np.empty(0, dtype=np.uint8)

    def view(self, resource: int, offset: int, nbytes: int) -> NDArray[np.uint8]:
        """Read bytes into the buffer of this session; valid until the next call."""
        info = self._resources[resource]
        check_range(info, offset, nbytes)
        if self._buffer.size < nbytes:
            self._buffer = np.empty(nbytes, dtype=np.uint8)
        target = self._buffer[:nbytes]
        handle = self._handle(resource)
        done = 0
        while done < nbytes:
            try:
                got = read_at(handle, target[done:], offset + done)
            except OSError as error:
                raise FormatError(f"reading failed ({error.strerror})", path=info.path) from error
            if got == 0:
                raise shrunk(info, os.fstat(handle).st_size)
            done += got
        return target


def read_at(handle: int, target: NDArray[np.uint8], offset: int) -> int:
    """Read into ``target`` from ``offset`` of an open file; gives the number of bytes read."""
    if hasattr(os, "preadv"):
        return os.preadv(handle, [target.data], offset)
    os.lseek(handle, offset, os.SEEK_SET)
    piece = os.read(handle, target.size)
    target[: len(piece)] = np.frombuffer(piece, dtype=np.uint8)
    return len(piece)
