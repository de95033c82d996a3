"""Where a scan is cut into partitions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.geometry.frames import FrameMap
    from lamella.reader.source import FrameSource, LinearSource

__all__ = ["PARTITION_BYTES", "partition_bounds"]

PARTITION_BYTES = 64 << 20
"""Largest partition [stored bytes]: small enough to balance the load and to be done again after a failure."""
_SMALLEST_PARTITION = 4 << 20


def partition_bounds(
    frame_map: FrameMap, source: LinearSource | FrameSource, nbytes: int, count: int | None, workers: int
) -> list[int]:
    """Give flat scan positions at which partitions begin, and the number of positions behind the last.

    Partitions cost about the same, and begin at a stored frame with which a block of frames begins, where frames are
    stored in blocks.

    Parameters
    ----------
    frame_map, source
        Which stored frame each position shows, and what frames cost and how many are stored together.
    nbytes
        Size of the data [bytes].
    count
        Number of partitions; chosen from the size and the number of ``workers`` if None. Fewer where there are fewer
        blocks or positions.
    workers
        How many will run at a time.
    """
    positions = frame_map.n_positions
    costs: NDArray[np.int64] | None = getattr(source, "costs", None)
    count = count or _default_count(nbytes if costs is None else int(costs[-1] - costs[0]), workers)
    count = max(1, min(count, positions))
    bounds = np.linspace(0, positions, count + 1).astype(np.int64)
    if frame_map.index is not None:
        return _listed(bounds)
    if costs is not None:
        bounds = _balanced(costs, count, positions, frame_map.sync_offset)
    if source.hints.frame_block > 1:
        bounds = _on_blocks(bounds, source.hints.frame_block, positions, frame_map.sync_offset)
    return _listed(bounds)


def _listed(bounds: NDArray[Any]) -> list[int]:
    return [int(bound) for bound in bounds]


def _default_count(nbytes: int, workers: int) -> int:
    largest = -(-nbytes // PARTITION_BYTES)
    balanced = min(4 * workers, max(workers, nbytes // _SMALLEST_PARTITION))
    return max(largest, balanced)


def _balanced(costs: NDArray[np.int64], count: int, positions: int, sync_offset: int) -> NDArray[np.int64]:
    """Give bounds between which frames cost about the same."""
    last = len(costs) - 1
    low, high = (int(costs[min(max(place + sync_offset, 0), last)]) for place in (0, positions))
    inner = np.searchsorted(costs, np.linspace(low, high, count + 1)[1:-1]) - sync_offset
    return np.unique(np.concatenate([[0], np.clip(inner, 0, positions), [positions]])).astype(np.int64)


def _on_blocks(bounds: NDArray[np.int64], block: int, positions: int, sync_offset: int) -> NDArray[np.int64]:
    """Move bounds down to where a block of stored frames begins; position ``p`` shows frame ``p + sync_offset``."""
    inner = (bounds[1:-1] + sync_offset) // block * block - sync_offset
    return np.unique(np.concatenate([[0], np.clip(inner, 0, positions), [positions]])).astype(np.int64)
