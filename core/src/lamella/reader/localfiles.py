"""Looking at local files, opening and reading them, as the operating system does it; and telling paths from URLs.

Internal: readers take bytes by `Probe` and `Resource`.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from typing import Any

from lamella.errors import PathError

__all__ = ["OPEN_FLAGS", "is_url", "look_at", "read_at"]

OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
"""How files are opened for reading."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")  # two letters at least: one is a drive of Windows


def read_at(handle: int, target: Any, offset: int) -> int:
    """Read into a writable buffer from ``offset`` of an open file; gives the number of bytes read, 0 at its end."""
    if hasattr(os, "preadv"):
        return os.preadv(handle, [target], offset)
    os.lseek(handle, offset, os.SEEK_SET)
    memory = memoryview(target)
    piece = os.read(handle, len(memory))
    memory[: len(piece)] = piece
    return len(piece)


def is_url(text: str) -> bool:
    """Whether a text is a URL and not the path of a file."""
    return _URL.match(text) is not None


def look_at(path: str | os.PathLike[str]) -> os.stat_result:
    """Give the status of a file or folder.

    Raises
    ------
    PathError
        If it cannot be looked at, or is a device, a pipe or a socket, from which reading might wait for ever.
    """
    try:
        status = os.stat(path)
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        cause = error if isinstance(error, OSError) else OSError(errno.EINVAL, str(error))
        raise PathError.of(cause, os.path.abspath(path)) from None
    if not stat.S_ISDIR(status.st_mode) and not stat.S_ISREG(status.st_mode):
        raise PathError(errno.EINVAL, "not a regular file", os.path.abspath(path))
    return status
