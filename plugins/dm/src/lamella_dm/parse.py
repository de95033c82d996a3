"""Reads the tag tree of a DigitalMicrograph file.

Source: https://www.er-c.org/cbb/info/dmformat/ (DM3); DM4 only widens the numbers marked W below from 4 to 8 bytes and
puts a byte count before the content of each entry. Numbers of the structure are big-endian always, values as the file
says::

    file    u32 version, W size, u32 little-endian?, group
    group   u8 sorted, u8 open, W number of entries, entries
    entry   u8 kind (20 group, 21 value), u16 length of label, label, [DM4: u64 byte count], group or value
    value   "%%%%", W number of words, words W, bytes

The words give the type of a value, see `_value_type`; numbers in them are keys of `SCALARS`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from lamella.errors import CorruptError, FormatError, TruncatedError, UnsupportedError
from lamella_dm.tags import Array, Group, Tags

if TYPE_CHECKING:
    from lamella.reader import Probe

__all__ = ["read_tags"]

SCALARS = {2: "i2", 3: "i4", 4: "u2", 5: "u4", 6: "f4", 7: "f8", 8: "?", 9: "i1", 10: "u1", 11: "i8", 12: "u8"}
STRUCT, STRING, ARRAY = 15, 18, 20
GROUP, VALUE = 20, 21
MARK = b"%%%%"
PIXELS = ("ImageData", "Data")

_WINDOW = 64 * 1024
_DEEPEST = 64
_MOST_TAGS = 1 << 20
_MOST_WORDS = 4096
_LONGEST_LIST = 256  # items
_LONGEST_TEXT = 1 << 20  # bytes


def read_tags(probe: Probe) -> Tags:
    """Read the tree, but not the pixels of images.

    Raises
    ------
    CorruptError
        If the structure is broken.
    TruncatedError
        If the file ends within its header.
    UnsupportedError
        If the file has another version.
    """
    cursor = _Cursor.at_header(probe)
    root = Group()
    try:
        _walk(cursor, root)
    except _EndOfFile:
        return Tags(cursor.version, cursor.little_endian, root, probe.size)
    return Tags(cursor.version, cursor.little_endian, root, None)


def _walk(cursor: _Cursor, root: Group) -> None:
    """Add the entries of all groups."""
    stack = [("", root, cursor.group())]
    for _ in range(_MOST_TAGS):
        while stack and stack[-1][2] == 0:
            stack.pop()
        if not stack:
            return
        name, group, left = stack[-1]
        stack[-1] = (name, group, left - 1)
        kind, label = cursor.entry()
        if kind == GROUP:
            child = Group()
            group.entries.append((label, child))
            stack.append((label, child, cursor.group()))
        elif kind == VALUE:
            cursor.value(group, label, pixels=(name, label) == PIXELS)
        else:
            raise _broken(cursor, "an entry of unknown kind", f"{GROUP} or {VALUE}", kind)
        if len(stack) > _DEEPEST:
            raise _broken(cursor, "groups lie too deep in each other", f"at most {_DEEPEST} levels", len(stack))
    raise _broken(cursor, "there are too many tags", f"at most {_MOST_TAGS}", "more")


class _EndOfFile(Exception):
    pass


@dataclass(slots=True)
class _Cursor:
    """Walks forward through a file, a window at a time."""

    probe: Probe
    version: int
    little_endian: bool
    place: int
    _window: bytes = b""
    _begin: int = 0

    @classmethod
    def at_header(cls, probe: Probe) -> Self:
        """Stand behind the header of a file."""
        head = probe.head
        version = int.from_bytes(head[:4], "big")
        length = {3: 12, 4: 16}.get(version)
        if length is None and len(head) >= 4:
            raise UnsupportedError("not a DM3 or DM4 file", path=probe.path, expected="version 3 or 4", found=version)
        if length is None or len(head) < length:
            raise TruncatedError(
                "the header is incomplete", path=probe.path, expected="16 bytes", found=f"{len(head)} bytes"
            )
        flag = int.from_bytes(head[length - 4 : length], "big")
        if flag not in (0, 1):
            raise CorruptError("the byte order is unknown", path=probe.path, expected="0 or 1 at its flag", found=flag)
        return cls(probe, version, flag == 1, length)

    @property
    def word(self) -> int:
        """Size of the wide numbers of the structure [bytes]."""
        return 4 if self.version == 3 else 8

    def take(self, nbytes: int) -> bytes:
        """Give the next bytes."""
        start = self.place - self._begin
        if start < 0 or start + nbytes > len(self._window):
            if self.place + nbytes > self.probe.size:
                raise _EndOfFile
            self._window, self._begin, start = self.probe.read(self.place, max(nbytes, _WINDOW)), self.place, 0
            if len(self._window) < nbytes:
                raise _EndOfFile
        self.place += nbytes
        return self._window[start : start + nbytes]

    def number(self, nbytes: int) -> int:
        """Give the next number of the structure."""
        return int.from_bytes(self.take(nbytes), "big")

    def group(self) -> int:
        """Give the number of entries of a group."""
        self.take(2)
        return self.number(self.word)

    def entry(self) -> tuple[int, str]:
        """Give kind and label of an entry."""
        kind, length = struct.unpack(">BH", self.take(3))
        label = self.take(length).decode("latin-1")
        if self.version == 4:
            self.take(8)
        return kind, label

    def value(self, group: Group, label: str, *, pixels: bool) -> None:
        """Add a value to its group; an array that is long, or holds pixels, stays in the file."""
        begin = self.place
        mark = self.take(4)
        if mark != MARK:
            self.place = begin
            raise _broken(self, f"the mark of tag {label!r} is missing", MARK, mark)
        n_words = self.number(self.word)
        if not 0 < n_words <= _MOST_WORDS:
            raise _broken(self, f"the type of tag {label!r} is unknown", f"1 to {_MOST_WORDS} words", n_words)
        words = np.frombuffer(self.take(n_words * self.word), f">u{self.word}").tolist()
        try:
            dtype, count = _value_type(words, "<" if self.little_endian else ">")
        except (KeyError, IndexError, ValueError, OverflowError, TypeError):
            raise _broken(self, f"the type of tag {label!r} is unknown", "the words of a type", words[:8]) from None
        if count is None:
            group.entries.append((label, _plain(np.frombuffer(self.take(dtype.itemsize), dtype)[0])))
            return
        array = Array(self.place, dtype, count)
        coding = self._coding(words)
        limit = _LONGEST_LIST * dtype.itemsize if coding is None else _LONGEST_TEXT
        if pixels or array.nbytes > limit or dtype.itemsize == 0:
            group.entries.append((label, array))
            self.place += array.nbytes
            if self.place > self.probe.size:
                raise _EndOfFile
            return
        raw = self.take(array.nbytes)
        plain = _plain(np.frombuffer(raw, dtype)) if coding is None else raw.decode(coding, errors="replace")
        group.entries.append((label, plain))

    def _coding(self, words: list[int]) -> str | None:
        """Give the coding of a text; text is an array of u16, as only the pixels of images are besides."""
        if words[0] == STRING:
            return "latin-1"
        if words[:2] != [ARRAY, 4]:
            return None
        return "utf-16-le" if self.little_endian else "utf-16-be"


def _broken(cursor: _Cursor, problem: str, expected: object, found: object) -> FormatError:
    """Give the error for a structure that cannot be followed."""
    return CorruptError(f"{problem}, at byte {cursor.place}", path=cursor.probe.path, expected=expected, found=found)


def _value_type(words: list[int], order: str) -> tuple[np.dtype[Any], int | None]:
    """Give dtype and number of items; the number is None for a single value.

    ======================================  ==============================
    t                                       scalar
    18, n                                   text of n bytes
    15, 0, k, (0, t) k times                struct of k fields
    20, type of an item, n                  array of n items
    ======================================  ==============================
    """
    if words[0] == STRING and len(words) == 2:
        return np.dtype("u1"), words[1]
    if words[0] != ARRAY:
        return _item_type(words, order), None
    inner, count = words[1:-1], words[-1]
    if inner[0] == ARRAY:
        return np.dtype((_item_type(inner[1:-1], order), (inner[-1],))), count
    return _item_type(inner, order), count


def _item_type(words: list[int], order: str) -> np.dtype[Any]:
    if len(words) == 1:
        return np.dtype(order + SCALARS[words[0]])
    n_fields = words[2]
    if words[0] != STRUCT or len(words) != 3 + 2 * n_fields or n_fields == 0:
        raise ValueError
    return np.dtype([(f"f{i}", order + SCALARS[words[4 + 2 * i]]) for i in range(n_fields)])


def _plain(value: Any) -> Any:
    """Give numbers of Python; a struct becomes a list."""
    if isinstance(value, np.ndarray) and value.dtype.names is None:
        return value.tolist()
    if isinstance(value, np.ndarray):
        return [list(record) for record in value.tolist()]
    return list(value.tolist()) if isinstance(value, np.void) else value.item()
