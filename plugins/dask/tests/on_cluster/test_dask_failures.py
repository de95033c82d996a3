"""What may go wrong on a cluster: each test really ends, stops, replaces or fills something."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil  # type: ignore[import-untyped]
import pytest
from distributed import Client, LocalCluster
from numpy.typing import NDArray

import lamella
from lamella.errors import FormatError, LamellaError, PluginError, UDFError, WorkerLost
from lamella.udf import UDF, SumSigUDF, SumUDF
from lamella_dask import DaskExecutor

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="there are no signals to send")]

DATA = np.random.default_rng(7).integers(0, 4000, (8, 10, 16, 16)).astype(np.uint16)
PARTITIONS = 16
SUMS = DATA.sum(axis=(2, 3))


class SlowSumUDF(UDF):
    """A sum for each position, in Python; carries some ballast."""

    def __init__(self, seconds: float = 0.01, ballast: Any = None) -> None:
        super().__init__(seconds=seconds, ballast=ballast)

    def get_result_buffers(self) -> dict[str, Any]:
        return {"sum": self.buffer(kind="nav", dtype="f8"), "total": self.buffer(kind="sig", dtype="f8")}

    def process_frame(self, frame: NDArray[Any]) -> None:
        time.sleep(self.params.seconds)
        self.results.sum[:] = frame.sum()
        self.results.total[:] += frame

    def merge(self, dest: Any, src: Any) -> None:
        dest.sum[:] = src.sum
        dest.total += src.total


def check(result: Any) -> None:
    np.testing.assert_array_equal(result["sum"].data, SUMS)
    np.testing.assert_array_equal(result["total"].data, DATA.sum(axis=(0, 1)))


def after(seconds: float, do: Callable[[], Any]) -> threading.Timer:
    """Do something later; what it finds gone already is no matter."""

    def carefully() -> None:
        with suppress(ProcessLookupError, psutil.NoSuchProcess):
            do()

    timer = threading.Timer(seconds, carefully)
    timer.start()
    return timer


def pids(executor: DaskExecutor) -> list[int]:
    """Give the processes of the workers that answer; the scheduler may not know yet that others are gone."""
    return list(executor.client.run(os.getpid, on_error="ignore").values())


SEED = int(os.environ.get("LAMELLA_TEST_SEED", time.time_ns() % 100_000))
"""Decides when workers are killed; another one each time, unless the environment names it."""


@pytest.mark.parametrize("number", range(20))
def test_workers_that_are_killed_at_random_moments_cost_no_result(
    executor: DaskExecutor, scan: lamella.DataSet, number: int
) -> None:
    seconds = np.random.default_rng((SEED, number)).uniform(0, 0.4)
    print(f"killed after {seconds:.3f} s, LAMELLA_TEST_SEED={SEED}")
    workers = pids(executor)
    victim = workers[number % len(workers)]
    began = time.monotonic()
    timer = after(seconds, lambda: os.kill(victim, signal.SIGKILL))
    check(lamella.Context(executor=executor).run_udf(scan, SlowSumUDF()))
    assert time.monotonic() - began < 20  # a worker starts again in 2 s on a quiet machine
    timer.join()


def test_workers_that_stand_still_for_a_while_cost_no_result(executor: DaskExecutor, scan: lamella.DataSet) -> None:
    workers = pids(executor)

    def stop_and_go() -> None:
        for number in range(20):
            pid = workers[number % 2]
            os.kill(pid, signal.SIGSTOP)
            after(3, functools.partial(os.kill, pid, signal.SIGCONT))  # the other one is stopped meanwhile
            time.sleep(2.5)

    stopping = threading.Thread(target=stop_and_go)
    stopping.start()
    runs = 0
    while stopping.is_alive():
        check(lamella.Context(executor=executor).run_udf(scan, SlowSumUDF()))
        runs += 1
    assert runs > 5
    assert sorted(pids(executor)) == sorted(workers)


def test_partial_results_go_on_when_a_worker_is_killed(executor: DaskExecutor, scan: lamella.DataSet) -> None:
    covered: list[int] = []
    last = None
    for partial in lamella.Context(executor=executor).run_udf_iter(scan, SlowSumUDF()):
        if not covered:
            os.kill(pids(executor)[0], signal.SIGKILL)
        covered.append(int(partial.damage.data.sum()))
        last = partial.buffers[0]
    assert len(covered) == 16
    assert covered == sorted(set(covered))
    check(last)


def test_the_worker_that_holds_a_large_plan_may_be_killed(executor: DaskExecutor, scan: lamella.DataSet) -> None:
    ballast = np.zeros(1 << 20)
    places = dict(zip(executor.client.run(os.getpid), pids(executor), strict=True))
    killed: list[int] = []
    last: Any = None

    def kill_holder() -> None:
        holders = [where for key, where in executor.client.who_has().items() if str(key).endswith("-plan")]
        killed.append(places[holders[0][0]])
        os.kill(killed[0], signal.SIGKILL)

    for partial in lamella.Context(executor=executor).run_udf_iter(scan, SlowSumUDF(0.02, ballast)):
        if not killed:
            kill_holder()
        last = partial.buffers[0]
    check(last)


def test_a_nanny_that_is_killed_costs_its_worker_but_no_result(tmp_path: Path, scan: lamella.DataSet) -> None:
    with LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0", silence_logs=50) as bare, Client(bare) as client:
        command = "import sys; from distributed.cli.dask_worker import main; sys.exit(main())"
        options = ["--nthreads", "1", "--no-dashboard", "--local-directory", str(tmp_path)]
        started = [
            subprocess.Popen(
                [sys.executable, "-P", "-c", command, bare.scheduler_address, *options], stderr=subprocess.DEVNULL
            )
            for _ in range(2)
        ]
        try:
            client.wait_for_workers(2, timeout=60)
            timer = after(0.3, started[0].kill)
            check(lamella.Context(executor=DaskExecutor(client)).run_udf(scan, SlowSumUDF(0.02)))
            timer.join()
        finally:
            for nanny in started:
                with suppress(psutil.NoSuchProcess):
                    for child in psutil.Process(nanny.pid).children(recursive=True):
                        child.kill()
                nanny.kill()
                nanny.wait()


def test_a_file_that_was_replaced_is_told_with_the_host(executor: DaskExecutor, tmp_path: Path) -> None:
    np.save(tmp_path / "replaced.npy", DATA)
    ds = lamella.open(tmp_path / "replaced.npy", num_partitions=4)
    np.save(tmp_path / "replaced.npy", DATA + 1)
    with pytest.raises(FormatError, match=r"changed since the data set was opened.*replaced\.npy") as raised:
        lamella.Context(executor=executor).run_udf(ds, SlowSumUDF())
    assert "(host " in "".join(raised.value.__notes__)


def test_a_file_that_is_cut_during_a_run_is_told_with_the_host(executor: DaskExecutor, tmp_path: Path) -> None:
    path = tmp_path / "cut.npy"
    np.save(path, DATA)
    ds = lamella.open(path, num_partitions=16)
    partials = lamella.Context(executor=executor).run_udf_iter(ds, SlowSumUDF(0.02))
    next(partials)
    os.truncate(path, 20_000)
    with pytest.raises(LamellaError, match=r"cut\.npy") as raised:
        list(partials)
    assert "(host " in "".join(raised.value.__notes__)


def test_workers_that_come_and_go_are_used(scan: lamella.DataSet) -> None:
    def where(shared: None, item: int, cancelled: Callable[[], bool]) -> int:
        time.sleep(0.02)
        return os.getpid()

    options = {"n_workers": 1, "dashboard_address": "127.0.0.1:0", "silence_logs": 50}
    with LocalCluster(threads_per_worker=1, **options) as bare, Client(bare) as client:
        executor = DaskExecutor(client)
        results = executor.run(where, None, range(400))
        first = {next(results)}
        bare.scale(2)
        rest = list(results)
        assert len(rest) == 399
        assert len({*first, *rest}) == 2
        timer = after(0.3, lambda: bare.scale(1))
        assert len(list(executor.run(where, None, range(100)))) == 100
        timer.join()


def test_a_scan_of_four_times_the_memory_limit_is_read_by_a_worker_that_stays(tmp_path: Path) -> None:
    path = tmp_path / "large.npy"
    data = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint16, shape=(256, 64, 256, 256))
    data[5, 6, 7, 8] = 9  # the rest is a hole, which takes no room on the disk
    data.flush()
    del data
    states: list[tuple[int, str]] = []
    last: Any = None

    def state(dask_worker: Any) -> tuple[int, str]:
        return os.getpid(), dask_worker.status.name

    options: dict[str, Any] = {"threads_per_worker": 1, "dashboard_address": "127.0.0.1:0", "memory_limit": "500MiB"}
    with LocalCluster(n_workers=1, **options) as bare, Client(bare) as client:
        states += client.run(state).values()
        ds = lamella.open(path)
        assert ds.nbytes > 4 * (500 << 20)
        for partial in lamella.Context(executor=DaskExecutor(client)).run_udf_iter(ds, [SumUDF(), SumSigUDF()]):
            states += client.run(state).values()
            last = partial.buffers
        assert last[1]["intensity"].data.sum() == last[0]["intensity"].data[7, 8] == 9
    assert {status for _, status in states} == {"running"}
    assert len({pid for pid, _ in states}) == 1


class GreedyUDF(SlowSumUDF):
    """Takes more and more memory."""

    def process_frame(self, frame: NDArray[Any]) -> None:
        held = []
        for _ in range(200):
            held.append(np.ones(2 << 20))
            time.sleep(0.02)


def test_a_udf_that_takes_too_much_memory_is_told_with_its_place_and_the_remedy(scan: lamella.DataSet) -> None:
    executor = DaskExecutor(1, attempts=2, local={"memory_limit": "500MiB"})
    try:
        with pytest.raises(UDFError, match=r"GreedyUDF failed in partition 0 .*scan\.npy.*memory_limit") as raised:
            lamella.Context(executor=executor).run_udf(scan, GreedyUDF())
        assert isinstance(raised.value.__cause__, WorkerLost)
        check(lamella.Context(executor=executor).run_udf(scan, SlowSumUDF(0)))
    finally:
        executor.close()


def test_two_clients_and_runs_within_tasks_do_not_disturb_each_other(
    executor: DaskExecutor, scan: lamella.DataSet
) -> None:
    other = DaskExecutor(str(executor.describe()["scheduler"]))
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda one=one: found.append(lamella.Context(executor=one).run_udf(scan, SlowSumUDF())))
        for one in (executor, other, executor)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in found:
        check(result)
    assert len(found) == 3
    other.close()

    def nested(dataset: lamella.DataSet) -> Any:
        from distributed import worker_client

        with worker_client() as client:
            return lamella.Context(executor=DaskExecutor(client)).run_udf(dataset, SlowSumUDF(0))["sum"].data

    np.testing.assert_array_equal(executor.client.submit(nested, scan, pure=False).result(timeout=60), SUMS)


def other_installation(folder: Path, without: str, version: str = "") -> dict[str, str]:
    """Give the environment of a Python that has the packages of this one without a certain one, or another version."""
    folder.mkdir()
    name = without.replace("-", "_")
    sources = []
    for place in map(Path, sys.path):
        if place.name != "site-packages":
            sources += [] if not place.is_dir() or (place / name).is_dir() else [str(place)]
            continue
        for entry in place.iterdir():
            if entry.name.partition("-")[0] != name or (version and not entry.name.endswith(".dist-info")):
                (folder / entry.name).symlink_to(entry)
    if version:
        (folder / f"{name}-{version}.dist-info").mkdir()
        text = f"Metadata-Version: 2.1\nName: {without}\nVersion: {version}\n"
        (folder / f"{name}-{version}.dist-info" / "METADATA").write_text(text)
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sources])}


@pytest.mark.parametrize(
    ("package", "version", "sentence"),
    [
        ("lamella", "", r"the Dask worker tcp://\S+ lacks lamella \(.*\): pip install lamella there"),
        ("lamella-dask", "", r"the Dask worker tcp://\S+ lacks lamella-dask \(.*\): pip install lamella-dask there"),
        ("lamella-npy", "", r"'npy'.*pip install lamella-npy"),
        ("numpy", "1.0.0", rf"has other versions than the client: numpy {np.__version__} here, 1\.0\.0 there\."),
    ],
    ids=["no lamella", "no lamella-dask", "no format", "another numpy"],
)
def test_a_worker_with_other_packages_is_told_in_one_sentence(
    tmp_path: Path, scan: lamella.DataSet, package: str, version: str, sentence: str
) -> None:
    env = other_installation(tmp_path / "packages", package, version)
    command = "import sys; from distributed.cli.dask_worker import main; sys.exit(main())"
    with LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0", silence_logs=50) as bare, Client(bare) as client:
        options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(tmp_path)]
        worker = subprocess.Popen(
            [sys.executable, "-P", "-S", "-c", command, bare.scheduler_address, *options],
            stderr=subprocess.DEVNULL,
            env=env,
        )
        try:
            client.wait_for_workers(1, timeout=60)
            with pytest.raises(PluginError, match=sentence) as raised:
                lamella.Context(executor=DaskExecutor(client)).run_udf(scan, SlowSumUDF(0))
            (address,) = client.nthreads()
            assert address in "".join([str(raised.value), *getattr(raised.value, "__notes__", ())])
            assert "\n" not in str(raised.value)
        finally:
            worker.kill()
            worker.wait()


def test_workers_of_a_host_start_one_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    monkeypatch.setenv("LAMELLA_KERNEL_CACHE", str(tmp_path))
    monkeypatch.setenv("NUMBA_CPU_NAME", "generic")  # for which nothing is on disk yet
    monkeypatch.setenv("NUMBA_CPU_FEATURES", "")

    def use(address: str) -> tuple[int, list[bool]]:
        from lamella.kernels import builtin
        from lamella.kernels.compilequeue import compile_queue

        builtin.add_pixels(np.ones((2, 8), np.uint16), (), np.zeros(2, np.int64))
        assert compile_queue.finish(100)
        return os.getpid(), [job.done for job in compile_queue._seen.values()]

    compilers: set[int] = set()

    def watch() -> None:
        while not over.wait(0.05):
            for worker in workers:
                compilers.update(child.pid for child in psutil.Process(worker).children())

    executor, over = DaskExecutor(3), threading.Event()
    try:
        executor.client.wait_for_workers(3, timeout=60)
        workers = pids(executor)
        watching = threading.Thread(target=watch)
        watching.start()
        found = executor.client.gather(
            [executor.client.submit(use, address, workers=[address]) for address in executor.client.nthreads()]
        )
        over.set()
        watching.join()
    finally:
        over.set()
        executor.close()
    assert {pid for pid, _ in found} == set(workers)
    assert all(done == [True] for _, done in found)
    assert len(compilers) == 1


SCRIPT = """
import sys, time
import lamella
from lamella.udf import UDF

class SleepUDF(UDF):
    def get_result_buffers(self):
        return {"x": self.buffer("nav")}

    def process_frame(self, frame):
        time.sleep(0.2)

if __name__ == "__main__":
    with lamella.Context.make_with("dask", cpus=1) as ctx:
        partials = ctx.run_udf_iter(lamella.open(sys.argv[1], num_partitions=40), SleepUDF())
        next(partials)
        print("begun", flush=True)
        list(partials)
"""


def test_ctrl_c_ends_a_program_and_its_cluster(scan: lamella.DataSet, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), scan.source.resources[0].path]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "begun\n"
    workers = psutil.Process(child.pid).children(recursive=True)
    os.killpg(child.pid, signal.SIGINT)
    _, errors = child.communicate(timeout=30)
    assert "KeyboardInterrupt" in errors
    assert child.returncode != 0
    assert psutil.wait_procs(workers, timeout=10)[1] == []
