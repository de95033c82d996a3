"""Errors of user-defined functions, told with the place where they happened."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import LamellaError, UDFError, WorkerLost
from lamella.reader.source import LinearSource
from lamella.system.text import made_printable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.dataset.dataset import DataSet
    from lamella.dataset.partition import Partition
    from lamella.udf.base import UDF

__all__ = ["concerns_program", "exits_told", "guarded", "lost_text", "place_text", "udf_failure"]


def guarded(udf: UDF, method: str, dataset: DataSet, partition: Partition | None, *args: Any) -> Any:
    """Call a method of a UDF; an error says where it happened."""
    try:
        return getattr(udf, method)(*args)
    except LamellaError:
        raise
    except BaseException as error:
        if concerns_program(error):
            raise
        raise udf_failure(udf, method, error, dataset, partition) from error


def concerns_program(error: BaseException) -> bool:
    """Whether what came out of a UDF is not about the UDF, but about the whole program, such as Ctrl-C.

    That can be only where signals are handled: in the main thread of a process that is no worker. There, too, a UDF
    that calls `sys.exit` must not end the program, but the handler of a signal may.
    """
    from lamella.system.spawn import is_child  # seldom needed

    if isinstance(error, Exception) or is_child() or threading.current_thread() is not threading.main_thread():
        return False
    return not isinstance(error, SystemExit) or _is_of_signal(error)


def _is_of_signal(error: BaseException) -> bool:
    """Whether the handler of a signal raised it."""
    handlers = {getattr(signal.getsignal(number), "__code__", None) for number in signal.valid_signals()}
    place = error.__traceback__
    while place is not None:
        if place.tb_frame.f_code in handlers:
            return True
        place = place.tb_next
    return False


@contextmanager
def exits_told(names: str, dataset: DataSet) -> Iterator[None]:
    """Let what UDFs raise while a run is planned be an error, if it would end the program."""
    try:
        yield
    except Exception:
        raise
    except BaseException as error:
        if concerns_program(error):
            raise
        raise UDFError(f"{names} failed in {dataset.name}: {_told(error)}") from error


def udf_failure(
    udf: UDF,
    method: str,
    error: BaseException,
    dataset: DataSet,
    partition: Partition | None = None,
    positions: range | NDArray[np.int64] | None = None,
) -> UDFError:
    """Give the error to raise from ``error``: names the UDF, the data set, the partition, the frames and the file."""
    made_printable(error, breaks=True)
    where = dataset.name if partition is None else _partition_text(dataset, partition)
    if partition is not None and positions is None:
        positions = range(partition.start, partition.stop)
    if positions is not None and len(positions):
        where += f", {_frames_text(dataset, positions)}"
    return UDFError(f"{type(udf).__name__}.{method} failed in {where}: {_told(error)}")


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def place_text(dataset: DataSet, partition: Partition) -> str:
    """Say what a partition is: its number, its frames and the file."""
    positions = range(partition.start, partition.stop)
    return f"{_partition_text(dataset, partition)}, {_frames_text(dataset, positions)}"


def lost_text(error: WorkerLost, what: str, dataset: DataSet, partition: Partition) -> str:
    """Give the text of the error to raise where workers were lost with a partition: names frames and file as well."""
    lost = error.told(f"partition {partition.index}")
    return f"{what} failed in {place_text(dataset, partition)}: {lost}"


def _partition_text(dataset: DataSet, partition: Partition) -> str:
    return f"partition {partition.index} of {dataset.name}"


def _frames_text(dataset: DataSet, positions: range | NDArray[np.int64]) -> str:
    first, last = int(positions[0]), int(positions[-1])
    text = f"scan position {_coordinates(dataset, first)}"
    if last != first:
        text = f"scan positions {_coordinates(dataset, first)} to {_coordinates(dataset, last)}"
    frames = dataset.frame_map.frames(positions)
    frames = frames[frames >= 0]
    if not frames.size:
        return text
    begin, end = int(frames[0]), int(frames[-1])
    stored = f"stored frame {begin}" if begin == end else f"stored frames {begin} to {end}"
    path = _path_of(dataset, begin)
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
