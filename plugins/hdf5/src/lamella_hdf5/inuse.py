"""Files that another program has open, or left open when it crashed: the flags of the superblock, and locks.

libhdf5 refuses a file whose superblock says that it is open for writing. It also refuses a file that this process has
open with other settings. Both can be read all the same: through a file object, in which the superblock has no flags
and ends where the file ends.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import IO, Any

from lamella_hdf5.superblock import SIGNATURE

__all__ = ["Unmarked", "checksum", "patched", "unmarked", "used_elsewhere"]

_VERSION, _FLAGS, _ADDRESSES = 8, 11, 12
_WRITING = 0b101
"""Open for writing, and open for writing while others read (SWMR)."""
_MARKED_VERSION = 3
_LARGEST_USER_BLOCK = 64 << 20
_MASK = 0xFFFFFFFF


def unmarked(file: IO[bytes] | Any, size: int) -> tuple[int, bytes]:
    """Give the place of the superblock of an open file, and its bytes as if no program had it open; none if none has.

    Parameters
    ----------
    file
        The file; it is moved.
    size
        Its length [bytes].
    """
    offset = 0
    while offset + len(SIGNATURE) <= min(size, _LARGEST_USER_BLOCK):
        file.seek(offset)
        block = file.read(64)
        if block.startswith(SIGNATURE):
            return offset, _without_flags(block.ljust(64, b"\0"), size - offset)
        offset = 2 * offset or 512
    return 0, b""


def _without_flags(block: bytes, length: int) -> bytes:
    if block[_VERSION] != _MARKED_VERSION or not block[_FLAGS] & _WRITING or block[9] not in (4, 8):
        return b""
    width = block[9]
    end = _ADDRESSES + 4 * width
    made = bytearray(block[:end])
    made[_FLAGS] &= ~_WRITING
    at = _ADDRESSES + 2 * width
    made[at : at + width] = length.to_bytes(width, "little")
    return bytes(made) + checksum(bytes(made)).to_bytes(4, "little")


def patched(target: memoryview, position: int, patch: tuple[int, bytes]) -> None:
    """Put bytes of a patch into what was read from a position on."""
    at, content = patch
    low, high = max(at, position), min(at + len(content), position + len(target))
    if low < high:
        target[low - position : high - position] = content[low - at : high - at]


class Unmarked(io.RawIOBase):
    """A local file as h5py wants it, without the flags that say that a program writes to it."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._file = Path(path).open("rb", buffering=0)  # noqa: SIM115
        self._size = os.fstat(self._file.fileno()).st_size
        self._patch = unmarked(self._file, self._size)
        self._file.seek(0)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Give the position."""
        return self._file.tell()

    def readinto(self, buffer: Any) -> int:
        """Read; what lies behind the end is zero."""
        target, position = memoryview(buffer).cast("B"), self._file.tell()
        done = 0
        while done < len(target) and (count := self._file.readinto(target[done:])):
            done += count
        target[done:] = bytes(len(target) - done)
        patched(target, position, self._patch)
        return len(target)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


def used_elsewhere(path: str | os.PathLike[str]) -> str | None:
    """Say how a file is in use by a program that writes to it, None if it is not, as far as one can tell."""
    try:
        with Path(path).open("rb", buffering=0) as file:
            if _is_locked(file.fileno()):
                return "a lock of a program that writes to it"
            _, block = unmarked(file, os.fstat(file.fileno()).st_size)
            return "a superblock that says that it is open for writing" if block else None
    except PermissionError:
        return "a file that may not be read now" if os.name == "nt" else None
    except OSError:
        return None


def _is_locked(handle: int) -> bool:
    """Whether somebody has an exclusive lock; libhdf5 takes one for files that it writes to."""
    try:
        import fcntl
    except ImportError:  # Windows, where nobody can open such a file
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return False
    fcntl.flock(handle, fcntl.LOCK_UN)
    return False


def checksum(content: bytes) -> int:
    """Give the checksum of metadata of HDF5: the hash "lookup3" by Bob Jenkins, which is in the public domain.

    >>> hex(checksum(b"Four score and seven years ago"))
    '0x17770551'
    """
    a = b = c = (0xDEADBEEF + len(content)) & _MASK
    rest = content
    while len(rest) > 12:
        a, b, c = _mixed(*_added(a, b, c, rest[:12]))
        rest = rest[12:]
    a, b, c = _added(a, b, c, rest.ljust(12, b"\0"))
    for count in (14, 11, 25, 16, 4, 14, 24):
        c = ((c ^ b) - _turned(b, count)) & _MASK
        a, b, c = b, c, a
    return b


def _added(a: int, b: int, c: int, words: bytes) -> tuple[int, int, int]:
    x, y, z = (int.from_bytes(words[i : i + 4], "little") for i in (0, 4, 8))
    return (a + x) & _MASK, (b + y) & _MASK, (c + z) & _MASK


def _turned(value: int, count: int) -> int:
    return ((value << count) | (value >> (32 - count))) & _MASK


def _mixed(a: int, b: int, c: int) -> tuple[int, int, int]:
    for count in (4, 6, 8, 16, 19, 4):
        a = ((a - c) & _MASK) ^ _turned(c, count)
        c = (c + b) & _MASK
        a, b, c = b, c, a
    return a, b, c
