"""All parts one after the other: where frames lie, and what their headers say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import CorruptError
from lamella.reader import RunTable, moments, read_records, stamp_arrays
from lamella_frms6.part import FILE_HEADER, FRAME_HEADER, INCOMPLETE, Part

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["per_frame", "series_of"]


def series_of(parts: Sequence[Part]) -> tuple[RunTable, tuple[str, ...]]:
    """Join the parts: where the pixels of their frames lie, and what a user should know about them.

    Raises
    ------
    FormatError
        If frames of the parts differ, there is no frame, or another part than the last was cut.
    """
    first = parts[0]
    for part in parts:
        if (part.width, part.height) != (first.width, first.height):
            raise CorruptError(
                "its frames have another size than those of the other parts",
                path=part.path,
                expected=f"{first.width} x {first.height}, as in {first.path}",
                found=f"{part.width} x {part.height}",
            )
    return RunTable.that_fit(
        [part.resource for part in parts],
        offset=FILE_HEADER.itemsize,
        stride=first.stride,
        frame_header=FRAME_HEADER.itemsize,
        announced=[part.announced or None for part in parts],
    )


def per_frame(parts: Sequence[Part]) -> dict[str, Callable[[], NDArray[Any]]]:
    """Give the functions that read one field of every frame header."""
    read = partial(_read_field, tuple((part.path, part.stride, part.count) for part in parts))
    return {
        **stamp_arrays(partial(read, "acquired")),
        "frame number": partial(read, "index"),
        "flags": partial(read, "flags"),
        "incomplete": partial(read, "incomplete"),
        "temperature": partial(read, "temperature"),
        "start line": partial(read, "start_line"),
        "lines": partial(read, "lines"),
        "trigger": partial(read, "trigger"),
        "auxiliary": partial(read, "auxiliary"),
    }


def _read_field(parts: Sequence[tuple[str, int, int]], field: str) -> NDArray[Any]:
    headers: NDArray[Any] = np.concatenate([_read_headers(*part) for part in parts])
    if field == "incomplete":
        return np.asarray(headers["flags"] & INCOMPLETE, dtype=np.bool_)
    if field == "acquired":
        return moments(headers["seconds"], 1000 * headers["microseconds"].astype(np.int64))
    return np.ascontiguousarray(headers[field])


def _read_headers(path: str, stride: int, count: int) -> NDArray[Any]:
    return read_records(path, FILE_HEADER.itemsize + stride * np.arange(count), FRAME_HEADER)
