"""Arrays written to their place in a file, from several workers at once."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from io import FileIO

    from numpy.typing import NDArray

__all__ = ["PlacedFile", "make_file"]

_WORTH_A_PIECE = 16 << 10
"""Size from which frames that lie apart are written one by one and not copied together first [bytes]."""
_MOST_PIECES = 1024
_AT_ONCE = 1 << 30
"""Most bytes that are written by one call; macOS refuses 2 GiB."""
_turn = threading.Lock()
"""Systems let one thread at a time write into a file; waiting for that here, others sleep instead of spinning."""


def make_file(path: Path, header: bytes, nbytes: int, used: Sequence[tuple[int, int]] | None = None) -> None:
    """Make a file that begins with ``header``, followed by ``nbytes`` zeros.

    Where the file system can, it gives the room at once: then a full disk is known before anything is computed, and
    writing is cheaper than into a file that grows.

    Parameters
    ----------
    path
        The file.
    header
        What it begins with.
    nbytes
        Size of what follows [bytes].
    used
        The stretches ``[start, stop)`` of it that will be written; zeros between them take no room where the file
        system can. All by default.

    Raises
    ------
    OSError
        If there is no room.
    """
    with path.open("wb", buffering=0) as file:
        file.write(header)
        size = len(header) + nbytes
        file.truncate(size)
        if sys.platform == "linux":
            for start, stop in [(0, nbytes)] if used is None else used:
                _reserve(file.fileno(), len(header) + start, stop - start)


def _reserve(handle: int, start: int, size: int) -> None:
    # os.posix_fallocate would write into every block where the file system cannot reserve.
    fallocate, offset = getattr(ctypes.CDLL(None, use_errno=True), "fallocate", None), ctypes.c_ssize_t
    if fallocate is None or not size or fallocate(handle, 0, offset(start), offset(size)) == 0:
        return
    if ctypes.get_errno() in (errno.ENOSPC, errno.EDQUOT):
        raise OSError(ctypes.get_errno(), f"there is no room for {size} bytes")


class PlacedFile:
    """A file of fixed size that is written at any place.

    Parameters
    ----------
    file
        Made by `make_file`, open for writing without a buffer.
    """

    def __init__(self, file: FileIO) -> None:
        self._file = file

    def write(self, offset: int, frames: NDArray[Any]) -> None:
        """Write frames, shape ``(n, *sig_shape)``, one after the other from byte ``offset``."""
        pieces = deque(_pieces(frames))
        while pieces:
            with _turn:
                written = self._some(pieces, offset)
            offset += written
            while pieces and written >= pieces[0].nbytes:
                written -= pieces.popleft().nbytes
            if written:
                pieces[0] = pieces[0][written:]

    def _some(self, pieces: deque[memoryview], offset: int) -> int:
        """Write as much as the system takes; give how much that was [bytes]."""
        if hasattr(os, "pwritev") and pieces[0].nbytes <= _AT_ONCE:
            return os.pwritev(self._file.fileno(), _up_to(_AT_ONCE, pieces), offset)
        self._file.seek(offset)  # Windows, and arrays of gigabytes
        return self._file.write(pieces[0][:_AT_ONCE])


def _up_to(nbytes: int, pieces: Iterable[memoryview]) -> list[memoryview]:
    """Give the first pieces, of so many bytes together at most."""
    ends = accumulate(piece.nbytes for piece in pieces)
    return [piece for piece, end, _ in zip(pieces, ends, range(_MOST_PIECES), strict=False) if end <= nbytes]


def _pieces(frames: NDArray[Any]) -> list[memoryview]:
    """Give the bytes of frames; those that lie apart in memory one by one."""
    if not frames.size:
        return []
    apart = not frames.flags.c_contiguous and frames[0].flags.c_contiguous and frames[0].nbytes >= _WORTH_A_PIECE
    arrays = list(frames) if apart else [np.ascontiguousarray(frames)]
    return [array.reshape(-1).view(np.uint8).data for array in arrays]
