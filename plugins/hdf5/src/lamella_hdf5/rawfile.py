"""Bytes of an HDF5 file, and the object headers in it, read without libhdf5.

libhdf5 takes memory for a text or list of variable length before it knows whether the file holds that many bytes. So
what describes such values is read here first. File Format Specification, sections II and IV.A.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from lamella.reader import Resource
from lamella_hdf5.superblock import SIGNATURE

__all__ = ["ATTRIBUTE", "ATTRIBUTE_INFO", "FILL", "LAYOUT", "OLD_FILL", "SHARED", "Damaged", "RawFile"]

OLD_FILL, FILL, LAYOUT, ATTRIBUTE, ATTRIBUTE_INFO = 0x04, 0x05, 0x08, 0x0C, 0x15
"""Kinds of messages in an object header."""
SHARED = 0x02
"""The flag of a message whose content lies elsewhere."""
_CONTINUATION = 0x10
_LARGEST_HEADER = 4 << 20
_MOST_PARTS = 4096
_FIRST = 512
"""Bytes that are read at once where a header begins; most are shorter."""


class Damaged(Exception):
    """What was read makes no sense, or is stored in a way that is not read here."""


class RawFile:
    """A file opened by name for reading; addresses count from its base, which is the length of its user block.

    Attributes
    ----------
    offset_size, length_size : int
        Sizes of addresses and of lengths in this file [bytes].
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._file = Resource.of(path).reading()
        self.size = self._file.resource.size
        try:
            self.base = self._find_base()
            start = self.read(0, 16)
        except BaseException:
            self._file.close()
            raise
        at = 13 if start[8] < 2 else 9
        self.offset_size, self.length_size = start[at], start[at + 1]
        if self.offset_size not in (2, 4, 8) or self.length_size not in (2, 4, 8):
            self._file.close()
            raise Damaged("addresses of an odd size")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _find_base(self) -> int:
        self.base, offset = 0, 0
        while offset + len(SIGNATURE) <= self.size:
            if self.read(offset, len(SIGNATURE)) == SIGNATURE:
                return offset
            offset = 2 * offset or 512
        raise Damaged("no signature")

    def read(self, address: int, count: int) -> bytes:
        """Read exactly ``count`` bytes.

        Raises
        ------
        Damaged
            If they are not all there.
        """
        begin = self.base + address
        if address < 0 or count < 0 or begin + count > self.size:
            raise Damaged("an address outside the file")
        content = self._file.read(begin, count)
        if len(content) != count:
            raise Damaged("the file became shorter")
        return content

    def offset(self, content: bytes, at: int) -> int | None:
        """Give the address at a place of some bytes; None stands for none."""
        raw = self._piece(content, at, self.offset_size)
        return None if raw == b"\xff" * self.offset_size else int.from_bytes(raw, "little")

    def length(self, content: bytes, at: int) -> int:
        """Give the length at a place of some bytes."""
        return int.from_bytes(self._piece(content, at, self.length_size), "little")

    def _piece(self, content: bytes, at: int, count: int) -> bytes:
        raw = content[at : at + count]
        if len(raw) != count:
            raise Damaged("a part of a structure is missing")
        return raw

    def messages(self, address: int) -> Iterator[tuple[int, int, bytes]]:
        """Give kind, flags and content of every message of an object header.

        Raises
        ------
        Damaged
            If it is no header, or too long.
        """
        begin = self.read(address, min(_FIRST, self.size - self.base - address))
        new = begin[:4] == b"OHDR"
        first, count, head = self._new_header(begin) if new else self._old_header(begin)
        parts, seen, total = [(address + first, count)], {address + first}, 0
        while parts:
            where, count = parts.pop(0)
            total += count
            if total > _LARGEST_HEADER or len(seen) > _MOST_PARTS:
                raise Damaged("an endless object header")
            within = where - address + count <= len(begin) and where >= address
            content = begin[where - address : where - address + count] if within else self.read(where, count)
            for kind, flags, message in _messages(content, head, aligned=not new):
                if kind != _CONTINUATION:
                    yield kind, flags, message
                    continue
                follows = self.offset(message, 0)
                length = self.length(message, self.offset_size)
                if follows is None or follows in seen:
                    raise Damaged("an object header that continues in itself")
                seen.add(follows)
                parts.append((follows + 4, length - 8) if new else (follows, length))

    @staticmethod
    def _old_header(begin: bytes) -> tuple[int, int, int]:
        """Give where the messages begin, their length, and the length of what precedes each."""
        if len(begin) < 16 or begin[0] != 1:
            raise Damaged("no object header")
        return 16, int.from_bytes(begin[8:12], "little"), 8

    @staticmethod
    def _new_header(begin: bytes) -> tuple[int, int, int]:
        if len(begin) < 16 or begin[4] != 2:
            raise Damaged("no object header")
        flags = begin[5]
        at = 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        return at + width, int.from_bytes(begin[at : at + width], "little"), 6 if flags & 4 else 4


def _messages(content: bytes, head: int, *, aligned: bool) -> Iterator[tuple[int, int, bytes]]:
    at = 0
    while at + head <= len(content):
        if aligned:
            kind, size, flags = (
                int.from_bytes(content[at : at + 2], "little"),
                content[at + 2 : at + 4],
                content[at + 4],
            )
        else:
            kind, size, flags = content[at], content[at + 1 : at + 3], content[at + 3]
        end = at + head + int.from_bytes(size, "little")
        if end > len(content):
            raise Damaged("a message that is longer than its header")
        yield kind, flags, content[at + head : end]
        at = end
