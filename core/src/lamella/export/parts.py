"""Unfinished files: how they are named, who writes them, and which were left behind by a process that is gone.

A file ``NAME`` is written as ``.NAME.XXXXXXXX.part``, with eight hexadecimal digits. Beside this part stands a record
``.NAME.XXXXXXXX.part.writer``: the process that writes it, as JSON. The record is there before the part is, and goes
after it. So a part without a record is a file of somebody else. ``.NAME.XXXXXXXX.part.json`` is kept free for a journal
by which an interrupted export can be resumed; a part that has one is not abandoned.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lamella.system.process import ProcessMark
from lamella.system.userfolder import user_cache

__all__ = ["LeftPart", "Part", "parts_in", "parts_known", "remove_abandoned"]

_RECORD, _JOURNAL = ".writer", ".json"
_RECORD_NAME = re.compile(r"\..+\.[0-9a-f]{8}\.part\.writer", re.DOTALL)
_LARGEST_RECORD = 4096
_LONGEST_STEM = 200  # bytes; file systems allow 255 for the whole name


@dataclass(frozen=True, slots=True)
class Part:
    """An unfinished file of this process.

    Parameters
    ----------
    target
        The file that is wanted, absolute.
    path
        Where the part is.
    pid
        The process; one that was forked from it does not own the file.
    """

    target: Path
    path: Path
    pid: int

    @classmethod
    def beside(cls, target: Path) -> Part:
        """Give a name beside a target that nobody has."""
        name = f".{_stem(target.name)}.{secrets.token_hex(4)}.part"
        return cls(target, target.with_name(name), os.getpid())

    def claim(self) -> None:
        """Write the record that this process writes it; there is no part yet."""
        mark, record = json.dumps(ProcessMark.of_this_process().to_json()), _record_of(self.path)
        try:
            record.write_text(mark, encoding="ascii")
            if not record.exists():  # another process took it, still empty, for one that was left behind
                record.write_text(mark, encoding="ascii")
        except OSError as error:
            error.filename = os.fspath(self.target)  # a name that the user knows
            raise
        _remember(self.path)

    def remove(self) -> None:
        """Remove what is left of it, in the process that owns it."""
        if self.pid == os.getpid():
            _remove(self.path)


@dataclass(frozen=True, slots=True)
class LeftPart:
    """A part that lies in a folder, who writes it, and whether it was left behind."""

    path: Path
    writer: ProcessMark
    abandoned: bool


def parts_in(folder: Path) -> Iterator[LeftPart]:
    """Give the parts in a folder that have a record; nothing where the folder cannot be read."""
    for path in _with_record(folder):
        writer = _writer_of(path)
        if writer is not None:
            yield LeftPart(path, writer, _may_go(path) and writer.is_gone())


def remove_abandoned(folder: Path) -> list[Path]:
    """Remove the parts in a folder whose writer is gone; gives those that were removed.

    Parts of other computers, of processes that run, and of processes that cannot be looked at stay.
    """
    for path in _with_record(folder):
        if _is_empty(_record_of(path)) and not os.path.lexists(path):
            _remove(path)  # its writer was killed before it wrote who it is
    abandoned = [part.path for part in parts_in(folder) if part.abandoned]
    return [path for path in abandoned if _remove(path)]


def parts_known() -> Iterator[Path]:
    """Give the parts that processes of this user began, wherever they are, and that still have a record."""
    with suppress(OSError, RuntimeError):
        for entry in sorted(_memory().iterdir()):
            with suppress(OSError):
                path = Path(os.fsdecode(entry.read_bytes()))
                if _record_of(path).exists():
                    yield path
                elif path.parent.is_dir():
                    entry.unlink()


def _stem(name: str) -> str:
    while len(os.fsencode(name)) > _LONGEST_STEM:
        name = name[:-1]
    return name


def _record_of(path: Path) -> Path:
    return path.with_name(path.name + _RECORD)


def _with_record(folder: Path) -> list[Path]:
    """Give the parts beside which lies what may be a record."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if _RECORD_NAME.fullmatch(entry.name)]
    except OSError:
        return []
    return [folder / name.removesuffix(_RECORD) for name in names]


def _writer_of(path: Path) -> ProcessMark | None:
    """Give who writes a part; None where the record is not one of ours."""
    record = _record_of(path)
    with suppress(OSError, ValueError, RecursionError):
        if _is_plain_file(record) and record.stat().st_size <= _LARGEST_RECORD:
            return ProcessMark.from_json(json.loads(record.read_bytes()))
    return None


def _may_go(path: Path) -> bool:
    """Whether a part is one of ours: a plain file, or not made yet, without a journal."""
    is_ours = _is_plain_file(path) or not os.path.lexists(path)
    return is_ours and not os.path.lexists(path.with_name(path.name + _JOURNAL))


def _is_plain_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _is_empty(path: Path) -> bool:
    with suppress(OSError):
        return _is_plain_file(path) and path.lstat().st_size == 0
    return False


def _remove(path: Path) -> bool:
    """Remove a part and then its record; gives whether both are gone."""
    for each in (path, _record_of(path)):
        try:
            each.unlink(missing_ok=True)
        except OSError:
            return False
    with suppress(OSError, RuntimeError):
        _remembered(path).unlink(missing_ok=True)
    return True


def _memory() -> Path:
    """Give the folder that names the parts which processes of this user have begun."""
    return user_cache() / "lamella" / "parts"


def _remembered(path: Path) -> Path:
    return _memory() / hashlib.sha256(os.fsencode(path)).hexdigest()[:32]


def _remember(path: Path) -> None:
    with suppress(OSError, RuntimeError):  # a user without a folder
        _memory().mkdir(parents=True, exist_ok=True)
        _remembered(path).write_bytes(os.fsencode(path))
