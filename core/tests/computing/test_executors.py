"""Executors: bounds, errors that say where, cancelling, and workers that die.

What every executor must do is checked by `lamella_testkit.executors`, which `testkit/tests` runs on those of the core.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import lamella
from lamella.engine.plan import Plan
from lamella.errors import CancelledRun, FormatError, ParameterError, TruncatedError, UDFError, WorkerLost
from lamella.executors.executor import Executor, limit
from lamella.executors.inline import InlineExecutor
from lamella.executors.messages import pack_error, pack_result, result_of, unpack
from lamella.executors.onethread import OneThread
from lamella.executors.processes import ProcessesExecutor
from lamella.executors.threads import ThreadsExecutor
from lamella.system.processors import available_cpus
from lamella.udf.base import UDF
from lamella.udf.builtin.sum import SumUDF
from lamella.udf.builtin.sumsig import SumSigUDF

MakeScan = Callable[..., lamella.DataSet]
DATA = np.random.default_rng(4).integers(0, 4000, (8, 10, 16, 16)).astype(np.uint16)


@pytest.fixture
def executor(ctx: lamella.Context) -> Executor:
    return ctx.executor


@pytest.fixture(scope="module")
def scan(make_scan: MakeScan) -> lamella.DataSet:
    return make_scan(DATA, num_partitions=8)


def late(shared: float, item: int, cancelled: Callable[[], bool]) -> tuple[int, int]:
    """Earlier items take longer."""
    time.sleep(shared / (item + 1))
    return item, os.getpid()


class Made(Sequence[int]):
    """Items that are made when they are asked for."""

    def __init__(self, count: int, make: Callable[[int], int]) -> None:
        self._count = count
        self._make = make

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        return self._make(range(self._count)[index])


def test_processes_are_other_processes(processes: lamella.Context) -> None:
    workers = {pid for _, pid in processes.executor.run(late, 0.02, range(9))}
    assert os.getpid() not in workers
    assert len(workers) <= 2


def test_workers_stay_between_runs(processes: lamella.Context) -> None:
    pids = [{pid for _, pid in processes.executor.run(late, 0.1, range(4))} for _ in range(2)]
    assert pids[0] == pids[1]


def test_items_are_taken_only_when_there_is_room(executor: Executor) -> None:
    taken: list[int] = []

    def note(item: int) -> int:
        taken.append(item)
        return item

    results = executor.run(late, 0, Made(100, note))
    next(results)
    assert len(taken) <= 2 * executor.workers + 1
    results.close()
    assert taken == list(range(len(taken)))


@pytest.mark.parametrize(("ahead", "room"), [(None, 4), (1, 2), (3, 3), (9, 4)])
def test_large_results_leave_room_for_fewer(ahead: int | None, room: int) -> None:
    assert limit(2, ahead) == room


def test_there_is_at_least_one_processor() -> None:
    assert available_cpus() >= 1


# Errors.


class BadFrameUDF(UDF):
    def get_result_buffers(self) -> Mapping[str, Any]:
        return {"x": self.buffer("nav")}

    def process_frame(self, frame: NDArray[Any]) -> None:
        if tuple(self.meta.coordinates[0]) == (3, 4):
            raise ZeroDivisionError("by nothing")


def test_an_error_names_udf_partition_file_and_frame(ctx: lamella.Context, scan: lamella.DataSet) -> None:
    with pytest.raises(UDFError) as caught:
        ctx.run_udf(scan, [SumUDF(), BadFrameUDF()])
    text = str(caught.value)
    path = scan.source.resources[0].path
    assert "BadFrameUDF.process_frame failed in partition 3" in text
    assert f"scan position (3, 4) (stored frame 34 of {path})" in text
    assert "ZeroDivisionError: by nothing" in text
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_an_error_in_a_tile_names_the_stretch(ctx: lamella.Context, make_scan: MakeScan) -> None:
    class BadTileUDF(UDF):
        def get_result_buffers(self) -> Mapping[str, Any]:
            return {"x": self.buffer("nav")}

        def process_tile(self, tile: NDArray[Any]) -> None:
            raise KeyError("gone")

    ds = make_scan(DATA, num_partitions=4, sync_offset=5)
    with pytest.raises(UDFError, match=r"scan positions \(0, 0\) to \(1, 7\) \(stored frames 5 to 22 of"):
        ctx.run_udf(ds, BadTileUDF())


@pytest.mark.parametrize("method", ["preprocess", "postprocess", "get_task_data"])
def test_an_error_beside_the_data_names_the_method(ctx: lamella.Context, scan: lamella.DataSet, method: str) -> None:
    def fail(self: UDF) -> None:
        raise RuntimeError("no")

    udf_class = type("OddUDF", (SumSigUDF,), {method: fail})
    with pytest.raises(UDFError, match=rf"OddUDF\.{method} failed in .*RuntimeError: no"):
        ctx.run_udf(scan, udf_class())


def test_an_error_in_a_worker_process_shows_where_it_was_raised(
    processes: lamella.Context, scan: lamella.DataSet
) -> None:
    with pytest.raises(UDFError) as caught:
        processes.run_udf(scan, BadFrameUDF())
    assert any("in process_frame" in note for note in caught.value.__notes__)


def test_every_error_keeps_its_notes_on_the_way() -> None:
    for error in (
        FormatError("the file is cut", path="scan.mib", expected="9 bytes"),
        TruncatedError("the file shrank", path="scan.mib"),
        ParameterError("expected 3", field="nav_shape"),
        WorkerLost(3, 2, "exit code 9", "use more"),
        UDFError("it failed"),
    ):
        with pytest.raises(type(error)) as caught:
            result_of(unpack(pack_error(error, "worker 7")))
        assert str(caught.value) == str(error)
        assert caught.value.__notes__[-1].startswith("In worker 7:")


def test_an_error_that_cannot_travel_is_told_in_words(processes: lamella.Context) -> None:
    class LockedError(Exception):
        def __init__(self) -> None:
            super().__init__("locked")
            self.lock = threading.Lock()

    def fail(shared: None, item: int, cancelled: Callable[[], bool]) -> None:
        raise LockedError

    with pytest.raises(RuntimeError, match="LockedError: locked"):
        list(processes.executor.run(fail, None, range(1)))


def test_a_file_that_shrank_is_an_error_about_the_file(ctx: lamella.Context, tmp_path: Path) -> None:
    path = tmp_path / "scan.npy"
    np.save(path, DATA)
    ds = lamella.open(path, num_partitions=4)
    ctx.run_udf(ds, SumUDF())
    with path.open("r+b") as file:
        file.truncate(5000)
    with pytest.raises(FormatError, match=r"scan\.npy"):
        ctx.run_udf(ds, SumUDF())


def test_a_file_that_was_replaced_is_an_error_about_the_file(ctx: lamella.Context, tmp_path: Path) -> None:
    path = tmp_path / "scan.npy"
    np.save(path, DATA)
    ds = lamella.open(path)
    np.save(path, DATA[:4].astype(np.uint32))
    with pytest.raises(FormatError, match=r"scan\.npy"):
        ctx.run_udf(ds, SumUDF())


def test_what_cannot_be_sent_to_a_worker_is_an_error_and_harms_nobody(
    processes: lamella.Context, scan: lamella.DataSet
) -> None:
    udf = type("LockUDF", (SumSigUDF,), {"__init__": lambda self, **p: UDF.__init__(self, **p)})
    with pytest.raises(TypeError, match="lock"):
        processes.run_udf(scan, udf(dtype=None, lock=threading.Lock()))
    processes.run_udf(scan, SumSigUDF())


# Cancelling.


def wait_for_cancel(shared: None, item: int, cancelled: Callable[[], bool]) -> int:
    deadline = time.monotonic() + 20
    while item and not cancelled():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.001)
    if cancelled():
        raise CancelledRun("stopped")
    return item


@pytest.mark.parametrize("name", ["threads", "processes"])
def test_closing_the_results_stops_running_jobs(contexts: dict[str, lamella.Context], name: str) -> None:
    executor = contexts[name].executor
    results = executor.run(wait_for_cancel, None, range(6))
    assert next(results) == 0
    begin = time.monotonic()
    results.close()
    assert time.monotonic() - begin < 5
    assert list(executor.map(abs, [-1])) == [1]


def test_a_worker_that_does_not_listen_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lamella.executors.processes._PATIENCE", 0.2)

    def deaf(shared: None, item: int, cancelled: Callable[[], bool]) -> int:
        time.sleep(60 if item else 0)
        return item

    executor = ProcessesExecutor(2)
    results = executor.run(deaf, None, range(2))
    assert next(results) == 0
    begin = time.monotonic()
    results.close()
    assert time.monotonic() - begin < 10
    assert list(executor.map(abs, [-1])) == [1]
    executor.close()


# Workers that die.


class SuicideUDF(UDF):
    """Kills its worker at one scan position, as often as there are files to remove."""

    def get_result_buffers(self) -> Mapping[str, Any]:
        return {"sums": self.buffer("nav", dtype="float64"), "image": self.buffer("sig", dtype="float64")}

    def process_frame(self, frame: NDArray[Any]) -> None:
        if tuple(self.meta.coordinates[0]) == (3, 4):
            lives = sorted(Path(self.params.folder).iterdir())
            if lives:
                lives[0].unlink()
                os.kill(os.getpid(), signal.SIGKILL)
        self.results.sums[:] = frame.sum()
        self.results.image[:] += frame

    def merge(self, dest: Any, src: Any) -> None:
        dest.sums[:] = src.sums
        dest.image += src.image


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
@pytest.mark.parametrize("deaths", [1, 2])
def test_a_killed_worker_costs_nothing_but_time(
    processes: lamella.Context, scan: lamella.DataSet, tmp_path: Path, deaths: int
) -> None:
    for i in range(deaths):
        (tmp_path / str(i)).touch()
    result = processes.run_udf(scan, SuicideUDF(folder=str(tmp_path)))
    assert not list(tmp_path.iterdir())
    np.testing.assert_array_equal(result["sums"].data, DATA.sum(axis=(2, 3)))
    np.testing.assert_array_equal(result["image"].data, DATA.sum(axis=(0, 1)))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_partition_that_kills_every_worker_is_given_up(
    processes: lamella.Context, scan: lamella.DataSet, tmp_path: Path
) -> None:
    for i in range(5):
        (tmp_path / str(i)).touch()
    with pytest.raises(UDFError, match=r"partition 3 ended 3 times \(exit code -9\)") as caught:
        processes.run_udf(scan, [SumUDF(), SuicideUDF(folder=str(tmp_path))])
    text, path = str(caught.value), scan.source.resources[0].path
    assert "SumUDF, SuicideUDF failed in partition 3" in text
    assert f"scan positions (3, 0) to (3, 9) (stored frames 30 to 39 of {path})" in text
    assert "lack of memory" in text
    assert len(list(tmp_path.iterdir())) == 2
    np.testing.assert_array_equal(processes.run_udf(scan, SumSigUDF())["intensity"].data, DATA.sum(axis=(2, 3)))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_lost_worker_names_the_frames_where_others_are_missing(
    processes: lamella.Context, make_scan: MakeScan, tmp_path: Path
) -> None:
    for i in range(3):
        (tmp_path / str(i)).touch()
    ds = make_scan(DATA, num_partitions=2, sync_offset=-20)
    with pytest.raises(UDFError, match=r"positions \(2, 0\) to \(4, 9\) \(stored frames 0 to 29 of .*\.npy\)"):
        processes.run_udf(ds, SuicideUDF(folder=str(tmp_path)))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_an_item_that_loses_every_worker_is_named(processes: lamella.Context) -> None:
    def die_at_two(shared: None, item: int, cancelled: Callable[[], bool]) -> int:
        if item == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return item

    results = processes.executor.run(die_at_two, None, range(4))
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(WorkerLost, match=r"worker of item 2 ended 3 times \(exit code -9\)") as caught:
        next(results)
    assert (caught.value.index, caught.value.attempts) == (2, 3)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.where) == (str(caught.value), "exit code -9")


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_workers_killed_between_runs_are_replaced(scan: lamella.DataSet) -> None:
    with lamella.Context.make_with("processes", cpus=2) as ctx:
        pids = {pid for _, pid in ctx.executor.run(late, 0.1, range(4))}
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        result = ctx.run_udf(scan, SumSigUDF())["intensity"].data
        np.testing.assert_array_equal(result, DATA.sum(axis=(2, 3)))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_workers_killed_from_outside_during_a_run_are_replaced(
    processes: lamella.Context, scan: lamella.DataSet
) -> None:
    executor = processes.executor
    pids = {pid for _, pid in executor.run(late, 0.1, range(4))}
    partials = processes.run_udf_iter(scan, [SumUDF(), SumSigUDF()])
    next(partials)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    *_, last = partials
    np.testing.assert_array_equal(last.buffers[0]["intensity"].data, DATA.sum(axis=(0, 1)))
    np.testing.assert_array_equal(last.buffers[1]["intensity"].data, DATA.sum(axis=(2, 3)))


# The contract.


def test_what_workers_are_like_is_told(contexts: dict[str, lamella.Context]) -> None:
    told = {name: context.executor.describe() for name, context in contexts.items()}
    assert [told[name]["transport"] for name in ("inline", "threads", "processes")] == ["memory", "memory", "pipe"]
    assert [told[name]["shares memory"] for name in ("inline", "threads", "processes")] == [True, True, False]
    assert [told[name]["workers"] for name in ("inline", "threads", "processes")] == [1, 2, 2]
    assert json.loads(json.dumps(told)) == told


def test_an_executor_must_say_how_it_runs() -> None:
    class Idle(Executor):
        name = "idle"
        workers = 1

    with pytest.raises(TypeError, match="run"):
        Idle()  # type: ignore[abstract]


def test_the_flag_of_the_caller_is_not_set_by_closing_a_run_in_its_own_thread(inline: lamella.Context) -> None:
    flag = threading.Event()
    results = inline.executor.run(late, 0.01, range(20), cancel=flag)
    next(results)
    results.close()
    assert not flag.is_set()


def test_workers_are_there_once_an_executor_is_warm() -> None:
    executor = ThreadsExecutor(2)
    before = set(threading.enumerate())
    executor.warm()
    assert len(set(threading.enumerate()) - before) == 2
    executor.close()


class Hurried(InlineExecutor):
    """Ends too early."""

    def run(self, job: Any, shared: Any, items: Any, **options: Any) -> Any:
        yield from super().run(job, shared, items[: len(items) - 1], **options)


def test_an_executor_that_ends_too_early_is_found_out(scan: lamella.DataSet) -> None:
    with pytest.raises(lamella.LamellaError, match="'inline' ended before all 8 partitions"):
        lamella.Context(executor=Hurried()).run_udf(scan, CallsUDF(function=np.sum))


class Losing(InlineExecutor):
    """Gives up the second item, as an executor on other machines does."""

    def run(self, job: Any, shared: Any, items: Any, **options: Any) -> Any:
        yield from super().run(job, shared, items[:1], **options)
        raise WorkerLost(1, 4, "tcp://10.0.0.7:4321", "Ask for more memory")


def test_lost_workers_of_every_executor_are_told_with_partition_frames_and_file(
    scan: lamella.DataSet, tmp_path: Path
) -> None:
    ctx, path = lamella.Context(executor=Losing()), scan.source.resources[0].path
    place = f"in partition 1 of {scan.name}, scan positions (1, 0) to (1, 9) (stored frames 10 to 19 of {path})"
    lost = "the worker of partition 1 ended 4 times (tcp://10.0.0.7:4321). Ask for more memory"
    with pytest.raises(UDFError) as caught:
        ctx.run_udf(scan, CallsUDF(function=np.sum))
    assert str(caught.value) == f"CallsUDF failed {place}: {lost}"
    assert isinstance(caught.value.__cause__, WorkerLost)
    with pytest.raises(lamella.LamellaError) as exported:
        ctx.export_dataset(scan, tmp_path / "copy.npy")
    assert str(exported.value) == f"writing {tmp_path / 'copy.npy'} failed {place}: {lost}"
    assert list(tmp_path.iterdir()) == []


class Batches(InlineExecutor):
    """Takes two items at a time, as an executor over a network does."""

    def run(self, job: Any, shared: Any, items: Any, **options: Any) -> Any:
        for first in range(0, len(items), 2):
            yield from super().run(job, shared, items[first : first + 2], **options)


class CountingUDF(UDF):
    def get_result_buffers(self) -> Mapping[str, Any]:
        return {"factor": self.buffer("nav", dtype="float64")}

    def process_frame(self, frame: NDArray[Any]) -> None:
        self.results.factor[:] = self.params.factor


def test_parameters_change_for_the_batches_that_are_not_handed_out_yet(scan: lamella.DataSet) -> None:
    partials = lamella.Context(executor=Batches()).run_udf_iter(scan, CountingUDF(factor=1))
    next(partials)
    partials.update_parameters({"factor": 2})
    *_, last = partials
    factors = last.buffers[0]["factor"].data
    assert factors[:, 0].tolist() == [1, 1, 2, 2, 2, 2, 2, 2]


def test_answers_of_jobs_are_packed_in_one_way() -> None:
    image = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(result_of(unpack(pack_result(image))), image)
    cause = ValueError("deep")
    error = UDFError("high")
    error.__cause__ = cause
    with pytest.raises(UDFError, match="high") as caught:
        result_of(unpack(pack_error(error, "worker tcp://10.0.0.7:1234")))
    assert isinstance(caught.value.__cause__, ValueError)
    assert caught.value.__notes__[0].startswith("In worker tcp://10.0.0.7:1234:")


def test_progress_counts_what_is_selected_whatever_the_executor(ctx: lamella.Context, scan: lamella.DataSet) -> None:
    roi = np.zeros((8, 10), dtype=bool)
    roi[2:5, 3:] = True
    for context in (ctx, lamella.Context(executor=Batches())):
        told: list[tuple[int, int]] = []
        context.run_udf(scan, CallsUDF(function=np.sum), roi, progress=lambda *counts, told=told: told.append(counts))
        assert told == [(0, 21), (7, 21), (14, 21), (21, 21)]


def test_an_item_that_cannot_be_sent_is_an_error_in_its_place(processes: lamella.Context) -> None:
    begin = time.monotonic()
    items: list[Any] = [0, 1, threading.Lock(), 3]
    results = processes.executor.run(late, 0, items)
    assert [next(results)[0], next(results)[0]] == [0, 1]
    with pytest.raises(TypeError, match="lock"):
        next(results)
    assert list(processes.executor.map(abs, [-1, -2])) == [1, 2]
    assert time.monotonic() - begin < 4  # nobody waited for a worker that got half a message


# What travels.


def test_a_plan_travels_as_a_recipe(scan: lamella.DataSet, inline: lamella.Context) -> None:
    plan: Plan = inline._run(scan, SumUDF(), None, None, False).plan
    assert len(pickle.dumps(plan)) < 65536
    again: Plan = pickle.loads(pickle.dumps(plan))
    assert again.dataset.shape == scan.shape


class CallsUDF(UDF):
    """Takes functions that have no name."""

    def get_result_buffers(self) -> Mapping[str, Any]:
        return {"value": self.buffer("nav", dtype="float64")}

    def process_frame(self, frame: NDArray[Any]) -> None:
        self.results.value[:] = self.params.function(frame)


def test_objects_travel_back(ctx: lamella.Context, scan: lamella.DataSet) -> None:
    class Peak:
        def __init__(self, height: float) -> None:
            self.height = height

    result = ctx.map(scan, lambda frame: Peak(frame.max()))
    assert result.dtype == object
    assert result.data[2, 3].height == DATA[2, 3].max()


SCRIPT = """
import lamella, sys, time
from lamella.udf import UDF

class SlowUDF(UDF):
    def get_result_buffers(self):
        return {"sums": self.buffer("nav", dtype="float64")}

    def process_frame(self, frame):
        time.sleep(float(sys.argv[3]) if len(sys.argv) > 3 else 0)
        self.results.sums[:] = frame.sum()

ds = lamella.open(sys.argv[1], num_partitions=80)
with lamella.Context.make_with(sys.argv[2], **({} if sys.argv[2] == "inline" else {"cpus": 2})) as ctx:
    def begun(done, total):
        if done:
            print("begun", flush=True)
    print(ctx.run_udf(ds, SlowUDF(), progress=begun)["sums"].data.sum())
"""


@pytest.mark.parametrize("how", ["a script without a guard", "standard input"])
def test_workers_do_not_import_the_script(scan: lamella.DataSet, tmp_path: Path, how: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.replace("sys.argv[3]", "0"))
    path = scan.source.resources[0].path
    command = [sys.executable, "-W", "error", script if how.startswith("a script") else "-", path, "processes"]
    done = subprocess.run(command, input=script.read_text(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split()[-1]) == DATA.sum()
    assert done.stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals to send")
@pytest.mark.parametrize("name", ["inline", "threads", "processes"])
def test_an_interrupt_from_the_keyboard_stops_a_run(scan: lamella.DataSet, name: str) -> None:
    path = scan.source.resources[0].path
    command = [sys.executable, "-c", SCRIPT, path, name, "1"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "begun\n"
    begin = time.monotonic()
    os.killpg(child.pid, signal.SIGINT)
    _, errors = child.communicate()
    assert time.monotonic() - begin < 8
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert child.returncode != 0


# Threads for linear algebra.


def test_workers_compute_with_one_blas_thread(ctx: lamella.Context, scan: lamella.DataSet) -> None:
    class BlasUDF(UDF):
        def get_result_buffers(self) -> Mapping[str, Any]:
            return {"threads": self.buffer("nav", dtype="int64")}

        def process_tile(self, tile: NDArray[Any]) -> None:
            from threadpoolctl import threadpool_info  # type: ignore[import-untyped]

            found = [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]
            self.results.threads[:] = max(found, default=1)

    assert (ctx.run_udf(scan, BlasUDF())["threads"].data == 1).all()


def test_workers_run_parallel_loops_in_one_thread(ctx: lamella.Context, scan: lamella.DataSet) -> None:
    import numba

    class LoopUDF(UDF):
        def get_result_buffers(self) -> Mapping[str, Any]:
            return {"threads": self.buffer("nav", dtype="int64")}

        def process_tile(self, tile: NDArray[Any]) -> None:
            import numba

            self.results.threads[:] = numba.get_num_threads()

    before = numba.get_num_threads()
    assert (ctx.run_udf(scan, LoopUDF())["threads"].data == 1).all()
    assert numba.get_num_threads() == before


def test_the_limit_is_lifted_when_the_last_worker_is_done() -> None:
    from threadpoolctl import threadpool_info

    def blas() -> list[int]:
        return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

    before, limit_to_one = blas(), OneThread()
    with limit_to_one:
        with limit_to_one:
            assert set(blas()) <= {1}
        assert set(blas()) <= {1}
    assert blas() == before


def test_threads_end_when_the_executor_is_closed() -> None:
    before = set(threading.enumerate())
    executor = ThreadsExecutor(2)
    list(executor.run(late, 0, range(4)))
    assert set(threading.enumerate()) > before
    executor.close()
    executor.close()
    assert set(threading.enumerate()) <= before


# Threads.


def test_a_worker_that_cannot_be_limited_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: OneThread) -> None:
        raise OSError("no control over BLAS")

    monkeypatch.setattr(OneThread, "__enter__", broken)
    executor = ThreadsExecutor(2)
    with pytest.raises(OSError, match="no control"):
        list(executor.map(abs, [-1]))
    executor.close()


class Watched:
    """A result whose end can be seen."""


def test_a_result_is_kept_by_nobody_but_its_taker(threads: lamella.Context) -> None:
    def make(shared: None, item: int, cancelled: Callable[[], bool]) -> Watched:
        return Watched()

    results = threads.executor.run(make, None, range(3))
    held = weakref.ref(next(results))
    assert held() is None
    results.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_gets_threads_of_its_own() -> None:
    code = """
import os, lamella, warnings
warnings.simplefilter("ignore")
executor = lamella.Context.make_with("threads", cpus=2).executor
assert list(executor.map(abs, [-1, -2])) == [1, 2]
child = os.fork()
if not child:
    os._exit(list(executor.map(abs, [-1, -2])) != [1, 2])
assert os.waitpid(child, 0)[1] == 0
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_process_ends_although_threads_wait() -> None:
    code = """
import lamella
executor = lamella.Context.make_with("threads", cpus=2).executor
results = executor.run(lambda shared, item, cancelled: item, None, range(10**9))
assert next(results) == 0
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
