"""Where a run happens: small ones in the calling thread, others where the executor says."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import lamella
from lamella.corrections.corrections import Corrections
from lamella.engine.runner import Run
from lamella.errors import CancelledRun
from lamella.executors.inline import InlineExecutor
from lamella.udf.base import UDF
from lamella.udf.builtin.masks import ApplyMasksUDF
from lamella.udf.builtin.raw import PickUDF
from lamella.udf.builtin.sum import SumUDF

MakeScan = Callable[..., lamella.DataSet]
SMALL = np.random.default_rng(8).integers(0, 4000, (8, 10, 16, 16)).astype(np.uint16)
LARGE = np.zeros((9, 16, 256, 256), np.uint16)


class WhereUDF(UDF):
    """A kernel that notes where it runs."""

    def get_preferred_input_dtype(self) -> Any:
        return self.USE_NATIVE_DTYPE

    def get_result_buffers(self) -> Mapping[str, Any]:
        return {"thread": self.buffer("nav", dtype="int64")}

    def process_rows(self, rows: NDArray[Any], swapped: tuple[int, ...]) -> None:
        self.results.thread[:] = threading.get_ident()


class FrameWhereUDF(WhereUDF):
    """The same as a user's UDF in Python, whose speed nobody knows."""

    def get_method(self) -> Any:
        return "frame"

    def process_frame(self, frame: NDArray[Any]) -> None:
        self.results.thread[:] = threading.get_ident()


class WideUDF(UDF):
    """Keeps eight bytes for each pixel."""

    def get_result_buffers(self) -> Mapping[str, Any]:
        return {"sum": self.buffer("sig", dtype="float64")}

    def process_frame(self, frame: NDArray[Any]) -> None:
        self.results.sum[:] += frame


def is_small(ctx: lamella.Context, ds: lamella.DataSet, *udfs: UDF, roi: object = None) -> bool:
    return Run(ds, udfs, executor=ctx.executor, roi=roi).plan.small


def test_a_small_run_happens_in_the_calling_thread(threads: lamella.Context, make_scan: MakeScan) -> None:
    where = threads.run_udf(make_scan(SMALL), WhereUDF())["thread"].data
    assert set(where.ravel()) == {threading.get_ident()}


def test_a_large_run_happens_in_workers(threads: lamella.Context, make_scan: MakeScan) -> None:
    where = threads.run_udf(make_scan(LARGE), WhereUDF())["thread"].data
    assert threading.get_ident() not in set(where.ravel())


def test_a_small_region_of_a_large_scan_is_small(threads: lamella.Context, make_scan: MakeScan) -> None:
    ds = make_scan(LARGE)
    roi = np.random.default_rng(1).random((9, 16)) < 0.1
    assert is_small(threads, ds, SumUDF(), roi=roi)
    assert not is_small(threads, ds, SumUDF())


def test_users_functions_of_unknown_speed_are_shared_out(threads: lamella.Context, make_scan: MakeScan) -> None:
    where = threads.run_udf(make_scan(SMALL), FrameWhereUDF())["thread"].data
    assert threading.get_ident() not in set(where.ravel())
    assert not is_small(threads, make_scan(SMALL), SumUDF(), FrameWhereUDF())


def test_a_few_frames_are_picked_in_the_calling_thread(threads: lamella.Context, make_scan: MakeScan) -> None:
    ds = make_scan(LARGE)
    assert is_small(threads, ds, PickUDF(), roi=(1, 2))
    assert not is_small(threads, ds, PickUDF())
    assert not is_small(threads, ds, PickUDF(), FrameWhereUDF(), roi=(1, 2))


class QuickWhereUDF(FrameWhereUDF):
    """Says that it is quick."""

    quick = True


class ChangedUDF(QuickWhereUDF):
    """Does something else, which its base class knows nothing about."""

    def process_frame(self, frame: NDArray[Any]) -> None:
        super().process_frame(frame)


def test_a_users_function_that_is_quick_says_so(threads: lamella.Context, make_scan: MakeScan) -> None:
    where = threads.run_udf(make_scan(SMALL), QuickWhereUDF())["thread"].data
    assert set(where.ravel()) == {threading.get_ident()}
    assert is_small(threads, make_scan(SMALL), SumUDF(), QuickWhereUDF())
    assert not is_small(threads, make_scan(SMALL), ChangedUDF())


def test_many_masks_are_much_work(threads: lamella.Context, make_scan: MakeScan) -> None:
    ds = make_scan(LARGE[:7])
    masks = [ApplyMasksUDF(mask_factories=partial(np.ones, (n, 256, 256), np.float32)) for n in (1, 32)]
    assert [is_small(threads, ds, udf) for udf in masks] == [True, False]


def test_corrected_pixels_are_more_work(threads: lamella.Context, make_scan: MakeScan) -> None:
    ds = make_scan(LARGE[:7])
    dark = Corrections(dark=np.ones((256, 256), np.float32))
    assert is_small(threads, ds, SumUDF())
    assert not Run(ds, [SumUDF()], executor=threads.executor, corrections=dark).plan.small


def test_pixels_that_a_format_has_to_find_are_more_work(threads: lamella.Context, make_scan: MakeScan) -> None:
    assert is_small(threads, make_scan(LARGE[:7]), SumUDF())
    assert not is_small(threads, lamella.open(LARGE[:7], format="memory"), SumUDF())
    assert is_small(threads, lamella.open(LARGE[:1, :8], format="memory"), SumUDF())


def test_processes_do_everything_themselves(processes: lamella.Context, make_scan: MakeScan) -> None:
    assert not is_small(processes, make_scan(SMALL), SumUDF())


def test_the_number_of_partitions_that_was_asked_for_is_kept(threads: lamella.Context, make_scan: MakeScan) -> None:
    partials = list(threads.run_udf_iter(make_scan(SMALL, num_partitions=5), SumUDF()))
    assert len(partials) == 5
    np.testing.assert_array_equal(partials[-1].buffers[0]["intensity"].data, SMALL.sum(axis=(0, 1)))


class FarExecutor(InlineExecutor):
    """Says that its results come over a network."""

    workers = 2
    calls_small = False
    transport = "network"


@pytest.mark.parametrize(
    ("executor", "frame", "partitions"),
    [
        (InlineExecutor(), (256, 256), 128),
        (FarExecutor(), (256, 256), 128),  # 64 times a result is less than a partition
        (InlineExecutor(), (512, 512), 128),
        (FarExecutor(), (512, 512), 64),  # partitions of 128 MiB for results of 2 MiB
        (InlineExecutor(), (2048, 2048), 32),  # 256 MiB for results of 32 MiB
        (FarExecutor(), (2048, 2048), 8),  # at most 1 GiB
        (InlineExecutor(), (8192, 8192), 2),  # 4 GiB for results of 512 MiB, wherever they go
        (FarExecutor(), (8192, 8192), 2),
    ],
)
def test_partitions_are_larger_where_results_go_over_a_network(
    tmp_path: Path, executor: InlineExecutor, frame: tuple[int, int], partitions: int
) -> None:
    path = tmp_path / "scan.raw"
    with path.open("wb") as file:
        file.truncate(8 << 30)
    ds = lamella.open(path, "raw", dtype="u1", sig_shape=frame)
    run = Run(ds, [WideUDF()], executor=executor)
    assert len(run.plan.partitions) == partitions


def test_only_an_executor_that_allows_it_leaves_small_runs_to_the_caller(make_scan: MakeScan) -> None:
    ds = make_scan(SMALL)
    assert Run(ds, [SumUDF()], executor=InlineExecutor()).plan.small
    assert not Run(ds, [SumUDF()], executor=FarExecutor()).plan.small


def test_a_small_run_can_be_cancelled(threads: lamella.Context, make_scan: MakeScan) -> None:
    run = Run(make_scan(SMALL, num_partitions=4), [SumUDF()], executor=threads.executor)
    partials = run.partials()
    next(partials)
    run.cancel.set()
    with pytest.raises(CancelledRun):
        next(partials)


_FAULTS = """
import resource
import numpy as np
from lamella.system.memory import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        several = [np.ones(3 << 20, np.uint8) for _ in range(4)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

before = faults()
keep_freed_memory()
faults()
print(before, min(faults() for _ in range(5)))  # a busy system may take pages away meanwhile
"""


@pytest.mark.skipif(sys.platform != "linux", reason="what is told to glibc")
def test_memory_that_is_given_back_is_not_mapped_again() -> None:
    done = subprocess.run([sys.executable, "-c", _FAULTS], check=True, capture_output=True, text=True)
    before, after = map(int, done.stdout.split())
    assert after < before / 20
