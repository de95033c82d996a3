"""I/O by memory maps that are kept between runs: the pages of a later pass are already mapped."""

from __future__ import annotations

import mmap
import os
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np

from lamella.errors import FormatError
from lamella.io.backend import IOBackend
from lamella.io.files import check_range, remote
from lamella.reader.localfiles import OPEN_FLAGS
from lamella.reader.session import IOSession
from lamella.system.memory import address_space

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lamella.reader.resource import Resource

__all__ = ["MmapBackend", "forget_mappings"]

# Each kept mapping costs two file descriptors, and many systems grant a process 1024.
_MAX_KEPT = 128


class _Mapping:
    """A mapped file with the descriptor that guards it."""

    __slots__ = ("array", "handle")

    def __init__(self, resource: Resource) -> None:
        try:
            self.handle = os.open(resource.location, OPEN_FLAGS)
        except OSError as error:
            raise FormatError(f"the file cannot be opened ({error.strerror})", path=resource.location) from error
        try:
            mapped = mmap.mmap(self.handle, resource.size, access=mmap.ACCESS_READ) if resource.size else b""
        except (OSError, ValueError) as error:
            os.close(self.handle)
            del self.handle
            raise FormatError(
                f"the file cannot be mapped into memory ({error})",
                path=resource.location,
                remedy="Use io_backend='buffered'",
            ) from error
        self.array: NDArray[np.uint8] = np.frombuffer(mapped, dtype=np.uint8)

    def __del__(self) -> None:
        handle = getattr(self, "handle", None)
        if handle is not None:
            os.close(handle)


_kept: OrderedDict[Resource, _Mapping] = OrderedDict()
_lock = threading.Lock()


def _mapping(resource: Resource) -> _Mapping:
    """Give the kept mapping of a file, made now if there is none."""
    with _lock:
        mapping = _kept.get(resource)
        if mapping is None:
            mapping = _kept[resource] = _made(resource)
            while len(_kept) > _MAX_KEPT:
                _kept.popitem(last=False)
        else:
            _kept.move_to_end(resource)
        return mapping


def _made(resource: Resource) -> _Mapping:
    """Map a file; where there is no room left, other mappings have to go."""
    try:
        return _Mapping(resource)
    except FormatError:
        if not _kept:
            raise
    _kept.clear()
    return _Mapping(resource)


def forget_mappings() -> None:
    """Drop every kept mapping; memory that is still in use stays valid."""
    with _lock:
        _kept.clear()


class MmapBackend(IOBackend):
    """Map files into memory: zero copy, and the fastest way over local files that do not change."""

    name = "mmap"
    zero_copy = True

    def unavailable(self, resources: Sequence[Resource]) -> str | None:
        """Say that there is no room, where files are larger than half of the memory that the process may address."""
        room, total = address_space(), sum(resource.size for resource in resources)
        if total <= room // 2:
            return remote(resources)
        return f"{total >> 20} MiB cannot be mapped where a process may address {room >> 20} MiB; use 'buffered'"

    def open(self, resources: Sequence[Resource]) -> MmapSession:
        """Open a session."""
        return MmapSession(resources)


class MmapSession(IOSession):
    """Views of kept mappings, which stay for the next session.

    Each view looks at the file first: touching one that was cut would end the process.
    """

    zero_copy = True

    def __init__(self, resources: Sequence[Resource]) -> None:
        self._resources = tuple(resources)
        self._checked: set[int] = set()

    def view(self, resource: int, offset: int, nbytes: int) -> NDArray[np.uint8]:
        """Give a view of the mapping; it outlives the session."""
        info = self._resources[resource]
        check_range(info, offset, nbytes)
        if resource not in self._checked:
            # The name may lead to another file than when the mapping was made.
            info.check_unchanged()
            self._checked.add(resource)
        mapping = _mapping(info)
        info.check_status(os.fstat(mapping.handle))
        return mapping.array[offset : offset + nbytes]
