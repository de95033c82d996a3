"""The checks that every format and every executor has to pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamella
from lamella.udf import BinUDF
from lamella_dask import DaskExecutor
from lamella_dask.formatsampler import DaskSampler
from lamella_testkit import FormatConformance
from lamella_testkit.executors import ExecutorConformance


class TestDask(FormatConformance):
    sampler = DaskSampler


class TestTwoProcesses(ExecutorConformance):
    def make(self) -> DaskExecutor:
        return DaskExecutor(2)

    @pytest.mark.filterwarnings("ignore")
    def test_binned_frames_come_back_in_their_places(self, trial: Any, tmp_path: Path) -> None:
        frames = np.random.default_rng(2).integers(0, 1000, (6, 7, 9, 8), dtype=np.uint16)
        np.save(tmp_path / "scan.npy", frames)
        dataset = lamella.open(tmp_path / "scan.npy", num_partitions=5)
        roi = np.random.default_rng(3).random((6, 7)) < 0.5
        expected = frames[:, :, :8].reshape(6, 7, 2, 4, 2, 4).sum(axis=(3, 5))
        with lamella.Context(executor=trial.executor) as context:
            everything = context.run_udf(dataset, BinUDF(4))["intensity"].data
            some = context.run_udf(dataset, BinUDF(4), roi=roi)["intensity"]
        np.testing.assert_array_equal(everything, expected)
        np.testing.assert_array_equal(some.raw_data, expected[roi])


@pytest.mark.slow
class TestTwoThreads(ExecutorConformance):
    def make(self) -> DaskExecutor:
        return DaskExecutor(1, local={"threads_per_worker": 2})


class TestInThisProcess(ExecutorConformance):
    def make(self) -> DaskExecutor:
        local: dict[str, Any] = {"processes": False, "threads_per_worker": 2}
        return DaskExecutor(1, local=local)
