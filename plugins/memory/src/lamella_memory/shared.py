"""Arrays that travel to other processes through shared memory instead of through a pipe."""

from __future__ import annotations

import os
import shutil
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

import numpy as np

from lamella.errors import LamellaError
from lamella.reader import crosses_hosts

_lock = threading.RLock()
_SAFE_PATH = "PYTHONSAFEPATH"


class SharedArray:
    """An array that pickles as the name of a block of shared memory.

    The block is made when the array is first pickled, and released with it; processes that unpickle it see the same
    memory, and within one process all copies are one object. ``array`` is the original as long as one stays in the
    process that made it. For other hosts it pickles as its content.
    """

    __slots__ = ("__weakref__", "_block", "array")

    def __init__(self, array: np.ndarray[Any, Any], block: SharedMemory | None = None) -> None:
        self.array = array
        self._block = block

    def __reduce__(self) -> tuple[Any, ...]:
        if crosses_hosts():
            return _copied, (self.array,)
        with _lock:
            if self._block is None:
                self._block = _filled_block(self.array)
                weakref.finalize(self, _release, self._block, os.getpid())
                _alive[self._block.name] = self
        return _attached, (self._block.name, self.array.shape, self.array.dtype)


_alive: weakref.WeakValueDictionary[str, SharedArray] = weakref.WeakValueDictionary()


def _filled_block(array: np.ndarray[Any, Any]) -> SharedMemory:
    _check_room(array.nbytes)
    _start_tracker()
    block = SharedMemory(create=True, size=max(1, array.nbytes))
    np.copyto(np.ndarray(array.shape, array.dtype, block.buf), array)
    return block


def _check_room(nbytes: int) -> None:
    # On Linux, writing to a block for which there is no room ends the process.
    place = Path("/dev/shm")
    if place.is_dir() and shutil.disk_usage(place).free < nbytes:
        raise MemoryError(
            f"other processes need {nbytes} bytes of shared memory, and {place} has less. Use threads, or save the "
            "array to a file and open that"
        )


def _start_tracker() -> None:
    """Start the process that `multiprocessing` keeps for shared memory, without modules of the working directory."""
    if os.name != "posix":
        return
    before = os.environ.get(_SAFE_PATH)
    os.environ[_SAFE_PATH] = "1"
    try:
        resource_tracker.ensure_running()
    finally:
        if before is None:
            del os.environ[_SAFE_PATH]
        else:
            os.environ[_SAFE_PATH] = before


def _release(block: SharedMemory, owner: int) -> None:
    block.close()
    if os.getpid() == owner:
        block.unlink()


class _Memory:
    """What NumPy asks for the memory of a block; keeps the block open as long as an array uses it."""

    __slots__ = ("__array_interface__", "block")

    def __init__(self, block: SharedMemory, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        address = np.ndarray(1, np.uint8, block.buf).ctypes.data
        self.block = block
        self.__array_interface__ = {
            "version": 3,
            "shape": shape,
            "typestr": dtype.str,
            "data": (address, True),
        }


def _copied(array: np.ndarray[Any, Any]) -> SharedArray:
    array.setflags(write=False)
    return SharedArray(array)


def _attached(name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> SharedArray:
    with _lock:
        present = _alive.get(name)
        if present is not None:
            return present
        try:
            with _untracked():
                block = SharedMemory(name)
        except FileNotFoundError:
            raise LamellaError("the array is gone: its process ended, or no longer holds the data set") from None
        attached = _alive[name] = SharedArray(np.asarray(_Memory(block, shape, dtype)), block)
        return attached


@contextmanager
def _untracked() -> Iterator[None]:
    """Attach without responsibility; else, before Python 3.13, a process that only attached removes the block."""
    register = resource_tracker.register
    resource_tracker.register = lambda *_: None
    try:
        yield
    finally:
        resource_tracker.register = register
