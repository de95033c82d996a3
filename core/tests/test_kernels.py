"""Kernels start in NumPy, and are compiled where that pays, without keeping anybody waiting."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamella.kernels import compilequeue, fallback, library, store
from lamella.kernels.compilequeue import CompileQueue
from lamella.kernels.library import Kernel, nothing_compiled, only_fallbacks, wait_until_compiled


@pytest.fixture
def fresh_queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[CompileQueue]:
    made = CompileQueue()
    monkeypatch.delenv("LAMELLA_KERNELS", raising=False)
    monkeypatch.setattr(library, "compile_queue", made)
    monkeypatch.setattr(compilequeue, "WORTH_COMPILING", 0.05)
    monkeypatch.setattr(compilequeue, "WORTH_ITS_WHILE", 0.05)
    yield made
    made.close()


def test_small_jobs_stay_in_numpy_and_large_ones_are_compiled_meanwhile(fresh_queue: CompileQueue) -> None:
    sums = Kernel("lamella.kernels.reduce:add_pixels", fallback.add_pixels)
    tile, total = np.ones((8, 1 << 16), dtype=np.uint8), np.zeros(8, dtype=np.int64)
    sums(tile, (), total)
    assert fresh_queue._thread is None
    calls = 1
    while fresh_queue._thread is None:
        sums(tile, (), total)
        calls += 1
    assert wait_until_compiled(timeout=120)
    assert sums._ready
    sums(tile, (), total)
    np.testing.assert_array_equal(total, (calls + 1) << 16)


def test_a_call_waits_for_the_compiler_where_that_is_worth_it(
    fresh_queue: CompileQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    sums = Kernel("lamella.kernels.reduce:add_pixels", fallback.add_pixels, worth_waiting=True)
    arguments = np.ones((8, 100), dtype=np.uint8), (), np.zeros(8, dtype=np.int64)
    sums(*arguments)
    assert not sums._ready
    monkeypatch.setattr(library, "WORTH_ITS_WHILE", 0.0)
    sums(*arguments)
    assert sums._ready
    assert fresh_queue._thread is None
    np.testing.assert_array_equal(arguments[2], 200)


def test_nothing_is_compiled_while_somebody_measures(fresh_queue: CompileQueue) -> None:
    sums = Kernel("lamella.kernels.reduce:add_pixels", fallback.add_pixels)
    tile, total = np.ones((8, 1 << 16), dtype=np.uint8), np.zeros(8, dtype=np.int64)
    with nothing_compiled():
        while fresh_queue._seconds <= compilequeue.WORTH_COMPILING:
            sums(tile, (), total)
    assert fresh_queue._thread is None
    sums(tile, (), total)
    assert fresh_queue._thread is not None
    assert wait_until_compiled(timeout=120)


def test_the_numpy_versions_can_be_asked_for_once_all_is_compiled(fresh_queue: CompileQueue) -> None:
    calls: list[str] = []

    def by_numpy(*arguments: Any) -> None:
        calls.append("NumPy")

    sums = Kernel("lamella.kernels.reduce:add_pixels", by_numpy)
    arguments = np.ones((8, 100), dtype=np.uint8), (), np.zeros(8, dtype=np.int64)
    sums.compile_for(*arguments)
    sums(*arguments)
    assert (calls, arguments[2].tolist()) == ([], [100] * 8)
    with only_fallbacks(__name__.partition(".")[0]):
        sums(*arguments)
    sums(*arguments)
    assert (calls, arguments[2].tolist()) == (["NumPy"], [200] * 8)


def test_whoever_waits_gets_what_was_used_compiled(fresh_queue: CompileQueue) -> None:
    sums = Kernel("lamella.kernels.reduce:add_pixels", fallback.add_pixels)
    sums(np.ones((8, 100), dtype=np.uint8), (), np.zeros(8, dtype=np.int64))
    assert wait_until_compiled(timeout=120)
    assert sums._ready
    assert fresh_queue._filler is not None
    assert fresh_queue._filler.helper is None, "a helper without work holds memory"


def test_a_kernel_that_cannot_be_compiled_stays_in_numpy(
    fresh_queue: CompileQueue, caplog: pytest.LogCaptureFixture
) -> None:
    sums = Kernel("lamella.kernels.reduce:nothing_of_this_name", fallback.add_pixels)
    total = np.zeros(8, dtype=np.int64)
    sums(np.ones((8, 100), dtype=np.uint8), (), total)
    assert wait_until_compiled(timeout=120)
    assert "stays in NumPy" in caplog.text
    sums(np.ones((8, 100), dtype=np.uint8), (), total)
    np.testing.assert_array_equal(total, 200)


def test_without_a_helper_kernels_are_compiled_here(fresh_queue: CompileQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*arguments: object, **options: object) -> None:
        raise OSError("no more processes")

    monkeypatch.setattr(subprocess, "Popen", refused)
    sums = Kernel("lamella.kernels.reduce:add_pixels", fallback.add_pixels)
    sums(np.ones((8, 100), dtype=np.uint8), (), np.zeros(8, dtype=np.int64))
    assert wait_until_compiled(timeout=120)
    assert sums._ready


def test_rows_are_compiled_once_wherever_they_lie(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LAMELLA_KERNELS", "compiled")
    monkeypatch.setattr(store, "candidate_folders", lambda: [tmp_path])
    sums = Kernel("lamella.kernels.reduce:add_pixels", fallback.add_pixels)
    memory = np.arange(1, 1 + 4 * 26, dtype=np.uint8)
    aligned, odd = memory[:80].view(np.int16).reshape(4, 10), memory[1:81].view(np.int16).reshape(4, 10)
    apart = np.ndarray((4, 10), np.int16, memory.data, 1, (26, 2))
    read_only = aligned.copy()
    read_only.setflags(write=False)
    for rows in (aligned, odd, apart, read_only):
        total = np.zeros(4, dtype=np.int64)
        sums(rows, (), total)
        sums(rows, (), total)
        np.testing.assert_array_equal(total, 2 * rows.sum(axis=1, dtype=np.int64))
    assert len(list(tmp_path.iterdir())) == 1


_FRESH = """
import sys, time
import numpy as np
import lamella
from lamella.udf import CoMUDF, StdDevUDF, SumUDF
ds = lamella.open(np.ones((8, 64, 256, 256), dtype=np.uint16), format="memory")
begin = time.perf_counter()
with lamella.Context() as ctx:
    for _ in range(int(sys.argv[1])):
        ctx.run_udf(ds, [SumUDF(), StdDevUDF(), CoMUDF()])
        print(time.perf_counter() - begin, "numba" in sys.modules, flush=True)
print(time.time())
"""


def _fresh_process(tmp_path: Path, runs: int) -> tuple[list[list[str]], float]:
    environment = {**os.environ, "LAMELLA_KERNEL_CACHE": str(tmp_path), "LAMELLA_KERNELS": "auto"}
    command = [sys.executable, "-W", "error", "-c", _FRESH, str(runs)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    ended = time.time()
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    *lines, last = done.stdout.splitlines()
    return [line.split() for line in lines], ended - float(last)


@pytest.mark.slow
def test_a_fresh_installation_gives_its_first_result_at_once(tmp_path: Path) -> None:
    ((seconds, numba),), _ = _fresh_process(tmp_path, 1)
    assert float(seconds) < 2
    assert numba == "False"


@pytest.mark.slow
def test_a_process_ends_while_its_kernels_are_being_compiled(tmp_path: Path) -> None:
    runs, to_the_end = _fresh_process(tmp_path, 10)
    assert len(runs) == 10
    assert to_the_end < 2


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7])
@pytest.mark.parametrize("depth", [1, 2, 3, 6])
def test_masks_that_do_not_come_in_fours_are_each_summed_once(count: int, depth: int) -> None:
    weigh_pixels = Kernel("lamella.kernels.weigh:weigh_pixels", fallback.weigh_pixels)
    rng = np.random.default_rng(0)
    rows, masks = rng.integers(0, 100, (depth, 5000)).astype(np.uint16), rng.random((count, 5000)).astype(np.float32)
    expected, found = np.ones((depth, count)), np.ones((depth, count))
    fallback.weigh_pixels(rows, (), masks, expected)
    weigh_pixels.compile_for(rows, (), masks, found)
    weigh_pixels(rows, (), masks, found)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
