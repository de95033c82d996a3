"""Where a scan is cut into partitions."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.geometry.frames import FrameMap
    from lamella.reader.source import FrameSource, LinearSource

__all__ = ["PARTITION_BYTES", "partition_bounds"]

PARTITION_BYTES = 64 << 20
"""Largest partition [stored bytes]: small enough to balance the load and to be done again after a failure."""
_SMALLEST_PARTITION = 4 << 20
_MOST_WITH_ZEROS = 1 << 14
"""Number of partitions that zeros in place of frames may lead to."""


def partition_bounds(
    frame_map: FrameMap,
    source: LinearSource | FrameSource,
    nbytes: int,
    count: int | None,
    workers: int,
    *,
    everything: bool = False,
) -> list[tuple[int, int]]:
    """Give the flat scan positions ``[start, stop)`` of each partition, in the order of the scan.

    Every position that shows a frame lies in exactly one. A partition begins and ends with such a position: stretches
    without frames before the first, behind the last and between two partitions belong to none. Partitions cost about
    the same, and begin with a block of frames where frames are stored in blocks.

    Parameters
    ----------
    frame_map, source
        Which stored frame each position shows, and what frames cost and how many are stored together.
    nbytes
        Size of the frames that are shown [bytes].
    count
        Number of partitions; chosen from the size and the number of ``workers`` if None. Fewer where there are fewer
        blocks or frames.
    workers
        How many will run at a time.
    everything
        Whether positions without a frame are computed with as well, so that all positions lie in a partition.
    """
    covered = range(frame_map.n_positions) if everything else frame_map.filled
    costs: NDArray[np.int64] | None = getattr(source, "costs", None)
    if count is None:
        count = _default_count(nbytes if costs is None else int(costs[-1] - costs[0]), workers)
        if everything and len(covered) > len(frame_map.filled):
            count = min(count, _MOST_WITH_ZEROS)
    count = max(1, min(count, len(covered)))
    if frame_map.index is not None:
        return _even(covered, count) if everything or not frame_map.has_lost else _by_frames(frame_map, count)
    if costs is not None:
        bounds = _balanced(costs, count, covered, frame_map.sync_offset)
    else:
        bounds = np.linspace(covered.start, covered.stop, count + 1).astype(np.int64)
    if source.hints.frame_bounds is not None:
        bounds = _on_bounds(bounds, source.hints.frame_bounds, covered, frame_map.sync_offset)
    elif source.hints.frame_block > 1:
        bounds = _on_blocks(bounds, source.hints.frame_block, covered, frame_map.sync_offset)
    return list(itertools.pairwise(bounds.tolist()))


def _even(covered: range, count: int) -> list[tuple[int, int]]:
    return list(itertools.pairwise(np.linspace(covered.start, covered.stop, count + 1).astype(np.int64).tolist()))


def _by_frames(frame_map: FrameMap, count: int) -> list[tuple[int, int]]:
    """Give partitions of as many frames, where some are lost in between."""
    begin, stop = frame_map.filled.start, frame_map.filled.stop
    places = np.flatnonzero(frame_map.shown(begin, stop)) + begin
    edges = np.linspace(0, len(places), min(count, len(places)) + 1).astype(np.int64)
    return list(zip(places[edges[:-1]].tolist(), (places[edges[1:] - 1] + 1).tolist(), strict=True))


def _default_count(nbytes: int, workers: int) -> int:
    largest = -(-nbytes // PARTITION_BYTES)
    balanced = min(4 * workers, max(workers, nbytes // _SMALLEST_PARTITION))
    return max(largest, balanced)


def _balanced(costs: NDArray[np.int64], count: int, covered: range, sync_offset: int) -> NDArray[np.int64]:
    """Give bounds between which frames cost about the same."""
    last = len(costs) - 1
    low, high = (int(costs[min(max(place + sync_offset, 0), last)]) for place in (covered.start, covered.stop))
    inner = np.searchsorted(costs, np.linspace(low, high, count + 1)[1:-1]) - sync_offset
    return _bounded(inner, covered)


def _on_blocks(bounds: NDArray[np.int64], block: int, covered: range, sync_offset: int) -> NDArray[np.int64]:
    """Move bounds down to where a block of stored frames begins; position ``p`` shows frame ``p + sync_offset``."""
    return _bounded((bounds[1:-1] + sync_offset) // block * block - sync_offset, covered)


def _on_bounds(bounds: NDArray[np.int64], blocks: Sequence[int], covered: range, sync_offset: int) -> NDArray[np.int64]:
    """Move bounds down to where one of blocks of different lengths begins."""
    starts = np.asarray(blocks, dtype=np.int64)
    before = np.searchsorted(starts, bounds[1:-1] + sync_offset, side="right") - 1
    return _bounded(starts[np.maximum(before, 0)] - sync_offset, covered)


def _bounded(inner: NDArray[np.int64], covered: range) -> NDArray[np.int64]:
    clipped = np.clip(inner, covered.start, covered.stop)
    return np.unique(np.concatenate([[covered.start], clipped, [covered.stop]])).astype(np.int64)
