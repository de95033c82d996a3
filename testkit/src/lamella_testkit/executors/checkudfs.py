"""Checks of computations: whatever the executor, results are those of one thread, to the last bit."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

import lamella
from lamella.corrections import Corrections
from lamella.errors import UDFError
from lamella.executors import Executor, InlineExecutor
from lamella.udf import UDF, ApplyMasksUDF, CoMUDF, LogsumUDF, PickUDF, StdDevUDF, SumSigUDF, SumUDF
from lamella_testkit.executors.rules import executor_check
from lamella_testkit.executors.trial import Trial
from lamella_testkit.outcomes import Broken

_NAV, _SIG = (6, 7), (8, 9)
_PARTITIONS = 5


class Plain(Executor):
    """An executor that is always asked, also for runs that the calling thread could do.

    Parameters
    ----------
    executor
        The one that runs.
    """

    name = "plain"

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self.shares_memory = executor.shares_memory
        self.transport = executor.transport

    @property
    def workers(self) -> int:
        """The number of its workers."""
        return self._executor.workers

    def run(self, *args: Any, **options: Any) -> Generator[Any]:
        """Run."""
        return self._executor.run(*args, **options)


def _mean_udf() -> UDF:
    class MeanUDF(UDF):
        def get_result_buffers(self) -> Mapping[str, Any]:
            return {"mean": self.buffer("nav", dtype=np.float64), "largest": self.buffer("sig", dtype=np.float32)}

        def process_frame(self, frame: NDArray[Any]) -> None:
            self.results.mean[:] = frame.mean()
            np.maximum(self.results.largest, frame, out=self.results.largest)

        def merge(self, dest: Any, src: Any) -> None:
            dest.mean[:] = src.mean
            np.maximum(dest.largest, src.largest, out=dest.largest)

    return MeanUDF()


def _scaled_udf() -> UDF:
    class ScaledUDF(UDF):
        def get_result_buffers(self) -> Mapping[str, Any]:
            return {"sum": self.buffer("single", dtype=np.float64), "factors": self.buffer("nav", dtype=np.float64)}

        def process_partition(self, partition: NDArray[Any]) -> None:
            self.results.sum[:] += self.params.factor * partition.sum(dtype=np.float64)
            self.results.factors[:] = self.params.factor

        def merge(self, dest: Any, src: Any) -> None:
            dest.sum[:] += src.sum
            dest.factors[:] = src.factors

    return ScaledUDF(factor=1.1)


def _failing_udf() -> UDF:
    class FailingUDF(UDF):
        def get_result_buffers(self) -> Mapping[str, Any]:
            return {"x": self.buffer("nav")}

        def process_frame(self, frame: NDArray[Any]) -> None:
            if tuple(self.meta.coordinates[0]) == (3, 4):
                raise ValueError("a bad frame")

    return FailingUDF()


def _udfs() -> list[UDF]:
    masks = np.random.default_rng(1).integers(0, 256, (5, *_SIG)) / 256
    return [
        SumUDF(),
        SumSigUDF(),
        LogsumUDF(),
        CoMUDF(),
        ApplyMasksUDF(mask_factories=lambda: masks),
        _mean_udf(),
        _scaled_udf(),
    ]


def _scan(trial: Trial, dtype: str = "f4", **parameters: Any) -> lamella.DataSet:
    path = trial.folder / f"scan-{dtype}.npy"
    if not path.exists():
        # Eighths: their sums are exact, whether a kernel is compiled in one process or another.
        np.save(path, (np.random.default_rng(2).integers(0, 8000, (*_NAV, *_SIG)) / 8).astype(dtype))
    return lamella.open(path, num_partitions=_PARTITIONS, **parameters)


def _expect_same(found: Any, expected: Any, case: str) -> None:
    for one, other in zip(found, expected, strict=True):
        for name in other:
            try:
                np.testing.assert_array_equal(one[name].data, other[name].data, strict=True)
            except AssertionError:
                raise Broken(f"the result {name!r} with {case} is not that of one thread") from None


@executor_check
def results_are_those_of_one_thread(trial: Trial) -> None:
    """UDFs give the bits that one thread gives with the same partitions, also with regions and gaps.

    Look whether results are merged in the order of the partitions.
    """
    roi = np.random.default_rng(3).random(_NAV) < 0.4
    cases: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("floating-point pixels", {}, {}),
        ("whole numbers", {"dtype": "u2"}, {}),
        ("a region", {}, {"roi": roi}),
        ("frames that are missing", {"sync_offset": -9}, {}),
        ("corrections", {}, {"corrections": Corrections(dark=np.full(_SIG, 3.5))}),
    ]
    for case, parameters, options in cases:
        ds = _scan(trial, **parameters)
        found = lamella.Context(executor=Plain(trial.executor)).run_udf(ds, _udfs(), **options)
        expected = lamella.Context(executor=Plain(InlineExecutor())).run_udf(ds, _udfs(), **options)
        _expect_same(found, expected, case)
        spread, right = (
            lamella.Context(executor=Plain(one)).run_udf(ds, StdDevUDF(), **options)["std"].data
            for one in (trial.executor, InlineExecutor())
        )
        if not np.allclose(spread, right, rtol=1e-9, atol=1e-9, equal_nan=True):
            raise Broken(f"the standard deviation with {case} is not that of one thread")


@executor_check
def picked_frames_are_those_of_the_file(trial: Trial) -> None:
    """Frames that a region picks are those of the file."""
    ds = _scan(trial, "u2")
    roi = np.zeros(_NAV, dtype=bool)
    roi[1, 2] = roi[5, 6] = True
    found = lamella.Context(executor=Plain(trial.executor)).run_udf(ds, PickUDF(), roi=roi)["intensity"].data
    if not np.array_equal(np.asarray(found).reshape(2, *_SIG), np.stack([ds[1, 2], ds[5, 6]])):
        raise Broken("the frames (1, 2) and (5, 6) are not those of the file")


@executor_check
def partial_results_grow(trial: Trial) -> None:
    """``run_udf_iter`` gives a state after each partition, with more positions than before, and the whole at last."""
    ds = _scan(trial)
    seen, last = [], None
    for partial in lamella.Context(executor=Plain(trial.executor)).run_udf_iter(ds, [SumSigUDF(), _mean_udf()]):
        seen.append(int(partial.damage.data.sum()))
        last = partial.buffers
    if len(seen) != _PARTITIONS or seen != sorted(set(seen)) or seen[-1] != np.prod(_NAV):
        raise Broken(f"the states of {_PARTITIONS} partitions cover {seen} of {np.prod(_NAV)} positions")
    _expect_same(last, lamella.Context(executor="inline").run_udf(ds, [SumSigUDF(), _mean_udf()]), "partial results")


@executor_check
def changed_parameters_reach_later_partitions(trial: Trial) -> None:
    """Parameters that change during a run hold from some partition on, for all that follow."""
    path = trial.folder / "many.npy"
    np.save(path, np.ones((40 * trial.executor.workers + 200, 2, 2), np.uint8))
    ds = lamella.open(path, sig_dims=2, num_partitions=40 * trial.executor.workers + 200)
    partials = lamella.Context(executor=Plain(trial.executor)).run_udf_iter(ds, _scaled_udf())
    last = None
    for i, partial in enumerate(partials):
        if i == 0:
            partials.update_parameters({"factor": 2.0})
        last = partial
    assert last is not None
    factors = np.asarray(last.buffers[0]["factors"].data)
    changed = int((factors == 2.0).sum())
    if not changed or not np.array_equal(factors, np.repeat([1.1, 2.0], [len(factors) - changed, changed])):
        raise Broken(f"{changed} of {len(factors)} partitions had the new parameter, not the last ones only")


@executor_check
def errors_name_udf_partition_and_file(trial: Trial) -> None:
    """What a UDF raises is told with UDF, partition, scan position and file, and with where it was raised."""
    ds = _scan(trial)
    try:
        lamella.Context(executor=Plain(trial.executor)).run_udf(ds, [SumUDF(), _failing_udf()])
    except UDFError as error:
        text = str(error)
        notes = "\n".join(getattr(error, "__notes__", ()))
    else:
        raise Broken("a UDFError was expected, and there was none")
    for part in ("FailingUDF.process_frame", "partition", "(3, 4)", "scan-f4.npy", "ValueError: a bad frame"):
        if part not in text:
            raise Broken(f"{part!r} is missing in the error: {text}")
    if trial.elsewhere and "in process_frame" not in notes:
        raise Broken("the lines of the program at which it was raised are not told; pack_error adds them as a note")
    trial.expect_usable()


@executor_check
def files_that_changed_are_named(trial: Trial) -> None:
    """A file that was replaced after it was opened is an error that names it."""
    ds = _scan(trial)
    np.save(trial.folder / "scan-f4.npy", np.zeros((3, 4, 5, 6), np.uint8))
    try:
        lamella.Context(executor=Plain(trial.executor)).run_udf(ds, SumUDF())
    except lamella.LamellaError as error:
        if "scan-f4.npy" not in str(error):
            raise Broken(f"the file is missing in the error: {error}") from None
    else:
        raise Broken("an error was expected, and there was none")
    trial.expect_usable()
