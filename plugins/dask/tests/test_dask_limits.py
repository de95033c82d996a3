"""Memory and other things that are scarce: workers stay below their limit, and many runs leave nothing behind."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil  # type: ignore[import-untyped]
import pytest
from distributed import Client, LocalCluster

import lamella
from lamella.udf import ApplyMasksUDF, SumSigUDF, SumUDF
from lamella_dask import DaskExecutor

pytestmark = pytest.mark.slow

LOCAL: dict[str, Any] = {"threads_per_worker": 1, "dashboard_address": "127.0.0.1:0", "silence_logs": 50}


def hole(path: Path, shape: tuple[int, ...]) -> lamella.DataSet:
    """Give a scan of zeros that takes no room on the disk, but for one pixel."""
    data = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint16, shape=shape)
    data[1, 2, 7, 8] = 9
    data.flush()
    del data
    return lamella.open(path)


def test_workers_stay_below_their_limit(tmp_path: Path) -> None:
    limit = 1500 << 20

    def told(dask_worker: Any) -> tuple[int, str, int]:
        """Give the process of a worker, its state, and the most memory that it has seen."""
        dask_worker.monitor.update()
        return os.getpid(), dask_worker.status.name, max(dask_worker.monitor.quantities["memory"])

    def masks() -> Any:
        return np.random.default_rng(1).random((100, 1024, 1024), np.float32)

    large = hole(tmp_path / "large.npy", (1024, 64, 256, 256))  # of 8 GiB
    wide = hole(tmp_path / "wide.npy", (4, 6, 1024, 1024))
    k2 = hole(tmp_path / "k2.npy", (4, 16, 1860, 2048))  # with results of 30 MB
    with LocalCluster(n_workers=1, memory_limit=limit, **LOCAL) as bare, Client(bare) as client:
        executor = DaskExecutor(client)
        executor.calls_small = False
        executor.warm()
        ctx = lamella.Context(executor=executor)
        before = client.run(told)
        for _ in range(2):  # first without kernels, and so without mapped files
            found = ctx.run_udf(large, [SumUDF(), SumSigUDF()])
            assert found[0]["intensity"].data[7, 8] == found[1]["intensity"].data[1, 2] == 9
        ((_, _, mapped),) = client.run(told).values()
        assert mapped < 0.6 * limit, f"{mapped >> 20} MiB"
        if sys.platform == "linux":
            assert mapped > 0.4 * limit, f"only {mapped >> 20} MiB"
        assert ctx.run_udf(wide, ApplyMasksUDF(mask_factories=masks))["intensity"].data[1, 2].all()
        assert ctx.run_udf(k2, SumUDF())["intensity"].data.sum() == 9
        ((address, (pid, state, most)),) = client.run(told).items()
    assert large.nbytes > 4 * limit
    assert (pid, state) == before[address][:2] == (pid, "running")
    assert most < 0.95 * limit, f"{most >> 20} MiB"


@pytest.mark.skipif(sys.platform == "win32", reason="files of a process are not counted there")
def test_a_thousand_runs_leave_nothing_behind() -> None:
    def here() -> tuple[int, int, int]:
        process = psutil.Process()
        return process.num_fds(), threading.active_count(), process.memory_info().rss >> 20

    def keys(dask_scheduler: Any) -> int:
        return len(dask_scheduler.tasks)

    def length(shared: Any, item: int, cancelled: Any) -> int:
        return len(shared)

    plan = np.zeros(40_000)  # which goes there as a task of its own
    before: list[tuple[int, int, int]] = []
    executor = DaskExecutor(2)
    try:
        for number in range(1050):
            if number == 50:
                before = [here(), *executor.client.run(here).values()]
            assert list(executor.run(length, plan, range(3))) == [40_000] * 3
        deadline = time.monotonic() + 5
        while executor.client.run_on_scheduler(keys) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert executor.client.run_on_scheduler(keys) == 0
        assert executor.client.futures == {}
        after = [here(), *executor.client.run(here).values()]
    finally:
        executor.close()
    for (files, threads, memory), (more_files, more_threads, more_memory) in zip(before, after, strict=True):
        assert more_files - files < 10
        assert more_threads - threads < 5
        assert more_memory - memory < 50  # [MiB]
