"""What Dask arrays of data sets cost, and data sets of Dask arrays."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
from cluster_parts import Row, Scan, medians, timed
from cluster_udfs import SIG

import lamella

__all__ = ["array_rows"]

MIB = 1 << 20
WORKERS = 2


def array_rows(folder: Path, rounds: int, mib: int) -> Iterator[Row]:
    """Measure arrays that go out, and one with many tasks that comes in.

    Parameters
    ----------
    folder
        Where the files are made.
    rounds
        Turns of each.
    mib
        Size of the array that is added up [MiB].
    """
    with dask.config.set(scheduler="threads", num_workers=WORKERS):
        try:
            large = Scan.hole(folder, (1 << 40) // (SIG[0] * SIG[1] * 2))
        except OSError as error:
            yield Row("a Dask array of 1 TiB", None, "ms", "<= 2", f"this file system refuses the hole: {error}")
        else:
            yield from _large(large.open(), rounds)
        yield _sum(Scan.hole(folder, mib * MIB // (SIG[0] * SIG[1] * 2)), rounds)

    def many() -> Any:
        return lamella.open(da.zeros((500, 200, 8, 8), chunks=(1, 1, 8, 8)))  # Dask remembers the graph of an array

    seconds = medians({"": lambda: timed(many)}, 3)[""]
    yield Row("opening a Dask array of 100 000 tasks", seconds, "s", "<= 1")


def _large(ds: lamella.DataSet, rounds: int) -> Iterator[Row]:
    array = ds.to_dask()
    turns: dict[str, Callable[[], float]] = {
        "make": lambda: timed(ds.to_dask),
        "frame": lambda: timed(lambda: array[array.shape[0] // 2, 7].compute()),
    }
    found = medians(turns, 4 * rounds)
    tracemalloc.start()
    try:
        ds.to_dask()
        made = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    yield Row("making a Dask array of 1 TiB", 1e3 * found["make"], "ms", "<= 2")
    yield Row("memory for that", made / MIB, "MiB", "<= 1")
    yield Row("one frame of it", 1e3 * found["frame"], "ms", "<= 30")


def _sum(scan: Scan, rounds: int) -> Row:
    """Compare with an array that Dask makes of pieces of the file, in the same chunks."""
    array = scan.open().to_dask()
    size = scan.nav[1] * SIG[0] * SIG[1]

    def piece(block_id: Any = None) -> Any:
        y, x = ((sum(lengths[:i]), lengths[i]) for lengths, i in zip(array.chunks[:2], block_id[:2], strict=True))
        assert x[1] == scan.nav[1]
        found = np.fromfile(scan.path, np.uint16, y[1] * size, offset=2 * y[0] * size)
        return found.reshape(y[1], *scan.nav[1:], *SIG)

    plain: Any = da.map_blocks(piece, chunks=array.chunks, dtype=array.dtype, meta=array._meta)  # type: ignore[no-untyped-call]
    turns = {
        "lamella": lambda: timed(lambda: array.sum().compute()),
        "numpy.fromfile": lambda: timed(lambda: plain.sum().compute()),
    }
    found = medians(turns, rounds)
    told = ", ".join(f"{name}: {1e3 * seconds:.3g} ms" for name, seconds in found.items())
    mib = scan.path.stat().st_size // MIB
    text = f"sum of a Dask array of {mib} MiB, time over that of blocks by numpy.fromfile"
    return Row(text, found["lamella"] / found["numpy.fromfile"], "", "<= 1.05", told)
