"""The executor and its client, in this process: which cluster it uses, what workers must have, what it closes."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import dask
import pytest
from distributed import Client, LocalCluster, default_client

import lamella
from lamella.errors import LamellaError, LamellaWarning, ParameterError, PluginError
from lamella.executors import ThreadsExecutor
from lamella_dask import DaskExecutor
from lamella_dask.cluster import LocalWorkers
from lamella_dask.names import dask_make_default

pytestmark = pytest.mark.usefixtures("in_time")

HERE: dict[str, Any] = {"processes": False, "dashboard_address": "127.0.0.1:0", "silence_logs": 50}


@pytest.fixture
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(n_workers=1, threads_per_worker=2, **HERE) as made:
        yield made


def job(shared: Any, item: int, stopped: Any) -> int:
    return 10 * item


def test_a_function_for_each_host_runs_once_each_time(cluster: LocalCluster, tmp_path: Path) -> None:
    path = tmp_path / "called"

    def count() -> int:
        with path.open("a") as file:
            file.write("x")
        return path.stat().st_size

    with Client(cluster, set_as_default=False) as client:
        executor = DaskExecutor(client)
        assert [list(executor.each_host(count).values()) for _ in range(3)] == [[1], [2], [3]]


def test_a_function_for_each_host_runs_for_everyone_who_asks(cluster: LocalCluster, tmp_path: Path) -> None:
    path = tmp_path / "called"

    def count() -> None:
        time.sleep(0.2)
        with path.open("a") as file:
            file.write("x")

    with Client(cluster, set_as_default=False) as client, ThreadPoolExecutor(2) as pool:
        executor = DaskExecutor(client)
        for asked in [pool.submit(executor.each_host, count) for _ in range(2)]:
            asked.result()
    assert path.read_text() == "xx"


@pytest.mark.parametrize("wanted", [False, True])
def test_a_client_is_the_default_only_if_that_is_asked_for(wanted: bool) -> None:
    with closing(DaskExecutor(1, local=HERE, set_as_default=wanted)) as executor:
        client = executor.client
        if wanted:
            assert default_client() is client
        else:
            with pytest.raises(ValueError, match="No client"):
                default_client()
    assert client.status == "closed"


def test_the_executor_that_becomes_the_default_of_dask_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lamella_dask.cluster.LocalCluster", partial(LocalCluster, processes=False))
    with closing(dask_make_default(1)) as executor:
        assert isinstance(executor, DaskExecutor)
        assert default_client() is executor.client
        assert len(executor.client.nthreads()) == 1


def test_the_present_client_of_dask_is_used(cluster: LocalCluster) -> None:
    with Client(cluster) as client:
        with lamella.Context.make_with("dask-integration") as ctx:
            assert isinstance(ctx.executor, DaskExecutor)
            assert ctx.executor.client is client
        assert client.status == "running"
        with pytest.raises(ParameterError, match="leave out cpus"):
            lamella.Context.make_with("dask-integration", cpus=2)


def test_without_a_client_of_dask_runs_happen_in_threads_and_the_line_is_told() -> None:
    with pytest.warns(LamellaWarning, match="there is no client of Dask in this process") as told:
        context = lamella.Context.make_with("dask-integration", cpus=3)
    assert isinstance(context.executor, ThreadsExecutor)
    assert context.executor.workers == 3
    assert told[0].filename == __file__


def test_the_delayed_executor_says_which_lines_take_its_place() -> None:
    with pytest.raises(PluginError, match=r"array = ds\.to_dask\(\)"):
        lamella.Context.make_with("delayed")


@pytest.mark.parametrize(("options", "attempts"), [({}, 3), ({"attempts": 1}, 1)])
def test_a_partition_is_given_up_once_so_many_workers_were_lost_with_it(options: Any, attempts: int) -> None:
    with closing(DaskExecutor(1, local=HERE, **options)) as executor:
        cluster: Any = executor.client.cluster
        assert cluster.scheduler.allowed_failures == attempts - 1  # Dask counts those that are allowed


def test_one_attempt_is_enough_to_ask_for(cluster: LocalCluster) -> None:
    with closing(DaskExecutor(cluster.scheduler_address, attempts=1)) as executor:
        assert list(executor.run(job, None, range(3))) == [0, 10, 20]


def test_a_client_that_was_made_for_an_address_is_closed_and_can_be_made_again(cluster: LocalCluster) -> None:
    executor = DaskExecutor(cluster.scheduler_address)
    first = executor.client
    assert list(executor.run(job, None, range(5))) == [0, 10, 20, 30, 40]
    executor.close()
    executor.close()
    assert first.status == "closed"
    assert list(executor.run(job, None, range(3))) == [0, 10, 20]
    assert executor.client is not first
    executor.close()


def test_a_client_that_was_given_stays_open_and_is_used_again(cluster: LocalCluster) -> None:
    with Client(cluster, set_as_default=False) as client:
        executor = DaskExecutor(client)
        for _ in range(2):
            assert list(executor.run(job, None, range(3))) == [0, 10, 20]
            executor.close()
        assert client.status == "running"
        assert executor.client is client
    with pytest.raises(LamellaError, match="the Dask client is closed"):
        list(executor.run(job, None, range(3)))


def test_threads_of_all_workers_are_counted(cluster: LocalCluster) -> None:
    with Client(cluster, set_as_default=False) as client:
        assert DaskExecutor(client).workers == 2


def test_workers_of_a_client_that_is_closed_are_as_they_were(
    cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lamella_dask.executor._KEPT", -1.0)
    with Client(cluster, set_as_default=False) as client:
        executor = DaskExecutor(client)
        assert executor.workers == 2
    assert executor.workers == 2


def test_a_scheduler_is_asked_for_when_it_is_first_needed() -> None:
    executor = DaskExecutor("tcp://127.0.0.1:1")
    with dask.config.set({"distributed.comm.timeouts.connect": "0.3s"}), pytest.raises(LamellaError, match="cannot be"):
        _ = executor.client


def test_a_cluster_without_workers_counts_as_one_and_is_an_error_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lamella_dask.executor._NO_WORKERS", 0.2)
    with LocalCluster(n_workers=0, **HERE) as empty, Client(empty, set_as_default=False) as client:
        executor = DaskExecutor(client)
        assert executor.workers == 1
        with pytest.raises(LamellaError, match=r"the Dask scheduler \S+ has no workers, and none came within 0 s"):
            list(executor.run(job, None, range(3)))
        with pytest.raises(LamellaError, match="has no workers"):
            executor.each_host(os.getpid)


def test_workers_that_come_later_are_waited_for() -> None:
    with LocalCluster(n_workers=0, **HERE) as growing, Client(growing, set_as_default=False) as client:
        executor = DaskExecutor(client)
        threading.Timer(0.3, growing.scale, (1,)).start()
        assert list(executor.run(job, None, range(4))) == [0, 10, 20, 30]
        assert executor.workers >= 1


def test_tasks_ask_for_the_resources_that_were_named(cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    usual = Client.map

    def noted(self: Client, *arguments: Any, **options: Any) -> Any:
        asked.append(options.pop("resources", None))
        return usual(self, *arguments, **options)

    monkeypatch.setattr(Client, "map", noted)
    with Client(cluster, set_as_default=False) as client:
        assert list(DaskExecutor(client, resources={"GPU": 2}).run(job, None, range(3))) == [0, 10, 20]
        assert list(DaskExecutor(client).run(job, None, range(3))) == [0, 10, 20]
    assert asked[0] == {"GPU": 2}
    assert asked[-1] is None


@pytest.mark.parametrize(
    ("lacking", "name"), [("lamella", "lamella"), ("lamella_dask.remote", "lamella-dask"), (None, "lamella-dask")]
)
def test_workers_that_lack_a_package_are_told_what_to_install(
    cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch, lacking: str | None, name: str
) -> None:
    def lacks(code: str, *arguments: Any) -> None:
        raise ModuleNotFoundError(f"No module named {lacking!r}", name=lacking)

    with Client(cluster, set_as_default=False) as client:
        monkeypatch.setattr("lamella_dask.executor.exec", lacks, raising=False)
        executor = DaskExecutor(client)
        for _ in range(2):
            with pytest.raises(PluginError, match=rf"lacks {name} \(.*\): pip install {name} there"):
                list(executor.run(job, None, range(3)))
        monkeypatch.setattr("lamella_dask.executor.exec", lambda *_: None)
        assert list(executor.run(job, None, range(2))) == [0, 10]
        monkeypatch.setattr("lamella_dask.executor.exec", lacks)  # a worker that was asked is not asked again
        assert list(executor.run(job, None, range(2))) == [0, 10]


@pytest.mark.parametrize(("workers", "attempts"), [(None, 1), (2, 3)])
def test_a_local_cluster_has_a_thread_for_each_worker_and_gives_up_after_the_attempts(
    monkeypatch: pytest.MonkeyPatch, workers: int | None, attempts: int
) -> None:
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    made: dict[str, Any] = {}

    class Noted(LocalCluster):
        def __init__(self, **options: Any) -> None:
            made.update(options, allowed=dask.config.get("distributed.scheduler.allowed-failures"))
            made["safe"] = os.environ.get("PYTHONSAFEPATH")
            super().__init__(**options)  # type: ignore[no-untyped-call]

    monkeypatch.setattr("lamella_dask.cluster.LocalCluster", Noted)
    local = LocalWorkers(workers, attempts, HERE, set_as_default=False)
    try:
        count = workers or ThreadsExecutor().workers
        assert local.client.nthreads() == dict.fromkeys(local.client.nthreads(), 1)
        assert len(local.client.nthreads()) == made["n_workers"] == count
        assert (made["allowed"], made["safe"]) == (attempts - 1, "1")
        assert "PYTHONSAFEPATH" not in os.environ
        local.cluster.scale(count - 1)
        local.client.sync(local.cluster._correct_state)
        local.complete()
        local.client.wait_for_workers(count, timeout=20)
    finally:
        local.close()


def test_a_cluster_that_lost_sight_of_a_worker_is_closed_without_an_error() -> None:
    local = LocalWorkers(1, 3, HERE, set_as_default=False)
    cluster: Any = local.cluster
    cluster.scheduler_info["workers"].clear()  # as where a worker ends before Dask was told that it began
    cluster.scale(0)
    local.client.sync(cluster._correct_state)
    local.close()
    assert cluster.status.name == cluster.scheduler.status.name == "closed"
    local.close()


def test_what_was_in_the_environment_before_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONSAFEPATH", "x")
    LocalWorkers(1, 3, HERE, set_as_default=False).close()
    assert os.environ["PYTHONSAFEPATH"] == "x"


def test_a_worker_that_imports_a_script_which_makes_a_cluster_is_told_what_to_write(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(multiprocessing.current_process(), "_inheriting", True, raising=False)
    with pytest.raises(PluginError, match="under if __name__ == '__main__':"):
        LocalWorkers(1, 3, HERE, set_as_default=False)
