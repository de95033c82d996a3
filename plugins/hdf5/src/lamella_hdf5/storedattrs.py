"""The stored bytes of attributes, found without libhdf5: in the object header, or in the heap that it names.

File Format Specification, sections III.A.2 (B-trees), III.G (heaps of many small objects) and IV.A.2.m (attributes).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from lamella_hdf5.rawfile import ATTRIBUTE, ATTRIBUTE_INFO, SHARED, Damaged

if TYPE_CHECKING:
    from lamella_hdf5.rawfile import RawFile

__all__ = ["stored_attributes"]

_MOST = 4096
_DEEPEST_BLOCKS, _DEEPEST_INDEX = 4, 4
_RECORD = 17
"""Bytes of a record of the index of names: place in the heap, flags, order, hash."""
_NAMES = 8
"""Type of that index."""


def stored_attributes(raw: RawFile, address: int) -> dict[bytes, bytes]:
    """Give the stored bytes of the attributes of an object by their names; those that are shared are left out.

    Raises
    ------
    Damaged
        If the header or the heap makes no sense.
    """
    found: dict[bytes, bytes] = {}
    for kind, flags, message in raw.messages(address):
        if kind == ATTRIBUTE and not flags & SHARED:
            found.update([_attribute(message)])
        elif kind == ATTRIBUTE_INFO and not flags & SHARED:
            at = 2 + (2 if message[1:2] and message[1] & 1 else 0)
            heap, names = raw.offset(message, at), raw.offset(message, at + raw.offset_size)
            if heap is not None and names is not None:
                inside, places = _Heap(raw, heap), islice(_places(raw, names), _MOST + 1)
                found.update(_attribute(inside.content(place)) for place in places if not place[8] & SHARED)
        if len(found) > _MOST:
            raise Damaged("too many attributes")
    return found


def _attribute(message: bytes) -> tuple[bytes, bytes]:
    """Give name and stored bytes."""
    version = message[0] if message else 0
    head = {1: 8, 2: 8, 3: 9}.get(version)
    if head is None or len(message) < head:
        raise Damaged("an attribute of an unknown version")
    sizes = [int.from_bytes(message[at : at + 2], "little") for at in (2, 4, 6)]
    if version == 1:
        padded = [-(-size // 8) * 8 for size in sizes]
        name, begin = message[head : head + sizes[0]], head + sum(padded)
    else:
        name, begin = message[head : head + sizes[0]], head + sum(sizes)
    return name.split(b"\0")[0], message[begin:]


def _places(raw: RawFile, address: int) -> Iterator[bytes]:
    """Give where in their heap the attributes lie, and their flags, from the index of their names."""
    head = raw.read(address, 22 + raw.offset_size + raw.length_size)
    node, size, depth = (int.from_bytes(head[a:b], "little") for a, b in ((6, 10), (10, 12), (12, 14)))
    odd = size != _RECORD or depth > _DEEPEST_INDEX or not 64 <= node <= 1 << 16
    if head[:4] != b"BTHD" or head[5] != _NAMES or odd:
        raise Damaged("an index of attributes of an unknown kind")
    root = raw.offset(head, 16)
    count = int.from_bytes(head[16 + raw.offset_size : 18 + raw.offset_size], "little")
    if root is not None and count:
        yield from _below(raw, root, node, count, _count_sizes(raw, node, depth))


def _count_sizes(raw: RawFile, node: int, depth: int) -> list[tuple[int, int]]:
    """Give how many bytes the two counts behind each address take, in nodes of depth 1, 2 ..."""
    most = below = (node - 10) // _RECORD
    first, second, found = _width(most), 0, list[tuple[int, int]]()
    for _ in range(depth):
        found.append((first, second))
        pointer = raw.offset_size + first + second
        most = (node - 10 - pointer) // (_RECORD + pointer)
        below = (most + 1) * below + most
        second = _width(below)
    return found


def _width(most: int) -> int:
    return (max(1, most).bit_length() - 1) // 8 + 1


def _below(raw: RawFile, address: int, node: int, count: int, sizes: list[tuple[int, int]]) -> Iterator[bytes]:
    if not count:
        raise Damaged("an empty node of an index of attributes")
    content = raw.read(address, node)
    yield from _records(content, b"BTIN" if sizes else b"BTLF", count)
    if not sizes:
        return
    first, second = sizes[-1]
    at = 6 + count * _RECORD
    for _ in range(count + 1):
        child = raw.offset(content, at)
        if child is None:
            raise Damaged("an index with a hole")
        at += raw.offset_size
        yield from _below(raw, child, node, int.from_bytes(content[at : at + first], "little"), sizes[:-1])
        at += first + second


def _records(node: bytes, mark: bytes, count: int) -> Iterator[bytes]:
    if node[:4] != mark or node[5] != _NAMES or 6 + count * _RECORD > len(node):
        raise Damaged("a node of an index of attributes")
    for i in range(count):
        yield node[6 + i * _RECORD : 15 + i * _RECORD]


class _Heap:
    """A heap of small objects, which lie in blocks whose sizes double from row to row of a table."""

    def __init__(self, raw: RawFile, address: int) -> None:
        o, n = raw.offset_size, raw.length_size
        table = 14 + 10 * n + 2 * o
        head = raw.read(address, table + 8 + 2 * n + o)
        if head[:4] != b"FRHP" or head[4] != 0:
            raise Damaged("a heap of an unknown version")
        number = int.from_bytes
        if number(head[7:9], "little"):
            raise Damaged("a heap that is packed")
        self._raw = raw
        self._longest = number(head[10:14], "little")
        self._width = number(head[table : table + 2], "little")
        self._start = raw.length(head, table + 2)
        self._largest = raw.length(head, table + 2 + n)
        bits = number(head[table + 2 + 2 * n : table + 4 + 2 * n], "little")
        self._root = raw.offset(head, table + 6 + 2 * n)
        self._rows = number(head[table + 6 + 2 * n + o : table + 8 + 2 * n + o], "little")
        self._offset_size = (bits + 7) // 8
        powers = all(size > 0 and size & (size - 1) == 0 for size in (self._width, self._start, self._largest))
        if not powers or not 0 < bits <= 64 or self._start > self._largest:
            raise Damaged("a heap with odd blocks")
        block = (self._largest.bit_length() + 6) // 8
        self._length_size = min(block, max(0, self._longest.bit_length() - 1) // 8 + 1)

    def content(self, place: bytes) -> bytes:
        """Give an object by its place."""
        if place[0] >> 4 & 3:
            raise Damaged("an object outside of the blocks of its heap")
        at = 1 + self._offset_size
        offset = int.from_bytes(place[1:at], "little")
        length = int.from_bytes(place[at : at + self._length_size], "little")
        if self._root is None or not 0 < length <= self._longest:
            raise Damaged("an object of an impossible length")
        address, begin = self._block(self._root, self._rows, 0, offset, 0)
        return self._raw.read(address + offset - begin, length)

    def _block(self, address: int, rows: int, begin: int, offset: int, depth: int) -> tuple[int, int]:
        """Give the address of the block that holds an offset, and the offset at which it begins."""
        if rows == 0:
            return address, begin
        if depth > _DEEPEST_BLOCKS:
            raise Damaged("a heap that is too deep")
        at, first = 5 + self._raw.offset_size + self._offset_size, begin
        if self._raw.read(address, 4) != b"FHIB":
            raise Damaged("no table of blocks")
        for row in range(rows):
            size = self._start << max(0, row - 1)
            if offset < first + self._width * size:
                column = (offset - first) // size
                entry = at + (row * self._width + column) * self._raw.offset_size
                child = self._raw.offset(self._raw.read(address + entry, self._raw.offset_size), 0)
                if child is None:
                    raise Damaged("a block that is not there")
                deeper = 0 if size <= self._largest else (size // (self._start * self._width)).bit_length()
                return self._block(child, deeper, first + column * size, offset, depth + 1)
            first += self._width * size
        raise Damaged("an object after the end of its heap")
