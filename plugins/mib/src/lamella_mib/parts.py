"""The parts of an acquisition: files with one frame or many, looked at one by one before they are put in order."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lamella.errors import CorruptError, FormatError, TruncatedError
from lamella.reader import Caution, Probe, Resource
from lamella_mib.files import part_number, read_at
from lamella_mib.header import MAGIC, FrameHeader, kind_text, parse_header, sequence_number

__all__ = ["Part", "Records", "find_parts", "listed"]

_MANY = 256  # parts that it pays to look at in a thread of their own
_THREADS = 4
_SHOWN = 5  # names and ranges in a note


@dataclass(frozen=True)
class Records:
    """What all parts have in common: the header of frames, and how far apart frames are [bytes]."""

    header: FrameHeader
    stride: int

    @cached_property
    def kind_text(self) -> bytes:
        """What `lamella_mib.header.kind_text` gives for them."""
        return kind_text(self.header.text.encode("latin-1"))


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


def find_parts(probe: Probe, names: Sequence[str], records: Records) -> tuple[list[Part], list[str]]:
    """Look at all files of a series; give the parts with a complete frame, and notes about the others.

    Raises
    ------
    FormatError
        If a part is no MIB file, or none holds a complete frame.
    """
    notes: list[str] = []
    parts: list[Part] = []
    empty, others = [], []
    for seen in _see_all(probe, names, records):
        found = _judge(seen, records)
        if isinstance(found, Part):
            parts.append(found)
        elif found is None:
            empty.append(seen.name)
        else:
            others.append(f"{seen.name} ({found})")
    if empty:
        notes.append(Caution(f"empty parts are left out: {listed(empty)}"))
    if others:
        notes.append(f"neighbours of another kind are left out: {listed(others)}")
    notes += [Caution(_rest_note(part, records)) for part in parts if part.rest]
    complete = [part for part in parts if part.n_frames]
    if not complete:
        raise TruncatedError("there is no complete frame", path=probe.path, found=listed(names))
    return complete, notes


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was read of a file: its first header, the beginning of its last record; or why it is none of the parts."""

    name: str
    resource: Resource
    record: bytes = b""
    last: bytes = b""
    difference: str | None = None


def _see_all(probe: Probe, names: Sequence[str], records: Records) -> Iterator[_Seen]:
    if len(names) < _MANY:
        yield from (_see(probe, name, records) for name in names)
        return
    from concurrent.futures import ThreadPoolExecutor  # slow to import

    pieces = [names[i : i + _MANY] for i in range(0, len(names), _MANY)]
    with ThreadPoolExecutor(_THREADS) as pool:
        for piece in pool.map(lambda piece: [_see(probe, name, records) for name in piece], pieces):
            yield from piece


def _see(probe: Probe, name: str, records: Records) -> _Seen:
    assert probe.path is not None
    path = os.path.join(probe.path.parent, name)  # noqa: PTH118 - there can be very many
    try:
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            if probe.sibling(name) is None:
                return _Seen(name, Resource(path, -1, 0), difference="a link that leads elsewhere")
            status = os.stat(path)
    except OSError as error:
        raise FormatError(f"the part cannot be read ({error.strerror})", path=path) from error
    resource = Resource.from_status(path, status)
    if not stat.S_ISREG(status.st_mode):
        return _Seen(name, resource, difference="no regular file")
    last_record = max(0, resource.size // records.stride - 1) * records.stride
    record, last = read_at(resource, (0, records.header.header_size), (last_record, 32))
    return _Seen(name, resource, record, last)


def _judge(seen: _Seen, records: Records) -> Part | str | None:
    """Give the part that a file is, how it differs from the others, or None if it is empty."""
    size, stride, path = seen.resource.size, records.stride, seen.resource.path
    if seen.difference is not None or not size:
        return seen.difference
    if not seen.record.startswith(MAGIC[:size]):
        raise CorruptError(
            "a part of the series is not a MIB file",
            path=path,
            expected=repr(MAGIC),
            found=repr(seen.record[:4]),
            remedy="Move it elsewhere, or give only_this_file=True to read the named part alone",
        )
    if size < records.header.header_size:
        return Part(seen.resource, part_number(seen.name), 0, 0, 0, size)
    difference = _difference(seen.record, records, path)
    if difference is not None:
        return difference
    count, last = size // stride, seen.last
    if count > 1 and not last.startswith(MAGIC):
        count = _count_records(seen.resource, stride, count)
        [last] = read_at(seen.resource, ((count - 1) * stride, 32))
    first, final = sequence_number(seen.record), sequence_number(last)
    if first is None:
        raise CorruptError("the sequence number of the first frame is damaged", path=path, found=repr(seen.record[:32]))
    return Part(
        resource=seen.resource,
        number=part_number(seen.name),
        first=first,
        last=first if final is None else final,
        n_frames=count,
        rest=size - count * stride,
    )


def _difference(record: bytes, records: Records, path: str) -> str | None:
    """Say how the frames of a part differ from those of the others; None if they do not."""
    if kind_text(record) == records.kind_text:
        return None
    kind = parse_header(record, path).kind
    for field, wanted in records.header.kind.items():
        if kind[field] != wanted:
            return f"{field} {kind[field]}, not {wanted}"
    return None


def _count_records(resource: Resource, stride: int, count: int) -> int:
    """Give the number of records of a part that ends with something else, for instance with space set aside."""
    good, bad = 1, count
    while bad - good > 1:
        middle = (good + bad) // 2
        [found] = read_at(resource, ((middle - 1) * stride, len(MAGIC)))
        good, bad = (middle, bad) if found == MAGIC else (good, middle)
    return good


def _rest_note(part: Part, records: Records) -> str:
    if part.rest < records.stride:
        found = f"the last frame of {part.name} is incomplete (has {part.rest} of {records.stride} bytes)"
        return f"{found}; reading {part.n_frames} whole frames"
    return f"{part.name}: {part.rest} bytes after {part.n_frames} frames are no frames and are ignored"


def listed(items: Iterable[Any]) -> str:
    """Give the first few of many things as text."""
    texts = [str(item) for item in items]
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more
