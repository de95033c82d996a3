"""Measure the executor on dask.distributed beside threads and LiberTEM's executor, and compare with the targets.

    python tests/benchmarks/cluster.py --quick
    python tests/benchmarks/cluster.py --workers 8 --others-python others/bin/python --json cluster.json

Wants a quiet machine. Programs take turns, and figures are medians; compare ratios, or figures of one session. Files
are holes, which take no room on the disk and are read from the page cache; only ``--disk-gib`` writes a file.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import os
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil  # type: ignore[import-untyped]
from cluster_arrays import array_rows
from cluster_parts import Other, Plain, Row, Scan, medians, timed
from cluster_udfs import KERNELS, SIG, SMALL_SIG, make, sleeping
from distributed import Client, LocalCluster
from system import drop_from_cache, load

import lamella
from lamella.errors import CancelledRun
from lamella.executors import ThreadsExecutor
from lamella.udf import UDF, ApplyMasksUDF, CoMUDF, SumSigUDF, SumUDF
from lamella_dask import DaskExecutor

PARTS = (
    "overhead",
    "small_runs",
    "partitions",
    "throughput",
    "start",
    "weak",
    "strong",
    "memory",
    "cancel",
    "busy",
    "arrays",
)
GIB = 1 << 30
MIB = 1 << 20
TOOLS = SimpleNamespace(UDF=UDF, CoMUDF=CoMUDF, ApplyMasksUDF=ApplyMasksUDF, SumUDF=SumUDF, SumSigUDF=SumSigUDF)
_MOST_RUNS = 20
"""How often a job is done at most until kernels are there."""
LOCAL = {"threads_per_worker": 1, "dashboard_address": "127.0.0.1:0", "silence_logs": logging.CRITICAL}


def nothing(shared: Any, item: int, cancelled: Callable[[], bool]) -> Any:
    """Do an item of no work; gives as many bytes as are shared by all."""
    return None if shared is None else np.zeros(shared, np.uint8)


def until_cancelled(shared: Any, item: int, cancelled: Callable[[], bool]) -> None:
    """Do one tile after the other until somebody cancels."""
    while not cancelled():
        time.sleep(0.005)
    raise CancelledRun("stopped")


class Measurement:
    """All measurements on this computer."""

    def __init__(self, args: argparse.Namespace, folder: Path, other: Other | None) -> None:
        self.args = args
        self.folder = folder
        self.other = other
        self.rounds = args.rounds or (3 if args.quick else 9)
        self.gib = args.gib or (0.25 if args.quick else 8)
        self.counts = sorted(
            {1 << i for i in range(args.workers.bit_length()) if 1 << i <= args.workers} | {args.workers}
        )
        self.two = min(2, args.workers)
        self._stack = ExitStack()
        self.executors = {n: self._stack.enter_context(closing(DaskExecutor(n))) for n in self.counts}
        for executor in self.executors.values():
            executor.warm()

    def close(self) -> None:
        """End what was started."""
        self._stack.close()

    def rows(self) -> Iterator[Row]:
        """Measure what was asked for."""
        for part in self.args.only:
            yield from getattr(self, part)()

    def arrays(self) -> Iterator[Row]:
        """Measure arrays for Dask."""
        yield from array_rows(self.folder, self.rounds, int(min(self.gib, 0.5) * GIB) // MIB)

    def _ours(self, job: str, scan: Scan, workers: int, *, executor: Any = None) -> Callable[[], float]:
        ctx = lamella.Context(executor=executor or self.executors[workers])
        ds, udf = scan.open(), make(job, TOOLS)
        return lambda: timed(lambda: ctx.run_udf(ds, udf))

    def _load_kernels(self) -> None:
        """Let workers compute until they have loaded compiled kernels, as they do by themselves in a long session."""

        def loaded() -> bool:
            from lamella.io import choose_backend

            return choose_backend("auto", []).name == "mmap"

        scan = Scan.hole(self.folder, max(64, int(min(self.gib, 1) * GIB) // (SIG[0] * SIG[1] * 2) // 64 * 64))
        for n, executor in self.executors.items():
            for job in KERNELS:
                run = self._ours(job, scan, n)
                for number in range(_MOST_RUNS):
                    run()
                    if number and all(executor.client.run(loaded).values()):
                        break

    def _turns(self, job: str, scan: Scan, workers: int) -> dict[str, Callable[[], float]]:
        """Give the turns of Lamella, and of LiberTEM where it is there."""
        turns = {"lamella": self._ours(job, scan, workers)}
        if self.other is not None:
            turns["libertem"] = partial(self.other.seconds, job, scan, workers)
        return turns

    def overhead(self) -> Iterator[Row]:
        """Measure runs that do nothing, on two workers, all of which get something."""
        executor = self.executors[self.two]
        items = medians({"": lambda: timed(lambda: list(executor.run(nothing, None, range(2))))}, 4 * self.rounds)
        yield Row("a run of 2 items of no work", 1e3 * items[""], "ms", "<= 8")
        scan = Scan.hole(self.folder, 16, SMALL_SIG, 2)
        with _on_workers(executor):
            found = medians(self._turns("nothing", scan, self.two), 4 * self.rounds)
        yield Row(
            "a run over 16 frames of 64 x 64 that does nothing, over LiberTEM's",
            _ratio(found, "lamella", "libertem"),
            "",
            "<= 0.6",
            _beside(found),
        )

    def small_runs(self) -> Iterator[Row]:
        """Measure runs over a region of a few frames, which happen in the calling thread."""
        scan = Scan.hole(self.folder, 1024)
        roi = np.zeros(scan.nav, bool)
        roi[3, 2:6] = True
        turns: dict[str, Callable[[], float]] = {}
        for name, executor in (("dask", self.executors[self.two]), ("threads", ThreadsExecutor(self.two))):
            run = partial(lamella.Context(executor=executor).run_udf, scan.open(), SumUDF(), roi=roi)
            turns[name] = partial(timed, run)
        found = medians(turns, 10 * self.rounds)
        yield Row("a region of 4 frames, over threads", found["dask"] / found["threads"], "", "<= 1.5", _told(found))

    def partitions(self) -> Iterator[Row]:
        """Measure what a partition costs in a long run, and results that are large."""
        executor = self.executors[self.two]
        few, many = 10, 1000 if self.args.quick else 10_000
        turns = {str(n): partial(timed, partial(_drain, executor, None, n)) for n in (few, many)}
        found = medians(turns, self.rounds)
        slope = 1e3 * (found[str(many)] - found[str(few)]) / (many - few)
        yield Row("a partition of no work, in a long run", slope, "ms", "<= 1", _told(found))
        n, total = (200, 10_000) if self.args.quick else (10_000, 10_000)
        seconds = timed(partial(_drain, executor, MIB, n)) * total / n
        scaled = "" if n == total else f"from {n}"
        yield Row("10 000 partitions with results of 1 MiB", seconds, "s", "<= 20", scaled)
        yield from self._floor(n=100 if self.args.quick else 1000)

    def _floor(self, n: int) -> Iterator[Row]:
        scan = Scan.hole(self.folder, 2048, SMALL_SIG, n)
        with _on_workers(self.executors[self.two]):
            found = medians(self._turns("nothing", scan, self.two), self.rounds)
        text = f"a run in {n} partitions that does nothing, over LiberTEM's"
        yield Row(text, _ratio(found, "lamella", "libertem"), "", details=_beside(found))

    def throughput(self) -> Iterator[Row]:
        """Measure sums over files in the page cache."""
        self._load_kernels()
        frames = max(64, int(self.gib * GIB) // (SIG[0] * SIG[1] * 2) // 64 * 64)
        scan, executor = Scan.hole(self.folder, frames), self.executors[self.two]
        turns = {
            "dask": self._ours("sum", scan, self.two),
            "threads": self._ours("sum", scan, self.two, executor=ThreadsExecutor(self.two)),
        }
        found = medians(turns, self.rounds)
        facts = executor.last_run
        assert facts is not None
        share = facts.busy / (facts.wall * self.two)
        told = f"{_told(found)}; {facts.batches} batches, workers at work {share:.0%}, handing out {facts.submit:.3f} s"
        text = f"sum of {self.gib:g} GiB, speed over that of threads"
        yield Row(text, found["threads"] / found["dask"], "", ">= 0.8", told)
        half = Scan.hole(self.folder, min(frames, 4096))
        size = half.path.stat().st_size // MIB
        for job, target in (("sum", ">= 2"), ("sum over the detector", "")):
            found = medians(self._turns(job, half, self.two), self.rounds)
            text = f"{job} of {size} MiB, speed over LiberTEM's"
            yield Row(text, _ratio(found, "libertem", "lamella"), "", target, _beside(found))

    def start(self) -> Iterator[Row]:
        """Measure the start of a local cluster."""

        def ours() -> float:
            executor = DaskExecutor(self.two)
            seconds = timed(lambda: executor.client)
            executor.close()
            return seconds

        def theirs() -> float:
            began = time.perf_counter()
            with LocalCluster(n_workers=self.two, **LOCAL) as cluster, Client(cluster):
                return time.perf_counter() - began

        found = medians({"lamella": ours, "LocalCluster": theirs}, 3)
        yield Row(
            "start of a local cluster, beyond LocalCluster's",
            found["lamella"] - found["LocalCluster"],
            "s",
            "<= 0.2",
            _told(found),
        )

    def weak(self) -> Iterator[Row]:
        """Measure jobs with the same size per worker: t(1) / t(n); kernels also beside plain processes."""
        each = max(1, int((0.125 if self.args.quick else 1) * min(self.gib, 1) * GIB) // (SIG[0] * SIG[1] * 2 * 64))
        self._load_kernels()
        most = self.counts[-1]
        own = [Scan.hole(self.folder, 64 * each, partitions=8, name=f"own{i}-") for i in range(most)]
        plain = self._stack.enter_context(closing(Plain(most)))
        for job in (*KERNELS, "5 ms of Python per frame"):
            rows = each if job in KERNELS else max(1, each // 32)
            turns = {
                str(n): self._ours(job, Scan.hole(self.folder, 64 * rows * n, partitions=8 * n), n) for n in self.counts
            }
            if job in KERNELS:
                turns |= {f"plain {n}": partial(plain.seconds, job, own[:n]) for n in {1, most}}
            found = medians(turns, self.rounds if job in KERNELS else 3)
            target = ">= 0.9" if job in KERNELS else ">= 0.95"
            shares = {n: found["1"] / found[str(n)] for n in self.counts}
            yield self._scaled(f"weak scaling, {job}", shares, target)
            if job in KERNELS and most > 1:
                limit = found["plain 1"] / found[f"plain {most}"]
                text = f"weak scaling, {job}, {most} workers, over that of plain processes"
                yield Row(text, shares[most] / limit, "", details=f"plain processes reach {limit:.3f}; {_told(found)}")

    def strong(self) -> Iterator[Row]:
        """Measure the same job on more workers: t(1) / t(n) / n, from the page cache and from the disk."""
        frames = max(64, int(self.gib * GIB) // (SIG[0] * SIG[1] * 2) // 64 * 64)
        for job in ("sum", "16 masks"):
            yield from self._strong(job, Scan.hole(self.folder, frames), "the page cache", None)
        if self.args.disk_gib:
            scan = _written(self.folder, self.args.disk_gib)
            yield from self._strong("sum", scan, "the disk", lambda: drop_from_cache([str(scan.path)]))

    def _strong(self, job: str, scan: Scan, where: str, before: Callable[[], object] | None) -> Iterator[Row]:
        turns = {f"lamella {n}": _after(before, self._ours(job, scan, n)) for n in self.counts}
        if self.other is not None:
            more = {n: partial(self.other.seconds, job, scan, n) for n in self.counts}
            turns |= {f"libertem {n}": _after(before, turn) for n, turn in more.items()}
        found = medians(turns, min(3, self.rounds) if before else self.rounds)
        size = scan.path.stat().st_size / GIB
        for name in ("lamella", "libertem")[: 1 if self.other is None else 2]:
            text = f"strong scaling of {name}, {job} of {size:.3g} GiB from {where}"
            shares = {n: found[f"{name} 1"] / found[f"{name} {n}"] / n for n in self.counts}
            rates = "; ".join(f"{n}: {size / found[f'{name} {n}']:.3g} GiB/s" for n in self.counts)
            yield self._scaled(text, shares, "", rates)

    def _scaled(self, text: str, shares: Mapping[int, float], target: str, more: str = "") -> Row:
        more = more or "; ".join(f"{n}: {share:.3f}" for n, share in shares.items())
        if len(shares) == 1:
            return Row(text, None, "", target, f"needs --workers 2 or more; {more}")
        return Row(f"{text}, {max(shares)} workers", shares[max(shares)], "", target, more)

    def memory(self) -> Iterator[Row]:
        """Measure what many runs leave; the scheduler of a local cluster is in this process."""
        executor, process = self.executors[self.two], psutil.Process()
        runs = 100 if self.args.quick else 1000
        for _ in range(20):
            _drain(executor, MIB // 4, 4)
        gc.collect()
        before, left = process.memory_info().rss, 0
        for _ in range(runs):
            _drain(executor, MIB // 4, 4)
            left = max(left, _keys_left(executor))
        gc.collect()
        grown = (process.memory_info().rss - before) / MIB
        yield Row(f"growth of client and scheduler over {runs} runs", grown * 1000 / runs, "MiB in 1000", "<= 50")
        yield Row("keys on the scheduler after a run", left, "", "<= 0")

    def cancel(self) -> Iterator[Row]:
        """Measure how long it takes from a cancel until no worker works any more; a tile takes 5 ms."""

        def cancelled() -> float:
            cancel = threading.Event()
            run = self.executors[self.two].run(until_cancelled, None, range(4 * self.two), cancel=cancel)
            began: list[float] = []

            def stop() -> None:
                began.append(time.perf_counter())
                cancel.set()

            threading.Timer(0.3, stop).start()
            with suppress(CancelledRun):
                list(run)
            return time.perf_counter() - began[0]

        found = medians({"": cancelled}, self.rounds)
        yield Row("from a cancel to the end of the run", 1e3 * found[""], "ms", "<= 105", "tiles take 5 ms")

    def busy(self) -> Iterator[Row]:
        """Measure the share of time in which workers that sleep 10 ms per frame are at work: what a client can feed."""
        workers, seconds = self.args.sleeping, 2 if self.args.quick else 10
        local = {"processes": False, "threads_per_worker": workers}
        with closing(DaskExecutor(1, local=local)) as executor:
            executor.warm()
            data = np.zeros((workers * seconds * 100, 4, 4), np.uint8)
            ds = lamella.open(data, format="memory", sig_dims=2, num_partitions=workers * seconds * 4)
            took = timed(lambda: lamella.Context(executor=executor).run_udf(ds, sleeping(UDF, 0.01)))
        share = len(data) * 0.01 / workers / took
        yield Row(f"{workers} sleeping workers, share of the time at work", share, "", ">= 0.95")


@contextmanager
def _on_workers(executor: DaskExecutor) -> Iterator[None]:
    """Send small runs to the workers as well."""
    executor.calls_small = False
    try:
        yield
    finally:
        del executor.calls_small


def _drain(executor: DaskExecutor, nbytes: int | None, items: int) -> None:
    for _ in executor.run(nothing, nbytes, range(items)):
        pass


def _after(before: Callable[[], object] | None, turn: Callable[[], float]) -> Callable[[], float]:
    def both() -> float:
        if before is not None:
            before()
        return turn()

    return both


def _keys_left(executor: DaskExecutor) -> int:
    """Give how many keys of runs the scheduler has; it hears of their end a moment later."""

    def count(dask_scheduler: Any) -> int:
        return sum(str(key).startswith("lamella") for key in dask_scheduler.tasks)

    deadline = time.monotonic() + 2
    while (left := executor.client.run_on_scheduler(count)) and time.monotonic() < deadline:
        time.sleep(0.005)
    return int(left)


def _written(folder: Path, gib: float) -> Scan:
    """Write a file of noise, and drop it from the page cache."""
    scan = Scan(folder / "disk.raw", (64, max(1, int(gib * GIB) // (64 * SIG[0] * SIG[1] * 2))))
    piece = np.random.default_rng(5).integers(0, 1 << 16, (64, *SIG), np.uint16).tobytes()
    with scan.path.open("wb") as file:
        for _ in range(scan.nav[1]):
            file.write(piece)
    return scan


def _ratio(found: Mapping[str, float], one: str, other: str) -> float | None:
    return found[one] / found[other] if one in found and other in found else None


def _told(found: Mapping[str, float]) -> str:
    return ", ".join(f"{name}: {1e3 * seconds:.3g} ms" for name, seconds in found.items())


def _beside(found: Mapping[str, float]) -> str:
    return _told(found) if "libertem" in found else f"{_told(found)}; LiberTEM needs --others-python"


def _table(rows: Iterable[Row]) -> Iterator[Row]:
    print("| what | found | target | reached | details |\n|---|---|---|---|---|", flush=True)
    for row in rows:
        print(row, flush=True)
        yield row


def main() -> int:
    """Measure, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small data and few runs")
    parser.add_argument("--workers", type=int, default=2, help="most workers of this host [default: 2]")
    parser.add_argument("--sleeping", type=int, default=64, help="workers that only sleep [default: 64]")
    parser.add_argument("--gib", type=float, help="size of the largest file [default: 8, or 0.25 with --quick]")
    parser.add_argument("--disk-gib", type=float, help="write a file of this size, and measure the disk, too")
    parser.add_argument("--rounds", type=int, help="turns of each program [default: 9, or 3 with --quick]")
    parser.add_argument("--others-python", type=Path, help="Python of an environment with LiberTEM")
    parser.add_argument("--folder", type=Path, help="where the files are made [default: a temporary folder]")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="what to measure [default: all]")
    parser.add_argument("--json", type=Path, help="write the figures as JSON")
    args = parser.parse_args()
    warnings.simplefilter("ignore", lamella.LamellaWarning)
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    other = None if args.others_python is None else Other(args.others_python)
    conditions: dict[str, Any] = {
        "when": time.strftime("%Y-%m-%d %H:%M"),
        "processors": os.cpu_count(),
        "workers": args.workers,
        "LiberTEM": None if other is None else other.version,
        "load before": load(),
    }
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        measurement = Measurement(args, Path(folder), other)
        try:
            rows.extend(_table(measurement.rows()))
        finally:
            with suppress(Exception):
                measurement.close()
            if other is not None:
                other.close()
    conditions["load after"] = load()
    print("\n" + ", ".join(f"{name}: {value}" for name, value in conditions.items()))
    if args.json is not None:
        text = json.dumps({"conditions": conditions, "rows": [asdict(row) for row in rows]}, indent=2)
        args.json.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
