"""The context: opening, running, regions of interest, partial results, cancelling, waiting."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import lamella
from lamella.errors import CancelledRun, ParameterError, PluginError
from lamella.plugins.registry import Registry
from lamella.udf.base import UDF
from lamella.udf.builtin.auto import AutoUDF
from lamella.udf.builtin.sum import SumUDF
from lamella.udf.builtin.sumsig import SumSigUDF

NAV, SIG = (6, 7), (8, 9)
DATA = np.random.default_rng(1).integers(0, 4000, (*NAV, *SIG)).astype(np.uint16)
SUMS = DATA.sum(axis=(2, 3))

MakeScan = Callable[..., lamella.DataSet]


@pytest.fixture(scope="module")
def scan(make_scan: MakeScan) -> lamella.DataSet:
    return make_scan(DATA, num_partitions=6)


class SlowUDF(UDF):
    """Waits in each frame until it is told to go on."""

    def get_result_buffers(self) -> Mapping[str, Any]:
        return {"seen": self.buffer("nav", dtype="float32")}

    def get_tiling_preferences(self) -> Mapping[str, Any]:
        return {"depth": 1, "total_size": 1}

    def process_frame(self, frame: NDArray[Any]) -> None:
        self.params.started.set()
        self.params.go.wait(0.02)
        self.results.seen[:] = 1


def slow(go: bool = False) -> SlowUDF:
    released = threading.Event()
    if go:
        released.set()
    return SlowUDF(started=threading.Event(), go=released)


# Making contexts and opening.


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("inline", "inline"),
        ("synchronous", "inline"),
        ("threads", "threads"),
        ("Threads", "threads"),
        ("concurrent", "threads"),
        ("processes", "processes"),
    ],
)
def test_an_executor_is_chosen_by_its_name(name: str, meant: str) -> None:
    assert lamella.Context.make_with(name).executor.name == meant


@pytest.mark.parametrize("name", ["dask", "dask-integration", "dask-make-default", "delayed"])
def test_executors_of_dask_say_what_to_install(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = Registry.names
    monkeypatch.setattr(Registry, "names", lambda self, kind: set(names(self, kind)) - {name})  # as if it were absent
    with pytest.raises(PluginError, match="pip install lamella-dask"):
        lamella.Context.make_with(name)


def test_a_pipeline_of_processes_is_called_processes() -> None:
    with pytest.raises(PluginError, match=r"make_with\('processes'\)"):
        lamella.Context.make_with("pipelined")


def test_an_unknown_executor_names_the_known_ones() -> None:
    with pytest.raises(PluginError, match="inline, processes, threads"):
        lamella.Context.make_with("gpu-cluster")


def test_the_number_of_workers_is_taken_over() -> None:
    assert lamella.Context.make_with("threads", cpus=3).executor.workers == 3


def test_a_context_without_a_choice_computes_in_threads() -> None:
    with lamella.Context() as ctx:
        assert ctx.executor.name == "threads"
        assert ctx.executor.workers >= 1


def test_the_calling_thread_cannot_be_several() -> None:
    with pytest.raises(ParameterError, match="leave out cpus"):
        lamella.Context.make_with("inline", cpus=2)


def test_no_worker_at_all_is_refused() -> None:
    with pytest.raises(ParameterError, match="at least one worker"):
        lamella.Context.make_with("threads", cpus=0)


def test_load_takes_the_format_in_any_case_and_the_path_by_name(tmp_path: Path, inline: lamella.Context) -> None:
    np.save(tmp_path / "x.npy", DATA)
    for ds in (
        inline.load("auto", tmp_path / "x.npy"),
        inline.load("NPY", path=tmp_path / "x.npy"),
        lamella.open(tmp_path / "x.npy"),
    ):
        assert ds.shape == DATA.shape


def test_load_wraps_arrays(inline: lamella.Context) -> None:
    for ds in (inline.load("memory", data=DATA, sig_dims=2), inline.load("memory", DATA, sig_dims=2)):
        np.testing.assert_array_equal(inline.run_udf(ds, SumSigUDF())["intensity"].data, SUMS)


def test_arrays_in_memory_reach_every_executor(ctx: lamella.Context) -> None:
    ds = ctx.load("memory", data=DATA, sig_dims=2, num_partitions=3)
    np.testing.assert_array_equal(ctx.run_udf(ds, SumSigUDF())["intensity"].data, SUMS)


def test_load_without_a_target_says_so(inline: lamella.Context) -> None:
    with pytest.raises(ParameterError, match="what should be opened"):
        inline.load("npy")


def test_a_context_computes_again_after_it_was_closed(scan: lamella.DataSet) -> None:
    with lamella.Context.make_with("threads", cpus=1) as ctx:
        ctx.run_udf(scan, SumUDF())
    np.testing.assert_array_equal(ctx.run_udf(scan, SumSigUDF())["intensity"].data, SUMS)
    ctx.close()


# Running.


def test_one_udf_gives_a_dict_and_several_give_a_tuple(inline: lamella.Context, scan: lamella.DataSet) -> None:
    assert set(inline.run_udf(scan, SumUDF())) == {"intensity"}
    both = inline.run_udf(scan, [SumUDF(), SumSigUDF()])
    assert isinstance(both, tuple)
    assert [set(result) for result in both] == [{"intensity"}, {"intensity"}]


def test_no_udf_at_all_is_refused(inline: lamella.Context, scan: lamella.DataSet) -> None:
    with pytest.raises(ValueError, match="nothing to compute"):
        inline.run_udf(scan, [])


def mask_of(roi: Any) -> NDArray[np.bool_]:
    mask = np.zeros(NAV, dtype=np.bool_)
    mask[roi] = True
    return mask


class Sparse:
    """What SciPy's and pydata's sparse arrays have in common."""

    def __init__(self, mask: NDArray[np.bool_]) -> None:
        self._mask = mask

    def toarray(self) -> NDArray[np.bool_]:
        return self._mask


@pytest.mark.parametrize(
    ("roi", "mask"),
    [
        (mask_of(np.s_[2:4, 1:3]), mask_of(np.s_[2:4, 1:3])),
        ((2, 3), mask_of((2, 3))),
        ([((0, 1), True), ((5, 6), True)], mask_of(([0, 5], [1, 6]))),
        ([((0, 1), False), ((5, 6), False)], ~mask_of(([0, 5], [1, 6]))),
        (Sparse(mask_of(np.s_[::2])), mask_of(np.s_[::2])),
    ],
    ids=["array", "position", "these", "all but these", "sparse"],
)
def test_a_region_of_interest_may_have_any_form(
    inline: lamella.Context, scan: lamella.DataSet, roi: Any, mask: NDArray[np.bool_]
) -> None:
    result = inline.run_udf(scan, SumSigUDF(), roi)["intensity"]
    np.testing.assert_array_equal(result.raw_data, SUMS[mask])
    np.testing.assert_array_equal(result.data, np.where(mask, SUMS, 0))
    np.testing.assert_array_equal(result.valid_mask, mask)


def test_a_region_is_made_by_slicing(inline: lamella.Context, scan: lamella.DataSet) -> None:
    result = inline.run_udf(scan, SumSigUDF(), scan.roi[1:3, 4])["intensity"]
    np.testing.assert_array_equal(result.raw_data, SUMS[1:3, 4])


def test_a_region_of_another_shape_is_refused(inline: lamella.Context, scan: lamella.DataSet) -> None:
    with pytest.raises(ValueError, match="roi has shape"):
        inline.run_udf(scan, SumSigUDF(), np.ones((3, 3), dtype=bool))


def test_corrections_replace_those_of_the_data(inline: lamella.Context, scan: lamella.DataSet) -> None:
    from lamella.corrections.corrections import Corrections

    dark = np.arange(np.prod(SIG)).reshape(SIG)
    corrections = Corrections.of(SIG, dark=dark)
    result = inline.run_udf(scan, SumSigUDF(), corrections=corrections)["intensity"].data
    np.testing.assert_allclose(result, (DATA.astype(float) - dark).sum(axis=(2, 3)))
    assert inline.run_udf(scan, SumSigUDF(), corrections=Corrections())["intensity"].dtype == np.uint64


def test_corrections_for_another_detector_are_refused(inline: lamella.Context, scan: lamella.DataSet) -> None:
    from lamella.corrections.corrections import Corrections

    with pytest.raises(ParameterError, match="do not fit"):
        inline.run_udf(scan, SumUDF(), corrections=Corrections.of((3, 3), dark=np.ones((3, 3))))


def test_map_calls_a_function_on_each_frame(ctx: lamella.Context, scan: lamella.DataSet) -> None:
    result = ctx.map(scan, lambda frame: frame.max(axis=0), roi=mask_of(np.s_[2:]))
    np.testing.assert_array_equal(result.data[2:], DATA[2:].max(axis=2))
    assert np.isnan(result.data[:2]).all()


def test_display_tells_what_a_udf_would_do(inline: lamella.Context, scan: lamella.DataSet) -> None:
    shown = inline.display(scan, AutoUDF(f=np.max))
    text, html = repr(shown), shown._repr_html_()
    for fact in ("AutoUDF", "frame", "float32", "result", "nav", "(42,)"):
        assert fact in text
        assert fact in html


# Partial results.


def test_partial_results_grow_with_the_damage(ctx: lamella.Context, scan: lamella.DataSet) -> None:
    done = []
    for partial in ctx.run_udf_iter(scan, [SumSigUDF(dtype="float32"), SumUDF()]):
        damage = partial.damage.data
        sums = partial.buffers[0]["intensity"]
        np.testing.assert_array_equal(sums.data[damage], SUMS[damage])
        np.testing.assert_array_equal(sums.data[~damage], 0)
        np.testing.assert_array_equal(sums.valid_mask, damage)
        np.testing.assert_array_equal(sums.valid_mask, damage)
        np.testing.assert_array_equal(partial.buffers[1]["intensity"].data, DATA[damage].sum(axis=0))
        done.append(int(damage.sum()))
    assert done == [7, 14, 21, 28, 35, 42]


def test_partial_results_stay_as_they_were(inline: lamella.Context, scan: lamella.DataSet) -> None:
    partials = inline.run_udf_iter(scan, SumUDF())
    first = next(partials)
    before = first.buffers[0]["intensity"].data.copy()
    for _ in partials:
        pass
    np.testing.assert_array_equal(first.buffers[0]["intensity"].data, before)


def test_the_damage_is_false_where_frames_are_missing(inline: lamella.Context, make_scan: MakeScan) -> None:
    ds = make_scan(DATA, sync_offset=5, num_partitions=3)
    partials = list(inline.run_udf_iter(ds, SumSigUDF()))
    np.testing.assert_array_equal(partials[-1].damage.data, ds.valid_mask)


def test_closing_the_iteration_stops_the_run(ctx: lamella.Context, scan: lamella.DataSet) -> None:
    partials = ctx.run_udf_iter(scan, SumSigUDF())
    next(partials)
    partials.close()
    with pytest.raises(StopIteration):
        next(partials)
    np.testing.assert_array_equal(ctx.run_udf(scan, SumSigUDF())["intensity"].data, SUMS)


def test_an_error_can_be_thrown_into_the_iteration(ctx: lamella.Context, scan: lamella.DataSet) -> None:
    partials = ctx.run_udf_iter(scan, SumSigUDF())
    next(partials)
    with pytest.raises(CancelledRun, match="enough"):
        partials.throw(CancelledRun("enough"))


def test_two_runs_may_be_interleaved(ctx: lamella.Context, scan: lamella.DataSet) -> None:
    partials = ctx.run_udf_iter(scan, SumUDF())
    next(partials)
    np.testing.assert_array_equal(ctx.run_udf(scan, SumSigUDF())["intensity"].data, SUMS)
    *_, last = partials
    np.testing.assert_array_equal(last.buffers[0]["intensity"].data, DATA.sum(axis=(0, 1)))


class FactorUDF(UDF):
    def get_result_buffers(self) -> Mapping[str, Any]:
        return {"factor": self.buffer("nav", dtype="float64"), "mean": self.buffer("nav", use="result_only")}

    def process_frame(self, frame: NDArray[Any]) -> None:
        self.results.factor[:] = self.params.factor

    def get_results(self) -> Mapping[str, Any]:
        return {"factor": self.results.factor, "mean": np.full(self.results.factor.shape, self.params.factor, "f4")}


def test_parameters_change_between_partitions(ctx: lamella.Context, scan: lamella.DataSet) -> None:
    partials = ctx.run_udf_iter(scan, FactorUDF(factor=1))
    next(partials)
    partials.update_parameters({"factor": 2})
    *_, last = partials
    used = last.buffers[0]["factor"].data
    assert used[0, 0] == 1
    assert used[-1, -1] == 2
    assert (np.diff(used.reshape(-1)) >= 0).all()
    assert last.buffers[0]["mean"].data[0, 0] == 2


def test_masks_are_made_again_when_they_change(ctx: lamella.Context, scan: lamella.DataSet) -> None:
    from lamella.udf.builtin.masks import ApplyMasksUDF

    partials = ctx.run_udf_iter(scan, ApplyMasksUDF(mask_factories=[np.ones(SIG)]))
    next(partials)
    partials.update_parameters([{"mask_factories": [np.zeros(SIG)]}])
    *_, last = partials
    sums = last.buffers[0]["intensity"].data[..., 0]
    assert sums[0, 0] == SUMS[0, 0]
    assert sums[-1, -1] == 0


def test_parameters_for_another_number_of_udfs_are_refused(inline: lamella.Context, scan: lamella.DataSet) -> None:
    partials = inline.run_udf_iter(scan, FactorUDF(factor=1))
    with pytest.raises(lamella.LamellaError, match="2 sets of parameters"):
        partials.update_parameters([{}, {}])


# Waiting.


def test_a_run_can_be_awaited(ctx: lamella.Context, scan: lamella.DataSet) -> None:
    async def main() -> Any:
        one, several = await asyncio.gather(
            ctx.run_udf(scan, SumSigUDF(), sync=False), ctx.run_udf(scan, [SumSigUDF()], sync=False)
        )
        return one, several

    one, several = asyncio.run(main())
    np.testing.assert_array_equal(one["intensity"].data, SUMS)
    np.testing.assert_array_equal(several[0]["intensity"].data, SUMS)


def test_partial_results_can_be_awaited(ctx: lamella.Context, scan: lamella.DataSet) -> None:
    async def main() -> list[int]:
        partials = ctx.run_udf_iter(scan, SumSigUDF(), sync=False)
        return [int(partial.damage.data.sum()) async for partial in partials]

    assert asyncio.run(main()) == [7, 14, 21, 28, 35, 42]


def test_an_awaited_iteration_can_be_closed(ctx: lamella.Context, scan: lamella.DataSet) -> None:
    async def main() -> None:
        partials = ctx.run_udf_iter(scan, SumSigUDF(), sync=False)
        await partials.__anext__()
        await partials.aclose()
        with pytest.raises(StopAsyncIteration):
            await partials.__anext__()

    asyncio.run(main())


def test_an_error_can_be_thrown_into_an_awaited_iteration(inline: lamella.Context, scan: lamella.DataSet) -> None:
    async def main() -> None:
        partials = inline.run_udf_iter(scan, SumSigUDF(), sync=False)
        await partials.__anext__()
        with pytest.raises(CancelledRun, match="enough"):
            await partials.athrow(CancelledRun("enough"))

    asyncio.run(main())


def test_parameters_of_an_awaited_run_can_be_changed(inline: lamella.Context, scan: lamella.DataSet) -> None:
    async def main() -> Any:
        partials = inline.run_udf_iter(scan, FactorUDF(factor=1), sync=False)
        await partials.__anext__()
        partials.update_parameters({"factor": 2})
        return [partial async for partial in partials][-1]

    assert asyncio.run(main()).buffers[0]["factor"].data[-1, -1] == 2


def test_cancelling_the_waiting_task_cancels_the_run(threads: lamella.Context, scan: lamella.DataSet) -> None:
    udf = slow()

    async def main() -> None:
        task = asyncio.ensure_future(threads.run_udf(scan, udf, sync=False))
        while not udf.params.started.is_set():
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


# Cancelling.


@pytest.mark.parametrize("executor", ["inline", "threads"])
def test_a_run_is_cancelled_from_another_thread(
    contexts: dict[str, lamella.Context], scan: lamella.DataSet, executor: str
) -> None:
    ctx, udf = contexts[executor], slow()

    def cancel() -> None:
        udf.params.started.wait()
        ctx.cancel()

    other = threading.Thread(target=cancel)
    other.start()
    with pytest.raises(CancelledRun, match="cancelled"):
        ctx.run_udf(scan, udf)
    other.join()


def test_a_progress_function_that_raises_stops_the_run(ctx: lamella.Context, scan: lamella.DataSet) -> None:
    def stop(done: int, total: int) -> None:
        if done:
            raise CancelledRun("seen enough")

    with pytest.raises(CancelledRun, match="seen enough"):
        ctx.run_udf(scan, SumSigUDF(), progress=stop)


# Progress.


def test_progress_counts_the_scan_positions_of_the_region(ctx: lamella.Context, scan: lamella.DataSet) -> None:
    seen: list[tuple[int, int]] = []
    ctx.run_udf(scan, SumSigUDF(), mask_of(np.s_[:, :3]), progress=lambda *state: seen.append(state))
    assert seen == [(0, 18), (3, 18), (6, 18), (9, 18), (12, 18), (15, 18), (18, 18)]


def test_true_shows_a_bar(inline: lamella.Context, scan: lamella.DataSet, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm")
    inline.run_udf(scan, SumSigUDF(), progress=True)
    captured = capsys.readouterr()
    assert "frames" in captured.err
    assert captured.out == ""


def test_without_a_wish_nothing_is_printed(
    ctx: lamella.Context, scan: lamella.DataSet, capfd: pytest.CaptureFixture[str]
) -> None:
    ctx.run_udf(scan, [SumSigUDF(), SumUDF()])
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""
