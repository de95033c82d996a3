"""Scans written to disk, and contexts on every executor."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
import numpy as np
import pytest
from numpy.typing import NDArray

import lamella
from lamella.errors import LamellaWarning

MakeScan = Callable[..., lamella.DataSet]


@pytest.fixture(scope="session")
def make_scan(tmp_path_factory: pytest.TempPathFactory) -> MakeScan:
    """Write an array as a file and open it; parameters go to `lamella.open`."""
    folder: Path = tmp_path_factory.mktemp("scans")
    numbers = itertools.count()

    def make(data: NDArray[Any], **parameters: Any) -> lamella.DataSet:
        path = folder / f"scan{next(numbers)}.npy"
        np.save(path, data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LamellaWarning)
            return lamella.open(path, **parameters)

    return make


@pytest.fixture(scope="session")
def contexts() -> Iterator[dict[str, lamella.Context]]:
    made = {
        "inline": lamella.Context.make_with("inline"),
        "threads": lamella.Context.make_with("threads", cpus=2),
        "processes": lamella.Context.make_with("processes", cpus=2),
    }
    yield made
    for context in made.values():
        context.close()


@pytest.fixture(params=["inline", "threads", "processes"])
def ctx(request: pytest.FixtureRequest, contexts: dict[str, lamella.Context]) -> lamella.Context:
    """A context on each executor in turn."""
    return contexts[request.param]


@pytest.fixture
def inline(contexts: dict[str, lamella.Context]) -> lamella.Context:
    return contexts["inline"]


@pytest.fixture
def threads(contexts: dict[str, lamella.Context]) -> lamella.Context:
    return contexts["threads"]


@pytest.fixture
def processes(contexts: dict[str, lamella.Context]) -> lamella.Context:
    return contexts["processes"]


@pytest.fixture(autouse=True, scope="module")
def _classes_travel(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let classes of test modules, which cannot be imported by name, reach worker processes."""
    cloudpickle.register_pickle_by_value(request.module)
    yield
    cloudpickle.unregister_pickle_by_value(request.module)
