"""I/O past the page cache, for files much larger than memory on fast local disks."""

from __future__ import annotations

import errno
import mmap
import os
from typing import TYPE_CHECKING

import numpy as np

from lamella.errors import FormatError, ParameterError
from lamella.io.backend import IOBackend
from lamella.io.files import FileSession, check_range, remote
from lamella.reader.localfiles import read_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lamella.reader.resource import Resource

__all__ = ["DirectBackend"]

_BLOCK = 4096
_REFUSALS = {errno.EINVAL, errno.EOPNOTSUPP}


class DirectBackend(IOBackend):
    """Read with O_DIRECT in whole blocks into an aligned buffer, so that a scan does not flush the page cache."""

    name = "direct"

    def unavailable(self, resources: Sequence[Resource]) -> str | None:
        """Say why direct reads are impossible here: no O_DIRECT, or a file system that refuses it."""
        if not (hasattr(os, "O_DIRECT") and hasattr(os, "preadv")):
            return "this operating system has no O_DIRECT; use io_backend='buffered'"
        elsewhere = remote(resources)
        if elsewhere is not None:
            return elsewhere
        for folder in {os.path.dirname(resource.location): resource for resource in resources}.values():
            try:
                os.close(os.open(folder.location, DirectSession._flags))
            except OSError as error:
                if error.errno not in _REFUSALS:  # a file that is gone is for the session to report
                    continue
                return f"the file system of {folder.location} refuses direct reads ({error.strerror}); use 'buffered'"
        return None

    def open(self, resources: Sequence[Resource]) -> DirectSession:
        """Open a session; raises `ParameterError` where direct reads are impossible."""
        reason = self.unavailable(resources)
        if reason is not None:
            raise ParameterError(reason, subject="io_backend")
        return DirectSession(resources)


class DirectSession(FileSession):
    """Direct reads of one worker."""

    _flags = FileSession._flags | getattr(os, "O_DIRECT", 0)

    def __init__(self, resources: Sequence[Resource]) -> None:
        super().__init__(resources)
        self._buffer = _aligned(_BLOCK)

    def view(self, resource: int, offset: int, nbytes: int) -> NDArray[np.uint8]:
        """Read the blocks that hold the bytes; valid until the next call."""
        info = self._resources[resource]
        check_range(info, offset, nbytes)
        start = offset - offset % _BLOCK
        needed = offset + nbytes - start
        length = -(-needed // _BLOCK) * _BLOCK
        if self._buffer.size < length:
            self._buffer = _aligned(length)
        handle = self._handle(resource)
        done = 0
        while done < needed:
            try:
                got = read_at(handle, self._buffer[done:length].data, start + done)
            except OSError as error:
                raise FormatError(f"direct reading failed ({error.strerror})", path=info.location) from error
            if got == 0:
                raise info.shrunk(os.fstat(handle).st_size)
            done += got
            if done < needed and done % _BLOCK:
                done -= done % _BLOCK
                if start + done + _BLOCK > os.fstat(handle).st_size:
                    raise info.shrunk(os.fstat(handle).st_size)
        return self._buffer[offset - start : offset - start + nbytes]


def _aligned(nbytes: int) -> NDArray[np.uint8]:
    # An anonymous mapping is page aligned, which O_DIRECT asks for.
    return np.frombuffer(mmap.mmap(-1, max(nbytes, _BLOCK)), dtype=np.uint8)
