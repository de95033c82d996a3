"""Stopping one run from another thread, while others go on."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import lamella
from lamella.errors import CancelledRun
from lamella.udf.base import UDF
from lamella.udf.builtin.sumsig import SumSigUDF

MakeScan = Callable[..., lamella.DataSet]
DATA = np.random.default_rng(5).integers(0, 4000, (6, 10, 8, 8)).astype(np.uint16)
SUMS = DATA.sum(axis=(2, 3))


@pytest.fixture(scope="module")
def scan(make_scan: MakeScan) -> lamella.DataSet:
    return make_scan(DATA, num_partitions=6)


class SlowTilesUDF(UDF):
    """Tiles of one frame that take 50 ms each, behind the first partition; says by a file that it has begun."""

    def get_result_buffers(self) -> Mapping[str, Any]:
        return {"sums": self.buffer("nav", dtype="float64")}

    def get_tiling_preferences(self) -> Mapping[str, Any]:
        return {"depth": 1}

    def process_tile(self, tile: NDArray[Any]) -> None:
        if self.meta.coordinates[0][0] > 0:
            Path(self.params.begun).touch()
            time.sleep(0.05)
        self.results.sums[:] = tile.sum(axis=(1, 2))


class AtOnceUDF(UDF):
    """Something in Python, which workers do."""

    def get_result_buffers(self) -> Mapping[str, Any]:
        return {"sums": self.buffer("nav", dtype="float64")}

    def process_frame(self, frame: NDArray[Any]) -> None:
        self.results.sums[:] = frame.sum()


def when_begun(begun: Path, do: Callable[[], object]) -> threading.Thread:
    def wait() -> None:
        while not begun.exists():
            time.sleep(0.002)
        do()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_an_iteration_is_cancelled_within_a_tile(ctx: lamella.Context, scan: lamella.DataSet, tmp_path: Path) -> None:
    partials = ctx.run_udf_iter(scan, SlowTilesUDF(begun=str(tmp_path / "begun")))
    next(partials)
    other = when_begun(tmp_path / "begun", partials.cancel)
    began = time.monotonic()
    with pytest.raises(CancelledRun, match="cancelled"):
        list(partials)
    assert time.monotonic() - began < 1.5  # all tiles would take 2.5 s with one worker
    other.join()
    with pytest.raises(StopIteration):
        next(partials)
    np.testing.assert_array_equal(ctx.run_udf(scan, SumSigUDF())["intensity"].data, SUMS)


def test_other_runs_of_the_context_go_on(ctx: lamella.Context, scan: lamella.DataSet) -> None:
    stopped, kept = (ctx.run_udf_iter(scan, SumSigUDF()) for _ in range(2))
    next(stopped)
    next(kept)
    stopped.cancel()
    with pytest.raises(CancelledRun):
        next(stopped)
    *_, last = kept
    np.testing.assert_array_equal(last.buffers[0]["intensity"].data, SUMS)


def test_the_context_stops_all_its_runs(ctx: lamella.Context, scan: lamella.DataSet) -> None:
    runs = [ctx.run_udf_iter(scan, SumSigUDF()) for _ in range(2)]
    for partials in runs:
        next(partials)
    ctx.cancel()
    for partials in runs:
        with pytest.raises(CancelledRun):
            next(partials)


def test_results_that_are_ready_are_not_given_once_a_run_is_cancelled(
    threads: lamella.Context, scan: lamella.DataSet
) -> None:
    partials = threads.run_udf_iter(scan, AtOnceUDF())
    next(partials)
    time.sleep(0.2)  # enough for the workers to have the next results ready
    partials.cancel()
    with pytest.raises(CancelledRun):
        next(partials)


def test_a_run_is_cancelled_before_it_begins(ctx: lamella.Context, scan: lamella.DataSet) -> None:
    partials = ctx.run_udf_iter(scan, SumSigUDF())
    partials.cancel()
    partials.cancel()
    with pytest.raises(CancelledRun):
        next(partials)


def test_a_run_without_anything_to_do_ends_although_it_is_cancelled(
    ctx: lamella.Context, scan: lamella.DataSet
) -> None:
    partials = ctx.run_udf_iter(scan, SumSigUDF(), roi=np.zeros((6, 10), dtype=bool))
    partials.cancel()
    assert list(partials) == []


def test_cancelling_after_the_end_changes_nothing(ctx: lamella.Context, scan: lamella.DataSet) -> None:
    partials = ctx.run_udf_iter(scan, SumSigUDF())
    *_, last = partials
    partials.cancel()
    partials.cancel()
    with pytest.raises(StopIteration):
        next(partials)
    np.testing.assert_array_equal(last.buffers[0]["intensity"].data, SUMS)


def test_cancelling_behind_the_last_partition_ends_the_iteration(ctx: lamella.Context, scan: lamella.DataSet) -> None:
    partials = ctx.run_udf_iter(scan, SumSigUDF())
    last = [next(partials) for _ in range(6)][-1]
    partials.cancel()
    with pytest.raises(StopIteration):
        next(partials)
    np.testing.assert_array_equal(last.buffers[0]["intensity"].data, SUMS)


def test_an_awaited_iteration_is_cancelled(ctx: lamella.Context, scan: lamella.DataSet, tmp_path: Path) -> None:
    async def main() -> None:
        partials = ctx.run_udf_iter(scan, SlowTilesUDF(begun=str(tmp_path / "begun")), sync=False)
        await partials.__anext__()
        other = when_begun(tmp_path / "begun", partials.cancel)
        with pytest.raises(CancelledRun):
            async for _ in partials:
                pass
        other.join()
        partials.cancel()

    asyncio.run(main())
    np.testing.assert_array_equal(ctx.run_udf(scan, SumSigUDF())["intensity"].data, SUMS)
