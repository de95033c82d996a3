"""The checks that every format and every executor has to pass."""

from __future__ import annotations

from typing import Any

import pytest

from lamella_dask import DaskExecutor
from lamella_dask.formatsampler import DaskSampler
from lamella_testkit import FormatConformance
from lamella_testkit.executors import ExecutorConformance


class TestDask(FormatConformance):
    sampler = DaskSampler


class TestTwoProcesses(ExecutorConformance):
    def make(self) -> DaskExecutor:
        return DaskExecutor(2)


@pytest.mark.slow
class TestTwoThreads(ExecutorConformance):
    def make(self) -> DaskExecutor:
        return DaskExecutor(1, local={"threads_per_worker": 2})


class TestInThisProcess(ExecutorConformance):
    def make(self) -> DaskExecutor:
        local: dict[str, Any] = {"processes": False, "threads_per_worker": 2}
        return DaskExecutor(1, local=local)
