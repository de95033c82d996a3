"""The files of an acquisition: ``<prefix>.hdr`` and ``<prefix><digits>.mib``, each with one frame or many."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lamella.detect import Probe
from lamella.errors import CorruptError, FormatError, TruncatedError
from lamella.source import Resource
from lamella_mib.header import MAGIC, FrameHeader, parse_header, sequence_number

__all__ = ["Gap", "Part", "Records", "Series", "listed", "part_names", "read_at", "read_series", "sidecar_name"]

_DIGITS = re.compile(r"\d*$", re.ASCII)
_MANY = 256  # parts from which on it pays to look at several at a time
_SHOWN = 5  # names and ranges in a note
_MOST_GAPS = 1000


@dataclass(frozen=True, slots=True)
class Records:
    """What all parts have in common: the header of frames, and how far apart frames are [bytes]."""

    header: FrameHeader
    stride: int


@dataclass(frozen=True, slots=True)
class Part:
    """A file with at least one complete frame.

    ``first`` and ``last`` are the sequence numbers of its first and last frame, ``rest`` the bytes after that.
    """

    resource: Resource
    number: int
    first: int
    last: int
    n_frames: int
    rest: int

    @property
    def name(self) -> str:
        """The file name."""
        return Path(self.resource.path).name


@dataclass(frozen=True, slots=True)
class Gap:
    """Frames that are not there, before the stored frame ``before``, and the first of their sequence numbers."""

    before: int
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class Series:
    """The parts in the order of their frames, gaps between frames, and what a user should know about both."""

    parts: tuple[Part, ...]
    gaps: tuple[Gap, ...]
    notes: tuple[str, ...]

    @property
    def n_frames(self) -> int:
        """The number of stored frames."""
        return sum(part.n_frames for part in self.parts)

    def cropped(self, n_frames: int) -> Series:
        """Give the series as if it ended after so many frames."""
        parts, left = [], n_frames
        for part in self.parts:
            if left > 0:
                parts.append(replace(part, n_frames=min(left, part.n_frames)))
            left -= part.n_frames
        return replace(self, parts=tuple(parts))


def sidecar_name(probe: Probe) -> str | None:
    """Give the name of the ``.hdr`` file that belongs to a ``.mib`` file: the one that shares most of its name."""
    present = {Path(name).stem: name for name in probe.siblings if name.lower().endswith(".hdr")}
    stem = probe.stem
    candidates = (present.get(stem[:length]) for length in range(len(stem), len(_prefix(stem)) - 1, -1))
    return next((name for name in candidates if name is not None), None)


def part_names(probe: Probe, sidecar: str | None) -> list[str]:
    """Give the names of all parts, in the order of the digits at their end.

    A part is called like the sidecar with nothing but digits after that. Without a sidecar the digits at the end of
    the named part are taken for its number. A file with another extension stands alone.
    """
    assert probe.path is not None
    if probe.suffix not in ("mib", "hdr"):
        return [probe.path.name]
    prefix = _prefix(probe.stem) if sidecar is None else Path(sidecar).stem
    pattern = re.compile(re.escape(prefix) + r"[0-9]*\.(?i:mib)")
    found = [name for name in probe.siblings if pattern.fullmatch(name)]
    return sorted(found, key=lambda name: (_number(name), name))


def _prefix(stem: str) -> str:
    return stem[: _DIGITS.search(stem).start()]  # type: ignore[union-attr]


def _number(name: str) -> int:
    digits = Path(name).stem[len(_prefix(Path(name).stem)) :]
    return int(digits) if 0 < len(digits) <= 18 else -1


def read_at(path: str | Path, *places: tuple[int, int]) -> list[bytes]:
    """Read bytes at some places ``(offset, size)`` of a file; fewer where it ends.

    Raises
    ------
    FormatError
        If it cannot be read.
    """
    try:
        with Path(path).open("rb", buffering=0) as file:
            found = []
            for offset, size in places:
                file.seek(offset)
                found.append(file.read(size) or b"")
            return found
    except OSError as error:
        raise FormatError(f"the file cannot be read ({error.strerror})", path=path) from error


def read_series(probe: Probe, names: Sequence[str], records: Records) -> Series:
    """Look at all parts and bring them into order.

    Raises
    ------
    FormatError
        If a part is no MIB file, or none holds a complete frame.
    """
    notes: list[str] = []
    looked = _look_at_all(probe, names, records)
    empty = [name for name, size, _ in looked if size == 0]
    if empty:
        notes.append(f"empty parts are left out: {listed(empty)}")
    others = [f"{name} ({difference})" for name, _, difference in looked if isinstance(difference, str)]
    if others:
        notes.append(f"neighbours of another kind are left out: {listed(others)}")
    parts = [part for _, _, part in looked if isinstance(part, Part)]
    notes += [_rest_note(part, records) for part in parts if part.rest]
    complete, sequence_notes = _in_order([part for part in parts if part.n_frames])
    if not complete:
        raise TruncatedError("there is no complete frame", path=probe.path, found=listed(names))
    gaps = [] if sequence_notes else _find_gaps(complete, records.stride)
    return Series(tuple(complete), tuple(gaps), (*notes, *sequence_notes))


def _look_at_all(probe: Probe, names: Sequence[str], records: Records) -> list[tuple[str, int, Part | str | None]]:
    def look(name: str) -> tuple[str, int, Part | str | None]:
        return _look(probe, name, records)

    if len(names) < _MANY:
        return [look(name) for name in names]
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(look, names, chunksize=64))


def _look(probe: Probe, name: str, records: Records) -> tuple[str, int, Part | str | None]:
    """Give name and size of a file, and the part it is, or how it differs from the others."""
    assert probe.path is not None
    path = str(probe.path.parent / name)
    try:
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            if probe.sibling(name) is None:
                return name, -1, "a link that leads elsewhere"
            status = os.stat(path)
    except OSError as error:
        raise FormatError(f"the part cannot be read ({error.strerror})", path=path) from error
    if not stat.S_ISREG(status.st_mode):
        return name, -1, "no regular file"
    if status.st_size == 0:
        return name, 0, None
    return name, status.st_size, _part(path, _number(name), status, records)


def _part(path: str, number: int, status: os.stat_result, records: Records) -> Part | str:
    size, stride = status.st_size, records.stride
    count = size // stride
    record, last = read_at(path, (0, records.header.header_size), (max(0, count - 1) * stride, 32))
    if not record.startswith(MAGIC[:size]):
        raise CorruptError(
            "a part of the series is no MIB file",
            path=path,
            expected=repr(MAGIC),
            found=repr(record[:4]),
            remedy="Move it elsewhere, or give only_this_file=True to read the named part alone",
        )
    resource = Resource(path, size, status.st_mtime_ns)
    if size < records.header.header_size:
        return Part(resource, number, 0, 0, 0, size)
    header = parse_header(record, path, size)
    for field, wanted in records.header.kind.items():
        if header.kind[field] != wanted:
            return f"{field} {header.kind[field]}, not {wanted}"
    if count > 1 and not last.startswith(MAGIC):
        count = _count_records(path, stride, count)
        [last] = read_at(path, ((count - 1) * stride, 32))
    sequence = sequence_number(last)
    return Part(
        resource=resource,
        number=number,
        first=header.sequence,
        last=header.sequence if sequence is None else sequence,
        n_frames=count,
        rest=size - count * stride,
    )


def _count_records(path: str, stride: int, count: int) -> int:
    """Give the number of records of a part that ends with something else, for instance with space set aside."""
    good, bad = 1, count
    while bad - good > 1:
        middle = (good + bad) // 2
        [found] = read_at(path, ((middle - 1) * stride, len(MAGIC)))
        good, bad = (middle, bad) if found == MAGIC else (good, middle)
    return good


def _rest_note(part: Part, records: Records) -> str:
    if part.rest < records.stride:
        found = f"the last frame of {part.name} is incomplete (has {part.rest} of {records.stride} bytes)"
        return f"{found}; reading {part.n_frames} whole frames"
    return f"{part.name}: {part.rest} bytes after {part.n_frames} frames are no frames and are ignored"


def _in_order(parts: list[Part]) -> tuple[list[Part], tuple[str, ...]]:
    """Sort by sequence numbers if they tell parts apart, else by the number in the name."""
    by_sequence = sorted(parts, key=lambda part: part.first)
    counting = all(part.last - part.first >= part.n_frames - 1 for part in parts)
    if counting and all(before.last < after.first for before, after in zip(by_sequence, by_sequence[1:], strict=False)):
        return by_sequence, ()
    by_number = sorted(parts, key=lambda part: (part.number, part.name))
    if len(parts) == 1:
        return by_number, (f"sequence numbers of {parts[0].name} do not count up; frames are taken as stored",)
    return by_number, (
        "sequence numbers restart or repeat from part to part; parts are in the order of the numbers in their names. "
        "If each is an acquisition of its own, give only_this_file=True",
    )


def _find_gaps(parts: list[Part], stride: int) -> list[Gap]:
    """Find where sequence numbers jump, looking only into parts that lost frames."""
    gaps: list[Gap] = []
    done, expected = 0, 1
    for part in parts:
        if part.first > expected:
            gaps.append(Gap(done, expected, part.first - expected))
        if part.last - part.first > part.n_frames - 1:
            gaps += _gaps_within(part, done, stride, _MOST_GAPS - len(gaps))
        done, expected = done + part.n_frames, part.last + 1
    return gaps


def _gaps_within(part: Part, done: int, stride: int, most: int) -> list[Gap]:
    """Find the gaps of one part by bisection."""
    gaps: list[Gap] = []
    pieces = [(0, part.first, part.n_frames - 1, part.last)]
    while pieces and len(gaps) < most:
        low, low_sequence, high, high_sequence = pieces.pop()
        missing = (high_sequence - low_sequence) - (high - low)
        if missing <= 0:
            continue
        if high - low == 1:
            gaps.append(Gap(done + high, low_sequence + 1, missing))
            continue
        middle = (low + high) // 2
        [found] = read_at(part.resource.path, (middle * stride, 32))
        sequence = sequence_number(found)
        if sequence is not None:
            pieces += [(middle, sequence, high, high_sequence), (low, low_sequence, middle, sequence)]
    return gaps


def listed(items: Iterable[Any]) -> str:
    """Give the first few of many things as text."""
    texts = [str(item) for item in items]
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more
