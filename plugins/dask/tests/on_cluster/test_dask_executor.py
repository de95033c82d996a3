"""The executor on dask.distributed: results, order, errors, cancelling, and workers that are lost."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import lamella
from lamella.errors import CancelledRun, LamellaError, ParameterError, PluginError, UDFError, WorkerLost
from lamella.udf import UDF, ApplyMasksUDF, StdDevUDF, SumSigUDF, SumUDF
from lamella_dask import DaskExecutor
from lamella_dask.cluster import LocalWorkers

DATA = np.random.default_rng(7).integers(0, 4000, (8, 10, 16, 16)).astype(np.uint16)
PARTITIONS = 8


class SlowMeanUDF(UDF):
    """A mean for each position, in Python."""

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__(seconds=seconds)

    def get_result_buffers(self) -> dict[str, Any]:
        return {"mean": self.buffer(kind="nav", dtype=np.float64)}

    def process_frame(self, frame: NDArray[Any]) -> None:
        time.sleep(self.params.seconds)
        self.results.mean[:] = frame.mean()


class DeadlyUDF(SlowMeanUDF):
    """Ends each worker that meets the frame 35."""

    def process_frame(self, frame: NDArray[Any]) -> None:
        if (frame == DATA[3, 5]).all():
            os.kill(os.getpid(), signal.SIGKILL)
        self.results.mean[:] = frame.mean()


class FailingUDF(SlowMeanUDF):
    """Raises in the frame 35 and every later one."""

    def process_frame(self, frame: NDArray[Any]) -> None:
        if (frame == DATA[3, 5]).all() or (frame == DATA[7, 9]).all():
            raise ValueError("a bad frame")


def masks() -> NDArray[np.float64]:
    return np.random.default_rng(2).random((300, 16, 16))


def same(one: Any, other: Any) -> None:
    for name in other:
        np.testing.assert_array_equal(one[name].data, other[name].data, strict=True)


@pytest.mark.parametrize(
    "make", [SumUDF, SumSigUDF, StdDevUDF, SlowMeanUDF, lambda: ApplyMasksUDF(mask_factories=masks)]
)
def test_results_are_those_of_threads_to_the_last_bit(
    executor: DaskExecutor, scan: lamella.DataSet, make: Callable[[], UDF]
) -> None:
    expected = lamella.Context(executor="threads").run_udf(scan, make())
    same(lamella.Context(executor=executor).run_udf(scan, make()), expected)


def job(shared: Any, item: int, cancelled: Callable[[], bool]) -> tuple[int, int, bool]:
    time.sleep(0.002 * (item % 3))
    return item, os.getpid(), shared is not None


def test_results_come_in_the_order_of_the_items_from_several_processes(executor: DaskExecutor) -> None:
    done = list(executor.run(job, None, range(60)))
    assert [item for item, *_ in done] == list(range(60))
    assert os.getpid() not in {pid for _, pid, _ in done}
    facts = executor.last_run
    assert facts is not None
    assert facts.items == 60
    assert 2 <= facts.batches < 60


def test_batches_are_short_where_each_result_is_looked_at(executor: DaskExecutor, tmp_path: Path) -> None:
    np.save(tmp_path / "scan.npy", DATA)
    ds = lamella.open(tmp_path / "scan.npy", num_partitions=80)
    ctx = lamella.Context(executor=executor)
    batches = []
    for compute in (ctx.run_udf, lambda *args: list(ctx.run_udf_iter(*args))):
        compute(ds, SlowMeanUDF(seconds=0.06))
        assert executor.last_run is not None
        batches.append(executor.last_run.batches)
    assert batches[0] < 20 <= batches[1]  # a quarter of a second is four frames


def test_a_large_plan_is_sent_once(executor: DaskExecutor) -> None:
    large = np.zeros(1 << 20)
    assert all(had for *_, had in executor.run(job, large, range(20)))
    assert executor.last_run is not None
    assert executor.last_run.plan_bytes > large.nbytes


def test_nothing_is_left_on_the_cluster_after_runs(executor: DaskExecutor) -> None:
    for _ in range(5):
        list(executor.run(job, np.zeros(1 << 16), range(4)))

    def keys(dask_scheduler: Any) -> list[str]:
        return [key for key in dask_scheduler.tasks if str(key).startswith("lamella")]

    deadline = time.monotonic() + 5
    while executor.client.run_on_scheduler(keys) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert executor.client.run_on_scheduler(keys) == []


def test_the_first_error_in_the_order_of_the_scan_is_raised(executor: DaskExecutor, scan: lamella.DataSet) -> None:
    with pytest.raises(UDFError, match=r"FailingUDF.process_frame failed in partition 3 .*a bad frame") as raised:
        lamella.Context(executor=executor).run_udf(scan, FailingUDF())
    assert "In Dask worker" in raised.value.__notes__[0]


def until_cancelled(shared: None, item: int, cancelled: Callable[[], bool]) -> None:
    while not cancelled():
        time.sleep(0.005)
    raise CancelledRun("stopped")


def test_a_cancelled_run_ends_at_once_and_the_next_one_works(executor: DaskExecutor) -> None:
    cancel = threading.Event()
    threading.Timer(0.3, cancel.set).start()
    started = time.monotonic()
    with pytest.raises(CancelledRun):
        list(executor.run(until_cancelled, None, range(8), cancel=cancel))
    assert time.monotonic() - started < 3
    assert len(list(executor.run(job, None, range(4)))) == 4
    assert not any(executor.client.processing().values())


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.slow
def test_a_udf_that_ends_every_worker_is_told_with_its_place_and_the_cluster_stays_usable(
    executor: DaskExecutor, scan: lamella.DataSet
) -> None:
    ctx = lamella.Context(executor=executor)
    with pytest.raises(
        UDFError, match=r"DeadlyUDF failed in partition 3 .*frames 30 to 39.*scan\.npy.*ended 3 times.*tcp://"
    ) as raised:
        ctx.run_udf(scan, DeadlyUDF())
    assert isinstance(raised.value.__cause__, WorkerLost)
    same(ctx.run_udf(scan, SumSigUDF()), lamella.Context(executor="threads").run_udf(scan, SumSigUDF()))


@pytest.mark.slow
def test_a_scheduler_that_is_gone_ends_the_run_with_its_address() -> None:
    command = "import sys; from distributed.cli.dask_scheduler import main; sys.exit(main())"
    options = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    scheduler = subprocess.Popen([sys.executable, "-P", "-c", command, *options], stderr=subprocess.PIPE, text=True)
    assert scheduler.stderr is not None
    address = next(found for line in scheduler.stderr if (found := re.search(r"tcp://\S+:\d+", line)))[0]
    reader = threading.Thread(target=scheduler.stderr.read, daemon=True)
    reader.start()
    command = "from distributed.cli.dask_worker import main; main()"
    worker = subprocess.Popen(
        [sys.executable, "-P", "-c", command, address, "--no-nanny", "--nthreads", "1", "--no-dashboard"],
        stderr=subprocess.DEVNULL,
    )
    executor = DaskExecutor(address)
    try:
        results = executor.run(slow_job, None, range(1000))
        assert next(results) == 0
        scheduler.kill()
        started = time.monotonic()
        with pytest.raises(LamellaError, match=f"the Dask scheduler {address} is gone"):
            list(results)
        assert time.monotonic() - started < 40
    finally:
        worker.kill()
        scheduler.kill()
        worker.wait()
        scheduler.wait()
        reader.join()
        scheduler.stderr.close()
        executor.close()


def slow_job(shared: None, item: int, cancelled: Callable[[], bool]) -> int:
    time.sleep(0.05)
    return item


def test_a_file_that_is_gone_is_told_with_the_host(executor: DaskExecutor, tmp_path: Path) -> None:
    path = tmp_path / "gone.npy"
    np.save(path, DATA)
    ds = lamella.open(path, num_partitions=4)
    path.unlink()
    with pytest.raises(Exception, match=r"gone\.npy") as raised:
        lamella.Context(executor=executor).run_udf(ds, SlowMeanUDF())
    notes = "".join(raised.value.__notes__)
    assert "(host " in notes
    assert "paths={" in notes


def test_workers_find_files_under_other_paths(executor: DaskExecutor, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    np.save(tmp_path / "here" / "scan.npy", DATA)
    ds = lamella.open(tmp_path / "here" / "scan.npy", num_partitions=4)
    (tmp_path / "here").rename(tmp_path / "there")
    paths = {str(tmp_path / "here"): str(tmp_path / "there")}
    result = lamella.Context(executor=DaskExecutor(executor.client, paths=paths)).run_udf(ds, SlowMeanUDF())
    np.testing.assert_array_equal(result["mean"].data, DATA.mean(axis=(2, 3)))


@pytest.mark.skipif(sys.platform == "win32", reason="files are not mapped there")
def test_auto_means_buffered_reads_on_workers_with_a_limit(executor: DaskExecutor, scan: lamella.DataSet) -> None:
    def backend(shared: Any, item: int, cancelled: Callable[[], bool]) -> tuple[str, str]:
        import contextvars
        import importlib

        choose: Any = importlib.import_module("lamella.io.choose")
        usual, choose.is_installed = choose.is_installed, lambda: True  # as after a kernel was loaded
        try:
            resources = list(shared.source.resources)
            elsewhere = contextvars.Context().run(choose.choose_backend, "auto", resources)
            return choose.choose_backend("auto", resources).name, elsewhere.name
        finally:
            choose.is_installed = usual

    assert set(executor.run(backend, scan, range(2))) == {("buffered", "mmap")}


def test_a_given_client_is_used_and_never_closed(executor: DaskExecutor) -> None:
    given = DaskExecutor(executor.client)
    assert len(list(given.run(job, None, range(3)))) == 3
    given.close()
    assert executor.client.status == "running"


def test_an_address_connects_to_a_running_scheduler(executor: DaskExecutor) -> None:
    other = DaskExecutor(str(executor.describe()["scheduler"]))
    try:
        assert [item for item, *_ in other.run(job, None, range(5))] == list(range(5))
    finally:
        other.close()


def test_workers_compute_dask_arrays_of_a_data_set(executor: DaskExecutor, tmp_path: Path) -> None:
    np.save(tmp_path / "scan.npy", DATA)
    array = lamella.open(tmp_path / "scan.npy").to_dask(chunks=(3, 4, -1, 8))
    indices: list[Any] = [
        (),
        (5, 7),
        (slice(None, None, -3), [2, 0, 9]),
        (..., slice(3, 9), 4),
        (np.arange(8) % 3 == 1,),
    ]
    found = [executor.client.compute(array[index]).result() for index in indices]
    expected = [DATA, DATA[5, 7], DATA[::-3][:, [2, 0, 9]], DATA[..., 3:9, 4], DATA[1::3]]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_arrays_in_memory_go_along_where_workers_may_be_on_other_hosts(executor: DaskExecutor) -> None:
    ds = lamella.open(np.repeat(DATA, 40, axis=0), format="memory", num_partitions=4)
    other = DaskExecutor(str(executor.describe()["scheduler"]))
    sizes = []
    try:
        for one in (executor, other):
            found = lamella.Context(executor=one).run_udf(ds, SlowMeanUDF())
            np.testing.assert_array_equal(found["mean"].data, np.repeat(DATA, 40, axis=0).mean(axis=(2, 3)))
            assert one.last_run is not None
            sizes.append(one.last_run.plan_bytes)
    finally:
        other.close()
    assert sizes[0] < 100_000 < ds.nbytes < sizes[1]  # shared memory on this host


def test_what_each_worker_gets_before_it_begins_is_told_when_it_is_large(
    executor: DaskExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lamella_dask.client_run._HEAVY", 1 << 20)
    with pytest.warns(lamella.LamellaWarning, match="each worker gets 1 MiB before it begins"):
        list(executor.run(job, np.zeros(1 << 17), range(2)))


def test_workers_with_other_versions_answer_with_one_sentence(
    executor: DaskExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lamella_dask.client_run._versions", lambda: {"numpy": "0.1.0"})
    with pytest.raises(PluginError, match=r"other versions than the client: numpy 0\.1\.0 here"):
        list(executor.run(job, None, range(2)))


def test_arguments_that_mean_nothing_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"expected a distributed\.Client"):
        DaskExecutor(2.5)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="attempt"):
        DaskExecutor(attempts=0)
    with pytest.raises(PluginError, match=r"ds\.to_dask\(\)"):
        lamella.Context.make_with("delayed")


@pytest.mark.slow
def test_workers_do_not_import_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("multiprocessing", "dask", "distributed", "tornado", "signal"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'a').write('{name} ')\n")
    monkeypatch.chdir(tmp_path)
    workers = LocalWorkers(1, 3, {}, set_as_default=False)
    try:
        assert list(workers.client.run(os.getcwd).values()) == [str(tmp_path)]
        assert not (tmp_path / "executed").exists()
    finally:
        workers.close()
