"""Checks and handles that all I/O backends share."""

from __future__ import annotations

import os
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from lamella.errors import FormatError, TruncatedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella.reader.resource import Resource

__all__ = ["FileSession", "check_range", "check_status", "check_unchanged", "close_scratch", "shrunk"]

_MAX_OPEN = 64


def shrunk(resource: Resource, size: int) -> TruncatedError:
    """Give the error for a file that is shorter than when it was opened."""
    return TruncatedError(
        "the file shrank since it was opened",
        path=resource.path,
        expected=f"{resource.size} bytes",
        found=f"{size} bytes",
        remedy="Open the data set again once nothing writes to the file any more",
    )


def check_unchanged(resource: Resource) -> None:
    """Look at a file again.

    Raises
    ------
    TruncatedError
        If it shrank.
    FormatError
        If it is gone, or was rewritten in place.
    """
    try:
        status = os.stat(resource.path)
    except OSError as error:
        raise FormatError(
            f"the file can no longer be read ({error.strerror})",
            path=resource.path,
            remedy="Make it accessible again, or open the data set again",
        ) from error
    check_status(resource, status)


def check_status(resource: Resource, status: os.stat_result) -> None:
    """Compare a file with what it was when the data set was opened; a file may grow.

    Raises
    ------
    TruncatedError
        If it shrank.
    FormatError
        If it was rewritten in place.
    """
    if status.st_size < resource.size:
        raise shrunk(resource, status.st_size)
    if status.st_size == resource.size and status.st_mtime_ns != resource.mtime_ns:
        raise FormatError(
            "the file was rewritten since it was opened",
            path=resource.path,
            remedy="Open the data set again to see its present content",
        )


def check_range(resource: Resource, offset: int, nbytes: int) -> None:
    """Raise `TruncatedError` for bytes that the file never had."""
    if offset < 0 or nbytes < 0 or offset + nbytes > resource.size:
        raise TruncatedError(
            "a read reaches beyond the file",
            path=resource.path,
            expected=f"bytes up to {offset + nbytes}",
            found=f"{resource.size} bytes",
        )


class FileSession:
    """A session that reads from file descriptors; keeps the most recently used ones open."""

    zero_copy = False
    _flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)

    def __init__(self, resources: Sequence[Resource]) -> None:
        self.scratch: dict[Any, Any] = {}
        self._resources = tuple(resources)
        self._handles: OrderedDict[int, int] = OrderedDict()

    def _handle(self, resource: int) -> int:
        """Give an open descriptor of a file that is still what it was."""
        handle = self._handles.get(resource)
        if handle is None:
            handle = self._open(self._resources[resource])
            self._handles[resource] = handle
            if len(self._handles) > _MAX_OPEN:
                os.close(self._handles.popitem(last=False)[1])
        else:
            check_status(self._resources[resource], os.fstat(handle))
            self._handles.move_to_end(resource)
        return handle

    def _open(self, resource: Resource) -> int:
        check_unchanged(resource)
        try:
            return os.open(resource.path, self._flags)
        except OSError as error:
            raise FormatError(f"the file cannot be opened ({error.strerror})", path=resource.path) from error

    def close(self) -> None:
        """Close every handle, and what procedural sources left in ``scratch``."""
        while self._handles:
            os.close(self._handles.popitem()[1])
        close_scratch(self.scratch)


def close_scratch(scratch: dict[Any, Any]) -> None:
    """Close what can be closed of the things that sources kept for a worker."""
    while scratch:
        thing = scratch.popitem()[1]
        if hasattr(thing, "close"):
            thing.close()
