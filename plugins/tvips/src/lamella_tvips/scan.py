"""From what frames say of their scan position to the order in which they are shown."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Scan", "begun_lines", "from_positions", "from_rotator", "wound"]

_EMPTIEST = 4  # scan positions per frame; with more, the numbers are no scan


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """A scan found in a stream.

    Parameters
    ----------
    shape
        Scan shape.
    first
        The stored frame at the first position, if the others follow one by one.
    index
        The stored frame of each position, -1 where there is none; None if they follow one by one.
    origin
        What told.
    """

    shape: tuple[int, ...]
    first: int
    index: NDArray[np.int64] | None
    origin: str

    @property
    def size(self) -> int:
        """The number of scan positions."""
        return math.prod(self.shape)

    @property
    def start(self) -> int:
        """The earliest frame that is shown."""
        return self.first if self.index is None else int(self.index[self.index >= 0].min())

    def sequence(self, n_frames: int) -> NDArray[np.int64]:
        """Give the stored frame of each position, -1 where there is none."""
        if self.index is not None:
            return self.index
        frames = np.arange(self.first, self.first + self.size)
        return np.where(frames < n_frames, frames, -1)


def from_positions(x: NDArray[Any], y: NDArray[Any], *, repeat: str = "first", fill: str = "blank") -> Scan | None:
    """Find the scan in the positions of the frames.

    The scan begins with the last frame at (0, 0) before the first one at (0, 1), because the beam waits there. A line
    ends where x becomes smaller.
    """
    usable = _is_index(x) & _is_index(y)
    start = _first_step((x == 0) & (y == 0), (x == 1) & (y == 0))
    if start is None:
        return None
    columns = np.where(usable, x, -1)[start:].astype(np.int64)
    rows = np.where(usable, y, -1)[start:].astype(np.int64)
    recorded = columns[columns >= 0]
    returns = np.flatnonzero(np.diff(recorded) < 0)
    width = int(recorded[: returns[-1] + 1 if returns.size else None].max()) + 1
    steps = np.where((columns >= 0) & (columns < width), rows * width + columns, -1)
    end = int(np.argmax(steps)) + 1  # frames behind the last position do not belong to the scan
    height = int(steps[end - 1]) // width + 1
    if width * height > _EMPTIEST * end:
        return None
    shape = (height, width) if height > 1 else (width,)
    return _scan(shape, start, steps[:end], len(x), "scan positions", repeat, fill)


def from_rotator(
    rotator: NDArray[Any], shape: tuple[int, ...] | None = None, *, repeat: str = "first", fill: str = "blank"
) -> Scan | None:
    """Find the scan in the rotator indices of the frames, which grow from 1 within the scan.

    The number of points is a square unless ``shape`` says what it is; otherwise the scan has one axis.
    """
    points = rotator.astype(np.int64)
    grows = np.flatnonzero(np.diff(points) > 0)
    if grows.size == 0:
        return None
    start, stop = int(grows[0]), int(grows[-1]) + 1
    start += int(points[start] == 0)
    count = int(points[stop])
    if count > _EMPTIEST * (stop - start + 1):
        return None
    if shape is None or math.prod(shape) != count:
        side = math.isqrt(count)
        shape = (side, side) if side * side == count else (count,)
    steps = points[start : stop + 1] - 1
    return _scan(shape, start, np.where(steps < count, steps, -1), len(points), "rotator index", repeat, fill)


def begun_lines(scan: Scan, n_frames: int) -> Scan:
    """Give a scan without the lines that no frame reaches, however many there are."""
    if scan.index is not None:
        return scan
    height = -(-max(n_frames - scan.first, 1) // scan.shape[1])
    return replace(scan, shape=(min(scan.shape[0], height), scan.shape[1]))


def wound(scan: Scan, axis: str, hysteresis: int, n_frames: int) -> Scan:
    """Give a scan whose beam went back and forth along an axis, with the lines 0, 2, … reversed and rolled."""
    index = scan.sequence(n_frames).reshape(scan.shape).copy()
    lines = index if axis == "x" else index.T
    lines[::2] = np.roll(lines[::2, ::-1], hysteresis, axis=1)
    return replace(scan, index=index.reshape(-1), first=0, origin=f"{scan.origin}, winding along {axis}")


def _is_index(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether numbers are whole and in range; what is no number at all is not."""
    with np.errstate(invalid="ignore"):
        found: NDArray[np.bool_] = (values >= 0) & (values < 1 << 16) & (values == np.round(values))
    return found


def _first_step(origin: NDArray[np.bool_], next_to_it: NDArray[np.bool_]) -> int | None:
    """Give the frame before the first one at the second position that comes after one at the first position."""
    seen = np.logical_or.accumulate(origin)
    found = np.flatnonzero(next_to_it & seen)
    return int(found[0]) - 1 if found.size else None


def _scan(
    shape: tuple[int, ...],
    start: int,
    steps: NDArray[np.int64],
    n_frames: int,
    origin: str,
    repeat: str,
    fill: str,
) -> Scan:
    """Give the scan in which the frame ``start + i`` is at position ``steps[i]``."""
    count = math.prod(shape)
    follow = np.array_equal(steps, np.arange(len(steps)))
    if follow and (len(steps) == count or start + len(steps) == n_frames):
        return Scan(shape, start, None, origin)
    present = np.flatnonzero(steps >= 0)
    first, last = np.full(count, -1), np.full(count, -1)
    first[steps[present][::-1]] = present[::-1] + start
    last[steps[present]] = present + start
    index = first if repeat == "first" else last
    if fill == "nearest":
        before = np.maximum.accumulate(np.where(last >= 0, np.arange(count), 0))
        index = np.where(index >= 0, index, last[before])
    return Scan(shape, 0, index.astype(np.int64), origin)
