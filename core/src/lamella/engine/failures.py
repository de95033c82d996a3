"""Errors of user-defined functions, told with the place where they happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import LamellaError, UDFError
from lamella.reader.source import LinearSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.dataset.dataset import DataSet
    from lamella.dataset.partition import Partition
    from lamella.udf.base import UDF

__all__ = ["guarded", "udf_failure"]


def guarded(udf: UDF, method: str, dataset: DataSet, partition: Partition | None, *args: Any) -> Any:
    """Call a method of a UDF; an error says where it happened."""
    try:
        return getattr(udf, method)(*args)
    except LamellaError:
        raise
    except Exception as error:
        raise udf_failure(udf, method, error, dataset, partition) from error


def udf_failure(
    udf: UDF,
    method: str,
    error: Exception,
    dataset: DataSet,
    partition: Partition | None = None,
    positions: range | NDArray[np.int64] | None = None,
) -> UDFError:
    """Give the error to raise from ``error``: names the UDF, the data set, the partition, the frames and the file."""
    where = f" in {dataset.name}"
    if partition is not None:
        where = f" in partition {partition.index} of {dataset.name}"
        if positions is None:
            positions = range(partition.start, partition.stop)
    if positions is not None and len(positions):
        where += f", {_frames_text(dataset, positions)}"
    return UDFError(f"{type(udf).__name__}.{method} failed{where}: {type(error).__name__}: {error}")


def _frames_text(dataset: DataSet, positions: range | NDArray[np.int64]) -> str:
    first, last = int(positions[0]), int(positions[-1])
    text = f"scan position {_coordinates(dataset, first)}"
    if last != first:
        text = f"scan positions {_coordinates(dataset, first)} to {_coordinates(dataset, last)}"
    frames = dataset.frame_map.frames(np.asarray([first, last], dtype=np.int64))
    if (frames < 0).any():
        return text
    stored = f"stored frame {frames[0]}" if first == last else f"stored frames {frames[0]} to {frames[1]}"
    path = _path_of(dataset, int(frames[0]))
    return f"{text} ({stored}{f' of {path}' if path else ''})"


def _coordinates(dataset: DataSet, position: int) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(position, dataset.shape.nav))


def _path_of(dataset: DataSet, frame: int) -> str | None:
    source = dataset.source
    if not source.resources:
        return None
    if not isinstance(source, LinearSource):
        return source.resources[0].path
    return source.resources[next(source.runs.segments(frame, frame + 1)).resource].path
