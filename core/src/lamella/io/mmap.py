"""I/O by memory maps that are kept between runs: the pages of a later pass are already mapped."""

from __future__ import annotations

import atexit
import mmap
import os
import threading
import weakref
from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np

from lamella.errors import FormatError
from lamella.io.backend import IOBackend
from lamella.io.files import check_range, remote
from lamella.io.resident import Lent
from lamella.kernels.compilequeue import compile_queue
from lamella.kernels.guard import Watch, can_watch, is_made
from lamella.reader.localfiles import OPEN_FLAGS
from lamella.reader.session import IOSession
from lamella.system.memory import address_space

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lamella.reader.resource import Resource

__all__ = ["MmapBackend", "forget_mappings"]

# Each kept mapping costs two file descriptors. Many systems grant a process 1024 of them, macOS grants 256.
_MAX_KEPT = 128
_SHARE = 8
"""Kept mappings hold at most two of so many descriptors of the process."""


class _WatchedMap(mmap.mmap):
    """A mapping that the handler of `lamella.kernels.guard` knows as long as it lives."""

    watch: Watch | None = None

    def __del__(self) -> None:
        # Called before the memory is unmapped, and taken by somebody else.
        if self.watch is not None:
            self.watch.release()


class _Mapping:
    """A mapped file with the descriptor that guards it, and what is known of bytes that it lost."""

    __slots__ = ("__weakref__", "array", "handle", "mapped", "watch")

    def __init__(self, resource: Resource) -> None:
        self.watch: Watch | None = None
        self.mapped: _WatchedMap | None = None
        try:
            self.handle = os.open(resource.location, OPEN_FLAGS)
        except OSError as error:
            raise FormatError(f"the file cannot be opened ({error.strerror})", path=resource.location) from error
        try:
            self.array = self._mapped(resource.size)
        except (OSError, ValueError) as error:
            resource.check_status(os.fstat(self.handle))  # it may have been cut just now
            raise FormatError(
                f"the file cannot be mapped into memory ({error})",
                path=resource.location,
                remedy="Use io_backend='buffered'",
            ) from error

    def _mapped(self, size: int) -> NDArray[np.uint8]:
        if not size:
            return np.empty(0, dtype=np.uint8)
        mapped = self.mapped = _WatchedMap(self.handle, size, access=mmap.ACCESS_READ)
        array: NDArray[np.uint8] = np.frombuffer(mapped, dtype=np.uint8)
        self.watch = mapped.watch = Watch(array.ctypes.data, size)
        return array

    def give_back(self, offset: int = 0, nbytes: int | None = None) -> None:
        """Unmap the pages of some bytes, or of all, until they are touched again; those in use only cost time."""
        if self.mapped is None:
            return
        start = offset - offset % mmap.PAGESIZE
        end = len(self.mapped) if nbytes is None else offset + nbytes
        if start < end:
            self.mapped.madvise(mmap.MADV_DONTNEED, start, end - start)

    @property
    def lost(self) -> bool:
        """Whether it shows zeros instead of the file somewhere."""
        return self.watch is not None and self.watch.lost is not None

    def __del__(self) -> None:
        handle = getattr(self, "handle", None)
        if handle is not None:
            os.close(handle)


def _most_kept() -> int:
    """How many mappings are kept, so that most file descriptors are left to others."""
    try:
        import resource
    except ImportError:  # Windows
        return _MAX_KEPT
    granted, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MAX_KEPT if granted == resource.RLIM_INFINITY else max(4, min(_MAX_KEPT, granted // _SHARE))


_kept: OrderedDict[Resource, _Mapping] = OrderedDict()
_lock = threading.Lock()


def _after_fork() -> None:
    """Go on in a process that was forked while another thread held the lock."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _mapping(resource: Resource) -> _Mapping:
    """Give the kept mapping of a file, made now if there is none."""
    with _lock:
        mapping = _kept.get(resource) or _kept_later(resource)
        if mapping is None or mapping.lost:
            for other in [one for one in _kept if one == resource or _is_earlier(one, resource)]:
                del _kept[other]
            mapping = _kept[resource] = _made(resource)
            while len(_kept) > _most_kept():
                _kept.popitem(last=False)
        elif resource in _kept:
            _kept.move_to_end(resource)
        return mapping


def _is_earlier(before: Resource, now: Resource) -> bool:
    """Whether a file is one that grew since: what was mapped of it lies in the mapping of now as well."""
    same = before.location == now.location and before.file_id is not None and before.file_id == now.file_id
    return same and before.size < now.size


def _kept_later(resource: Resource) -> _Mapping | None:
    """Give the mapping of a file that was kept when the file was longer."""
    found = (mapping for one, mapping in _kept.items() if _is_earlier(resource, one) and not mapping.lost)
    return next(found, None)


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


atexit.register(forget_mappings)  # later, modules that unmap them are gone


class MmapBackend(IOBackend):
    """Map files into memory: zero copy, and the fastest way over local files.

    Files may be cut meanwhile: that is an error on Linux and macOS (64 bit, x86 or ARM), where a handler takes the
    signal SIGBUS. Elsewhere, without numba, or where another program part took over that signal, it can end the
    process.

    Parameters
    ----------
    mapped_below
        Give back pages of files while the process takes more memory than that [bytes]; see `lamella.io.prefer`.
    """

    name = "mmap"
    zero_copy = True

    def __init__(self, mapped_below: int | None = None) -> None:
        self.mapped_below = mapped_below

    def unavailable(self, resources: Sequence[Resource]) -> str | None:
        """Say that there is no room, where files are larger than half of the memory that the process may address."""
        room, total = address_space(), sum(resource.size for resource in resources)
        if not can_watch(total):
            return f"{total >> 30} GiB are too much to be mapped; use 'buffered'"
        if total <= room // 2:
            return remote(resources)
        return f"{total >> 20} MiB cannot be mapped where a process may address {room >> 20} MiB; use 'buffered'"

    def open(self, resources: Sequence[Resource]) -> MmapSession:
        """Open a session, and make sure that files may be cut, where that can be."""
        if not is_made():
            compile_queue.guard_mappings()
        return MmapSession(resources, self.mapped_below)


class MmapSession(IOSession):
    """Views of kept mappings, which stay for the next session.

    Each view looks at the file first. It may be cut later, while a view is used: then `confirm` says so.
    """

    zero_copy = True

    def __init__(self, resources: Sequence[Resource], mapped_below: int | None = None) -> None:
        self._resources = tuple(resources)
        self._lent = None if mapped_below is None else Lent(mapped_below)
        self._used: dict[int, tuple[Watch | None, weakref.ref[_Mapping]]] = {}

    def view(self, resource: int, offset: int, nbytes: int) -> NDArray[np.uint8]:
        """Give a view of the mapping; it outlives the session."""
        info = self._resources[resource]
        check_range(info, offset, nbytes)
        used = self._used.get(resource)
        if used is None:
            # The name may lead to another file than when the mapping was made.
            info.check_unchanged()
        else:
            _confirm(info, *used)
        mapping = _mapping(info)
        self._used[resource] = mapping.watch, weakref.ref(mapping)
        if self._lent is not None:
            self._lent.add(mapping, offset, nbytes)
        return mapping.array[offset : offset + nbytes]

    def confirm(self) -> None:
        """Raise `FormatError` if a file was cut or rewritten since views of it were given."""
        for resource, used in self._used.items():
            _confirm(self._resources[resource], *used)

    def close(self) -> None:
        """Give back pages, if there have to be fewer, and what procedural sources left in ``scratch``."""
        if self._lent is not None:
            self._lent.look()
        super().close()


def _confirm(resource: Resource, watch: Watch | None, kept: weakref.ref[_Mapping]) -> None:
    """Raise the error for a file that is not what it was, or lacked bytes while they were read."""
    mapping = kept()
    if mapping is None:
        resource.check_unchanged()
    else:
        resource.check_status(os.fstat(mapping.handle))
    lost = None if watch is None else watch.lost
    if lost is not None:
        raise resource.vanished(lost)
