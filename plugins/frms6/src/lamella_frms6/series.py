"""All parts one after the other: where frames lie, and what their headers say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import CorruptError, TruncatedError
from lamella.reader import RunTable, moments, read_records, stamp_arrays
from lamella_frms6.part import FILE_HEADER, FRAME_HEADER, INCOMPLETE, Part

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Series", "per_frame", "series_of"]


@dataclass(frozen=True, slots=True)
class Series:
    """The signal frames of an acquisition.

    Parameters
    ----------
    runs
        Where their pixels lie.
    notes
        What a user should know about parts that are not as they say.
    """

    runs: RunTable
    notes: tuple[str, ...]


def series_of(parts: Sequence[Part]) -> Series:
    """Join the parts.

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
    total = sum(part.count for part in parts)
    for part in parts[:-1]:
        _check_whole(part)
    if total == 0:
        raise TruncatedError(
            "there is no complete frame",
            path=first.path,
            expected=f"at least {FILE_HEADER.itemsize + first.stride} bytes",
            found=f"{first.resource.size} bytes",
        )
    runs = RunTable(
        list(range(len(parts))),
        [part.first_pixel for part in parts],
        [part.stride for part in parts],
        [part.count for part in parts],
    )
    return Series(runs, tuple(filter(None, map(_note, parts))))


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


def _check_whole(part: Part) -> None:
    """Refuse a part that was cut, unless it is the last one."""
    if part.announced > part.room or (part.rest and not part.announced):
        raise TruncatedError(
            "the part was cut, and frames of the next part would be shown at the wrong positions",
            path=part.path,
            expected=f"{part.announced or 'a whole number of'} frames of {part.stride} bytes",
            found=f"{part.room} frames and {part.rest} bytes",
            remedy="Copy the part again, or move the parts behind it elsewhere",
        )


def _note(part: Part) -> str | None:
    if part.announced > part.room:
        return f"{part.path} was cut: it announces {part.announced} frames and holds {part.room}"
    if part.announced and part.room > part.announced:
        return f"{part.path} holds {part.room} frames, but its header knows of {part.announced}"
    if part.rest and not part.announced:
        return f"{part.path} was cut: {part.rest} bytes behind its last complete frame are ignored"
    return None


def _read_field(parts: Sequence[tuple[str, int, int]], field: str) -> NDArray[Any]:
    headers: NDArray[Any] = np.concatenate([_read_headers(*part) for part in parts])
    if field == "incomplete":
        return np.asarray(headers["flags"] & INCOMPLETE, dtype=np.bool_)
    if field == "acquired":
        return moments(headers["seconds"], 1000 * headers["microseconds"].astype(np.int64))
    return np.ascontiguousarray(headers[field])


def _read_headers(path: str, stride: int, count: int) -> NDArray[Any]:
    return read_records(path, FILE_HEADER.itemsize + stride * np.arange(count), FRAME_HEADER)
