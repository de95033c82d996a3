"""Looking at local files, opening and reading them, as the operating system does it; and telling paths from URLs.

Internal: readers take bytes by `Probe` and `Resource`.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from typing import Any

from lamella.errors import PathError, UnreadablePathError

__all__ = ["OPEN_FLAGS", "is_url", "look_at", "named_target", "read_at"]

OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
"""How files are opened for reading."""

_AT_ONCE, _COPIED_AT_ONCE = 1 << 30, 16 << 20
_LONGEST_PATH = 1 << 15
_CONTROLS = re.compile(rb"[\x00-\x1f\x7f]")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://|[Ff][Ii][Ll][Ee]:/")  # two letters at least: one is a drive of Windows


def read_at(handle: int, target: Any, offset: int) -> int:
    """Read into a writable buffer from ``offset`` of an open file; gives the number of bytes read, 0 at its end.

    Fewer bytes than fit may be read at once: macOS refuses to read more than 2 GiB, and without `os.preadv` each piece
    is copied.
    """
    memory = memoryview(target)
    if hasattr(os, "preadv"):
        return os.preadv(handle, [memory[:_AT_ONCE]], offset)
    os.lseek(handle, offset, os.SEEK_SET)
    piece = os.read(handle, min(len(memory), _COPIED_AT_ONCE))
    memory[: len(piece)] = piece
    return len(piece)


def is_url(text: str) -> bool:
    """Whether a text is a URL and not the path of a file."""
    return _URL.match(text) is not None


def named_target(target: Any) -> Any:
    """Give a target with paths that are bytes as text, also in a list and behind `os.PathLike`; others as they are.

    Bytes are a path if no control character is among them; others are taken for pixels.
    """
    if isinstance(target, os.PathLike):
        path = os.fspath(target)
        return os.fsdecode(path) if isinstance(path, bytes) else target
    if isinstance(target, bytes):
        is_name = 0 < len(target) < _LONGEST_PATH and not _CONTROLS.search(target)
        return os.fsdecode(target) if is_name else target
    if isinstance(target, list | tuple) and any(isinstance(one, bytes | os.PathLike) for one in target):
        return type(target)(map(named_target, target)) if type(target) in (list, tuple) else target
    return target


def look_at(path: str | os.PathLike[str]) -> os.stat_result:
    """Give the status of a file or folder.

    Raises
    ------
    PathError
        If it cannot be looked at. If it is a device, a pipe or a socket, from which reading might wait for ever, the
        error is also a `PermissionError`.
    """
    try:
        status = os.stat(path)
    except OSError as error:
        raise PathError.of(error, os.path.abspath(path)) from None
    except ValueError as error:  # a null character, or what the file system cannot encode
        raise PathError.of(FileNotFoundError(errno.ENOENT, f"no file has such a name ({error})"), path) from None
    kind = next((text for is_one, text in _NO_FILES if is_one(status.st_mode)), None)
    if kind is not None:
        raise UnreadablePathError(
            errno.EACCES, f"{kind}, which is never read: not a regular file", os.path.abspath(path)
        )
    return status


_NO_FILES = (
    (stat.S_ISFIFO, "a pipe (FIFO)"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (lambda mode: not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)), "something special"),
)
