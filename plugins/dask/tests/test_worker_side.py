"""The worker's side of a run, called in this process: what is answered, remembered, forgotten and tried again."""

from __future__ import annotations

import errno
import os
import pickle
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
import numpy as np
import pytest

from lamella.errors import CancelledRun, PluginError, UDFError
from lamella.executors import unpack
from lamella.io import preferred
from lamella_dask import remote
from lamella_dask.remote import Batch, Done, Pickled, on_host, stop, versions, work


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test have a worker that knows nothing."""
    monkeypatch.setattr(remote, "_plans", remote._Plans())
    monkeypatch.setattr(remote, "_settling", remote._Settling())
    monkeypatch.setattr(remote, "_here", {})


def send(job: Callable[..., Any], items: list[Any], *, run: str = "run", shared: Any = None, **more: Any) -> Done:
    content = cloudpickle.dumps((job, shared))
    return work(Pickled(content), Batch(run, [pickle.dumps(item) for item in items], **{**EQUAL, **more}))


EQUAL: dict[str, Any] = {"versions": {}, "paths": {}}


def answers(done: Done) -> list[Any]:
    """Give results, and errors as they are."""
    opened = [unpack(message) for message in done.answers]
    return [found[0] if kind == "error" else found for kind, found in opened]


def test_items_are_answered_in_order_up_to_the_first_error() -> None:
    began = time.perf_counter()
    done = send(lambda shared, item, stopped: shared + 1 / (item - 2), [0, 1, 2, 3], shared=10)
    assert answers(done)[:2] == [9.5, 9.0]
    (error,) = answers(done)[2:]
    assert isinstance(error, ZeroDivisionError)
    assert 0 < done.seconds <= time.perf_counter() - began
    assert done.notes == []


@pytest.mark.parametrize("n", [0, 1, 5])
def test_arrays_come_back_as_they_were_also_without_pixels(n: int) -> None:
    (found,) = answers(send(lambda shared, item, stopped: np.arange(item, dtype=np.int16), [n]))
    np.testing.assert_array_equal(found, np.arange(n, dtype=np.int16))


def test_a_run_that_is_stopped_does_no_more_items_and_others_do() -> None:
    assert stop("one") == 0
    (error,) = answers(send(lambda shared, item, stopped: item, [1, 2], run="one"))
    assert isinstance(error, CancelledRun)
    assert answers(send(lambda shared, item, stopped: (item, stopped()), [1], run="two")) == [(1, False)]


def test_the_last_thousand_runs_that_were_stopped_are_known() -> None:
    def is_stopped(run: str) -> bool:
        return isinstance(answers(send(lambda *_: None, [1], run=run))[0], CancelledRun)

    stop(*(str(number) for number in range(1000)))
    assert is_stopped("0")
    stop("more")
    assert not is_stopped("0")
    assert is_stopped("1")


def test_the_plans_of_the_eight_runs_that_were_used_last_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(remote, "noted_by_a_test", opened.append, raising=False)  # where the unpickled job finds it

    class Noted:
        def __init__(self, name: str) -> None:
            self.name = name

        def __reduce__(self) -> Any:
            return note, (self.name,)

    def note(name: str) -> str:
        from lamella_dask import remote

        remote.noted_by_a_test(name)  # type: ignore[attr-defined]
        return name

    def use(*names: str) -> list[str]:
        opened.clear()
        for name in names:
            assert (
                answers(send(lambda shared, item, stopped: shared, [0, 0], run=name, shared=Noted(name))) == [name] * 2
            )
        return list(opened)

    assert use(*"abcdefgh") == [*"abcdefgh"]
    assert use("a") == []
    assert use("i") == ["i"]
    assert use("a") == []
    assert use("b") == ["b"]
    stop("a")
    assert "a" not in remote._plans._plans


def test_stopping_tells_how_many_batches_still_work(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, end = threading.Barrier(3), threading.Semaphore(0)
    monkeypatch.setattr(remote, "gate_of_a_test", (begun, end), raising=False)  # where the unpickled job finds it

    def job(shared: Any, item: int, stopped: Callable[[], bool]) -> bool:
        from lamella_dask import remote

        begun, end = remote.gate_of_a_test  # type: ignore[attr-defined]
        begun.wait(20)
        end.acquire(timeout=20)
        return stopped()

    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.extend(answers(send(job, [1])))) for _ in range(2)]
    for one in threads:
        one.start()
    begun.wait(20)
    assert stop("other") == 0
    assert stop("run", "other") == 2
    end.release()
    while all(one.is_alive() for one in threads):
        time.sleep(0.01)
    assert stop("run") == 1
    end.release()
    for one in threads:
        one.join(20)
    assert found == [True, True]
    assert stop("run") == 0
    assert not remote._plans._working


@pytest.mark.parametrize(
    ("age", "nanny", "waits"),
    [
        (0.0, True, 1),
        (3.0, True, 1),
        (9.9, True, 1),
        (10.0, True, 0),
        (60.0, True, 0),
        (-5.0, True, 0),
        (3.0, False, 0),
    ],
)
def test_a_young_worker_lets_its_nanny_hear_of_it_first(
    monkeypatch: pytest.MonkeyPatch, age: float, nanny: bool, waits: int
) -> None:
    slept: list[float] = []
    clock = SimpleNamespace(time=lambda: 1000.0, sleep=slept.append, perf_counter=time.perf_counter)
    monkeypatch.setattr(remote, "time", clock)
    monkeypatch.setattr(
        remote, "psutil", SimpleNamespace(Process=lambda: SimpleNamespace(create_time=lambda: 1000.0 - age))
    )
    monkeypatch.setattr(remote, "_worker", lambda: SimpleNamespace(nanny="tcp://nanny:1" if nanny else None))
    for _ in range(3):
        assert answers(send(lambda shared, item, stopped: item, [7])) == [7]
    assert slept == [0.2] * waits


@pytest.mark.parametrize("limit", [None, 400 << 20])
def test_workers_with_a_limit_map_up_to_half_of_it(monkeypatch: pytest.MonkeyPatch, limit: int | None) -> None:
    monkeypatch.setattr(remote, "memory_limit", lambda: limit)
    (found,) = answers(send(lambda shared, item, stopped: preferred(), [0]))
    if limit is None:
        assert found is None
    else:
        assert (found.backend, found.mapped_below) == ("buffered", limit // 2)
        assert "a memory limit of 400 MiB" in found.reason


@pytest.mark.parametrize(
    ("backend", "mapped_below", "limit", "notes"),
    [
        ("mmap", None, 400 << 20, 1),
        ("mmap", 1 << 20, 400 << 20, 0),
        ("mmap", None, None, 0),
        ("buffered", None, 400 << 20, 0),
    ],
)
def test_files_that_are_mapped_by_name_are_noted_with_both_sizes(
    monkeypatch: pytest.MonkeyPatch, backend: str, mapped_below: int | None, limit: int | None, notes: int
) -> None:
    monkeypatch.setattr(remote, "memory_limit", lambda: limit)
    files = [SimpleNamespace(size=size << 20) for size in (3, 4)]
    shared = SimpleNamespace(
        backend=SimpleNamespace(name=backend, mapped_below=mapped_below),
        dataset=SimpleNamespace(source=SimpleNamespace(resources=files)),
    )
    done = send(lambda shared, item, stopped: item, [1], shared=shared)
    assert answers(done) == [1]
    assert len(done.notes) == notes
    if notes:
        assert "maps 7 MiB" in done.notes[0]
        assert "limit is 400 MiB each" in done.notes[0]


def chained(error: BaseException, cause: BaseException | None) -> BaseException:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (OSError(errno.EIO, "no answer"), True),
        (OSError(errno.ESTALE, "another file"), True),
        (OSError(errno.ETIMEDOUT, "too late"), True),
        (OSError(errno.EACCES, "not allowed"), False),
        (chained(ValueError("a block"), OSError(errno.EIO, "no answer")), True),
        (chained(ValueError("a block"), chained(KeyError("a"), OSError(errno.EIO, "no answer"))), True),
        (chained(UDFError("a UDF failed"), OSError(errno.EIO, "no answer")), False),
        (ValueError("a block"), False),
    ],
)
def test_what_a_network_file_system_may_do_better_is_tried_once_more(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, again: bool
) -> None:
    calls: list[int] = []
    monkeypatch.setattr(remote, "called_by_a_test", (calls, error), raising=False)  # where the unpickled job finds it

    def job(shared: Any, item: int, stopped: Any) -> int:
        from lamella_dask import remote

        calls, error = remote.called_by_a_test  # type: ignore[attr-defined]
        calls.append(item)
        if len(calls) == 1:
            raise error
        return len(calls)

    (found,) = answers(send(job, [5]))
    assert calls == [5, 5] if again else calls == [5]
    assert found == 2 if again else isinstance(found, type(error))


def test_a_file_that_is_not_there_is_explained_and_other_errors_are_left_alone() -> None:
    def missing(shared: Any, item: int, stopped: Any) -> None:
        raise FileNotFoundError(errno.ENOENT, "no such file", "/data/scan.mib")

    def denied(shared: Any, item: int, stopped: Any) -> None:
        raise PermissionError(errno.EACCES, "not allowed", "/data/scan.mib")

    (error,) = answers(send(missing, [1]))
    text = "\n".join([str(error), *error.__notes__])
    assert f"The file is not there on host {socket.gethostname()}" in text
    assert "LAMELLA_PATHS" in text
    (error,) = answers(send(denied, [1], run="denied"))
    assert "LAMELLA_PATHS" not in "\n".join([str(error), *getattr(error, "__notes__", [])])


def test_an_error_says_in_which_process_it_was_raised() -> None:
    assert remote.where() == f"Dask worker in this process (host {socket.gethostname()}, process {os.getpid()})"


def test_a_worker_has_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_worker", lambda: SimpleNamespace(address="tcp://a:1"))
    assert remote.where().startswith("Dask worker tcp://a:1 (host ")


@pytest.mark.parametrize(
    ("here", "refused"),
    [
        ({"numpy": "2.1.3", "lamella": "0.1.0"}, None),
        ({"numpy": "2.2.0", "lamella": "0.1.0"}, "numpy 2.1.0 here, 2.2.0 there"),
        ({"numpy": "3.1.0", "lamella": "0.1.0"}, "numpy 2.1.0 here, 3.1.0 there"),
        ({"numpy": "2.1.0"}, "lamella 0.1.0 here, missing there"),
    ],
)
def test_a_client_with_other_versions_is_refused(
    monkeypatch: pytest.MonkeyPatch, here: dict[str, str], refused: str | None
) -> None:
    wanted = {"numpy": "2.1.0", "lamella": "0.1.0"}
    asked: list[int] = []

    def known() -> dict[str, str]:
        asked.append(1)
        return here

    monkeypatch.setattr(remote, "versions", known)
    for _ in range(2):
        (found,) = answers(send(lambda shared, item, stopped: item, [1], versions=wanted))
        if refused is None:
            assert found == 1
        else:
            assert isinstance(found, PluginError)
            assert f"has other versions than the client: {refused}." in str(found)
    assert len(asked) == 1


def test_the_versions_of_what_is_not_installed_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_CHECKED", ("numpy", "no-such-package-anywhere"))
    assert versions() == {"numpy": np.__version__, "no-such-package-anywhere": "missing"}


def test_files_are_where_a_host_has_them(tmp_path: Path) -> None:
    from lamella.io import path_here

    there = {"/mnt/a": str(tmp_path)}
    assert on_host(lambda: str(path_here("/mnt/a/scan.npy")), there) == str(tmp_path / "scan.npy")
    (found,) = answers(send(lambda shared, item, stopped: str(path_here(item)), ["/mnt/a/scan.npy"], paths=there))
    assert found == str(tmp_path / "scan.npy")
