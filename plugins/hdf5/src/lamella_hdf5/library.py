"""The only door to libhdf5: files opened by name or through an I/O session, and its exceptions translated."""

from __future__ import annotations

import io as stdlib_io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py

from lamella.errors import CorruptError, FormatError, LamellaError
from lamella_hdf5.inuse import Unmarked, patched, unmarked, used_elsewhere
from lamella_hdf5.objects import Group, OpenFile, top
from lamella_hdf5.rawfile import Damaged

if TYPE_CHECKING:
    from lamella.reader import IOSession

__all__ = ["LOCK", "SessionFile", "opened", "refuse_if_in_use", "translated"]

LOCK = threading.RLock()
"""libhdf5 works for one thread at a time, and h5py would let others wait inside of it."""

_DAMAGE = (OSError, RuntimeError, ValueError, TypeError, LookupError, ArithmeticError, Damaged)
"""What damage leads to. h5py raises the first five, `KeyError` and `IndexError` among them, for errors of libhdf5, and
for types and shapes that NumPy does not have; `OverflowError` is one of the sixth."""


@contextmanager
def translated(path: str | os.PathLike[str] | None, doing: str) -> Iterator[None]:
    """Turn what h5py raises into `FormatError`, and what our own reading does where a structure makes no sense.

    Other exceptions, such as `NameError` or `AttributeError`, are mistakes of a program and no damage of a file; they
    stay what they are. So does `MemoryError`.
    """
    try:
        yield
    except LamellaError:
        raise
    except _DAMAGE as error:
        refuse_if_in_use(path, error)
        raise CorruptError(
            f"{doing} failed ({type(error).__name__}: {_brief(error)})",
            path=path,
            remedy="The file is damaged, or uses something that libhdf5 cannot read; compare with `h5dump -H`",
        ) from error


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[Group]:
    """Open a file for reading, without locks, give its root, and close it again.

    Its data sets have no room for chunks: libhdf5 would keep 64 KiB for each of them. A file that somebody
    writes to, or that this process has open through h5py, is seen as it is stored on the disk.

    Raises
    ------
    FormatError
        If libhdf5 refuses it.
    """
    with LOCK, translated(path, "opening as HDF5"):
        file = _opened(os.fspath(path))
    home = OpenFile(os.fspath(path), Path(path).stat().st_size)
    try:
        with LOCK, translated(path, "opening as HDF5"):
            root = top(file, home)
        yield root
    finally:
        home.close()
        with LOCK, translated(path, "closing the file"):
            file.close()


def _opened(path: str) -> Any:
    options: dict[str, Any] = {"rdcc_nslots": 1, "rdcc_nbytes": 0}
    try:
        file = h5py.File(path, "r", locking=False, **options)
    except OSError as error:
        return _opened_beside(path, options, error)
    if file.id.get_intent() == h5py.h5f.ACC_RDONLY:
        return file
    file.close()  # it shares what the writer in this process has not written to the disk yet
    return _opened_beside(path, options, OSError("it is open for writing in this process"))


def _opened_beside(path: str, options: dict[str, Any], refused: OSError) -> Any:
    """Open a file that libhdf5 refuses to open by its name; raises the first error if that fails, too."""
    try:
        through = Unmarked(path)
    except OSError:
        raise refused from None
    try:
        return h5py.File(through, "r", **options)
    except BaseException:
        through.close()
        raise refused from None


def refuse_if_in_use(path: str | os.PathLike[str] | None, error: Exception) -> None:
    """Raise another error for a file that could not be read while a program writes to it.

    Raises
    ------
    FormatError
        If a program writes to it, or it was left open by one that crashed.
    """
    found = None if path is None else used_elsewhere(path)
    if found is not None:
        raise FormatError(
            "the file is in use by another program, or was left open by one that crashed",
            path=path,
            expected="a file that was closed, or flushed",
            found=found,
            remedy="Close it there, or wait until it is written; `h5clear -s FILE` closes what a crash left open",
        ) from error


class SessionFile(stdlib_io.RawIOBase):
    """A file as h5py wants it, whose bytes come through the I/O session of a worker."""

    def __init__(self, io: IOSession, resource: int, size: int) -> None:
        self._io = io
        self._resource = resource
        self._size = size
        self._position = 0
        self._patch = (0, b"")
        self.failure: FormatError | None = None
        self._patch = unmarked(self, size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """Give the position."""
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Read, short at the end of the file; keeps what went wrong, because libhdf5 does not."""
        target = memoryview(buffer).cast("B")
        count = max(0, min(len(target), self._size - self._position))
        try:
            if count:
                target[:count] = self._io.view(self._resource, self._position, count).data
        except FormatError as error:
            self.failure = error
            raise
        target[count:] = bytes(len(target) - count)
        patched(target, self._position, self._patch)
        self._position += len(target)
        return len(target)


def _brief(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300] if str(error).strip() else "no message"
