"""What every reader may look at before a target is opened: one cached look, shared by all."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Literal, Self, TypeAlias, TypeGuard, TypeVar
from urllib.parse import SplitResult, unquote, urlsplit

from lamella.errors import FolderError, MissingPathError, PathError
from lamella.reader.localfiles import OPEN_FLAGS, is_url, look_at, named_target
from lamella.reader.resource import Resource
from lamella.system.paths import as_listed, long_path
from lamella.system.text import printable

__all__ = ["HEAD", "TAIL", "Kind", "Probe"]

Kind: TypeAlias = Literal["file", "list", "folder", "url", "object"]
"""What a target is."""

HEAD = 16 * 1024
"""Length of `Probe.head` [bytes]."""

TAIL = 4 * 1024
"""Length of `Probe.tail` [bytes]."""

_MOST_NAMES = 100_000

T = TypeVar("T")


class Probe:
    """A file, a folder, a URL, or an object in memory, as readers see it; holds nothing open between calls.

    Attributes
    ----------
    target
        What the user named.
    kind
        ``"file"``, ``"list"`` (of files), ``"folder"``, ``"url"`` or ``"object"``. Readers see files and objects, as
        their `lamella.format.FormatSpec` says, and the other three only if it has the capabilities ``file-list``,
        ``directory`` and ``url``.
    path
        The file or folder, absolute, or the first one of a list of files; None for a URL and for an object.
    paths
        All files that the user named, absolute.
    url
        The URL as the user wrote it, not looked at; None for anything else. ``file://`` URLs are paths.
    size, mtime_ns
        Length [bytes] and modification time [ns] of the file when it was first looked at; 0 bytes for a folder.
    bytes_read
        Bytes that were read through this probe so far.
    """

    def __init__(self, target: object, path: Path | None, size: int, mtime_ns: int, kind: Kind | None = None) -> None:
        self.target = target
        self.kind: Kind = kind or ("object" if path is None else "file")
        self.path = path
        self.paths: tuple[Path, ...] = () if path is None else (path,)
        self.url = target if self.kind == "url" and isinstance(target, str) else None
        self.size = size
        self.mtime_ns = mtime_ns
        self.bytes_read = 0
        self._parsed: dict[Hashable, Any] = {}
        self._file_id: tuple[int, int] | None = None

    @classmethod
    def of(cls, target: object) -> Self:
        """A probe of what a `str`, `bytes` or `os.PathLike` names, of a list of such, or of any other object.

        Raises
        ------
        PathError
            As the operating system says it: also a `FileNotFoundError`, `PermissionError` and so on.
        """
        target = named_target(target)
        if _is_list_of_paths(target):
            probe = cls.of(target[0])
            if probe.kind == "url":
                raise PathError(errno.EINVAL, "a list is of files, and this is a URL", str(target[0]))
            probe.target, probe.paths = target, tuple(as_listed(_local(one)) for one in target)
            for path in probe.paths:
                if stat.S_ISDIR(look_at(path).st_mode):
                    raise FolderError(errno.EISDIR, f"{path}: a list is of files, and this is a folder", str(path))
            probe.kind = "list" if len(target) > 1 else "file"
            return probe
        if not isinstance(target, str | os.PathLike):
            return cls(target, None, 0, 0)
        if isinstance(target, str) and is_url(target) and not _names_local_file(target):
            _split(target)
            return cls(target, None, 0, 0, "url")
        path = _local(target)
        status = _looked_at(path, target)
        path = as_listed(path)
        if stat.S_ISDIR(status.st_mode):
            return cls(target, path, 0, status.st_mtime_ns, "folder")
        probe = cls(target, path, status.st_size, status.st_mtime_ns)
        probe._file_id = Resource.from_status(str(path), status).file_id
        return probe

    def __repr__(self) -> str:
        if self.url is not None:
            return f"<Probe of {printable(self.url)}>"
        if self.path is None:
            return f"<Probe of {type(self.target).__name__} object>"
        if self.kind == "folder":
            return f"<Probe of the folder {printable(self.path)}>"
        more = f" and {len(self.paths) - 1} more" if len(self.paths) > 1 else ""
        return f"<Probe of {printable(self.path)}, {self.size} bytes{more}>"

    @property
    def resource(self) -> Resource:
        """The file or folder as it was seen here, so that its header and all later reading mean the same file."""
        assert self.path is not None, "a resource of a URL is made by the plugin that declares the capability"
        return Resource(str(self.path), self.size, self.mtime_ns, file_id=self._file_id)

    @property
    def suffix(self) -> str:
        """The extension of the name of the file, folder or URL, lower case and without the dot."""
        return self._name.suffix[1:].lower()

    @property
    def stem(self) -> str:
        """The name of the file, folder or URL without its extension."""
        return self._name.stem

    @cached_property
    def _name(self) -> Path | PurePosixPath:
        if self.url is not None:
            return PurePosixPath(unquote(urlsplit(self.url).path))
        return Path() if self.path is None else self.path

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
        return () if self.path is None else _names_in(self.path.parent)

    @cached_property
    def entries(self) -> tuple[str, ...]:
        """The names of the files and folders in a folder, sorted; at most 100 000 are looked at. Empty for a file."""
        return _names_in(self.path) if self.path is not None and self.kind == "folder" else ()

    def sibling(self, *names: str) -> Path | None:
        """The file beside this one that has the first of several names; None if none is there, or it lies elsewhere.

        A name comes from the file itself and is not trusted: separators, absolute names, ``..`` and links that
        leave the directory are refused.
        """
        return next((path for name in names if (path := self._beside(name)) is not None), None)

    def inside(self, *names: str) -> Path | None:
        """The file in this folder that has the first of several names; None if none is there, or it lies elsewhere.

        Names are not trusted, as those of a `sibling`.
        """
        if self.path is None or self.kind != "folder":
            return None
        folder = self.path
        return next((path for name in names if (path := _plain_file(folder, name))), None)

    def _beside(self, name: str) -> Path | None:
        return None if self.path is None else _plain_file(self.path.parent, name, self.path)

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
        PathError
            As the operating system says it.
        """
        if offset < 0 or nbytes < 0:
            raise ValueError(f"offset and nbytes must not be negative, found {offset} and {nbytes}")
        wanted = min(nbytes, self.size - offset)
        if self.path is None or wanted <= 0:
            return b""
        try:
            handle = os.open(self.path, OPEN_FLAGS)
        except OSError as error:
            raise PathError.of(error, self.path) from None
        try:
            os.lseek(handle, offset, os.SEEK_SET)
            data = _read_fully(handle, wanted)
        finally:
            os.close(handle)
        self.bytes_read += len(data)
        return data


def _is_list_of_paths(target: object) -> TypeGuard[Sequence[str | os.PathLike[str]]]:
    return isinstance(target, list | tuple) and bool(target) and all(isinstance(o, str | os.PathLike) for o in target)


def _names_local_file(url: str) -> bool:
    return url[:6].lower() == "file:/"


def _local(target: str | os.PathLike[str]) -> Path:
    """Give the absolute path that a text, a path or a ``file://`` URL names.

    Raises
    ------
    PathError
        If nothing can have such a path.
    """
    text = os.fsdecode(target)
    if not text:
        raise MissingPathError(errno.ENOENT, "the path is empty, so it names no file", "")
    if not (isinstance(target, str) and _names_local_file(target)):
        return _absolute(text)
    parts = _split(text)
    if parts.netloc.lower() not in ("", "localhost") and os.name != "nt":
        raise PathError(errno.EINVAL, f"the URL names a file on the computer {parts.netloc}, not on this one", text)
    from urllib.request import url2pathname  # slow to import, and seldom needed

    host = "" if parts.netloc.lower() in ("", "localhost") else f"//{parts.netloc}"
    _, mark, behind = text.partition(parts.path) if parts.path else ("", "", "")
    return _absolute(url2pathname(host + parts.path + (behind if mark else "")))  # "?" and "#" are letters of a name


def _looked_at(path: Path, target: str | os.PathLike[str]) -> os.stat_result:
    """Look at a file that a user named; if it is not there, say what may have been meant."""
    try:
        return look_at(path)
    except MissingPathError as error:
        from lamella.reader.nearnames import what_was_meant

        meant = what_was_meant(target if not _names_local_file(os.fsdecode(target)) else path)
        if meant is None or error.errno != errno.ENOENT:
            raise
        raise MissingPathError(error.errno, f"{error.strerror}; {meant}", error.filename) from None


def _absolute(text: str) -> Path:
    try:
        return long_path(Path(text).absolute())
    except OSError as error:  # there is no working directory any more
        raise PathError.of(error, text) from None


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:
        raise MissingPathError(errno.ENOENT, f"no file has such a URL ({error})", url) from None


def _names_in(folder: Path) -> tuple[str, ...]:
    try:
        with os.scandir(folder) as entries:
            return tuple(sorted(entry.name for entry, _ in zip(entries, range(_MOST_NAMES), strict=False)))
    except OSError as error:
        raise PathError.of(error, folder) from None


def _plain_file(folder: Path, name: str, opened: Path | None = None) -> Path | None:
    """Give the file ``name`` in a folder if it is no way out.

    A link has to lead into that folder, or into the one where ``opened`` really lies.
    """
    if not _is_plain(name):
        return None
    path = folder / name
    try:
        mode = os.lstat(path).st_mode
        inside = _leads_home(path, folder, opened) if stat.S_ISLNK(mode) else stat.S_ISREG(mode)
    except (OSError, RuntimeError, ValueError):  # loops of links, names that the file system cannot hold
        return None
    return path if inside else None


def _leads_home(link: Path, folder: Path, opened: Path | None) -> bool:
    home = [folder.resolve(), *([] if opened is None else [opened.resolve().parent])]
    return link.is_file() and long_path(link.resolve().parent) in map(long_path, home)


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
