"""What every reader may look at before a file is opened: one cached look, shared by all."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeGuard, TypeVar

__all__ = ["HEAD", "TAIL", "Probe"]

HEAD = 16 * 1024
"""Length of `Probe.head` [bytes]."""

TAIL = 4 * 1024
"""Length of `Probe.tail` [bytes]."""

_MOST_SIBLINGS = 100_000

T = TypeVar("T")


class Probe:
    """A file, or an object in memory, as readers see it; holds nothing open between calls.

    Attributes
    ----------
    target
        What the user named.
    path
        The file, absolute, or the first one of a list of files; None for an object.
    paths
        All files that the user named, absolute; only formats with the capability ``file-list`` see more than one.
    size, mtime_ns
        Length [bytes] and modification time [ns] of the file when it was first looked at.
    bytes_read
        Bytes that were read through this probe so far.
    """

    def __init__(self, target: object, path: Path | None, size: int, mtime_ns: int) -> None:
        self.target = target
        self.path = path
        self.paths: tuple[Path, ...] = () if path is None else (path,)
        self.size = size
        self.mtime_ns = mtime_ns
        self.bytes_read = 0
        self._parsed: dict[Hashable, Any] = {}

    @classmethod
    def of(cls, target: object) -> Self:
        """A probe of the file that a `str` or `os.PathLike` names, of a list of such, or of any other object.

        Raises
        ------
        OSError
            As the operating system says it: `FileNotFoundError`, `IsADirectoryError`, `PermissionError`.
        """
        if _is_list_of_paths(target):
            probe = cls.of(target[0])
            probe.target, probe.paths = target, tuple(Path(one).absolute() for one in target)
            return probe
        if not isinstance(target, str | os.PathLike):
            return cls(target, None, 0, 0)
        path = Path(target).absolute()
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        return cls(target, path, status.st_size, status.st_mtime_ns)

    def __repr__(self) -> str:
        if self.path is None:
            return f"<Probe of {type(self.target).__name__} object>"
        more = f" and {len(self.paths) - 1} more" if len(self.paths) > 1 else ""
        return f"<Probe of {self.path}, {self.size} bytes{more}>"

    @property
    def suffix(self) -> str:
        """The extension of the file name, lower case and without the dot."""
        return "" if self.path is None else self.path.suffix[1:].lower()

    @property
    def stem(self) -> str:
        """The file name without its extension."""
        return "" if self.path is None else self.path.stem

    @cached_property
    def head(self) -> bytes:
        """The first 16 KiB of the file, or all of a shorter one."""
        return self.read(0, HEAD)

    @cached_property
    def tail(self) -> bytes:
        """The last 4 KiB of the file, or all of a shorter one."""
        return self.read(max(0, self.size - TAIL), TAIL)

    @cached_property
    def siblings(self) -> tuple[str, ...]:
        """The names in the directory of the file, its own included, sorted; at most 100 000 are looked at."""
        if self.path is None:
            return ()
        names = []
        with os.scandir(self.path.parent) as entries:
            for entry, _ in zip(entries, range(_MOST_SIBLINGS), strict=False):
                names.append(entry.name)
        return tuple(sorted(names))

    def sibling(self, *names: str) -> Path | None:
        """The file beside this one that has the first of several names; None if none is there, or it lies elsewhere.

        A name comes from the file itself and is not trusted: separators, absolute names, ``..`` and links that
        leave the directory are refused.
        """
        return next((path for name in names if (path := self._beside(name)) is not None), None)

    def _beside(self, name: str) -> Path | None:
        if self.path is None or not _is_plain(name):
            return None
        path = self.path.parent / name
        try:
            home = {self.path.parent.resolve(), self.path.resolve().parent}
            return path if path.is_file() and path.resolve().parent in home else None
        except (OSError, RuntimeError, ValueError):  # loops of links, names that the file system cannot hold
            return None

    def once(self, key: Hashable, parse: Callable[[Self], T]) -> T:
        """Give what ``parse(probe)`` gives, which is kept: `open` need not parse again what `detect` has parsed.

        Errors are not kept: after one, the next call parses again, and fails with an error of its own. Threads that
        ask at the same time may both parse, and are given the same result.

        Parameters
        ----------
        key
            What is parsed, and with which parameters if it depends on them. All formats look at the same probe, so it
            begins with the name of the format.
        parse
            Gives something that nobody changes, and that holds no open files.

        Examples
        --------
        >>> probe = Probe.of([1, 2])
        >>> probe.once("toy sum", lambda probe: sum(probe.target))
        3
        """
        if key not in self._parsed:
            self._parsed.setdefault(key, parse(self))
        found: T = self._parsed[key]
        return found

    def read(self, offset: int, nbytes: int) -> bytes:
        """Up to ``nbytes`` bytes from ``offset``; fewer at the end of the file.

        Raises
        ------
        ValueError
            If ``offset`` or ``nbytes`` is negative.
        OSError
            As the operating system says it.
        """
        if offset < 0 or nbytes < 0:
            raise ValueError(f"offset and nbytes must not be negative, found {offset} and {nbytes}")
        wanted = min(nbytes, self.size - offset)
        if self.path is None or wanted <= 0:
            return b""
        with self.path.open("rb", buffering=0) as file:
            file.seek(offset)
            data = _read_fully(file.fileno(), wanted)
        self.bytes_read += len(data)
        return data


def _is_list_of_paths(target: object) -> TypeGuard[Sequence[str | os.PathLike[str]]]:
    return isinstance(target, list | tuple) and bool(target) and all(isinstance(o, str | os.PathLike) for o in target)


def _is_plain(name: str) -> bool:
    forbidden = "/\\\0" + (":" if os.name == "nt" else "")
    return name not in ("", ".", "..") and not any(character in name for character in forbidden)


def _read_fully(descriptor: int, wanted: int) -> bytes:
    parts = []
    while wanted > 0:
        part = os.read(descriptor, wanted)
        if not part:
            break
        parts.append(part)
        wanted -= len(part)
    return b"".join(parts)
