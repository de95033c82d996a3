"""A file as it was when it was looked at, and the way to its bytes."""

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from lamella.errors import FormatError, TruncatedError
from lamella.reader.localfiles import OPEN_FLAGS, is_url, look_at, read_at

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["OpenFile", "Resource"]

_PAUSES = (0.001, 0.01, 0.05)
"""How long to wait for the new size of a file that has a new time [s]."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A file as it was when the data set was opened.

    All bytes that a reader takes by itself come through a resource or a `Probe`; the bytes of frames come through an
    `IOSession`, which is opened with resources. A plugin for remote files derives a frozen dataclass from this one
    and overrides `stat` and `read`; everything else is made of these two.

    Parameters
    ----------
    location
        Absolute path of a local file, or the URL of a remote one.
    size
        Length [bytes].
    identity
        What changes whenever the content does: the modification time [ns] of a local file, the ETag of a remote one.
    file_id
        What the file system calls a local file, whatever its name and content: two numbers, or None if it does not say.
        It tells a file that grew from another one that took its name, and does not count when resources are compared.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from lamella.reader import Resource
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name) / "scan.hdr"
    >>> _ = path.write_bytes(b"width 256")
    >>> resource = Resource.of(path)
    >>> resource.size, resource.read(6, 100)
    (9, b'256')
    >>> resource.stat() == resource
    True
    >>> folder.cleanup()
    """

    location: str
    size: int
    identity: int | str
    file_id: tuple[int, int] | None = field(default=None, kw_only=True, compare=False, repr=False)

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> Resource:
        """Look at a local file or folder; a folder has no bytes, and another identity once files come or go.

        Raises
        ------
        PathError
            If it cannot be looked at: `FileNotFoundError`, `PermissionError` and so on; or is a device or a pipe.
        """
        return cls.from_status(os.path.abspath(path), look_at(path))

    @staticmethod
    def from_status(path: str, status: os.stat_result) -> Resource:
        """Give a local file or folder at an absolute path as the operating system describes it."""
        file_id = (status.st_dev, status.st_ino) if status.st_ino else None
        size = 0 if stat.S_ISDIR(status.st_mode) else status.st_size
        return Resource(path, size, status.st_mtime_ns, file_id=file_id)

    @property
    def path(self) -> str:
        """The location: what a message names, and the path of a local file."""
        return self.location

    @property
    def mtime_ns(self) -> int | None:
        """Modification time [ns] of a local file, None for a remote one."""
        return self.identity if isinstance(self.identity, int) else None

    @property
    def is_local(self) -> bool:
        """Whether the location is a path on this machine."""
        return not is_url(self.location)

    def stat(self) -> Resource:
        """Look at the file again: what it is now, equal to this one if nothing changed.

        Raises
        ------
        OSError
            If it is gone or cannot be looked at.
        """
        self._expect_local()
        return self.from_status(self.location, look_at(self.location))

    def same_file(self, now: Resource) -> bool:
        """Whether another look at this file found the same content, by size and identity; as `check_status` does."""
        return self.size == now.size and self.identity == now.identity

    def other_file(self, now: Resource) -> bool:
        """Whether another look at this location found a file that is not this one, whatever it holds."""
        return self.file_id is not None and now.file_id is not None and self.file_id != now.file_id

    def check_unchanged(self) -> None:
        """Look at the file again; it may have grown.

        Raises
        ------
        TruncatedError
            If it shrank.
        FormatError
            If it is gone, or was rewritten in place.
        """
        now = self.look_again()
        if now.size == self.size and not self.same_file(now):
            self._expect_growth()

    def look_again(self) -> Resource:
        """Give the file as it is now, whatever it holds.

        Raises
        ------
        TruncatedError
            If it shrank.
        FormatError
            If it is gone.
        """
        try:
            now = self.stat()
        except OSError as error:
            raise FormatError(
                f"the file can no longer be read ({error.strerror})",
                path=self.location,
                remedy="Make it accessible again, or open the data set again",
            ) from error
        if now.size < self.size:
            raise self.shrunk(now.size)
        return now

    def _expect_growth(self) -> None:
        """Raise the error for a file that was rewritten, unless it grows: writing sets the time before the size."""
        for pause in _PAUSES if self.is_local else ():
            time.sleep(pause)
            if self.look_again().size > self.size:
                return
        raise self.rewritten()

    def check_status(self, status: os.stat_result) -> None:
        """Do as `check_unchanged` with what the operating system says about an open file; quick, for every read."""
        if status.st_size < self.size:
            raise self.shrunk(status.st_size)
        if status.st_size == self.size and status.st_mtime_ns != self.identity:
            self._expect_growth()

    def shrunk(self, size: int) -> TruncatedError:
        """Give the error for a file that has ``size`` bytes [bytes] only, less than when it was opened."""
        return TruncatedError(
            "the file shrank since it was opened",
            path=self.location,
            expected=f"{self.size} bytes",
            found=f"{size} bytes",
            remedy="Open the data set again once nothing writes to the file any more",
        )

    def beyond(self, offset: int, nbytes: int) -> TruncatedError:
        """Give the error for a read of ``nbytes`` bytes from ``offset`` that the file never had."""
        return TruncatedError(
            "a read reaches beyond the file",
            path=self.location,
            expected=f"bytes up to {offset + nbytes}",
            found=f"{self.size} bytes",
        )

    def rewritten(self) -> FormatError:
        """Give the error for a file with another content than when it was opened."""
        return FormatError(
            "the file was rewritten since it was opened",
            path=self.location,
            remedy="Open the data set again to see its present content",
        )

    def vanished(self, offset: int) -> FormatError:
        """Give the error for a file that looks whole, but lacked its bytes from ``offset`` on while it was read."""
        return FormatError(
            "part of the file was not there while it was read: it was cut for a while, or its disk failed",
            path=self.location,
            expected=f"{self.size} bytes",
            found=f"none from byte {offset} on",
            remedy="Open the data set again once nothing writes to the file any more",
        )

    def read(self, offset: int, nbytes: int) -> bytes:
        """Give up to ``nbytes`` bytes from ``offset``; fewer only where the file ended when it was opened.

        Parameters
        ----------
        offset, nbytes
            Where to begin and how much to read [bytes].

        Raises
        ------
        ValueError
            If one of them is negative.
        FormatError
            If the file is gone, was rewritten or shrank (`TruncatedError`) since it was opened, or reading fails.
        """
        self._expect_local()
        with _LocalFile(self) as file:
            return file.read(offset, nbytes)

    def reading(self) -> OpenFile:
        """Open the file for many reads, as a context manager.

        Raises
        ------
        FormatError
            If the file is gone, or is no longer what it was.

        Examples
        --------
        >>> import lamella
        >>> with Resource.of(lamella.__file__).reading() as file:
        ...     file.read(0, 3)
        b'\"\"\"'
        """
        return _LocalFile(self) if self.is_local else OpenFile(self)

    def _expect_local(self) -> None:
        if not self.is_local:
            raise FormatError(
                "this is not a local file",
                path=self.location,
                expected="a resource of a plugin for remote files, which overrides stat and read",
            )


class OpenFile:
    """A file that is open for many reads, not shared between threads; made by `Resource.reading`."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""

    def read(self, offset: int, nbytes: int) -> bytes:
        """Give up to ``nbytes`` bytes from ``offset``; see `Resource.read`."""
        return self.resource.read(offset, nbytes)

    def readinto(self, offset: int, target: Any) -> None:
        """Fill a C-contiguous array or another writable buffer with the bytes from ``offset``.

        Raises
        ------
        TruncatedError
            If the file ends before that.
        FormatError
            If reading fails.
        """
        memory = memoryview(target).cast("B")
        found = self.resource.read(offset, len(memory))
        if len(found) < len(memory):
            raise self.resource.beyond(offset, len(memory))
        memory[:] = found


class _LocalFile(OpenFile):
    """A descriptor of a local file, which was checked when it was opened."""

    def __init__(self, resource: Resource) -> None:
        super().__init__(resource)
        try:
            self._handle = os.open(resource.location, OPEN_FLAGS)
        except OSError as error:
            raise FormatError(f"the file cannot be opened ({error.strerror})", path=resource.location) from error
        try:
            resource.check_status(os.fstat(self._handle))
        except FormatError:
            self.close()
            raise

    def close(self) -> None:
        os.close(self._handle)

    def read(self, offset: int, nbytes: int) -> bytes:
        if offset < 0 or nbytes < 0:
            raise ValueError(f"offset and nbytes must not be negative, found {offset} and {nbytes}")
        data = bytearray(max(0, min(nbytes, self.resource.size - offset)))
        self._fill(offset, memoryview(data))
        return bytes(data)

    def readinto(self, offset: int, target: Any) -> None:
        memory = memoryview(target).cast("B")
        if offset < 0 or offset + len(memory) > self.resource.size:
            raise self.resource.beyond(offset, len(memory))
        self._fill(offset, memory)

    def _fill(self, offset: int, target: memoryview) -> None:
        done = 0
        while done < len(target):
            try:
                got = read_at(self._handle, target[done:], offset + done)
            except OSError as error:
                raise FormatError(f"reading failed ({error.strerror})", path=self.resource.location) from error
            if got == 0:
                raise self.resource.shrunk(os.fstat(self._handle).st_size)
            done += got
