"""The order of the frames of all parts, and the frames that are missing between them, from their sequence numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lamella_mib.files import read_at
from lamella_mib.header import sequence_number
from lamella_mib.parts import Part

__all__ = ["Gap", "Series", "put_in_order"]

_MOST_GAPS = 1000


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


def put_in_order(parts: list[Part], stride: int) -> Series:
    """Bring parts into order, and look for frames that are missing."""
    ordered, notes = _in_order(parts)
    return Series(tuple(ordered), () if notes else tuple(_find_gaps(ordered, stride)), notes)


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
        [found] = read_at(part.resource, (middle * stride, 32))
        sequence = sequence_number(found)
        if sequence is not None:
            pieces += [(middle, sequence, high, high_sequence), (low, low_sequence, middle, sequence)]
    return gaps
