"""Measure the executor on dask.distributed: what a run costs, what a partition costs, and how it scales on this host.

    python tests/benchmarks/cluster.py --quick
    python tests/benchmarks/cluster.py --workers 8 --json cluster.json

Wants a quiet machine. Each figure is the median of some runs in turns; compare figures of one session only.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import lamella
from lamella.executors import Executor, ThreadsExecutor
from lamella.udf import UDF, SumUDF
from lamella_dask import DaskExecutor

GIB = 1 << 30


class SleepUDF(UDF):
    """Takes a time for each frame, and no processor."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds=seconds)

    def get_result_buffers(self) -> dict[str, Any]:
        return {"n": self.buffer(kind="single", dtype=np.int64)}

    def process_tile(self, tile: Any) -> None:
        time.sleep(self.params.seconds * len(tile))
        self.results.n[:] += len(tile)

    def merge(self, dest: Any, src: Any) -> None:
        dest.n[:] += src.n


def nothing(shared: None, item: int, cancelled: Callable[[], bool]) -> None:
    """Do an item of no work."""


def timed(do: Callable[[], Any]) -> float:
    """Give how long something takes [s]."""
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def median(do: Callable[[], Any], times: int) -> float:
    """Give how long something takes in the median [s], after one time that does not count."""
    do()
    return statistics.median(timed(do) for _ in range(times))


def _drain(executor: Executor, items: int) -> None:
    for _ in executor.run(nothing, None, range(items)):
        pass


def floor(executor: Executor, times: int) -> dict[str, float]:
    """Give what runs of no work take [ms], by the number of partitions."""
    return {str(n): round(1e3 * median(partial(_drain, executor, n), times), 2) for n in (2, 10, 100, 1000)}


def weak(executors: dict[int, Executor], folder: Path, nbytes: int, times: int) -> dict[str, dict[str, float]]:
    """Give the efficiency of runs with the same size per worker: t(1) / t(n)."""
    found: dict[str, dict[str, float]] = {}
    for name, make in (("sum", SumUDF), ("5 ms of sleep per frame", lambda: SleepUDF(0.005))):
        seconds = {}
        for workers, executor in executors.items():
            rows = max(1, (nbytes if name == "sum" else nbytes // 16) // (64 * 256 * 256 * 2)) * workers
            path = folder / f"scan-{rows}.npy"
            if not path.exists():
                np.lib.format.open_memmap(path, mode="w+", dtype=np.uint16, shape=(rows, 64, 256, 256)).flush()
            ds = lamella.open(path, num_partitions=8 * workers)
            ctx = lamella.Context(executor=executor)
            seconds[workers] = median(partial(ctx.run_udf, ds, make()), times)
        found[name] = {str(n): round(seconds[1] / s, 3) for n, s in seconds.items()}
    return found


def busy(workers: int, seconds: float) -> float:
    """Give the share of time in which workers that sleep 10 ms per frame are at work: what the client can feed."""
    executor = DaskExecutor(1, local={"processes": False, "threads_per_worker": workers})
    try:
        executor.warm()
        data = np.zeros((workers * int(seconds * 100), 4, 4), np.uint8)
        ds = lamella.open(data, format="memory", sig_dims=2, num_partitions=workers * int(seconds * 4))
        took = timed(lambda: lamella.Context(executor=executor).run_udf(ds, SleepUDF(0.01)))
    finally:
        executor.close()
    return round(len(data) * 0.01 / workers / took, 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small data and few runs")
    parser.add_argument("--workers", type=int, default=2, help="most workers of this host [default: 2]")
    parser.add_argument("--sleeping", type=int, default=64, help="workers that only sleep [default: 64]")
    parser.add_argument("--json", type=Path, help="write the figures as JSON")
    args = parser.parse_args()
    times, nbytes = (3, GIB // 8) if args.quick else (9, GIB)
    counts = [1 << i for i in range(args.workers.bit_length()) if 1 << i <= args.workers]
    logging.getLogger("distributed").setLevel(logging.ERROR)
    figures: dict[str, Any] = {"processors": os.cpu_count(), "load before": os.getloadavg()[0]}
    executors: dict[int, Executor] = {n: DaskExecutor(n) for n in counts}
    with tempfile.TemporaryDirectory() as folder:
        try:
            for executor in executors.values():
                executor.warm()
            figures["runs of no work, dask [ms]"] = floor(executors[counts[-1]], times)
            figures["runs of no work, threads [ms]"] = floor(ThreadsExecutor(counts[-1]), times)
            figures["weak scaling"] = weak(executors, Path(folder), nbytes, times)
        finally:
            for executor in executors.values():
                executor.close()
    figures[f"{args.sleeping} sleeping workers, share at work"] = busy(args.sleeping, 2 if args.quick else 10)
    figures["load after"] = os.getloadavg()[0]
    text = json.dumps(figures, indent=2)
    print(text)
    if args.json is not None:
        args.json.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
