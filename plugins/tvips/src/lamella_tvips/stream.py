"""The parts of a stream: where its frames lie, and what their headers say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import FormatError, TruncatedError
from lamella.reader import Probe, Resource, RunTable, moments, read_records
from lamella_tvips.header import SERIES_HEADER, SeriesHeader, read_series_header

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Stream", "find_stream", "frame_times"]


@dataclass(frozen=True, slots=True)
class Stream:
    """A series header and its parts; ``runs`` says where complete frames lie, headers included, a run per part."""

    header: SeriesHeader
    resources: tuple[Resource, ...]
    runs: RunTable
    notes: tuple[str, ...]

    @property
    def n_frames(self) -> int:
        """The number of complete frames."""
        return self.runs.n_frames

    def headers(self, frames: NDArray[np.int64] | None = None) -> NDArray[Any]:
        """Read the headers of all or of some frames; as many fields as there are."""
        chosen = np.arange(self.n_frames) if frames is None else frames
        found = np.zeros(len(chosen), self.header.frame_header)
        first = 0
        for run in self.runs.runs():
            here = np.flatnonzero((chosen >= first) & (chosen < first + run.count))
            places = run.offset + (chosen[here] - first) * run.stride
            found[here] = read_records(self.resources[run.resource], places, found.dtype)
            first += run.count
        return found

    def field(self, name: str) -> NDArray[Any]:
        """Read one field of all frame headers."""
        return np.ascontiguousarray(self.headers()[name])

    def acquired(self) -> NDArray[np.datetime64]:
        """Read when frames were recorded."""
        headers = self.headers()
        return moments(headers["seconds"], headers["milliseconds"].astype(np.int64) * 1_000_000)


def frame_times(headers: NDArray[Any]) -> NDArray[np.float64]:
    """Give when frames were recorded [s since 1970]."""
    return np.asarray(headers["seconds"] + headers["milliseconds"] / 1000, dtype=np.float64)


def find_stream(probe: Probe, *, trust_parts: bool = False) -> Stream:
    """Find all parts of a stream by any of them.

    Parameters
    ----------
    probe
        Any of the parts.
    trust_parts
        Whether to take parts as complete although frames are missing between them.

    Raises
    ------
    FormatError
        If a part is missing or damaged.
    """
    paths = _parts(probe)
    header = read_series_header(probe if paths[0] == probe.path else Probe.of(paths[0]))
    resources = tuple(Resource.of(path) for path in paths)
    offsets = [SERIES_HEADER.itemsize, *(0 for _ in paths[1:])]
    stream = Stream(header, resources, *RunTable.that_fit(resources, offset=offsets, stride=header.stride))
    for part, path in enumerate(paths[:-1]):
        if not (trust_parts or _is_complete(stream, part)):
            raise TruncatedError(
                "a part of the stream was cut, and it is not the last",
                path=path,
                expected=f"more frames of {header.stride} bytes",
                found=f"{stream.runs.count[part]} frames",
                remedy="Copy it again from where it was recorded; if the camera did lose frames there, give "
                "trust_parts=True",
            )
    return stream


def _is_complete(stream: Stream, part: int) -> bool:
    """Whether a part, which is not the last, ends where the next begins.

    A part that was cut has fewer bytes than the other full ones, and the counter of the frames jumps behind it.
    """
    before = int(stream.runs.first[part + 1])
    others = [one.size for i, one in enumerate(stream.resources[:-1]) if i != part]
    if any(size <= stream.resources[part].size for size in others):
        return True
    around = np.arange(max(0, before - 2), min(before + 2, stream.n_frames))
    steps = np.diff(stream.headers(around)["counter"].astype(np.int64))
    joint = min(before, 2) - 1
    if before == 0 or joint >= len(steps):
        return before > 0
    counts_up = bool((np.delete(steps, joint) == 1).all())
    return not (counts_up and steps[joint] > 1)


def _parts(probe: Probe) -> list[Path]:
    """Give the parts in order; a file whose name has no number is alone."""
    assert probe.path is not None
    name = re.fullmatch(r"(.*_)\d{3}(\.\w+)", probe.path.name)
    if name is None:
        return [probe.path]
    present = [
        found for one in probe.siblings if (found := re.fullmatch(rf"{re.escape(name[1])}(\d{{3}})(\.\w+)", one))
    ]
    numbers = sorted({int(found[1]) for found in present if found[2] == name[2]})
    paths = [probe.sibling(f"{name[1]}{number:03d}{name[2]}") for number in range(numbers[-1] + 1)]
    for number, path in enumerate(paths):
        if path is None:
            raise FormatError(
                f"part {number:03d} of the stream is missing{', which has the header' if number == 0 else ''}",
                path=probe.path,
                expected=f"{name[1]}000{name[2]} to {name[1]}{numbers[-1]:03d}{name[2]} in one folder",
                found=", ".join(f"{one:03d}" for one in numbers),
                remedy="Put all parts into one folder",
            )
    return [path for path in paths if path is not None]
