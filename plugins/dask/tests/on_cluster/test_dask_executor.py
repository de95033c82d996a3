"""The executor on dask.distributed: results, order, errors, cancelling, and workers that are lost."""

from __future__ import annotations

import errno
import gc
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distributed import default_client
from numpy.typing import NDArray

import lamella
from lamella.errors import CancelledRun, FormatError, LamellaError, ParameterError, PluginError, UDFError, WorkerLost
from lamella.udf import UDF, ApplyMasksUDF, StdDevUDF, SumSigUDF, SumUDF
from lamella_dask import DaskExecutor, leftovers
from lamella_dask.cluster import LocalWorkers
from lamella_dask.remote import _Plans

pytestmark = pytest.mark.usefixtures("in_time")

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


@pytest.fixture
def compiled(executor: DaskExecutor, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let workers and this process use compiled kernels: the NumPy versions differ from them in the last bit."""
    before = os.environ.get("LAMELLA_KERNELS")

    def choose(name: str | None) -> None:
        if name is None:
            os.environ.pop("LAMELLA_KERNELS", None)
        else:
            os.environ["LAMELLA_KERNELS"] = name

    monkeypatch.setenv("LAMELLA_KERNELS", "compiled")
    executor.client.run(choose, "compiled")
    yield
    executor.client.run(choose, before)


@pytest.mark.parametrize(
    "make", [SumUDF, SumSigUDF, StdDevUDF, SlowMeanUDF, lambda: ApplyMasksUDF(mask_factories=masks)]
)
def test_results_are_those_of_threads_to_the_last_bit(
    executor: DaskExecutor,
    scan: lamella.DataSet,
    make: Callable[[], UDF],
    compiled: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(executor, "calls_small", False)
    expected = lamella.Context(executor="threads").run_udf(scan, make())
    same(lamella.Context(executor=executor).run_udf(scan, make()), expected)
    assert executor.last_run is not None
    assert executor.last_run.items == PARTITIONS


def test_small_runs_happen_in_the_calling_process(executor: DaskExecutor, scan: lamella.DataSet) -> None:
    before = executor.last_run
    found = lamella.Context(executor=executor).run_udf(scan, SumSigUDF())
    np.testing.assert_array_equal(found["intensity"].data, DATA.sum(axis=(2, 3)))
    assert executor.last_run is before


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

    gc.collect()  # an error that a test before this one caught may hold a future
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


class GatedUDF(SlowMeanUDF):
    """Notes each tile that it begins and ends, and waits in each until a gate is open."""

    def __init__(self, folder: str) -> None:
        UDF.__init__(self, folder=folder)

    def get_tiling_preferences(self) -> dict[str, Any]:
        return {"depth": 1, "total_size": UDF.TILE_SIZE_MAX}

    def process_tile(self, tile: NDArray[Any]) -> None:
        folder = Path(self.params.folder)
        self.note(folder / "begun")
        while not (folder / "gate").exists():
            time.sleep(0.005)
        self.note(folder / "done")
        self.results.mean[:] = tile.mean(axis=(1, 2))

    def note(self, path: Path) -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{os.getpid()}\n")


def test_workers_stop_after_the_tile_that_they_are_at(
    executor: DaskExecutor, scan: lamella.DataSet, tmp_path: Path
) -> None:
    def noted(name: str) -> list[str]:
        return (tmp_path / name).read_text().split() if (tmp_path / name).exists() else []

    def stopped() -> int:
        from lamella_dask.remote import _plans

        return len(_plans._stopped)

    def wait_for(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    raised: list[BaseException] = []
    cancel = threading.Event()

    def compute() -> None:
        try:
            lamella.Context(executor=executor).run_udf(scan, GatedUDF(str(tmp_path)), cancel=cancel)
        except CancelledRun as error:
            raised.append(error)

    time.sleep(3 * leftovers._LATER)  # workers forget the run before this one
    before = executor.client.run(stopped)
    computing = threading.Thread(target=compute)
    computing.start()
    wait_for(lambda: len(set(noted("begun"))) == 2)
    cancel.set()
    wait_for(lambda: all(count > before[where] for where, count in executor.client.run(stopped).items()))
    (tmp_path / "gate").touch()
    computing.join(60)
    assert len(raised) == 1
    assert not any(executor.client.processing().values())
    assert sorted(noted("done")) == sorted(noted("begun"))
    assert len(noted("done")) == 2  # of 80: one for each worker
    same(
        lamella.Context(executor=executor).run_udf(scan, SlowMeanUDF()),
        lamella.Context(executor="threads").run_udf(scan, SlowMeanUDF()),
    )
    assert len(noted("done")) == 2


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


class BrokenUDF(GatedUDF):
    """Fails as a network file system does."""

    def process_tile(self, tile: NDArray[Any]) -> None:
        self.note(Path(self.params.folder) / "begun")
        raise OSError(errno.EIO, "the disk of the UDF")


def test_what_a_udf_raises_is_never_tried_again(executor: DaskExecutor, tmp_path: Path) -> None:
    np.save(tmp_path / "scan.npy", DATA)
    ds = lamella.open(tmp_path / "scan.npy", num_partitions=1)
    with pytest.raises(UDFError, match="the disk of the UDF"):
        lamella.Context(executor=executor).run_udf(ds, BrokenUDF(str(tmp_path)))
    assert len((tmp_path / "begun").read_text().split()) == 1


@pytest.mark.skipif(not hasattr(os, "preadv"), reason="files are read by other calls there")
def test_reads_that_fail_are_tried_once_more_and_then_told_with_the_host(
    executor: DaskExecutor, tmp_path: Path
) -> None:
    path = tmp_path / "far.npy"
    np.save(path, DATA)
    ds = lamella.open(path, num_partitions=8, io_backend="buffered")
    inode, first = path.stat().st_ino, min(executor.client.nthreads())

    def begin(times: int) -> None:
        """Let so many reads of the file fail in a worker, as on a network file system."""
        left = [times]

        def failing(handle: int, buffers: Any, offset: int) -> int:
            if os.fstat(handle).st_ino == inode and left[0]:
                left[0] -= 1
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return int(usual(handle, buffers, offset))

        usual: Any = getattr(os.preadv, "usual", os.preadv)
        failing.usual, failing.left = usual, left  # type: ignore[attr-defined]
        os.preadv = failing  # type: ignore[assignment]

    def end() -> int:
        failing: Any = os.preadv
        os.preadv = failing.usual
        return int(failing.left[0])

    ctx = lamella.Context(executor=executor)
    executor.client.run(begin, 1, workers=[first])
    np.testing.assert_array_equal(ctx.run_udf(ds, SlowMeanUDF(0.01))["mean"].data, DATA.mean(axis=(2, 3)))
    assert executor.client.run(end, workers=[first]) == {first: 0}
    executor.client.run(begin, 1000, workers=[first])
    try:
        with pytest.raises(FormatError, match=rf"far\.npy: reading failed \({os.strerror(errno.EIO)}\)") as raised:
            ctx.run_udf(ds, SlowMeanUDF(0.01))
    finally:
        executor.client.run(end, workers=[first])
    assert f"Dask worker {first} (host " in "".join(raised.value.__notes__)
    np.testing.assert_array_equal(ctx.run_udf(ds, SlowMeanUDF())["mean"].data, DATA.mean(axis=(2, 3)))


def test_workers_find_files_under_other_paths(executor: DaskExecutor, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    np.save(tmp_path / "here" / "scan.npy", DATA)
    ds = lamella.open(tmp_path / "here" / "scan.npy", num_partitions=4)
    (tmp_path / "here").rename(tmp_path / "there")
    paths = {str(tmp_path / "here"): str(tmp_path / "there")}
    result = lamella.Context(executor=DaskExecutor(executor.client, paths=paths)).run_udf(ds, SlowMeanUDF())
    np.testing.assert_array_equal(result["mean"].data, DATA.mean(axis=(2, 3)))


@pytest.mark.skipif(sys.platform == "win32", reason="files are not mapped there")
def test_workers_with_a_limit_map_files_below_half_of_it_or_not_at_all(
    executor: DaskExecutor, scan: lamella.DataSet
) -> None:
    def backend(shared: Any, item: int, cancelled: Callable[[], bool]) -> tuple[Any, ...]:
        import contextvars
        import importlib

        choose: Any = importlib.import_module("lamella.io.choose")
        before = choose.is_installed, choose.can_bound
        resources = list(shared.source.resources)
        try:
            choose.is_installed = lambda: True  # as after a kernel was loaded
            choose.can_bound = lambda: True
            here = choose.choose_backend("auto", resources)
            elsewhere = contextvars.Context().run(choose.choose_backend, "auto", resources)
            choose.can_bound = lambda: False
            return here.name, here.mapped_below, elsewhere.mapped_below, choose.choose_backend("auto", resources).name
        finally:
            choose.is_installed, choose.can_bound = before

    def limit(dask_worker: Any) -> int:
        return int(dask_worker.memory_manager.memory_limit)

    (most,) = {limit // 2 for limit in executor.client.run(limit).values()}
    assert set(executor.run(backend, scan, range(2))) == {("mmap", most, None, "buffered")}


def test_workers_without_a_limit_prefer_nothing() -> None:
    def preference(shared: None, item: int, cancelled: Callable[[], bool]) -> Any:
        from lamella.io import preferred

        return preferred()

    executor = DaskExecutor(1, local={"processes": False, "memory_limit": 0})
    try:
        assert list(executor.run(preference, None, range(2))) == [None, None]
    finally:
        executor.close()


def test_a_given_client_is_used_and_never_closed(executor: DaskExecutor) -> None:
    given = DaskExecutor(executor.client)
    assert len(list(given.run(job, None, range(3)))) == 3
    given.close()
    assert executor.client.status == "running"


def test_an_address_connects_to_a_running_scheduler(executor: DaskExecutor) -> None:
    other = DaskExecutor(str(executor.describe()["scheduler"]))
    try:
        assert other.workers == executor.workers == 2
        assert [item for item, *_ in other.run(job, None, range(5))] == list(range(5))
    finally:
        other.close()


def test_a_client_that_is_to_be_the_default_is_it_at_once(executor: DaskExecutor) -> None:
    address = str(executor.describe()["scheduler"])
    other = DaskExecutor(address)
    try:
        assert other.workers == 2
        with pytest.raises(ValueError, match="No clients found"):
            default_client()
    finally:
        other.close()
    other = DaskExecutor(address, set_as_default=True)
    try:
        assert default_client().scheduler.address == address
        assert default_client() is other.client
    finally:
        other.close()


def random_index(rng: np.random.Generator) -> tuple[Any, ...]:
    """Give an index of up to four axes: numbers, slices with steps, and one array, which is what Dask takes."""
    items: list[Any] = []
    for length in DATA.shape[: rng.integers(0, 5)]:
        ends = [None if rng.random() < 0.3 else int(rng.integers(-length, length + 2)) for _ in range(2)]
        items.append(slice(ends[0], ends[1], int(rng.choice([-3, -2, -1, 1, 2, 5]))))
        if rng.random() < 0.3:
            items[-1] = int(rng.integers(-length, length))
    if items and rng.random() < 0.5:
        axis = int(rng.integers(0, len(items)))
        numbers = rng.integers(-DATA.shape[axis], DATA.shape[axis], rng.integers(1, 6)).tolist()
        items[axis] = numbers if rng.random() < 0.5 else rng.random(DATA.shape[axis]) < 0.4
    return tuple(items)


@pytest.mark.parametrize("count", [15, pytest.param(200, marks=pytest.mark.slow)])
def test_workers_compute_any_part_of_a_dask_array(executor: DaskExecutor, scan: lamella.DataSet, count: int) -> None:
    array, rng = scan.to_dask(chunks=(5, 10, -1, 9)), np.random.default_rng(count)
    indices = [random_index(rng) for _ in range(count)]
    found = executor.client.gather(executor.client.compute([array[index] for index in indices]))
    for index, one in zip(indices, found, strict=True):
        np.testing.assert_array_equal(one, scan.read(index), err_msg=str(index), strict=True)


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


def test_a_process_counts_the_batches_that_its_threads_are_at() -> None:
    plans = _Plans()
    with plans.at_work("run"):
        with plans.at_work("run"):
            assert plans.stop("run") == 2
        assert plans.stop("run") == 1
        assert plans.stop("another run") == 0
    assert plans.stop("run") == 0


def test_arguments_that_mean_nothing_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"expected a distributed\.Client"):
        DaskExecutor(2.5)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="attempt"):
        DaskExecutor(attempts=0)
    with pytest.raises(ParameterError, match="a cluster that is made here"):
        DaskExecutor("tcp://head:8786", local={"memory_limit": 0})
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
