"""Checks and handles that all I/O backends share."""

from __future__ import annotations

import os
from collections import OrderedDict
from typing import TYPE_CHECKING

from lamella.errors import FormatError
from lamella.reader.localfiles import OPEN_FLAGS
from lamella.reader.session import IOSession

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella.reader.resource import Resource

__all__ = ["FileSession", "check_range", "remote"]

_MAX_OPEN = 64


def remote(resources: Sequence[Resource]) -> str | None:
    """Say which file is not a local one, for backends that need descriptors; None if all are."""
    found = next((one.location for one in resources if not one.is_local), None)
    return None if found is None else f"{found} is not a local file; use 'buffered'"


def check_range(resource: Resource, offset: int, nbytes: int) -> None:
    """Raise `TruncatedError` for bytes that the file never had."""
    if offset < 0 or nbytes < 0 or offset + nbytes > resource.size:
        raise resource.beyond(offset, nbytes)


class FileSession(IOSession):
    """A session that reads from file descriptors; keeps the most recently used ones open."""

    _flags = OPEN_FLAGS

    def __init__(self, resources: Sequence[Resource]) -> None:
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
            self._resources[resource].check_status(os.fstat(handle))
            self._handles.move_to_end(resource)
        return handle

    def _open(self, resource: Resource) -> int:
        resource.check_unchanged()
        try:
            return os.open(resource.location, self._flags)
        except OSError as error:
            raise FormatError(f"the file cannot be opened ({error.strerror})", path=resource.location) from error

    def close(self) -> None:
        """Close every handle, and what procedural sources left in ``scratch``."""
        while self._handles:
            os.close(self._handles.popitem()[1])
        super().close()
