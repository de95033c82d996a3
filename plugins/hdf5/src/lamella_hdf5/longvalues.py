"""Texts and lists of variable length, read without libhdf5 from the collections that hold them.

File Format Specification, section III.E. A value is stored as its number of elements, the address of a collection,
and a number within it. All three are checked before anything is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from lamella.reader import json_value
from lamella_hdf5.rawfile import Damaged

if TYPE_CHECKING:
    from lamella_hdf5.rawfile import RawFile

__all__ = ["LONGEST_TEXT", "Collections", "long_kind"]

LONGEST_TEXT = 1 << 20
"""Bytes of one text, or of all texts of one array, at most."""
_PLACE_OF_MARK = 3
"""Byte of an encoded type, behind two bytes of the encoding and one of class and version, that says list or text."""
_AT_ONCE = 64 << 10
_MOST_OBJECTS = 4096
"""Objects in one collection, and objects whose places are remembered."""


def long_kind(kind: Any) -> Any:
    """Give the type of an element of lists of variable length, bytes for texts, None for every other type.

    Raises
    ------
    Damaged
        If texts or lists lie within each other or within records.
    """
    if isinstance(kind, h5py.h5t.TypeStringID):
        return np.dtype("S1") if kind.is_variable_str() else None
    if isinstance(kind, h5py.h5t.TypeVlenID):
        if kind.encode()[_PLACE_OF_MARK] & 0x0F:
            raise Damaged("damaged type")
        base = kind.get_super()
        if not isinstance(base, h5py.h5t.TypeIntegerID | h5py.h5t.TypeFloatID | h5py.h5t.TypeEnumID):
            raise Damaged("lists of lists")
        return np.dtype(base.dtype)
    return None


class Collections:
    """The collections of a file; each is looked through once."""

    def __init__(self, raw: RawFile) -> None:
        self._raw = raw
        self._known: dict[int, dict[int, tuple[int, int]]] = {}
        self._remembered = 0

    @property
    def itemsize(self) -> int:
        """Stored size of a value [bytes]."""
        return 8 + self._raw.offset_size

    def beginning(self, address: int, number: int, count: int) -> bytes:
        """Give the first bytes of an object of a collection.

        Raises
        ------
        Damaged
            If it is shorter, or not there.
        """
        where, size = self._places(address).get(number, (0, -1))
        if size < count:
            raise Damaged("a value of another length than its place")
        return self._raw.read(where, count)

    def total(self, stored: bytes, count: int, dtype: np.dtype[Any]) -> int:
        """Give the size of some values together [bytes].

        Raises
        ------
        Damaged
            If fewer are stored.
        """
        if len(stored) < count * self.itemsize:
            raise Damaged("values are missing")
        lengths = (stored[i * self.itemsize : i * self.itemsize + 4] for i in range(count))
        return sum(int.from_bytes(length, "little") for length in lengths) * dtype.itemsize

    def values(self, stored: bytes, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
        """Give values of a shape as JSON-able data.

        Raises
        ------
        Damaged
            If a collection does not hold what is asked for.
        """
        size = self.itemsize
        found = np.empty(int(np.prod(shape, dtype=np.int64)), dtype=object)
        for i in range(found.size):
            found[i] = self._value(stored[i * size : (i + 1) * size], dtype)
        return found[0] if shape == () else found.reshape(shape).tolist()

    def _value(self, stored: bytes, dtype: np.dtype[Any]) -> Any:
        length = int.from_bytes(stored[:4], "little") * dtype.itemsize
        address, number = self._raw.offset(stored, 4), int.from_bytes(stored[-4:], "little")
        content = self._content(address, number, length) if length else b""
        if dtype.kind != "S":
            return json_value(np.frombuffer(content, dtype=dtype))
        text = content.split(b"\0")[0]
        try:
            return text.decode()
        except UnicodeDecodeError:
            return text.decode("latin-1")

    def _content(self, address: int | None, number: int, length: int) -> bytes:
        if address is None:
            raise Damaged("a value without a place")
        where, size = self._places(address).get(number, (0, -1))
        if size != length:
            raise Damaged("a value of another length than its place")
        return self._raw.read(where, size)

    def _places(self, address: int) -> dict[int, tuple[int, int]]:
        known = self._known.get(address)
        if known is None:
            known = self._objects(address)
            self._remembered += len(known)
            if self._remembered > _MOST_OBJECTS:
                self._known.clear()
                self._remembered = len(known)
            self._known[address] = known
        return known

    def _objects(self, address: int) -> dict[int, tuple[int, int]]:
        """Give address and size of every object of a collection by its number."""
        raw, head = self._raw, 8 + self._raw.length_size
        first = raw.read(address, 8 + raw.length_size)
        size = raw.length(first, 8)
        if first[:4] != b"GCOL" or first[4] != 1 or raw.base + address + size > raw.size:
            raise Damaged("no collection")
        window = raw.read(address, min(size, _AT_ONCE))
        found: dict[int, tuple[int, int]] = {}
        at = -(-head // 8) * 8
        while at + head <= size:
            entry = window[at : at + head] if at + head <= len(window) else raw.read(address + at, head)
            number, length = int.from_bytes(entry[:2], "little"), raw.length(entry, 8)
            if number == 0:
                break
            if at + head + length > size or len(found) >= _MOST_OBJECTS:
                raise Damaged("objects that are longer than their collection")
            found[number] = address + at + head, length
            at += head + -(-length // 8) * 8
        return found
