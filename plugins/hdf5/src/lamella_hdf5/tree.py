"""What is in a file: a bounded walk over groups and data sets, and everything small as JSON-able data."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import takewhile
from typing import Any, TypeAlias

import h5py
import numpy as np

from lamella.errors import UnsupportedError
from lamella.reader import number, text_time
from lamella_hdf5.objects import Dataset, Group, child, group_at, links_of
from lamella_hdf5.values import attributes, printable, value

__all__ = [
    "Items",
    "colours_of",
    "count_of",
    "datasets",
    "known_text",
    "known_time",
    "numbers_in",
    "rank",
    "raw_metadata",
    "refuse_growing",
    "scalar",
    "times",
    "walk",
]

Items: TypeAlias = Sequence[tuple[str, Any]]
"""Groups and data sets with their paths, as `walk` gives them: looked for once when a file is opened."""

_MOST_OBJECTS = 20_000
_MOST_SECONDS = 3.0
_MOST_LETTERS = 4 << 20
"""Length of all paths together."""
_DEEPEST = 32


def walk(root: Group) -> Iterator[tuple[str, Group | Dataset]]:
    """Give groups and data sets with their paths, each once, breadth first; ends after many, or after some seconds.

    Links into other files are left alone. Groups whose names begin with # come last: there MATLAB keeps the many
    small parts of its cells.
    """
    began, seen, count, letters = time.monotonic(), {root.address}, 0, 0
    waiting: deque[tuple[str, Group, int]] = deque([("", root, 0)])
    parts: deque[tuple[str, Group, int]] = deque()
    while waiting or parts:
        path, group, depth = waiting.popleft() if waiting else parts.popleft()
        for name, link in links_of(group).items():
            count += 1
            if count > _MOST_OBJECTS or letters > _MOST_LETTERS or time.monotonic() - began > _MOST_SECONDS:
                return
            if link[0] == h5py.h5l.TYPE_EXTERNAL:
                group.home.leaving.append((group, name))
            if link[0] != h5py.h5l.TYPE_HARD or link[1] in seen:
                continue
            seen.add(link[1])
            item = child(group, name, link)
            if item is None:
                continue
            where = f"{path}/{name}"
            letters += len(where)
            yield where, item
            if isinstance(item, Group) and depth < _DEEPEST:
                (parts if name.startswith("#") else waiting).append((where, item, depth + 1))


def refuse_growing(root: Group, path: str | None = None) -> None:
    """Say that a virtual data set was left out because its size is not fixed, if that is so; any, or one at a path.

    Raises
    ------
    UnsupportedError
        If there is one.
    """
    for found in root.home.growing:
        if path is None or found.rsplit("/", 1)[-1] == path.rsplit("/", 1)[-1]:
            raise UnsupportedError(
                "the virtual data set grows with the files of its sources, or has very many parts",
                path=root.home.path,
                expected="parts of a fixed size",
                found=found,
                remedy="Open the files of its sources, or write it anew with a fixed shape",
            )


def numbers_in(item: Any) -> bool:
    """Whether an object is a data set of numbers that is not empty."""
    try:
        return (
            isinstance(item, h5py.Dataset)
            and item.shape is not None
            and plain_dtype(item).kind in "biufc"
            and plain_dtype(item).itemsize <= 16
            and math.prod(item.shape) > 0
            and not (item.is_virtual and colours_of(np.dtype(item.dtype)))
        )
    except Exception:
        return False


def plain_dtype(dataset: Any) -> np.dtype[Any]:
    """Give the dtype of the numbers of a data set.

    Members ``real`` and ``imag``, as MATLAB has them, are one number; those of a colour are one each.
    """
    dtype: np.dtype[Any] = np.dtype(dataset.dtype)
    if colours_of(dtype):
        return dtype[0]
    if dtype.names != ("real", "imag"):
        return dtype
    first, second = (dtype[name] for name in dtype.names)
    if first == second and first.kind == "f" and first.itemsize in (4, 8) and dtype.itemsize == 2 * first.itemsize:
        return np.dtype(f"{first.byteorder}c{dtype.itemsize}")
    return dtype


def colours_of(dtype: np.dtype[Any]) -> tuple[str, ...]:
    """Give the channels of pixels in colours, as HyperSpy writes them: bytes or words R, G, B and perhaps A."""
    names = dtype.names or ()
    if names not in (("R", "G", "B"), ("R", "G", "B", "A")):
        return ()
    first = dtype[0]
    alike = all(dtype[name] == first for name in names) and first.kind == "u" and first.itemsize <= 2
    return names if alike and dtype.itemsize == len(names) * first.itemsize else ()


def datasets(items: Items) -> Items:
    """Give every data set of numbers, the largest first."""
    found = [(path, item) for path, item in items if numbers_in(item)]
    return sorted(found, key=lambda one: (-math.prod(one[1].shape) * one[1].dtype.itemsize, one[0]))


def rank(dataset: Any) -> tuple[bool, int]:
    """Give what makes one data set more of a scan than another: several frames, then bytes."""
    return len(dataset.shape) >= 3, math.prod(dataset.shape) * dataset.dtype.itemsize


def scalar(root: Any, path: str) -> Any:
    """Give a small value at a path as a number or text, the first one of several; None if there is none."""
    item = group_at(root, path)
    found = value(item) if isinstance(item, Dataset) else None
    while isinstance(found, list) and found:
        found = found[0]
    return found if isinstance(found, str | int | float) else None


def known_text(value: Any) -> str | None:
    """Give a text that says something, the first one of several, else None.

    Summaries of what could not be read say nothing: ``<unreadable: OSError>``, ``<float64 (4, 5)>``. So do the words
    of some programs for what they do not know: ``<undefined>``.
    """
    if isinstance(value, list):
        value = value[0] if value else None
    if not isinstance(value, str):
        return None
    found = value.split("\0")[0].strip()
    return None if not found or (found.startswith("<") and found.endswith(">")) else found


def known_time(*parts: Any) -> str | None:
    """Give a time as ISO 8601, from one text or from date and time of day; None if the first means nothing."""
    known = [known_text(part) for part in parts]
    told = "T".join(part for part in known if part)
    for written in (told, known[0]):
        if known[0] and (found := text_time(written)) is not None:
            return written if _is_iso(written) else found
    return None


def _is_iso(written: str | None) -> bool:
    try:
        return bool(datetime.fromisoformat(written or ""))
    except ValueError:
        return False


def count_of(value: Any) -> int:
    """Give a whole number that is positive, 0 for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def times(value: Any, factor: float) -> float | None:
    """Give a positive number in other units, None where there is none."""
    known = None if isinstance(value, str) else number(value)
    found = 0.0 if known is None else factor * known
    return found if 0 < found < math.inf else None


def raw_metadata(root: Any, items: Items) -> dict[str, Any]:
    """Give every attribute and every small data set by its path; large ones as shape and dtype.

    ``items`` is what the walk from ``root`` gave; what cannot be read within some seconds is left out.
    """
    began, found = time.monotonic(), dict[str, Any]()
    if own := attributes(root):
        found["/"] = {"attributes": own}
    for path, item in takewhile(lambda _: time.monotonic() - began < _MOST_SECONDS, items):
        entry: dict[str, Any] = {}
        if own := attributes(item):
            entry["attributes"] = own
        if isinstance(item, h5py.Dataset):
            entry["value"] = value(item)
        if entry:
            found[printable(path)] = entry
    return found
