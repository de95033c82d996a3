"""The jobs as dask expressions, on an array that a candidate provides."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import dask
import dask.array as da
import numpy as np
import truth
from array_jobs import columns, named, parts
from serve import Impossible, Job, serve
from udf_jobs import place

BLOCK = 64
"""Frames of a chunk; 8 MiB for frames of 256 x 256 pixels and 16 bit."""


def serve_lazy(load: Callable[[dict[str, Any]], Any], *, versions: tuple[str, ...]) -> None:
    """Serve the jobs of a candidate whose ``load`` gives the frames of a file as a lazy array."""
    workers = int(sys.argv[1])
    opened: dict[str, Any] = {}

    def prepare(file: dict[str, Any], job: str, state: str) -> Job:
        if state != "later":
            opened.clear()
        if file["path"] not in opened:
            opened[file["path"]] = load(file)
        if job == "open":
            return lambda number: {"frame": np.asarray(load(file)[0])}
        return job_of(job, file, opened[file["path"]], workers)

    serve(prepare, opened.clear, versions=versions)


def job_of(job: str, file: dict[str, Any], data: Any, workers: int) -> Job:
    """Give the function that does a job on frames, shape ``(n, height, width)``."""
    nav, sig = tuple(file["nav_shape"]), tuple(file["sig_shape"])

    def compute(lazy: Any) -> Any:
        return dask.compute(lazy, scheduler="threads", num_workers=workers)[0]

    if job == "frame":
        return lambda number: {"frame": compute(data[0])}
    if job == "pick":
        return lambda number: {"pick": compute(data[int(np.ravel_multi_index(place(number, nav), nav))])}
    if job == "roi":
        chosen = np.flatnonzero(truth.roi_of(nav))
        return lambda number: {"roi": compute(data[chosen].sum(axis=0, dtype=np.float64))}
    if job in ("tiles", "firsttile", "export"):
        raise Impossible("it has nothing like it")
    weights = {part: columns(part, sig) for part in parts(job) if part not in _REDUCTIONS}

    def run(number: int) -> Any:
        lazy = {part: _lazy(part, data, weights) for part in parts(job)}
        results: dict[str, Any] = {}
        for part, found in compute(lazy).items():
            results |= {part: found} if part in _REDUCTIONS else named(part, found)
        return results

    return run


def _lazy(part: str, data: Any, weights: dict[str, Any]) -> Any:
    if part in _REDUCTIONS:
        return _REDUCTIONS[part](data)
    rows = data.reshape(len(data), -1).astype(np.float32)
    return da.dot(rows, da.from_array(weights[part], chunks=-1))


_REDUCTIONS = {
    "sum": lambda data: data.sum(axis=0),
    "sumsig": lambda data: data.sum(axis=(1, 2)),
    "std": lambda data: data.std(axis=0),
    "user": lambda data: data.max(axis=(1, 2)),
}
