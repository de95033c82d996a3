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
from lamella.kernels import compilequeue, fallback, library, store
from lamella.kernels.compilejob import CompileJob
from lamella.kernels.compilequeue import CompileQueue
from lamella.kernels.library import Kernel, wait_until_compiled
from lamella.udf import SumUDF

NAME = "lamella.kernels.reduce:add_pixels"
KEY = ((np.dtype("u1"), 2, True), (tuple, ()))
CODE = b"some code"


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Two folders for kernels, in place of the usual ones."""
    made = [tmp_path / "first", tmp_path / "second"]
    monkeypatch.setattr(store, "candidate_folders", lambda: made)
    return made


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[CompileQueue]:
    made = CompileQueue()
    monkeypatch.delenv("LAMELLA_KERNELS", raising=False)
    monkeypatch.setattr(library, "compile_queue", made)
    yield made
    made.close()


def job(**facts: Any) -> CompileJob:
    return CompileJob("a:b", (), load=None, look=lambda: store.NUMBA, **facts)


def test_what_is_kept_is_found(folders: list[Path]) -> None:
    assert store.look(NAME, KEY) == ""
    assert store.keep(NAME, KEY, store.NUMBA, CODE)
    assert store.look(NAME, KEY) == store.NUMBA
    assert list(store.stored(NAME, KEY)) == [(store.NUMBA, CODE)]
    assert not store.look(NAME, (*KEY, 1))
    assert not store.look("lamella.kernels.reduce:add_frames", KEY)
    assert not store.look("no_such_module:add_frames", KEY)
    assert not store.keep("no_such_module:add_frames", KEY, store.NUMBA, CODE)


def test_machine_code_comes_first_and_what_is_damaged_is_left_out(folders: list[Path]) -> None:
    for suffix in (store.NUMBA, store.NATIVE):
        store.keep(NAME, KEY, suffix, CODE)
    assert store.look(NAME, KEY) == store.NATIVE
    assert [suffix for suffix, _ in store.stored(NAME, KEY)] == [store.NATIVE, store.NUMBA]
    (path,) = folders[0].glob("*.native")
    whole = path.read_bytes()
    for damaged in (b"", whole[:-1], whole[: len(whole) // 2], whole[:-2] + b"x" + whole[-1:]):
        path.write_bytes(damaged)
        assert list(store.stored(NAME, KEY)) == [(store.NUMBA, CODE)]
    store.keep(NAME, KEY, store.NATIVE, CODE)
    assert len(list(store.stored(NAME, KEY))) == 2, "what is compiled anew takes the place of what was damaged"


def test_a_kernel_is_for_what_it_was_compiled_for(folders: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    store.keep(NAME, KEY, store.NUMBA, CODE)
    monkeypatch.setattr(store, "_surroundings", lambda: ("another numba",))
    assert not store.look(NAME, KEY)


def test_one_image_serves_many_processors_if_they_were_named(
    folders: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def here(processor: str, **named: str) -> bool:
        for variable in ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES"):
            monkeypatch.delenv(variable, raising=False)
        for variable, value in named.items():
            monkeypatch.setenv(variable, value)
        monkeypatch.setattr(store, "_processor", lambda: processor)
        store._surroundings.cache_clear()  # looked at once in a process
        return bool(store.look(NAME, KEY))

    named = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx2"}
    assert not here("one", **named)
    store.keep(NAME, KEY, store.NUMBA, CODE)
    assert here("another", **named)
    assert not here("one", NUMBA_CPU_NAME="haswell")
    assert not here("one")
    store.keep(NAME, KEY, store.NUMBA, CODE)
    assert here("one")
    assert not here("another")
    store._surroundings.cache_clear()


def test_sources_count_and_not_when_or_where_they_were_written(
    folders: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(folder: str, text: str) -> bool:
        source = tmp_path / folder / "kernels.py"
        source.parent.mkdir(exist_ok=True)
        source.write_text(text)
        monkeypatch.setattr(store, "source_of", lambda compiled: source)
        store._contents.cache_clear()  # looked at once in a process
        return bool(store.look(NAME, KEY))

    assert not found("one", "text")
    store.keep(NAME, KEY, store.NUMBA, CODE)
    assert found("one", "text")
    assert found("another", "text"), "an image or an environment may be moved"
    assert not found("one", "another text")
    store._contents.cache_clear()


def test_what_was_compiled_from_earlier_sources_is_removed_from_the_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "kernels.py"
    monkeypatch.setattr(store, "source_of", lambda compiled: source)
    installed, elsewhere = tmp_path / "installed", tmp_path / "users"
    monkeypatch.setattr(store, "INSTALLED", installed)
    for folder in (elsewhere, installed):
        monkeypatch.setattr(store, "candidate_folders", lambda folder=folder: [folder])
        for text in ("one", "two"):
            source.write_text(text)
            store._contents.cache_clear()
            for key in (KEY, (*KEY, 1)):
                store.keep(NAME, key, store.NUMBA, CODE)
    assert len(list(installed.iterdir())) == 2
    assert len(list(elsewhere.iterdir())) == 4, "other installations may use them"
    store._contents.cache_clear()


def test_a_kernel_goes_where_there_is_room_and_is_found_wherever_it_is(folders: list[Path]) -> None:
    store.keep(NAME, KEY, store.NUMBA, CODE)
    (kept,) = folders[0].iterdir()
    folders[1].mkdir()
    kept.rename(folders[1] / kept.name)
    folders[0].rmdir()
    assert store.look(NAME, KEY), "a folder of the installation, for instance"
    folders[0].write_text("no folder")
    assert store.keep(NAME, (*KEY, 1), store.NUMBA, CODE)
    assert store.look(NAME, (*KEY, 1))
    assert len(list(folders[1].iterdir())) == 2
    for path in folders[1].iterdir():
        path.unlink()
    folders[1].rmdir()
    folders[1].write_text("no folder either")
    assert not store.keep(NAME, (*KEY, 2), store.NUMBA, CODE)


def test_numba_loads_what_is_not_kept_as_machine_code(folders: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "make_native", lambda *arguments: None)
    arguments = np.ones((8, 100), dtype=np.uint8), (), np.zeros(8, dtype=np.int64)
    assert Kernel(NAME, fallback.add_pixels).compile_for(*arguments)
    fresh = Kernel(NAME, fallback.add_pixels)
    assert fresh.look_for(*arguments) == store.NUMBA
    assert fresh.load_for(*arguments)
    fresh(*arguments)
    np.testing.assert_array_equal(arguments[2], 100)


def test_what_cannot_be_loaded_is_compiled(folders: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = np.ones((8, 100), dtype=np.uint8), (), np.zeros(8, dtype=np.int64)
    key = tuple(map(library._kind, arguments))
    for suffix in (store.NATIVE, store.NUMBA):
        store.keep(NAME, key, suffix, CODE)
    fresh = Kernel(NAME, fallback.add_pixels)
    assert not fresh.load_for(*arguments)
    assert fresh.compile_for(*arguments)
    assert Kernel(NAME, fallback.add_pixels).load_for(*arguments)


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


def test_a_file_that_cannot_be_loaded_is_no_promise(queue: CompileQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "look", lambda compiled, key: store.NATIVE)
    monkeypatch.setattr(Kernel, "_load_kept", lambda self, key: False)
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


def test_loading_begins_when_many_short_runs_have_cost_more(
    queue: CompileQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[CompileJob] = []
    monkeypatch.setattr(queue, "_begin", started.append)
    one = CompileJob("a:b", (), load=None, look=lambda: store.NATIVE)
    for run in range(5):
        queue.announce(run, 1000)
        queue.spent(one, 0.05, 1000)
        assert bool(started) is (run == 4)


def test_a_kernel_that_is_not_on_disk_is_not_begun_early(queue: CompileQueue, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_small_run_does_not_look_at_the_disk(queue: CompileQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(store, "look", lambda compiled, key: asked.append(key))
    queue.announce("a run", 1 << 20)
    total = np.zeros(8, dtype=np.int64)
    for _ in range(5):
        Kernel(NAME, fallback.add_pixels)(np.ones((8, 100), dtype=np.uint8), (), total)
    assert not asked
