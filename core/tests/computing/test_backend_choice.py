"""How bytes reach memory is decided where a plan is opened."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamella
from lamella.engine.plan import Plan
from lamella.engine.task import Task, run_task
from lamella.errors import FormatError, PluginError
from lamella.executors.inline import InlineExecutor
from lamella.io.buffered import BufferedBackend
from lamella.io.choose import choose_backend
from lamella.io.preference import Preference, prefer, preferred
from lamella.kernels import guard
from lamella.reader.resource import Resource
from lamella.udf.builtin.sum import SumUDF
from lamella.udf.builtin.sumsig import SumSigUDF

MakeScan = Callable[..., lamella.DataSet]
DATA = np.random.default_rng(6).integers(0, 4000, (6, 8, 16, 16)).astype(np.uint16)

pytestmark = pytest.mark.skipif(not guard.install(), reason="files are not mapped here")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The backends of which sessions were opened."""
    names: list[str] = []
    from lamella.io.mmap import MmapBackend

    for backend in (BufferedBackend, MmapBackend):

        def open_and_note(self: Any, resources: Any, original: Any = backend.open) -> Any:
            names.append(self.name)
            return original(self, resources)

        monkeypatch.setattr(backend, "open", open_and_note)
    return names


def plan_of(ctx: lamella.Context, ds: lamella.DataSet) -> Plan:
    return ctx._run(ds, SumUDF(), None, None, False).plan


def test_what_is_preferred_is_what_auto_means(make_scan: MakeScan) -> None:
    ds = make_scan(DATA)
    assert (ds.backend.name, preferred()) == ("mmap", None)
    with prefer("buffered", "the worker has a limit of 400 MiB"):
        assert ds.backend.name == "buffered"
        assert preferred() == Preference("buffered", "the worker has a limit of 400 MiB")
        assert ds.diagnostics["io backend"] == "buffered: the worker has a limit of 400 MiB"
        with prefer("mmap", "files are local"):
            assert ds.backend.name == "mmap"
        assert ds.backend.name == "buffered"
    assert ds.diagnostics["io backend"] == "mmap"


def test_what_a_user_names_is_used_all_the_same(make_scan: MakeScan, opened: list[str]) -> None:
    ds = make_scan(DATA, io_backend="mmap")
    with prefer("buffered", "the worker has a limit"):
        np.testing.assert_array_equal(ds[1, 2], DATA[1, 2])
        assert ds.diagnostics["io backend"] == "mmap"
    assert opened == ["mmap"]


def test_what_cannot_read_the_files_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"1234")
    monkeypatch.setattr(BufferedBackend, "unavailable", lambda self, resources: "it is Monday")
    with prefer("buffered", "of a limit"):
        assert choose_backend("auto", [Resource.of(tmp_path / "a")]).name == "mmap"


def test_a_preference_for_what_does_not_exist_is_an_error(make_scan: MakeScan) -> None:
    ds = make_scan(DATA)
    with prefer("tape", "it is cheap"), pytest.raises(PluginError, match="no I/O backend is called 'tape'"):
        _ = ds[0, 0]


def test_a_plan_chooses_where_it_is_unpickled(inline: lamella.Context, make_scan: MakeScan, opened: list[str]) -> None:
    plan = plan_of(inline, make_scan(DATA, num_partitions=3))
    letter = pickle.dumps(plan)
    assert plan.backend.name == "mmap"
    with prefer("buffered", "the worker has a limit"):
        there: Plan = pickle.loads(letter)
    assert there.backend.name == "buffered"
    (arrays,) = run_task(there, Task(1), lambda: False)
    assert opened == ["buffered"]
    np.testing.assert_array_equal(arrays["intensity"], DATA[2:4].sum(axis=(0, 1)))


def test_a_plan_made_where_buffered_reads_are_preferred_maps_elsewhere(
    inline: lamella.Context, make_scan: MakeScan
) -> None:
    ds = make_scan(DATA)
    with prefer("buffered", "this is the head node"):
        letter = pickle.dumps(plan_of(inline, ds))
    there: Plan = pickle.loads(letter)
    assert there.backend.name == "mmap"


@pytest.mark.parametrize("name", ["inline", "threads"])
def test_what_is_preferred_holds_in_the_threads_of_a_run(
    contexts: dict[str, lamella.Context], make_scan: MakeScan, opened: list[str], name: str
) -> None:
    class Shared(type(contexts[name].executor)):  # type: ignore[misc]
        calls_small = False

    executor = InlineExecutor() if name == "inline" else Shared(2)
    with lamella.Context(executor=executor) as ctx, prefer("buffered", "of a network drive"):
        sums = ctx.run_udf(make_scan(DATA, num_partitions=3), SumSigUDF())["intensity"].data
    np.testing.assert_array_equal(sums, DATA.sum(axis=(2, 3)))
    assert set(opened) == {"buffered"}


def test_an_export_chooses_in_the_same_way(
    threads: lamella.Context, make_scan: MakeScan, opened: list[str], tmp_path: Path
) -> None:
    with prefer("buffered", "of a network drive"):
        threads.export_dataset(make_scan(DATA, num_partitions=3), tmp_path / "copy.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "copy.npy"), DATA)
    assert set(opened) == {"buffered"}


def test_a_plan_says_which_file_changed(inline: lamella.Context, make_scan: MakeScan) -> None:
    ds = make_scan(DATA)
    letter = pickle.dumps(plan_of(inline, ds))
    path = ds.source.resources[0].path
    np.save(path, DATA[:3])
    with pytest.raises(FormatError, match="changed since the data set was opened") as caught:
        pickle.loads(letter)
    before, now = ds.source.resources[0].size, Path(path).stat().st_size
    assert caught.value.path == path
    assert f"{before} bytes" in str(caught.value.expected)
    assert f"{now} bytes" in str(caught.value.found)
