"""numba is optional: without it everything works in NumPy, users are told once, and nothing tries to compile.

These tests also run in an environment that has no numba, see `.ci/run`.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import lamella
from lamella.cli import main
from lamella.executors.processes import ProcessesExecutor
from lamella.kernels import compilequeue, compiler, fallback, guard, library
from lamella.kernels.compilequeue import CompileQueue
from lamella.kernels.library import Kernel, wait_until_compiled
from lamella.udf import CoMUDF, StdDevUDF, SumUDF

ROOT = Path(__file__).parents[1]
NAME = "lamella.kernels.reduce:add_pixels"


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> Iterator[CompileQueue]:
    """No numba, and a process that has computed nothing yet."""
    monkeypatch.setattr(compiler, "is_installed", lambda: False)
    made = CompileQueue()
    monkeypatch.delenv("LAMELLA_KERNELS", raising=False)
    monkeypatch.setattr(library, "compile_queue", made)
    yield made
    made.close()


def use(kernel: Kernel, times: int = 1) -> None:
    total = np.zeros(8, dtype=np.int64)
    for _ in range(times):
        kernel(np.ones((8, 100), dtype=np.uint8), (), total)
    np.testing.assert_array_equal(total, 100 * times)


@pytest.mark.parametrize("mode", ["auto", "numpy", "compiled"])
@pytest.mark.parametrize("worth_waiting", [False, True])
def test_kernels_stay_in_numpy(
    absent: CompileQueue, monkeypatch: pytest.MonkeyPatch, mode: str, worth_waiting: bool
) -> None:
    monkeypatch.setenv("LAMELLA_KERNELS", mode)
    monkeypatch.setattr(compilequeue, "WORTH_COMPILING", 0.0)
    monkeypatch.setattr(compilequeue, "WORTH_ITS_WHILE", 0.0)
    kernel = Kernel(NAME, fallback.add_pixels, worth_waiting=worth_waiting)
    use(kernel, 3)
    assert wait_until_compiled(timeout=1)
    assert not kernel._ready
    assert absent._thread is None
    assert guard.is_installed() or not absent.guard_mappings()


def test_users_are_told_once_and_not_for_little(
    absent: CompileQueue, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    kernel = Kernel(NAME, fallback.add_pixels)
    with caplog.at_level(logging.WARNING):
        use(kernel, 3)
        assert not caplog.records
        monkeypatch.setattr(compilequeue, "WORTH_TELLING", 0.0)
        use(kernel, 3)
        use(Kernel("lamella.kernels.reduce:add_frames", fallback.add_pixels))
    [told] = caplog.messages
    assert "pip install numba" in told


def test_a_worker_tells_through_the_process_that_started_it(
    absent: CompileQueue, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    worker = CompileQueue()
    worker.ask_parent = lambda job: absent.compile_for_child(job.compiled, job.key, job.examples)
    monkeypatch.setattr(library, "compile_queue", worker)
    monkeypatch.setattr(compilequeue, "WORTH_TELLING", 0.0)
    with caplog.at_level(logging.WARNING):
        use(Kernel(NAME, fallback.add_pixels), 3)
        use(Kernel(NAME, fallback.add_pixels), 3)
    assert len(caplog.messages) == 1
    worker.close()


def test_warm_and_doctor_say_what_is_missing(absent: CompileQueue, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["warm"]) == 1
    assert "pip install numba" in capsys.readouterr().err
    main(["doctor", "--json"])
    findings = json.loads(capsys.readouterr().out)["findings"]
    [found] = [finding for finding in findings if finding["subject"] == "compiled kernels"]
    assert found["level"] == "warning"
    assert found["remedy"] == "pip install numba"


@pytest.mark.skipif(importlib.util.find_spec("numba") is not None, reason="numba is installed here")
def test_what_compiles_says_what_to_install() -> None:
    with pytest.raises(ImportError, match="pip install numba"):
        from lamella.udf import row  # noqa: F401


@pytest.mark.parametrize("dtype", ["u1", ">u2", "<f4", "<f8", "<i8"])
def test_results_are_those_of_numpy(absent: CompileQueue, dtype: str) -> None:
    values = np.random.default_rng(1).integers(0, 100, (3, 4, 16, 16)).astype(dtype)
    ds = lamella.open(values, "memory")
    with lamella.Context("inline") as ctx:
        total, deviation, com = ctx.run_udf(ds, [SumUDF(), StdDevUDF(), CoMUDF(cy=8, cx=8)])
    np.testing.assert_allclose(total["intensity"].data, values.sum((0, 1), dtype=np.float64))
    np.testing.assert_allclose(deviation["std"].data, values.astype(np.float64).std((0, 1)))
    assert com["field"].data.shape[:2] == (3, 4)


def test_the_core_and_the_formats_do_not_ask_for_numba_and_the_extras_bring_it() -> None:
    for project in (ROOT / "core", *sorted((ROOT / "plugins").iterdir())):
        facts = tomllib.loads((project / "pyproject.toml").read_text())["project"]
        assert not [wanted for wanted in facts["dependencies"] if wanted.startswith("numba")], project.name
    extras = tomllib.loads((ROOT / "core" / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert any(wanted.startswith("numba") for wanted in extras["fast"])
    assert any("fast" in wanted for wanted in extras["all"])
    formats = [name for name in extras if (ROOT / "plugins" / name / "pyproject.toml").is_file()]
    assert all(any(wanted.startswith("numba") for wanted in extras[name]) for name in formats if name != "libertem")


def test_the_executor_of_processes_works_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    if importlib.util.find_spec("numba") is not None:
        pytest.skip("numba is installed here")
    values = np.arange(2 * 3 * 4 * 5, dtype=np.uint16).reshape(2, 3, 4, 5)
    with lamella.Context(executor=ProcessesExecutor(1)) as ctx:
        result = ctx.run_udf(lamella.open(values, "memory"), SumUDF())
    np.testing.assert_array_equal(result["intensity"].data, values.sum((0, 1)))
    assert "numba" not in sys.modules
