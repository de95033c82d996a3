"""One sector: where its blocks lie, and which block counts are missing.

Headers of all blocks would cost a page of reading for each. But the block counter goes up by one from block to block,
so the blocks between two headers are all there if their counts differ by as much as their places. Where they differ by
more, halving the distance leads to the place where blocks were lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lamella.errors import CorruptError, FormatError, TruncatedError
from lamella.reader import Resource
from lamella_k2is.block import BLOCK_NBYTES, BLOCKS, HEADER, SIZES, SIZES_AT, SYNC, BlockFile, place

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Piece", "Sector", "check_sector", "read_sector"]

_FIRST_WITHIN = 64  # blocks in which the first header must be
_MOST_LOOKS = 1 << 17  # headers that are read to find lost blocks
_LARGEST_JUMP = 8  # times the blocks that are there


@dataclass(frozen=True, slots=True)
class Piece:
    """Blocks side by side: the count of the first one, where it begins [bytes], and how many there are."""

    count: int
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Sector:
    """The blocks of one sector, in order.

    Parameters
    ----------
    number
        From 1 (left) to 8 (right), as in the file name.
    resource
        The file.
    runs
        Blocks side by side with consecutive counts.
    phase
        Count of the first block of a frame, modulo the blocks of a frame.
    """

    number: int
    resource: Resource
    runs: tuple[Piece, ...]
    phase: int

    @property
    def start(self) -> int:
        """The first block count."""
        return self.runs[0].count

    @property
    def stop(self) -> int:
        """The block count behind the last one."""
        return self.runs[-1].count + self.runs[-1].length

    @property
    def n_blocks(self) -> int:
        """The number of blocks that are there."""
        return sum(run.length for run in self.runs)

    @property
    def gaps(self) -> Iterator[tuple[int, int]]:
        """The block counts ``[start, stop)`` that are missing between the first and the last."""
        for before, after in zip(self.runs[:-1], self.runs[1:], strict=True):
            if before.count + before.length < after.count:
                yield before.count + before.length, after.count

    def pieces(self, start: int, stop: int) -> Iterator[Piece]:
        """Give the blocks with counts ``[start, stop)`` that are there."""
        for run in self.runs[self._run_before(start) :]:
            if run.count >= stop:
                return
            first, end = max(start, run.count), min(stop, run.count + run.length)
            if first < end:
                yield Piece(first, run.offset + (first - run.count) * BLOCK_NBYTES, end - first)

    def _run_before(self, count: int) -> int:
        low, high = 0, len(self.runs)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.runs[middle].count <= count else (low, middle)
        return low


def check_sector(path: Path) -> None:
    """Look for the first block of a sector.

    Raises
    ------
    FormatError
        If there is none.
    """
    resource = _resource(path)
    with BlockFile(resource) as file:
        _first_block(file, resource)


def read_sector(path: Path, number: int) -> Sector:
    """Look for the blocks of a sector.

    Raises
    ------
    FormatError
        If there is no block, or so many were lost that they cannot be told from damage.
    """
    resource = _resource(path)
    with BlockFile(resource) as file:
        origin = _first_block(file, resource)
        length = (resource.size - origin) // BLOCK_NBYTES
        runs = _runs(_Levels(file, resource, origin), origin, length)
        longest = max(runs, key=lambda run: run.length)
        phases = {_phase(file, longest, where) for where in (0, longest.length - 1)}
    if len(phases) > 1:
        raise CorruptError("blocks do not follow each other as they should within a frame", path=path)
    return Sector(number, resource, runs, phases.pop())


def _resource(path: Path) -> Resource:
    resource = Resource.of(path)
    if resource.size < BLOCK_NBYTES:
        raise TruncatedError(
            "the file holds no complete block",
            path=path,
            expected=f"at least {BLOCK_NBYTES} bytes",
            found=f"{resource.size} bytes",
        )
    return resource


def _first_block(file: BlockFile, resource: Resource) -> int:
    """Give where the first block begins; the file may begin within one."""
    for start in range(0, min(resource.size, _FIRST_WITHIN * BLOCK_NBYTES), BLOCK_NBYTES):
        if file.header(start) is not None:
            return start
        window = file.read(start, BLOCK_NBYTES + HEADER.itemsize)
        at = window.find(SYNC)
        while at >= 0:
            # The word may occur among pixels, but not in a header that is right in every field.
            if window.startswith(SIZES, at + SIZES_AT) and file.header(start + at) is not None:
                return start + at
            at = window.find(SYNC, at + 1)
    raise FormatError(
        "there is no block header",
        path=resource.path,
        expected=f"bytes {SYNC.hex(' ').upper()} in steps of {BLOCK_NBYTES} bytes",
        found=f"none in the first {min(resource.size, _FIRST_WITHIN * BLOCK_NBYTES)} bytes",
    )


class _Levels:
    """By how much the count of a block exceeds its place in the file; None where there is no header."""

    def __init__(self, file: BlockFile, resource: Resource, origin: int) -> None:
        self._file = file
        self._resource = resource
        self._origin = origin
        self._known: dict[int, int | None] = {}

    def __call__(self, i: int) -> int | None:
        if i not in self._known:
            if len(self._known) > _MOST_LOOKS:
                raise CorruptError(
                    "the block counter jumps all the time", path=self._resource.path, expected="steps of one"
                )
            header = self._file.header(self._origin + i * BLOCK_NBYTES)
            self._known[i] = None if header is None else int(header["count"]) - i
        return self._known[i]


def _runs(level: _Levels, origin: int, length: int) -> tuple[Piece, ...]:
    bounds = [0, *_changes(level, length), length]
    found = [
        (start, stop, excess)
        for start, stop in zip(bounds[:-1], bounds[1:], strict=True)
        if (excess := level(start)) is not None
    ]
    starts, stops, levels = (np.array(column, dtype=np.int64) for column in zip(*found, strict=True))
    return tuple(
        Piece(int(starts[i] + levels[i]), origin + int(starts[i]) * BLOCK_NBYTES, int(stops[i] - starts[i]))
        for i in _consistent(starts + levels, stops + levels)
    )


def _changes(level: Callable[[int], int | None], length: int) -> list[int]:
    """Give the places where the level changes, taking it for constant between two places where it is the same."""
    changes, todo = [], [(0, length - 1)]
    while todo:
        low, high = todo.pop()
        if level(low) == level(high):
            continue
        if high - low == 1:
            changes.append(high)
            continue
        middle = (low + high) // 2
        todo += [(low, middle), (middle, high)]
    return sorted(changes)


def _consistent(starts: NDArray[np.int64], stops: NDArray[np.int64]) -> list[int]:
    """Give the runs that together hold most blocks, with counts that go up; the others are damaged headers.

    Blocks can be lost between two runs, but not many times more than there are.
    """
    lengths = stops - starts
    largest = _LARGEST_JUMP * int(lengths.sum())
    best, before = lengths.copy(), np.full(lengths.size, -1, dtype=np.int64)
    for i in range(1, lengths.size):
        step = starts[i] - stops[:i]
        weights = np.where((step >= 0) & (step <= largest), best[:i], 0)
        j = int(weights.argmax())
        if weights[j]:
            best[i] += weights[j]
            before[i] = j
    chain, i = [], int(best.argmax())
    while i >= 0:
        chain.append(i)
        i = int(before[i])
    return chain[::-1]


def _phase(file: BlockFile, run: Piece, where: int) -> int:
    header = file.header(run.offset + where * BLOCK_NBYTES)
    if header is None:
        raise CorruptError("a block header vanished while it was read")
    return (run.count + where - place(header)) % BLOCKS
