"""How much work a run is: into how many pieces it is cut, and whether sharing it out pays at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella.reader.source import LinearSource

if TYPE_CHECKING:
    from lamella.dataset.dataset import DataSet
    from lamella.dataset.partition import Partition
    from lamella.executors.executor import Transport
    from lamella.geometry.roi import Region

__all__ = ["LARGE_RESULT", "check_results", "cut_scan", "is_small", "selected_nbytes"]

LARGE_RESULT = 4 << 20
"""Size from which the results of partitions matter beside the data [bytes]."""
_SMALLEST_PIECE = 4 << 20
_FLAGS = 2
"""What says whether a position was processed [bytes]."""
_WORTH_MERGING = 8
"""How many times the size of its result a partition should at least have."""
_WORTH_COPYING = 2
"""How many times the size of results the data should have, so that every worker has results of its own."""
_WORTH_SENDING = 64
"""The same where results go over a network to the one process that merges them."""
_LARGEST_FOR_SENDING = 1 << 30
"""Size up to which a partition grows for that [bytes]: more is lost with a worker than is saved."""
_WORTH_SHARING = 16 << 20
"""Stored pixels that one worker streams through a kernel while others wake up and find their work [bytes]."""
_DECODING = 3
"""How many times as long pixels take that have to be decoded first."""
_FINDING = 8
"""How many times as long pixels take that only the code of a format can find, and decompress."""


def selected_nbytes(dataset: DataSet, region: Region) -> int:
    """Give the size of the selected frames in native dtype [bytes]."""
    if region.everything:
        return dataset.delivered_nbytes
    covered = range(region.n_positions) if dataset.missing == "zero" else dataset.frame_map.filled
    selected = region.before(covered.stop) - region.before(covered.start)
    return dataset.delivered_nbytes * selected // max(1, len(covered))


def check_results(dataset: DataSet, region: Region, each: int) -> None:
    """Refuse results that need too much memory for scan positions that have no frame.

    Parameters
    ----------
    dataset, region
        What is read.
    each
        Size of all results of one position [bytes]; with 0, only room for flags is needed.

    Raises
    ------
    CorruptError, ParameterError
        If that is more than a quarter of the memory.
    """
    if dataset.missing_count:
        filled = dataset.frame_map.filled
        empty = region.size - (region.before(filled.stop) - region.before(filled.start))
        dataset.check_room(empty * (each + _FLAGS), "results")


def is_small(dataset: DataSet, region: Region, *, as_stored: bool, effort: int) -> bool:
    """Estimate whether a run of compiled kernels is over before other workers have begun.

    Parameters
    ----------
    dataset, region
        What is read.
    as_stored
        Whether kernels take frames as they are stored, so that nothing is decoded.
    effort
        How many times the work of a sum each pixel costs.
    """
    if not isinstance(dataset.source, LinearSource):
        effort *= _FINDING
    elif not as_stored:
        effort *= _DECODING
    return selected_nbytes(dataset, region) * effort <= _WORTH_SHARING


def cut_scan(
    dataset: DataSet, region: Region, workers: int, held: int, *, transport: Transport, small: bool
) -> tuple[Partition, ...]:
    """Cut the scan; into fewer pieces where little is selected, or where results cost as much as computing them.

    Parameters
    ----------
    dataset, region
        What is read.
    workers
        How many work at a time.
    held
        Size of what a piece gives, apart from entries for its own scan positions [bytes].
    transport
        How results reach the process that merges them.
    small
        Whether one worker does everything.
    """
    if small and dataset.num_partitions is None:
        return dataset.partitions(1)
    partitions = dataset.partitions(workers=workers)
    if dataset.num_partitions is not None:
        return partitions
    most = len(partitions)
    if (piece := _worth_a_result(held, transport)) >= _WORTH_MERGING * LARGE_RESULT:
        fewest = workers if dataset.delivered_nbytes >= _WORTH_COPYING * held else 1
        most = min(most, max(fewest, dataset.delivered_nbytes // piece))
    if not region.everything:
        most = min(most, max(workers, selected_nbytes(dataset, region) // _SMALLEST_PIECE))
    return partitions if len(partitions) <= most else dataset.partitions(most)


def _worth_a_result(held: int, transport: Transport) -> int:
    """Give the least size of a partition with results of ``held`` bytes [bytes]."""
    if transport != "network":
        return _WORTH_MERGING * held
    return max(_WORTH_MERGING * held, min(_WORTH_SENDING * held, _LARGEST_FOR_SENDING))
