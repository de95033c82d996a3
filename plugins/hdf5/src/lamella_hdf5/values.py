"""Attributes and small values of a file: the only place where anything but pixels is read from it.

A small file can state values that take gigabytes, or the same value for thousands of objects. So every value is
measured before it is read: numbers and texts of fixed length by their type and shape, others by what is stored for
them. What is larger than a limit is summarised, and so is everything once a file has cost a certain sum.
"""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from lamella.errors import CorruptError
from lamella.reader import json_value
from lamella_hdf5.filters import Pipeline, filters_of
from lamella_hdf5.longvalues import LONGEST_TEXT, long_kind
from lamella_hdf5.objects import Dataset, Group, stored_fill
from lamella_hdf5.rawfile import LAYOUT, SHARED, Damaged
from lamella_hdf5.storedattrs import stored_attributes

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["TooLarge", "attributes", "long_text", "numbers", "printable", "value"]

_LARGEST_VALUE = 4096
_MOST_CHUNKS = 1024
_MOST_ATTRIBUTES = 4096
_LONGEST_NAME = 200
"""Letters of the name of a dtype."""
_ALLOWANCE = 16 << 20
"""What all values of a small file may take together [bytes]."""
_PER_NUMBER = 40
"""What a number in a list takes in memory [bytes]."""
_POINTER = 8
"""What counts as the size of a text before it is known [bytes]."""


class TooLarge(Exception):
    """A value is not read, because it would take too much memory, or only libhdf5 could find it elsewhere."""


def printable(name: str | bytes) -> str:
    """Give the name of an object as text that can be written anywhere, also if it is damaged."""
    raw = name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape")
    return raw.decode("utf-8", "backslashreplace")


def attributes(item: Any) -> dict[str, Any]:
    """Give the attributes of an object as JSON-able data; large ones are summarised. Empty for None."""
    if not isinstance(item, Group | Dataset):
        return {}
    found = item.home.attributes.get(item.address)
    if found is None:
        found = item.home.attributes[item.address] = _attributes(item)
    return found


def _attributes(item: Group | Dataset) -> dict[str, Any]:
    names: dict[bytes, None] = {}

    def take(name: bytes, *_: Any) -> bool | None:
        names[name] = None
        return True if len(names) >= _MOST_ATTRIBUTES else None

    with suppress(Exception):  # damaged attributes are no reason not to look at the object
        if h5py.h5a.get_num_attrs(item.id):
            h5py.h5a.iterate(item.id, take, order=h5py.h5.ITER_NATIVE)
    return {printable(name): _attribute(item, name) for name in names}


def _attribute(item: Group | Dataset, name: bytes, largest: int = _LARGEST_VALUE) -> Any:
    """Give one attribute, or what stands for it."""
    try:
        identity = h5py.h5a.open(item.id, name)
        shape, element = identity.shape, long_kind(identity.get_type())
        if shape is None:
            return None
        if element is not None:
            if math.prod(shape) * _POINTER > largest:
                return _summary(identity.dtype, shape)
            return _long(item, _stored_attribute(item, name), shape, element)
        dtype = identity.dtype
        if not _affordable(item, shape, dtype, largest):
            return _summary(dtype, shape)
        array = np.zeros(shape + dtype.shape, dtype=dtype.base)
        identity.read(array)
        return json_value(array[()])
    except (TooLarge, Damaged) as error:
        return f"<unreadable: {error}>"
    except Exception as error:
        return f"<unreadable: {type(error).__name__}>"


def _summary(dtype: np.dtype[Any], shape: tuple[int, ...]) -> str:
    """Say what a value is that is not read; thousands of objects may share a type with thousands of members."""
    name = str(dtype)
    return f"<{name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME] + ' ...'} {shape}>"


def long_text(item: Any, name: str) -> str | None:
    """Give an attribute that is one text, which may be longer than others; None if there is none."""
    if not isinstance(item, Group | Dataset) or not h5py.h5a.exists(item.id, name.encode()):
        return None
    found = _attribute(item, name.encode(), LONGEST_TEXT)
    return found if isinstance(found, str) and not found.startswith("<") else None


def _affordable(item: Group | Dataset, shape: tuple[int, ...], dtype: np.dtype[Any], largest: int) -> bool:
    """Whether a value of fixed length may be read; counts what it takes."""
    nbytes = math.prod(shape) * max(1, dtype.itemsize)
    if nbytes > largest or dtype.hasobject:
        return False
    count = math.prod(shape) * math.prod(dtype.shape) * max(1, len(dtype.names or ()))
    return _spend(item, nbytes + _PER_NUMBER * count)


def _spend(item: Group | Dataset, nbytes: int) -> bool:
    home = item.home
    if home.spent + nbytes > _ALLOWANCE + home.size:
        return False
    home.spent += nbytes
    return True


def _stored_attribute(item: Group | Dataset, name: bytes) -> bytes:
    home = item.home
    if home.stored_attributes[0] != item.address:
        home.stored_attributes = item.address, {}
        home.stored_attributes = item.address, stored_attributes(home.raw, item.address)
    if name not in home.stored_attributes[1]:
        raise Damaged("text in an unusual place")
    return home.stored_attributes[1][name]


def _long(item: Group | Dataset, stored: bytes, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """Give texts or lists of variable length."""
    count, collections = math.prod(shape), item.home.collections
    nbytes = collections.total(stored, count, dtype)
    if nbytes > LONGEST_TEXT:
        raise TooLarge(f"{nbytes} bytes of text" if dtype.kind == "S" else f"lists of {nbytes} bytes")
    per_byte = 1 if dtype.kind == "S" else _PER_NUMBER
    if not _spend(item, per_byte * nbytes + _PER_NUMBER * count):
        raise TooLarge("the file holds very many values")
    found = collections.values(stored, shape, dtype)
    item.home.spent += sum(map(sys.getsizeof, found if isinstance(found, list) else [found]))
    return found


def value(dataset: Dataset) -> Any:
    """Give a small data set as JSON-able data, or its dtype and shape if it is large or lies in other places."""
    try:
        shape, dtype = dataset.shape, dataset.dtype
        if shape is None:
            return None
        element = long_kind(dataset.id.get_type()) if dtype.hasobject else None
        if element is not None:
            if math.prod(shape) * _POINTER > _LARGEST_VALUE:
                return _summary(dtype, shape)
            return _long(dataset, _stored_values(dataset), shape, element)
        if not _affordable(dataset, shape, dtype, _LARGEST_VALUE):
            return _summary(dtype, shape)
        return json_value(_region(dataset, [(0, n) for n in shape], 16 * _LARGEST_VALUE)[()])
    except TooLarge:
        return _summary(dataset.dtype, dataset.shape)
    except Damaged as error:
        return f"<unreadable: {error}>"
    except Exception as error:
        return f"<unreadable: {type(error).__name__}>"


def numbers(dataset: Dataset, region: Sequence[tuple[int, int]], most: int) -> NDArray[Any]:
    """Read a part of a data set of numbers.

    Parameters
    ----------
    dataset
        What holds them.
    region
        First index and end along each axis.
    most
        Size of what is read, and of a chunk of it, at most [bytes].

    Raises
    ------
    TooLarge
        If it is larger, lies in other files, or is packed in a way that only libhdf5 knows.
    """
    nbytes = math.prod(end - begin for begin, end in region) * dataset.dtype.itemsize
    if nbytes > most or dataset.dtype.hasobject:
        raise TooLarge(f"{nbytes} bytes")
    return _region(dataset, region, most)


def _region(dataset: Dataset, region: Sequence[tuple[int, int]], largest_chunk: int) -> NDArray[Any]:
    if dataset.is_virtual or dataset.external:
        raise TooLarge("it is stored in several places")
    dtype = dataset.dtype
    if dataset.chunks is not None and math.prod(dataset.chunks) * dtype.itemsize > largest_chunk:
        raise TooLarge(f"chunks of {dataset.chunks}")
    if dataset.chunks is None or not dataset.plist.get_nfilters():
        return np.asarray(dataset[tuple(slice(begin, end) for begin, end in region)])
    stored = dataset.id.get_type()
    if dtype.kind != "S" and not stored.equal(h5py.h5t.py_create(dtype, logical=True)):
        raise TooLarge("packed numbers of a rare type")
    fill = np.zeros(dtype.shape, dtype=dtype.base)
    if dtype.subdtype is None:
        dataset.plist.get_fill_value(fill)
    pixels = unpacked(dataset, region, fill.tobytes())
    found: NDArray[Any] = pixels.view(dtype.base).reshape(*pixels.shape[:-1], *dtype.shape)
    return found


def unpacked(dataset: Dataset, region: Sequence[tuple[int, int]], fill: bytes) -> NDArray[np.uint8]:
    """Give the stored bytes of a part of a chunked data set, with one more axis for the bytes of an element.

    libhdf5 takes whatever memory a packed chunk asks for; here, a chunk has the size that it should have.
    """
    chunks, itemsize = dataset.chunks, len(fill)
    pipeline = Pipeline(filters_of(dataset.plist), itemsize, math.prod(chunks) * itemsize)
    grid = [range(begin // c, -(-end // c)) for (begin, end), c in zip(region, chunks, strict=True)]
    if pipeline.why_not() or math.prod(map(len, grid)) > _MOST_CHUNKS:
        raise TooLarge(pipeline.why_not() or "many chunks")
    shape = tuple(end - begin for begin, end in region)
    found = np.empty((*shape, itemsize), dtype=np.uint8)
    found[...] = np.frombuffer(fill, dtype=np.uint8)
    for place in itertools.product(*grid):
        corner = tuple(i * c for i, c in zip(place, chunks, strict=True))
        about = dataset.id.get_chunk_info_by_coord(corner)
        if about.byte_offset is None:
            continue
        if about.size > 2 * pipeline.nbytes + _LARGEST_VALUE:
            raise Damaged("damaged chunk")
        mask, content = dataset.id.read_direct_chunk(corner)
        pixels = np.empty(pipeline.nbytes, dtype=np.uint8)
        try:
            pipeline.decode(np.frombuffer(content, dtype=np.uint8), mask, pixels)
        except CorruptError as error:
            raise Damaged(f"damaged chunk: {error.problem}") from None
        low = [max(begin, k) for (begin, _), k in zip(region, corner, strict=True)]
        high = [min(end, k + c) for (_, end), k, c in zip(region, corner, chunks, strict=True)]
        into = tuple(slice(a - r[0], b - r[0]) for a, b, r in zip(low, high, region, strict=True))
        part = tuple(slice(a - k, b - k) for a, b, k in zip(low, high, corner, strict=True))
        found[into] = pixels.reshape(*chunks, itemsize)[part]
    return found


def _stored_values(dataset: Dataset) -> bytes:
    """Give the stored bytes of a data set of texts or lists of variable length, zeros where there are none."""
    if dataset.is_virtual or dataset.external:
        raise TooLarge("it is stored in several places")
    home, count = dataset.home, int(math.prod(dataset.shape))
    size = home.collections.itemsize
    nothing = stored_fill(home, dataset.address).ljust(size, b"\0")[:size]
    if dataset.chunks is not None:
        return unpacked(dataset, [(0, n) for n in dataset.shape], nothing).tobytes()
    offset = dataset.id.get_offset()
    if offset is not None and dataset.id.get_storage_size():
        return home.raw.read(offset - home.raw.base, count * len(nothing))
    for kind, flags, message in home.raw.messages(dataset.address):
        if kind == LAYOUT and not flags & SHARED and len(message) > 4 and message[0] >= 3 and message[1] == 0:
            return message[4 : 4 + int.from_bytes(message[2:4], "little")]
    return nothing * count
