"""What a worker keeps between tiles: decoded chunks, open files, and buffers to use again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_hdf5.library import LOCK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.reader import IOSession
    from lamella_hdf5.objects import Group

__all__ = ["Worker", "most_kept"]

_KEY = "lamella_hdf5"
_ALWAYS_KEPT = 512 << 20
_SHARE = 4


def most_kept() -> int:
    """Give the size of decoded chunks that a worker may keep [bytes]: its part of a quarter of the memory.

    Larger rows of chunks are decoded more than once, in part.
    """
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        memory = 0
    return max(_ALWAYS_KEPT, memory // _SHARE // (os.cpu_count() or 1))


class Worker:
    """Decoded chunks of one row of chunks, at most ``capacity`` bytes of them, and open files.

    Frames come in the order of the scan, so they pass a row of chunks again and again until it is done. What does not
    fit is not kept: giving up a chunk for each new one would mean to decode all of them every time.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.files: dict[int, tuple[Any, Group]] = {}
        self.known: dict[Any, Any] = {}
        self._row: tuple[int, int] | None = None
        self._kept = 0
        self._chunks: dict[int, NDArray[np.uint8]] = {}
        self._spare: list[NDArray[np.uint8]] = []

    @classmethod
    def of(cls, io: IOSession, row_nbytes: int) -> Worker:
        """Give what the worker of this session keeps."""
        worker = io.scratch.get(_KEY)
        if not isinstance(worker, Worker):
            worker = io.scratch[_KEY] = cls(min(row_nbytes, most_kept()))
        return worker

    def chunk(self, row: tuple[int, int], number: int) -> NDArray[np.uint8] | None:
        """Give a decoded chunk of a row, None if it is not there."""
        return self._chunks.get(number) if row == self._row else None

    def room(self, row: tuple[int, int], number: int, nbytes: int) -> NDArray[np.uint8]:
        """Give room for a chunk, kept until another row begins, if there is space."""
        if row != self._row:
            self._spare += self._chunks.values()
            self._chunks.clear()
            self._row, self._kept = row, 0
        fits = self._kept + nbytes <= self.capacity
        if self._spare and self._spare[-1].size != nbytes:
            self._spare.clear()
        buffer = self._spare.pop() if self._spare else np.empty(nbytes, dtype=np.uint8)
        if fits:
            self._chunks[number] = buffer
            self._kept += nbytes
        else:
            self._spare.append(buffer)
        return buffer

    def drop(self, number: int) -> None:
        """Forget a chunk whose decoding failed."""
        self._chunks.pop(number, None)

    def close(self) -> None:
        """Forget chunks and close files."""
        self._chunks.clear()
        self._spare.clear()
        with LOCK:
            for file, root in self.files.values():
                root.home.close()
                file.close()
        self.files.clear()
