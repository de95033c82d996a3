"""Which stored frame each scan position shows, and runs of frames."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from lamella.errors import FrameMissingError
from lamella.geometry.roi import Region

if TYPE_CHECKING:
    from numpy.typing import NDArray

Places: TypeAlias = "range | NDArray[np.int64]"
"""Numbers that rise: a range where each follows the one before it."""

__all__ = ["FrameCounts", "FrameMap", "Places", "Stretch", "as_numbers", "as_range", "consecutive", "limited"]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Frames whose results lie side by side: ``positions[i]`` shows ``frames[i]``, result index ``start + i``.

    A frame of -1 is a missing frame that has to be delivered as zeros.
    """

    start: int
    positions: range | NDArray[np.int64]
    frames: range | NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.frames)

    def cut(self, begin: int, end: int) -> Stretch:
        """Give the part ``[begin, end)``, counted from the beginning of the stretch; consecutive frames as a range."""
        return Stretch(self.start + begin, self.positions[begin:end], as_range(self.frames[begin:end]))

    def pieces(self, depth: int, *, whole_runs: bool = True) -> Iterator[Stretch]:
        """Cut the stretch into pieces of at most ``depth`` frames.

        With ``whole_runs``, no piece reaches over a jump from one run of consecutive frames to the next, if runs are
        long enough: each piece can be read or viewed as one.
        """
        bounds = self._runs(depth) if whole_runs else [0, len(self)]
        for first, last in zip(bounds[:-1], bounds[1:], strict=True):
            for begin in range(first, last, depth):
                yield self.cut(begin, min(begin + depth, last))

    def _runs(self, depth: int) -> list[int]:
        """Give where runs of consecutive frames begin and end; one run for all where they would be short."""
        if isinstance(self.frames, range):
            return [0, len(self)]
        jumps = np.flatnonzero(np.diff(self.frames) != 1) + 1
        if 2 * len(self) < min(depth, len(self)) * (jumps.size + 1):
            return [0, len(self)]
        return [0, *jumps.tolist(), len(self)]


@dataclass(frozen=True, slots=True)
class FrameCounts:
    """How stored frames and scan positions meet; every position and every frame is counted exactly once."""

    frames: int
    positions: int
    shown: int
    skipped_start: int
    ignored_end: int
    missing_start: int
    missing_end: int
    lost: int

    @property
    def missing(self) -> int:
        """The number of scan positions without a frame."""
        return self.missing_start + self.missing_end + self.lost


@dataclass(frozen=True)
class FrameMap:
    """The rule which stored frame a scan position shows: position k shows frame ``sequence[k + sync_offset]``.

    ``sequence`` is every stored frame in file order, unless ``index`` names another order; where it ends, and where
    ``index`` holds -1 (a frame that was lost), the position is *missing*.

    Parameters
    ----------
    n_frames
        Length of the sequence; the number of stored frames if there is no ``index``.
    nav_shape
        Shape of the scan, any rank >= 1.
    sync_offset
        Frames to skip at the start (> 0) or positions to leave empty (< 0).
    index
        Stored frame of each element of the sequence, -1 where it was lost; shape ``(n_frames,)``.
    """

    n_frames: int
    nav_shape: tuple[int, ...]
    sync_offset: int = 0
    index: NDArray[np.int64] | None = None

    @property
    def n_positions(self) -> int:
        """The number of scan positions."""
        return math.prod(self.nav_shape)

    @property
    def visible(self) -> range:
        """The flat positions that lie inside the sequence."""
        first = min(max(-self.sync_offset, 0), self.n_positions)
        return range(first, max(first, min(self.n_frames - self.sync_offset, self.n_positions)))

    @cached_property
    def filled(self) -> range:
        """The flat positions from the first that shows a frame to the last; nothing behind or before them does."""
        inside = self.visible
        if not self._lost:
            return inside
        present = self.shown(inside.start, inside.stop)
        if not present.any():
            return range(inside.start, inside.start)
        first, behind = int(np.argmax(present)), len(present) - int(np.argmax(present[::-1]))
        return range(inside.start + first, inside.start + behind)

    def shown(self, start: int, stop: int) -> NDArray[np.bool_]:
        """Give which of the flat positions ``[start, stop)`` show a frame."""
        mask = np.zeros(stop - start, dtype=np.bool_)
        inside = self.visible
        first, end = max(start, inside.start), min(stop, inside.stop)
        if first < end:
            sequence = self.index
            where, shift = slice(first - start, end - start), self.sync_offset
            mask[where] = True if sequence is None else sequence[first + shift : end + shift] >= 0
        return mask

    def stretches_shown(self) -> list[tuple[int, int]]:
        """Give the stretches ``[start, stop)`` of flat positions that show frames without a gap, in order."""
        inside = self.filled
        if not len(inside):
            return []
        if not self._lost:
            return [(inside.start, inside.stop)]
        begin = inside.start
        return [(begin + start, begin + stop) for start, stop in _runs_of_true(self.shown(begin, inside.stop))]

    @cached_property
    def _lost(self) -> int:
        if self.index is None:
            return 0
        shown = self.visible
        window = self.index[shown.start + self.sync_offset : shown.stop + self.sync_offset]
        return int(np.count_nonzero(window < 0)) if len(shown) else 0

    @property
    def has_lost(self) -> bool:
        """Whether frames are lost between the first and the last one, so that not every position between shows one."""
        return self._lost > 0

    @cached_property
    def counts(self) -> FrameCounts:
        """The numbers of shown, skipped, ignored and missing frames."""
        within = self.visible
        n, p, s = self.n_frames, self.n_positions, self.sync_offset
        missing_start = min(p, max(0, -s))
        skipped_start = min(n, max(0, s))
        return FrameCounts(
            frames=n,
            positions=p,
            shown=len(within) - self._lost,
            skipped_start=skipped_start,
            ignored_end=n - skipped_start - len(within),
            missing_start=missing_start,
            missing_end=p - missing_start - len(within),
            lost=self._lost,
        )

    @cached_property
    def valid_mask(self) -> NDArray[np.bool_]:
        """Where a frame exists; read-only, of shape ``nav_shape``."""
        mask = self.shown(0, self.n_positions)
        mask.setflags(write=False)
        return mask.reshape(self.nav_shape)

    def frame_at(self, position: int) -> int:
        """Give the stored frame of a flat position.

        Raises
        ------
        FrameMissingError
            If the position shows no frame.
        """
        frame = -1
        if position in self.visible:
            step = position + self.sync_offset
            frame = step if self.index is None else int(self.index[step])
        if frame < 0:
            where = tuple(int(i) for i in np.unravel_index(position, self.nav_shape))
            raise FrameMissingError(
                f"scan position {where} shows no stored frame ({self.n_frames} frames, nav_shape {self.nav_shape}, "
                f"sync_offset {self.sync_offset}). Use ds.read(index, fill=0) to get a constant there"
            )
        return frame

    def frames(self, positions: range | NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the stored frame of each flat position, -1 where it is missing."""
        steps = as_numbers(positions) + self.sync_offset
        inside = (steps >= 0) & (steps < self.n_frames)
        if self.index is None:
            return np.where(inside, steps, -1)
        return np.where(inside, self.index[np.clip(steps, 0, max(self.n_frames - 1, 0))], -1)

    def present(self, positions: range | NDArray[np.int64]) -> tuple[Places | None, Places]:
        """Give which of some flat positions show a frame, and these frames.

        Parameters
        ----------
        positions
            Flat positions: consecutive ones as a range.

        Returns
        -------
        places : range, numpy.ndarray or None
            Where they stand in ``positions``; None if all of them show a frame.
        frames : range or numpy.ndarray
            The stored frame of each.
        """
        if isinstance(positions, range) and self.index is None:
            inside, shift = self.visible, self.sync_offset
            first = min(max(positions.start, inside.start), positions.stop)
            end = max(first, min(positions.stop, inside.stop))
            places = range(first - positions.start, end - positions.start)
            return None if len(places) == len(positions) else places, range(first + shift, end + shift)
        frames = self.frames(positions)
        there = frames >= 0
        if there.all():
            return None, frames
        return np.flatnonzero(there), frames[there]

    def stretches(self, region: Region, start: int, stop: int, *, deliver_missing: bool = False) -> Iterator[Stretch]:
        """Give the frames that ``region`` selects of the flat positions ``[start, stop)``.

        Missing positions are left out, or come as frame -1 with ``deliver_missing``. Each stretch is contiguous on
        the compressed scan axis of the results.
        """
        first = region.before(start)
        if region.everything and self.index is None and not deliver_missing:
            shown = self.visible
            begin, end = max(start, shown.start), min(stop, shown.stop)
            if begin < end:
                shift = self.sync_offset
                yield Stretch(begin, range(begin, end), range(begin + shift, end + shift))
            return
        positions = as_numbers(region.positions(start, stop))
        frames = self.frames(positions)
        if deliver_missing:
            if frames.size:
                yield Stretch(first, positions, frames)
            return
        for begin, end in _runs_of_true(frames >= 0):
            yield Stretch(first + begin, positions[begin:end], frames[begin:end])


def _runs_of_true(mask: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(mask, prepend=False, append=False))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def as_numbers(positions: range | NDArray[np.int64]) -> NDArray[np.int64]:
    """Give positions or frames as an array; a range becomes one without a loop over its numbers."""
    if isinstance(positions, range):
        return np.arange(positions.start, positions.stop, positions.step, dtype=np.int64)
    return np.asarray(positions, dtype=np.int64)


def as_range(frames: range | NDArray[np.int64]) -> range | NDArray[np.int64]:
    """Give frames as a range where each follows the one before it, so that they can be read or viewed in one piece.

    Examples
    --------
    >>> as_range(np.array([4, 5, 6])), as_range(np.array([4, 6]))
    (range(4, 7), array([4, 6]))
    """
    if isinstance(frames, range) or not frames.size:
        return frames
    first, length = int(frames[0]), len(frames)
    if first < 0 or int(frames[-1]) != first + length - 1 or (length > 2 and not (np.diff(frames) == 1).all()):
        return frames
    return range(first, first + length)


def consecutive(frames: range | NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Cut frames into runs ``[start, stop)`` of consecutive ones; n missing frames (-1) come as the run ``(-n, 0)``.

    Examples
    --------
    >>> list(consecutive(np.array([4, 5, 6, 2, -1, -1])))
    [(4, 7), (2, 3), (-2, 0)]
    """
    if isinstance(frames, range) and frames.step == 1:
        if frames:
            yield frames.start, frames.stop
        return
    frames = np.asarray(frames, dtype=np.int64)
    if frames.size == 0:
        return
    missing = frames < 0
    goes_on = ((np.diff(frames) == 1) & ~missing[:-1]) | (missing[1:] & missing[:-1])
    bounds = [0, *(np.flatnonzero(~goes_on) + 1).tolist(), frames.size]
    for begin, end in zip(bounds[:-1], bounds[1:], strict=True):
        first, length = int(frames[begin]), end - begin
        yield (first, first + length) if first >= 0 else (-length, 0)


def limited(bounds: NDArray[np.int64], start: int, stop: int, most: int) -> Iterator[tuple[int, int]]:
    """Cut the frames ``[start, stop)`` into stretches of at most ``most`` things, one frame at least.

    Frame i has the things ``[bounds[i], bounds[i + 1])``.

    Examples
    --------
    >>> list(limited(np.array([0, 2, 4, 4, 9, 10]), 0, 5, 4))
    [(0, 3), (3, 4), (4, 5)]
    """
    while start < stop:
        fits = int(np.searchsorted(bounds, bounds[start] + most, side="right")) - 1
        end = min(stop, max(start + 1, fits))
        yield start, end
        start = end
