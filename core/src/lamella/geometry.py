"""Where frames and pixels sit: shapes, detector boxes, selected regions, and the frame that a position shows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from lamella.errors import FrameMissingError, ParameterError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "FrameCounts",
    "FrameMap",
    "Region",
    "Shape",
    "SigBox",
    "Stretch",
    "as_range",
    "consecutive",
    "limited",
    "region_of",
    "scan_shapes",
    "split_shape",
]


class Shape(tuple[int, ...]):
    """The shape of a data set: scan axes first, detector axes last; a tuple that knows where it is cut.

    Examples
    --------
    >>> shape = Shape((128, 64), (256, 256))
    >>> shape.nav, shape.sig.size, shape == (128, 64, 256, 256)
    (Shape(nav=(128, 64), sig=()), 65536, True)
    """

    _sig_dims: int

    def __new__(cls, nav: Sequence[int], sig: Sequence[int] = ()) -> Self:
        """Join ``nav`` and ``sig``."""
        shape = super().__new__(cls, (*map(int, nav), *map(int, sig)))
        shape._sig_dims = len(sig)
        return shape

    @cached_property
    def nav(self) -> Shape:
        """The scan axes."""
        return Shape(self[: len(self) - self._sig_dims])

    @cached_property
    def sig(self) -> Shape:
        """The detector axes."""
        return Shape((), self[len(self) - self._sig_dims :])

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self)

    @property
    def dims(self) -> int:
        """The number of axes."""
        return len(self)

    def to_tuple(self) -> tuple[int, ...]:
        """Give the plain tuple."""
        return tuple(self)

    def __repr__(self) -> str:
        return f"Shape(nav={tuple(self[: len(self) - self._sig_dims])}, sig={tuple(self.sig.to_tuple())})"

    def __getnewargs__(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        cut = len(self) - self._sig_dims
        return tuple(self[:cut]), tuple(self[cut:])


@dataclass(frozen=True, slots=True)
class SigBox:
    """A box on the detector: its first pixel and its shape, one number per detector axis."""

    origin: tuple[int, ...]
    shape: tuple[int, ...]

    @classmethod
    def full(cls, sig_shape: Sequence[int]) -> SigBox:
        """Give the box that holds the whole detector."""
        return cls((0,) * len(sig_shape), tuple(sig_shape))

    @property
    def slices(self) -> tuple[slice, ...]:
        """The box as an index into a frame."""
        return tuple(slice(o, o + n) for o, n in zip(self.origin, self.shape, strict=True))

    @property
    def size(self) -> int:
        """The number of pixels."""
        return math.prod(self.shape)

    def covers(self, sig_shape: Sequence[int]) -> bool:
        """Whether the box holds the whole of a detector of ``sig_shape``."""
        return self.shape == tuple(sig_shape)


class Region:
    """The scan positions that a computation is asked for: all of them, or those where a mask is true.

    Results along the scan are *compressed*: the i-th result belongs to the i-th selected position in C order.
    """

    _BLOCK = 1 << 16

    def __init__(self, nav_shape: Sequence[int], mask: NDArray[np.bool_] | None = None) -> None:
        self.nav_shape = tuple(nav_shape)
        self.n_positions = math.prod(self.nav_shape)
        self.mask = None if mask is None else np.ascontiguousarray(mask).reshape(-1)

    @property
    def everything(self) -> bool:
        """Whether no mask was given."""
        return self.mask is None

    @cached_property
    def size(self) -> int:
        """The number of selected positions."""
        return self.n_positions if self.mask is None else int(np.count_nonzero(self.mask))

    @cached_property
    def _counts(self) -> NDArray[np.int64]:
        assert self.mask is not None
        starts = np.arange(0, self.mask.size, self._BLOCK)
        counts = np.add.reduceat(self.mask, starts, dtype=np.int64) if starts.size else np.zeros(0, np.int64)
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])

    def before(self, position: int) -> int:
        """Count the selected positions before the flat ``position``."""
        if self.mask is None:
            return position
        if position in (0, self.n_positions):
            return self.size if position else 0
        block = position // self._BLOCK
        return int(self._counts[block]) + int(np.count_nonzero(self.mask[block * self._BLOCK : position]))

    def positions(self, start: int, stop: int) -> range | NDArray[np.int64]:
        """Give the selected flat positions in ``[start, stop)``."""
        if self.mask is None:
            return range(start, stop)
        return np.flatnonzero(self.mask[start:stop]).astype(np.int64) + start


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
    def _lost(self) -> int:
        if self.index is None:
            return 0
        shown = self.visible
        window = self.index[shown.start + self.sync_offset : shown.stop + self.sync_offset]
        return int(np.count_nonzero(window < 0)) if len(shown) else 0

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
        mask = np.zeros(self.n_positions, dtype=np.bool_)
        within = self.visible
        if self.index is None:
            mask[within.start : within.stop] = True
        elif len(within):
            shift = self.sync_offset
            mask[within.start : within.stop] = self.index[within.start + shift : within.stop + shift] >= 0
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
        steps = np.asarray(positions, dtype=np.int64) + self.sync_offset
        inside = (steps >= 0) & (steps < self.n_frames)
        if self.index is None:
            return np.where(inside, steps, -1)
        return np.where(inside, self.index[np.clip(steps, 0, max(self.n_frames - 1, 0))], -1)

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
        positions = np.asarray(region.positions(start, stop), dtype=np.int64)
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


def scan_shapes(n_frames: int, *, most: int = 3) -> tuple[tuple[int, int], ...]:
    """Give the squarest two-dimensional scans that hold exactly ``n_frames``, none longer than four times its width.

    Examples
    --------
    >>> scan_shapes(120)
    ((10, 12), (8, 15), (6, 20))
    """
    found: list[tuple[int, int]] = []
    for height in range(math.isqrt(n_frames), 0, -1):
        if len(found) == most or n_frames > 4 * height * height:
            break
        if n_frames % height == 0:
            found.append((height, n_frames // height))
    return tuple(found)


def split_shape(
    shape: Sequence[int], sig_dims: int, sig_shape: Sequence[int] | None = None
) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Cut the shape of an array into the shapes of scan and detector; the scan of a single frame is ``(1,)``.

    Parameters
    ----------
    shape
        Shape of the array, detector axes last.
    sig_dims
        Number of detector axes, unless another number is needed for ``sig_shape``.
    sig_shape
        Shape in which frames are wanted; only its size matters here.

    Returns
    -------
    tuple or None
        Shapes of scan and detector as stored; None if no cut gives such frames.

    Examples
    --------
    >>> split_shape((8, 9, 256, 256), 2)
    ((8, 9), (256, 256))
    >>> split_shape((72, 65536), 2, (256, 256))
    ((72,), (65536,))
    """
    shape = tuple(shape)
    choices = [sig_dims] if sig_shape is None else [sig_dims, *range(1, len(shape) + 1)]
    for dims in choices:
        nav, sig = shape[: max(0, len(shape) - dims)], shape[max(0, len(shape) - dims) :]
        if len(sig) == dims and (sig_shape is None or math.prod(sig) == math.prod(sig_shape)):
            return nav or (1,), sig
    return None


def region_of(roi: object, nav_shape: Sequence[int]) -> Region:
    """Turn any form of a region of interest into a `Region`.

    Parameters
    ----------
    roi
        ``None``; a boolean array of shape ``nav_shape`` (NumPy, SciPy sparse or pydata/sparse); one scan position as
        a tuple; or a list of ``(position, bool)`` pairs, all true (exactly these) or all false (all but these).
    nav_shape
        Shape of the scan.

    Raises
    ------
    ParameterError
        If the shape does not fit, a position lies outside, or the pairs are mixed.
    """
    nav_shape = tuple(nav_shape)
    if roi is None or isinstance(roi, Region):
        return Region(nav_shape) if roi is None else roi
    if isinstance(roi, tuple) and all(isinstance(i, (int, np.integer)) for i in roi):
        return Region(nav_shape, _mask_of_positions([roi], True, nav_shape))
    if isinstance(roi, (list, tuple)) and roi and all(_is_pair(item) for item in roi):
        flags = {bool(flag) for _, flag in roi}
        if len(flags) > 1:
            raise ParameterError("roi lists positions with True and with False; use one of the two", subject="roi")
        return Region(nav_shape, _mask_of_positions([where for where, _ in roi], flags.pop(), nav_shape))
    mask = _dense(roi)
    if mask.shape != nav_shape:
        raise ParameterError(f"roi has shape {mask.shape}, the scan has {nav_shape}", subject="roi")
    if mask.dtype != np.bool_:
        mask = mask.astype(np.bool_)
    return Region(nav_shape, mask)


def _is_pair(item: object) -> bool:
    return (
        isinstance(item, (list, tuple))
        and len(item) == 2
        and isinstance(item[0], (list, tuple))
        and isinstance(item[1], (bool, np.bool_))
    )


def _mask_of_positions(positions: Sequence[Any], flag: bool, nav_shape: tuple[int, ...]) -> NDArray[np.bool_]:
    mask = np.full(nav_shape, not flag, dtype=np.bool_)
    for position in positions:
        where = tuple(int(i) for i in position)
        if len(where) != len(nav_shape):
            raise ParameterError(f"position {where} needs {len(nav_shape)} numbers", subject="roi")
        if not all(-n <= i < n for i, n in zip(where, nav_shape, strict=True)):
            raise ParameterError(f"position {where} lies outside the scan of {nav_shape}", subject="roi")
        mask[where] = flag
    return mask


def _dense(roi: Any) -> NDArray[Any]:
    for method in ("toarray", "todense"):
        if hasattr(roi, method):
            return np.asarray(getattr(roi, method)())
    return np.asarray(roi)
