"""Kernels that lie on disk are known, loaded early and without a helper; all others go on as before."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamella
from lamella.kernels import compilequeue, fallback, library, record
from lamella.kernels.compilejob import CompileJob
from lamella.kernels.compilequeue import CompileQueue
from lamella.kernels.library import Kernel, wait_until_compiled
from lamella.kernels.record import is_recorded
from lamella.udf import SumUDF

NAME = "lamella.kernels.reduce:add_pixels"
KEY = ((np.dtype("u1"), 2, True), (tuple, ()))


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Two folders for caches of kernels, in place of the usual ones."""
    made = [tmp_path / "first", tmp_path / "second"]
    monkeypatch.setattr(record, "candidate_folders", lambda source: made)
    return made


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[CompileQueue]:
    made = CompileQueue()
    monkeypatch.delenv("LAMELLA_KERNELS", raising=False)
    monkeypatch.setattr(library, "compile_queue", made)
    yield made
    made.close()


def job(**facts: Any) -> CompileJob:
    return CompileJob("a:b", (), load=None, look=lambda: True, **facts)


def test_what_was_recorded_is_known(folders: list[Path]) -> None:
    assert not is_recorded(NAME, KEY)
    record.record(NAME, KEY)
    assert is_recorded(NAME, KEY)
    assert not is_recorded(NAME, (*KEY, 1))
    assert not is_recorded("lamella.kernels.reduce:add_frames", KEY)
    assert not is_recorded("no_such_module:add_frames", KEY)


def test_a_record_ends_with_what_the_version_was_compiled_for(
    folders: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    record.record(NAME, KEY)
    monkeypatch.setattr(record, "_surroundings", lambda: ("another numba",))
    assert not is_recorded(NAME, KEY)


def test_a_record_ends_when_the_source_changes(
    folders: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "kernels.py"
    source.write_text("one")
    monkeypatch.setattr(record, "source_of", lambda compiled: source)
    record.record(NAME, KEY)
    assert is_recorded(NAME, KEY)
    source.write_text("another")
    record._stamp.cache_clear()  # looked at once in a process
    assert not is_recorded(NAME, KEY)


def test_a_record_goes_where_there_is_room_and_is_no_matter_where_there_is_none(folders: list[Path]) -> None:
    folders[0].write_text("no folder")
    record.record(NAME, KEY)
    assert is_recorded(NAME, KEY)
    assert list(folders[1].iterdir())
    other = (*KEY, 2)
    for name in (*folders[1].rglob("*"),):
        if name.is_file():
            name.unlink()
    (folders[1] / "lamella-kernels").rmdir()
    (folders[1] / "lamella-kernels").write_text("no folder either")
    record.record(NAME, other)
    assert not is_recorded(NAME, other)


def test_a_kernel_on_disk_needs_no_helper(queue: CompileQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = np.ones((8, 100), dtype=np.uint8), (), np.zeros(8, dtype=np.int64)
    Kernel(NAME, fallback.add_pixels).compile_for(*arguments)

    asked: list[CompileJob] = []
    monkeypatch.setattr("lamella.kernels.cachefiller.CacheFiller.fill", lambda self, job: asked.append(job))
    sums = Kernel(NAME, fallback.add_pixels)
    sums(*arguments)
    assert wait_until_compiled(timeout=120)
    assert sums._ready
    assert not asked
    sums(*arguments)
    np.testing.assert_array_equal(arguments[2], 200)


def test_a_record_without_a_kernel_is_no_promise(queue: CompileQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "is_recorded", lambda compiled, key: True)
    monkeypatch.setattr(Kernel, "_load_kept", lambda self, key, arguments: False)
    sums = Kernel(NAME, fallback.add_pixels)
    sums(np.ones((8, 100), dtype=np.uint8), (), np.zeros(8, dtype=np.int64))
    assert wait_until_compiled(timeout=120)
    assert sums._ready


@pytest.mark.parametrize(("announced", "begun"), [(0, False), (10_000, False), (1 << 30, True)])
def test_loading_begins_when_the_rest_of_the_run_is_dearer(
    queue: CompileQueue, monkeypatch: pytest.MonkeyPatch, announced: int, begun: bool
) -> None:
    started: list[CompileJob] = []
    monkeypatch.setattr(queue, "_begin", started.append)
    queue.announce("a run", announced)
    one = job()
    queue.spent(one, 1e-4, 1000)
    assert bool(started) is begun


def test_a_kernel_without_a_record_is_not_begun_early(queue: CompileQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[CompileJob] = []
    monkeypatch.setattr(queue, "_begin", started.append)
    queue.announce("a run", 1 << 40)
    queue.spent(CompileJob("a:b", (), load=None), 1e-3, 1000)
    assert not started


def test_what_is_left_counts_anew_in_each_run(queue: CompileQueue) -> None:
    one = queue.order("a:b", (), job)
    queue.announce("a run", 4000)
    queue.spent(one, 1.0, 1000)
    assert queue._left_to_do(one) == pytest.approx(3.0)
    queue.announce("a run", 4000)
    queue.spent(one, 1.0, 3000)
    assert queue._left_to_do(one) == 0
    queue.announce("another run", 4000)
    assert queue._left_to_do(one) == pytest.approx(2.0)


def test_callers_wait_for_what_comes_soon_and_never_for_long(
    queue: CompileQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compilequeue, "_LONGEST_LOADING", 0.2)
    queue.announce("a run", 1 << 40)
    one = queue.order("a:b", (), lambda: job(seconds=1.0, nbytes=1000, begun=True))
    began = time.perf_counter()
    queue.wait_if_soon(one)
    assert time.perf_counter() - began >= 0.2
    began = time.perf_counter()
    queue.wait_if_soon(one)
    assert time.perf_counter() - began < 0.2, "once is enough"
    two = queue.order("a:c", (), lambda: job(seconds=1.0, nbytes=1000, begun=True))

    def finish() -> None:
        time.sleep(0.02)
        with queue._idle:
            two.done = True
            queue._idle.notify_all()

    monkeypatch.setattr(compilequeue, "_LONGEST_LOADING", 60.0)
    other = threading.Thread(target=finish)
    other.start()
    queue.wait_if_soon(two)
    assert two.done
    other.join()


def test_a_run_announces_what_it_reads(queue: CompileQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    told = []
    monkeypatch.setattr("lamella.engine.task.compile_queue", queue)
    monkeypatch.setattr(queue, "announce", lambda run, nbytes: told.append(nbytes))
    ds = lamella.open(np.ones((4, 5, 16, 16), "u2"), "memory")
    with lamella.Context("inline") as ctx:
        ctx.run_udf(ds, SumUDF())
        ctx.run_udf(ds, SumUDF(), roi=np.arange(20).reshape(4, 5) < 3)
    assert told[0] == 4 * 5 * 16 * 16 * 2
    assert told[-1] < told[0]


def test_a_small_run_does_not_look_for_records(queue: CompileQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(library, "is_recorded", lambda compiled, key: asked.append(key))
    queue.announce("a run", 1 << 20)
    total = np.zeros(8, dtype=np.int64)
    for _ in range(5):
        Kernel(NAME, fallback.add_pixels)(np.ones((8, 100), dtype=np.uint8), (), total)
    assert not asked
