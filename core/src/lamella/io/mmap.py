"""I/O by memory maps that are kept between runs: the pages of a later pass are already mapped."""

from __future__ import annotations

import mmap
import os
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import FormatError, TruncatedError
from lamella.io.files import check_unchanged, close_scratch, shrunk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lamella.source import Resource

__all__ = ["MmapBackend", "forget_mappings"]

_MAX_KEPT = 256


class _Mapping:
    """A mapped file with the descriptor that guards it."""

    __slots__ = ("array", "handle", "size")

    def __init__(self, resource: Resource) -> None:
        flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        self.size = resource.size
        try:
            self.handle = os.open(resource.path, flags)
        except OSError as error:
            raise FormatError(f"the file cannot be opened ({error.strerror})", path=resource.path) from error
        try:
            mapped = mmap.mmap(self.handle, self.size, access=mmap.ACCESS_READ) if self.size else b""
        except (OSError, ValueError) as error:
            os.close(self.handle)
            raise FormatError(
                f"the file cannot be mapped into memory ({error})",
                path=resource.path,
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
            mapping = _kept[resource] = _Mapping(resource)
            while len(_kept) > _MAX_KEPT:
                _kept.popitem(last=False)
        else:
            _kept.move_to_end(resource)
        return mapping


def forget_mappings() -> None:
    """Drop every kept mapping; memory that is still in use stays valid."""
    with _lock:
        _kept.clear()


class MmapBackend:
    """Map files into memory: zero copy, and the fastest way over local files that do not change."""

    name = "mmap"

    def unavailable(self, resources: Sequence[Resource]) -> str | None:
        """Give None: maps work on every platform."""
        return None

    def open(self, resources: Sequence[Resource]) -> MmapSession:
        """Open a session."""
        return MmapSession(resources)


class MmapSession:
    """Views of kept mappings. Each view looks at the length of the file first: a cut file would end the process."""

    zero_copy = True

    def __init__(self, resources: Sequence[Resource]) -> None:
        self.scratch: dict[Any, Any] = {}
        self._resources = tuple(resources)
        self._mappings: dict[int, _Mapping] = {}

    def view(self, resource: int, offset: int, nbytes: int) -> NDArray[np.uint8]:
        """Give a view of the mapping."""
        mapping = self._mappings.get(resource)
        if mapping is None:
            check_unchanged(self._resources[resource])
            mapping = self._mappings[resource] = _mapping(self._resources[resource])
        if offset < 0 or nbytes < 0 or offset + nbytes > mapping.size:
            raise TruncatedError(
                "a read reaches beyond the file",
                path=self._resources[resource].path,
                expected=f"bytes up to {offset + nbytes}",
                found=f"{mapping.size} bytes",
            )
        present = os.fstat(mapping.handle).st_size
        if present < mapping.size:
            raise shrunk(self._resources[resource], present)
        return mapping.array[offset : offset + nbytes]

    def close(self) -> None:
        """Leave the mappings to the next session."""
        self._mappings.clear()
        close_scratch(self.scratch)
