"""What the header of every frame says, as arrays with one entry per stored frame; read when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import FormatError
from lamella.reader import stamp_arrays
from lamella_mib.files import read_at
from lamella_mib.header import FrameHeader, parse_header, start_time
from lamella_mib.parts import Part

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FrameHeaders"]

_SHORT = 128
"""Bytes that hold everything up to the local start time."""
_YEARS = (1678, 2261)
"""The first and the last whole year that 64 bits of nanoseconds can hold."""


@dataclass(frozen=True, slots=True)
class FrameHeaders:
    """The headers of all frames: parts in their order, distance of records and size of a header [bytes]."""

    parts: tuple[Part, ...]
    stride: int
    header_size: int

    @property
    def functions(self) -> dict[str, Callable[[], NDArray[Any]]]:
        """What users can ask for."""
        return {
            **stamp_arrays(self.acquired),
            "exposure": self.exposures,
            "sequence number": self.sequence,
            "counter": self.counters,
        }

    def first(self) -> FrameHeader:
        """Give the header of the first frame."""
        resource = self.parts[0].resource
        [record] = read_at(resource, (0, self.header_size))
        return parse_header(record, resource.path)

    def last_start(self) -> str | None:
        """Give when the exposure of the last frame began, None if its header does not say."""
        part = self.parts[-1]
        [record] = read_at(part.resource, ((part.n_frames - 1) * self.stride, self.header_size))
        try:
            return parse_header(record, part.resource.path).start
        except FormatError:
            return None

    def acquired(self) -> NDArray[np.datetime64]:
        """Give the start of each exposure, UTC if the files say it, else local time."""
        return np.array([_time(header.start if header else None) for header in self._parsed()], dtype="M8[ns]")

    def exposures(self) -> NDArray[np.float64]:
        """Give the exposure of each frame [s]."""
        values = [header.exposure if header else None for header in self._parsed()]
        return np.array([np.nan if value is None else value for value in values])

    def sequence(self) -> NDArray[np.int64]:
        """Give the sequence number of each frame."""
        return np.array([header.sequence if header else -1 for header in self._parsed()], dtype=np.int64)

    def counters(self) -> NDArray[np.int64]:
        """Give the counter that each frame comes from."""
        values = [header.counter if header else None for header in self._parsed()]
        return np.array([-1 if value is None else value for value in values], dtype=np.int64)

    def first_starts(self, start: int, count: int) -> NDArray[np.int64]:
        """Give the local start times [ns] of up to ``count`` frames, as far as they are known."""
        times: list[np.datetime64] = []
        for record in self._records(_SHORT, start, start + count):
            time = _time(start_time(record))
            if np.isnat(time):
                break
            times.append(time)
        return np.array(times, dtype="M8[ns]").astype(np.int64)

    def _parsed(self) -> Iterator[FrameHeader | None]:
        return map(_parse, self._records(self.header_size))

    def _records(self, nbytes: int, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        done = 0
        for part in self.parts:
            first = max(0, start - done)
            end = part.n_frames if stop is None else min(part.n_frames, stop - done)
            if first < end:
                yield from self._records_of(part, first, end, nbytes)
            done += part.n_frames

    def _records_of(self, part: Part, first: int, end: int, nbytes: int) -> Iterator[bytes]:
        with part.resource.reading() as file:
            for i in range(first, end):
                yield file.read(i * self.stride, nbytes)


@lru_cache(maxsize=256)
def _parse(record: bytes) -> FrameHeader | None:
    """Give the header in a record, None if there is none; several values of each frame come from one header."""
    try:
        return parse_header(record, "")
    except FormatError:
        return None


def _time(text: str | None) -> np.datetime64:
    """Give a time, NaT for one that 64 bits of nanoseconds cannot hold."""
    if text is None or not _YEARS[0] <= int(text[:4]) <= _YEARS[1]:
        return np.datetime64("NaT", "ns")
    return np.datetime64(text.removesuffix("Z"), "ns")
