"""The ``.gtg`` file: tags of DigitalMicrograph, version 3 or 4, without pixels.

A file is three numbers (version, length, byte order of the values) and a group. A group is two flags and a number of
entries; an entry is its kind, its name, and a group or a value. Numbers of the structure are big-endian. In version 4
lengths and counts have 8 bytes instead of 4, and an entry states its length. The structure has been public for decades
(http://www.er-c.org/cbb/info/dmformat/).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lamella.errors import CorruptError
from lamella.reader import Resource

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["find", "read_tags"]

_LARGEST = 64 << 20  # bytes
_DEEPEST = 64  # groups within groups
_MOST_ENTRIES = 1 << 17
_LONGEST_ARRAY = 4096  # items that are kept; longer ones are images or tables

_GROUP, _VALUE = 20, 21
_STRUCT, _STRING, _ARRAY = 15, 18, 20
_NUMBERS = {
    2: "h",
    3: "i",
    4: "H",
    5: "I",
    6: "f",
    7: "d",
    8: "?",
    9: "b",
    10: "B",
    11: "q",
    12: "Q",
}


class _Damage(Exception):
    """The structure is wrong here."""


def read_tags(path: Path) -> dict[str, Any]:
    """Give the tags as nested dictionaries; entries without a name are numbered.

    Raises
    ------
    CorruptError
        If the structure is wrong anywhere.
    """
    content = Resource.of(path).read(0, _LARGEST + 1)
    try:
        if len(content) > _LARGEST:
            raise _Damage(f"it has more than {_LARGEST >> 20} MiB")
        return _Parser.of(content).group(0)
    except (_Damage, struct.error) as error:
        raise CorruptError(
            f"the tags cannot be read ({error})",
            path=path,
            expected="tags of DigitalMicrograph, version 3 or 4",
            remedy="Move the file elsewhere to open the sectors without it",
        ) from error


def find(tags: Mapping[str, Any], *names: str) -> Any:
    """Give the value or group that is reached by ``names``, wherever they begin; None if there is none.

    Examples
    --------
    >>> find({"SI": {"Dimensions": {"Size X": 35}}}, "Dimensions", "Size X")
    35
    """
    here: Any = tags
    for name in names:
        here = here.get(name) if isinstance(here, Mapping) else None
    if here is not None:
        return here
    inner = (find(value, *names) for value in tags.values() if isinstance(value, Mapping))
    return next((value for value in inner if value is not None), None)


@dataclass(slots=True)
class _Parser:
    """Reads forward through the content; every step is checked against its end."""

    content: bytes
    at: int
    size: str  # code of counts and lengths
    order: str  # byte order of values
    states_length: bool
    entries: int = 0

    @classmethod
    def of(cls, content: bytes) -> _Parser:
        (version,) = struct.unpack_from(">I", content)
        if version not in (3, 4):
            raise _Damage(f"version {version}")
        size = "I" if version == 3 else "Q"
        head = struct.Struct(f">I{size}I")
        _, _, little = head.unpack_from(content)
        return cls(content, head.size, size, "<" if little else ">", version == 4)

    def take(self, code: str) -> Any:
        """Give the next number of the structure."""
        packed = struct.Struct(f">{code}")
        (value,) = packed.unpack_from(self.content, self.at)
        self.at += packed.size
        return value

    def skip(self, nbytes: int) -> bytes:
        """Give the next bytes."""
        if nbytes < 0 or self.at + nbytes > len(self.content):
            raise _Damage(f"{nbytes} bytes from byte {self.at} reach beyond the end")
        self.at += nbytes
        return self.content[self.at - nbytes : self.at]

    def group(self, depth: int) -> dict[str, Any]:
        """Give the group that begins here."""
        if depth > _DEEPEST:
            raise _Damage(f"groups are nested more than {_DEEPEST} deep")
        self.skip(2)
        found: dict[str, Any] = {}
        # Each entry takes some bytes, so that a wrong count ends at the end of the file.
        for number in range(self.take(self.size)):
            self.entries += 1
            if self.entries > _MOST_ENTRIES:
                raise _Damage(f"there are more than {_MOST_ENTRIES} entries")
            kind = self.take("B")
            name = self.skip(self.take("H")).decode("latin-1") or str(number)
            if self.states_length:
                self.take(self.size)
            if kind == _GROUP:
                found[name] = self.group(depth + 1)
            elif kind == _VALUE:
                found[name] = self.value()
            else:
                raise _Damage(f"an entry of kind {kind} before byte {self.at}")
        return found

    def value(self) -> Any:
        """Give the value that begins here."""
        if self.skip(4) != b"%%%%":
            raise _Damage(f"no value at byte {self.at - 4}")
        length = self.take(self.size)
        description = struct.unpack(f">{length}{self.size}", self.skip(length * struct.calcsize(f">{self.size}")))
        return self.described(description)

    def described(self, description: tuple[int, ...]) -> Any:
        """Give the value that a description announces."""
        if not description:
            raise _Damage(f"a value of no kind before byte {self.at}")
        kind, *rest = description
        if kind in _NUMBERS and not rest:
            return _plain(struct.unpack(self.order + _NUMBERS[kind], self.skip(_width(kind)))[0])
        if kind == _STRING and len(rest) == 1:
            return self.text(2 * rest[0])
        if kind == _STRUCT:
            kinds = rest[3::2]
            return [self.described((one,)) for one in kinds]
        if kind == _ARRAY and len(rest) >= 2:
            return self.array(tuple(rest[:-1]), rest[-1])
        raise _Damage(f"a value of kind {description[:4]} before byte {self.at}")

    def array(self, item: tuple[int, ...], length: int) -> Any:
        """Give the items of an array; 16-bit numbers are text, and what is long is left out."""
        if item == (4,):
            return self.text(2 * length)
        width = _width(item[0]) if len(item) == 1 else sum(map(_width, item[4::2]))
        content = self.skip(length * width)
        if len(item) > 1 or length > _LONGEST_ARRAY:
            return f"{length} items of {width} bytes"
        return [_plain(one) for one in struct.unpack(f"{self.order}{length}{_NUMBERS[item[0]]}", content)]

    def text(self, nbytes: int) -> str:
        """Give UTF-16 text."""
        encoding = "utf-16-le" if self.order == "<" else "utf-16-be"
        content = self.skip(nbytes)
        return content[: 2 * _LONGEST_ARRAY].decode(encoding, errors="replace")


def _width(kind: int) -> int:
    if kind not in _NUMBERS:
        raise _Damage(f"a value of kind {kind}")
    return struct.calcsize(f"<{_NUMBERS[kind]}")


def _plain(value: Any) -> Any:
    """Give a value that JSON can hold."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
