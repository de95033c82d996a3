"""h5py's side: the data set read in rows of chunks, and NumPy."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterator
from typing import Any

import array_jobs
import h5py
import numpy as np
from serve import Impossible, Job, serve

if importlib.util.find_spec("hdf5plugin"):
    import hdf5plugin  # noqa: F401

_ROWS = 32 << 20


def main() -> None:
    """Serve."""

    def prepare(file: dict[str, Any], job: str, state: str) -> Job:
        if file["format"] != "hdf5":
            raise Impossible("it is not an HDF5 file")
        if job not in ("sum", "sumsig", "com", "rings") and not job.startswith("mask"):
            raise Impossible(f"no h5py version of {job}")
        return lambda number: _run(job, file)

    serve(prepare, lambda: None, versions=("h5py", "numpy"))


def _run(job: str, file: dict[str, Any]) -> Any:
    nav, sig = tuple(file["nav_shape"]), tuple(file["sig_shape"])
    if job == "sum":
        return {"sum": sum(block.sum(axis=0, dtype=np.uint64) for block in _blocks(file)).reshape(sig)}
    if job == "sumsig":
        return {"sumsig": np.concatenate([block.sum(axis=1, dtype=np.uint64) for block in _blocks(file)])}
    columns = array_jobs.columns(job, sig)
    weighed = np.concatenate([block.astype(np.float32) @ columns for block in _blocks(file)])
    return array_jobs.named(job, weighed.reshape(math.prod(nav), -1))


def _blocks(file: dict[str, Any]) -> Iterator[np.ndarray[Any, Any]]:
    """Give some rows of the scan at a time, each frame as a row of pixels."""
    with h5py.File(file["path"], "r") as opened:
        scan = opened["scan"]
        row_nbytes = scan.nbytes // scan.shape[0]
        step = scan.chunks[0] if scan.chunks else 1
        rows = max(step, _ROWS // row_nbytes // step * step)
        room = np.empty((rows, *scan.shape[1:]), scan.dtype)
        for start in range(0, scan.shape[0], rows):
            stop = min(scan.shape[0], start + rows)
            scan.read_direct(room, np.s_[start:stop], np.s_[: stop - start])
            yield room[: stop - start].reshape(-1, math.prod(scan.shape[2:]))


if __name__ == "__main__":
    main()
