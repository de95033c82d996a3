"""A cluster of two processes, and a scan that they compute with."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import cloudpickle  # type: ignore[import-untyped]
import numpy as np
import pytest

import lamella
from lamella_dask import DaskExecutor


@pytest.fixture(scope="module", autouse=True)
def _by_value(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let the workers get what the module of a test defines by value: they cannot import it."""
    cloudpickle.register_pickle_by_value(request.module)
    yield
    cloudpickle.unregister_pickle_by_value(request.module)


@pytest.fixture(scope="module")
def cluster() -> Iterator[DaskExecutor]:
    made = DaskExecutor(2)
    yield made
    made.close()


@pytest.fixture
def executor(cluster: DaskExecutor) -> DaskExecutor:
    """The executor on the cluster, whose two workers are there: an earlier test may have ended them."""
    deadline = time.monotonic() + 60
    while len(cluster.client.run(os.getpid, on_error="ignore")) < 2 and time.monotonic() < deadline:
        _ = cluster.workers  # starts those that Dask has given up
        time.sleep(0.2)
    return cluster


@pytest.fixture(scope="module")
def scan(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> lamella.DataSet:
    """The ``DATA`` of the module of a test, in so many ``PARTITIONS``."""
    path = tmp_path_factory.mktemp("scan") / "scan.npy"
    np.save(path, request.module.DATA)
    return lamella.open(path, num_partitions=request.module.PARTITIONS)
