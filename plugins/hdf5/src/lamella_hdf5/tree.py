"""What is in a file: a bounded walk over groups and data sets, and everything small as JSON-able data."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import h5py
import numpy as np

from lamella.reader import json_value

__all__ = [
    "Items",
    "attributes",
    "datasets",
    "group_at",
    "known_text",
    "numbers_in",
    "printable",
    "rank",
    "raw_metadata",
    "readable",
    "scalar",
    "times",
    "walk",
]

Items: TypeAlias = Sequence[tuple[str, Any]]
"""Groups and data sets with their paths, as `walk` gives them: looked for once when a file is opened."""

_MOST_OBJECTS = 20_000
_MOST_SECONDS = 3.0
_LARGEST_VALUE = 4096
_DEEPEST = 32
_CHECKSUM = 4
"""Length of a Fletcher checksum [bytes]."""
_PLACE_OF_MARK = 3
"""Byte of an encoded type, behind two bytes of the encoding and one of class and version, that says list or text."""


def walk(root: Any) -> Iterator[tuple[str, Any]]:
    """Give groups and data sets with their paths, each once, breadth first; ends after many, or after some seconds.

    Links into other files are left alone. Groups whose names begin with # come last: there MATLAB keeps the many
    small parts of its cells.
    """
    began, seen, waiting, count = time.monotonic(), set(), deque([("", root, 0)]), 0
    parts: deque[tuple[str, Any, int]] = deque()
    while waiting or parts:
        path, group, depth = waiting.popleft() if waiting else parts.popleft()
        try:
            names = list(group)
        except Exception:  # a damaged group is no reason not to look at the others
            continue
        for name in names:
            count += 1
            if count > _MOST_OBJECTS or time.monotonic() - began > _MOST_SECONDS:
                return
            try:
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    continue
                item = group[name]
                key = h5py.h5o.get_info(item.id).addr
            except Exception:
                continue
            if key in seen:
                continue
            seen.add(key)
            where = f"{path}/{name}"
            yield where, item
            if isinstance(item, h5py.Group) and depth < _DEEPEST:
                (parts if name.startswith("#") else waiting).append((where, item, depth + 1))


def numbers_in(item: Any) -> bool:
    """Whether an object is a data set of numbers that is not empty."""
    try:
        return (
            isinstance(item, h5py.Dataset)
            and item.shape is not None
            and plain_dtype(item).kind in "biufc"
            and plain_dtype(item).itemsize <= 16
            and math.prod(item.shape) > 0
        )
    except Exception:
        return False


def plain_dtype(dataset: Any) -> np.dtype[Any]:
    """Give the dtype of the numbers of a data set; members ``real`` and ``imag``, as MATLAB has them, are one."""
    dtype: np.dtype[Any] = np.dtype(dataset.dtype)
    if dtype.names != ("real", "imag"):
        return dtype
    first, second = (dtype[name] for name in dtype.names)
    if first == second and first.kind == "f" and first.itemsize in (4, 8) and dtype.itemsize == 2 * first.itemsize:
        return np.dtype(f"{first.byteorder}c{dtype.itemsize}")
    return dtype


def datasets(items: Items) -> Items:
    """Give every data set of numbers, the largest first."""
    found = [(path, item) for path, item in items if numbers_in(item)]
    return sorted(found, key=lambda one: (-math.prod(one[1].shape) * one[1].dtype.itemsize, one[0]))


def rank(dataset: Any) -> tuple[bool, int]:
    """Give what makes one data set more of a scan than another: several frames, then bytes."""
    return len(dataset.shape) >= 3, math.prod(dataset.shape) * dataset.dtype.itemsize


def group_at(root: Any, path: str) -> Any:
    """Give the group or data set at a path, following links within the file only; None if there is none."""
    item = root
    for name in path.strip("/").split("/"):
        try:
            if not isinstance(item, h5py.Group) or isinstance(item.get(name, getlink=True), h5py.ExternalLink):
                return None
            item = item.get(name)
        except Exception:
            return None
        if item is None:
            return None
    return item


def scalar(root: Any, path: str) -> Any:
    """Give a small value at a path as a number or text, None if there is none."""
    item = group_at(root, path)
    value = _value(item) if isinstance(item, h5py.Dataset) else None
    while isinstance(value, list) and value:
        value = value[0]
    return value if isinstance(value, str | int | float) else None


def known_text(value: Any) -> str | None:
    """Give a text that says something, else None; summaries of what could not be read say nothing."""
    return value if isinstance(value, str) and value and not value.startswith("<") else None


def times(value: Any, factor: float) -> float | None:
    """Give a positive number in other units, None where there is none."""
    known = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < float("inf")
    return factor * value if known else None


def printable(name: str | bytes) -> str:
    """Give the name of an object as text that can be written anywhere, also if it is damaged."""
    raw = name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape")
    return raw.decode("utf-8", "backslashreplace")


def attributes(item: Any) -> dict[str, Any]:
    """Give the attributes of an object; large ones are summarised."""
    found = {}
    try:
        for key in item.attrs:
            name = printable(key)
            try:
                identity = item.attrs.get_id(key)
                if math.prod(identity.shape or ()) * max(1, identity.dtype.itemsize) > _LARGEST_VALUE:
                    found[name] = f"<{identity.dtype} {identity.shape}>"
                    continue
                if identity.dtype.hasobject and not readable(identity.get_type()):
                    found[name] = "<unreadable: damaged type>"
                    continue
                found[name] = json_value(item.attrs[key])
            except Exception as error:
                found[name] = f"<unreadable: {type(error).__name__}>"
    except Exception:
        return found
    return found


def readable(kind: Any) -> bool:
    """Whether lists of variable length are what they say: libhdf5 crashes if they are neither lists nor texts."""
    if isinstance(kind, h5py.h5t.TypeVlenID):
        mark = kind.encode()[_PLACE_OF_MARK] & 0x0F
        return mark == 0 and readable(kind.get_super())
    if isinstance(kind, h5py.h5t.TypeArrayID):
        return readable(kind.get_super())
    if isinstance(kind, h5py.h5t.TypeCompoundID):
        return all(readable(kind.get_member_type(i)) for i in range(kind.get_nmembers()))
    return True


def raw_metadata(root: Any, items: Items) -> dict[str, Any]:
    """Give every attribute and every small data set by its path; large ones as shape and dtype.

    ``items`` is what the walk from ``root`` gave; what cannot be read within some seconds is left out.
    """
    began, found = time.monotonic(), dict[str, Any]()
    own = attributes(root)
    if own:
        found["/"] = {"attributes": own}
    for path, item in items:
        if time.monotonic() - began > _MOST_SECONDS:
            break
        entry: dict[str, Any] = {}
        own = attributes(item)
        if own:
            entry["attributes"] = own
        if isinstance(item, h5py.Dataset):
            entry["value"] = _value(item)
        if entry:
            found[printable(path)] = entry
    return found


def _checksums_fit(dataset: Any) -> bool:
    """Whether each chunk is long enough for its checksum: libhdf5 crashes where one is not."""
    count = dataset.get_num_chunks()
    sizes = (dataset.get_chunk_info(i).size for i in range(count))
    return count <= _LARGEST_VALUE and all(size >= _CHECKSUM for size in sizes)


def _value(dataset: Any) -> Any:
    try:
        shape, dtype = dataset.shape, dataset.dtype
        if shape is None:
            return None
        if math.prod(shape) * dtype.itemsize > _LARGEST_VALUE or dataset.is_virtual or dataset.external:
            return f"<{dtype} {shape}>"
        if dataset.chunks and math.prod(dataset.chunks) * dtype.itemsize > 16 * _LARGEST_VALUE:
            return f"<{dtype} {shape}>"
        if dtype.hasobject and not readable(dataset.id.get_type()):
            return "<unreadable: damaged type>"
        if dataset.fletcher32 and not _checksums_fit(dataset.id):
            return "<unreadable: damaged chunk>"
        return json_value(dataset[()])
    except Exception as error:
        return f"<unreadable: {type(error).__name__}>"
