"""Data sets as ``.npy`` files: what NumPy loads or maps, in the shape of the scan and the stored dtype."""

from __future__ import annotations

import errno
import io
import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.dataset.cutting import PARTITION_BYTES
from lamella.dataset.pickling import ReopensDataSet
from lamella.dataset.tiling import LONE_TILE_BYTES, TILE_BYTES, TileWish, negotiate
from lamella.engine.failures import lost_text
from lamella.errors import CancelledRun, LamellaError, WorkerLost
from lamella.export.atomic import written_at_once
from lamella.export.exporter import ExportReport
from lamella.export.placing import PlacedFile, make_file
from lamella.progress import make_progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.dataset.dataset import DataSet
    from lamella.dataset.partition import Partition
    from lamella.dataset.tiling import TilingScheme
    from lamella.executors.executor import Executor
    from lamella.progress import ProgressOption

__all__ = ["NpyExporter"]

_LARGEST_SIDECAR = 64 << 20
_SHORT_HOLE = 64 << 10
"""Bytes between two stretches of frames that are reserved all the same: blocks of file systems are not smaller."""
_MOST_STRETCHES = 4096


@dataclass(frozen=True)
class _Job(ReopensDataSet):
    """What all tasks of an export share."""

    path: str
    data_offset: int
    scheme: TilingScheme
    fill: float
    partitions: tuple[Partition, ...]
    gaps: tuple[tuple[int, int], ...]
    """Stretches of positions between partitions that have to be filled."""


class NpyExporter:
    """Writes the stored values, without corrections.

    Missing frames are filled, and then a file ``NAME.npy.json`` beside the data says which and with what.
    """

    extensions = ("npy",)

    def export(
        self, dataset: DataSet, path: Path, *, executor: Executor, fill: float, progress: ProgressOption
    ) -> ExportReport:
        """Write a data set; partitions are written side by side, each straight to its place in the file."""
        header = _header(dataset)
        partitions = dataset.partitions(workers=executor.workers)
        scheme = negotiate(
            sig_shape=dataset.shape.sig,
            itemsize=dataset.dtype.itemsize,
            n_frames=max(len(partition) for partition in partitions),
            hints=dataset.source.hints,
            wishes=(TileWish("frame"),),
            target=LONE_TILE_BYTES if _as_wanted(dataset) else TILE_BYTES,
        )
        with written_at_once(path) as partial:
            frame_nbytes = _frame_nbytes(dataset)
            used = _stretches(dataset, frame_nbytes) if fill == 0 else None
            try:
                make_file(partial, header, dataset.nbytes, used)
            except OSError as error:
                if (told := _no_room(dataset, error)) is not None:
                    raise told from error
                raise
            gaps = () if fill == 0 else tuple(_gaps(partitions, dataset.shape.nav.size, frame_nbytes))
            job = _Job(dataset, str(partial), len(header), scheme, fill, partitions, gaps)
            total = sum(map(len, partitions)) + sum(stop - start for start, stop in gaps)
            with make_progress(progress, total, f"writing {path.name}") as bar:
                try:
                    for count in executor.run(_write, job, range(len(partitions) + len(gaps))):
                        bar.advance(count)
                except WorkerLost as error:
                    if error.index < len(partitions):
                        text = lost_text(error, f"writing {path}", dataset, partitions[error.index])
                    else:
                        text = f"writing {path} failed: {error.told('the part without frames')}"
                    raise LamellaError(text) from error
            _record(dataset, path, fill)
        if not dataset.missing_count:
            _forget(path)
        return ExportReport(path, len(header) + dataset.nbytes, dataset.missing_count, fill)


def _header(dataset: DataSet) -> bytes:
    stream = io.BytesIO()
    facts: dict[str, Any] = {
        "descr": np.lib.format.dtype_to_descr(dataset.dtype),
        "fortran_order": False,
        "shape": tuple(dataset.shape),
    }
    np.lib.format.write_array_header_2_0(stream, facts)
    return stream.getvalue()


def _as_wanted(dataset: DataSet) -> bool:
    """Whether frames are written from where they are mapped: larger tiles cost the system less."""
    form = dataset.stored_form
    return dataset.backend.zero_copy and form is not None and form.order is None and not form.swapped


def _frame_nbytes(dataset: DataSet) -> int:
    return dataset.shape.sig.size * dataset.dtype.itemsize


def _no_room(dataset: DataSet, error: OSError) -> OSError | None:
    """Give the error for a file that there is no room for; says whether positions without frames are to blame."""
    counts = dataset.frame_map.counts
    if not counts.missing or error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return None
    shape = tuple(dataset.shape.nav)
    why = f"{counts.shown} of {counts.positions} scan positions have a frame; a smaller nav_shape than {shape} helps"
    return OSError(error.errno, f"{error.strerror}: {dataset.nbytes} bytes, {why}")


def _stretches(dataset: DataSet, frame_nbytes: int) -> list[tuple[int, int]]:
    """Give the stretches of the pixels that hold frames [bytes]; short holes between them count as part of them."""
    least = -(-_SHORT_HOLE // frame_nbytes)
    found: list[tuple[int, int]] = []
    for start, stop in dataset.frame_map.stretches_shown():
        if found and start - found[-1][1] < least:
            found[-1] = (found[-1][0], stop)
        else:
            found.append((start, stop))
    if len(found) > _MOST_STRETCHES:  # many small ones: room is given when they are written
        return []
    return [(start * frame_nbytes, stop * frame_nbytes) for start, stop in found]


def _gaps(partitions: Sequence[Partition], size: int, frame_nbytes: int) -> Iterator[tuple[int, int]]:
    """Give the stretches of positions that lie in no partition, in pieces of the size of partitions."""
    step = max(1, PARTITION_BYTES // frame_nbytes)
    starts, stops = [0, *(part.stop for part in partitions)], [*(part.start for part in partitions), size]
    for start, stop in zip(starts, stops, strict=True):
        for begin in range(start, stop, step):
            yield begin, min(begin + step, stop)


def _write(job: _Job, index: int, cancelled: Callable[[], bool]) -> int:
    """Write one partition, or fill a gap; gives the number of its scan positions."""
    dataset = job.dataset
    frame_nbytes = _frame_nbytes(dataset)
    with Path(job.path).open("r+b", buffering=0) as file:
        placed = PlacedFile(file)

        def put(position: int, frames: NDArray[Any]) -> None:
            placed.write(job.data_offset + position * frame_nbytes, frames)

        if index >= len(job.partitions):
            start, stop = job.gaps[index - len(job.partitions)]
            if cancelled():
                raise CancelledRun(f"the export of {dataset.name} was cancelled")
            _fill(put, start, stop, job)
            return stop - start
        partition = job.partitions[index]
        done = partition.start
        tiles = partition.tiles(job.scheme, backend=job.backend)
        for tile in tiles:
            if cancelled():
                raise CancelledRun(f"the export of {dataset.name} was cancelled")
            _fill(put, done, tile.start, job)
            try:
                put(tile.start, tile.data)
            except Exception as error:  # the system does not write from a mapping of a file that was cut
                tiles.throw(error)
                raise
            done = tile.start + len(tile.data)
        _fill(put, done, partition.stop, job)
    return len(partition)


def _fill(put: Callable[[int, NDArray[Any]], None], start: int, stop: int, job: _Job) -> None:
    """Fill positions without a frame; zeros are there already."""
    if start == stop or job.fill == 0:
        return
    depth = min(stop - start, max(1, TILE_BYTES // _frame_nbytes(job.dataset)))
    blank = np.full((depth, *job.dataset.shape.sig), job.fill, dtype=job.dataset.dtype)
    for position in range(start, stop, depth):
        put(position, blank[: stop - position])


def _sidecar(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _record(dataset: DataSet, path: Path, fill: float) -> None:
    """Say which positions were filled, and with what, in a file beside the data."""
    if not dataset.missing_count:
        return
    shown = dataset.frame_map.stretches_shown()
    starts, stops = [0, *(stop for _, stop in shown)], [*(start for start, _ in shown), dataset.shape.nav.size]
    missing = [[start, stop] for start, stop in zip(starts, stops, strict=True) if start < stop]
    facts = {
        "source": dataset.name,
        "format": dataset.format,
        "nav_shape": list(dataset.shape.nav),
        "sync_offset": dataset.frame_map.sync_offset,
        "fill": fill if isinstance(fill, int | float) and math.isfinite(fill) else str(fill),
        "missing": dataset.missing_count,
        "missing_positions": missing,
    }
    with written_at_once(_sidecar(path)) as partial:
        partial.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def _forget(path: Path) -> None:
    """Remove what `_record` said about a file that was replaced."""
    sidecar = _sidecar(path)
    with suppress(OSError, ValueError, RecursionError):
        if sidecar.is_file() and sidecar.stat().st_size <= _LARGEST_SIDECAR:
            facts = json.loads(sidecar.read_bytes())
            if isinstance(facts, dict) and {"fill", "missing_positions"} <= set(facts):
                sidecar.unlink()
