"""One pass over a data set: plan, tasks on an executor, merge in the order of the scan, results."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from lamella.corrections.resolve import choose
from lamella.engine.covered import Covered
from lamella.engine.failures import exits_told, guarded, lost_text, place_text
from lamella.engine.mergeall import merges_all, without_gaps
from lamella.engine.plan import ChangedParams, bind_params, make_plan, params_of
from lamella.engine.sparse import prefer_events
from lamella.engine.stopping import Cancel
from lamella.engine.task import Task, run_task
from lamella.engine.workload import check_results
from lamella.errors import CancelledRun, LamellaError, UDFError, WorkerLost
from lamella.executors.inline import InlineExecutor
from lamella.geometry.roi import region_of
from lamella.progress import make_progress
from lamella.system.memory import keep_freed_memory
from lamella.udf.base import UDF
from lamella.udf.buffers import Arrays, BufferSpec, Views
from lamella.udf.results import ResultBuffer, RunResults, UDFResult, collect
from lamella.udf.slices import Slice

if TYPE_CHECKING:
    from lamella.corrections.corrections import Corrections
    from lamella.dataset.dataset import DataSet
    from lamella.dataset.partition import Partition
    from lamella.engine.plan import Plan
    from lamella.executors.executor import Executor
    from lamella.progress import ProgressOption

__all__ = ["PartialResults", "Run"]


class PartialResults:
    """What is known after some of the partitions; worked out when it is asked for, from the state at that moment.

    Attributes
    ----------
    buffers : tuple of dict
        For each UDF, its results by name.
    damage : ResultBuffer
        Where the scan was processed so far; false at positions without a frame.
    """

    def __init__(self, run: Run) -> None:
        self._run: Run | None = run
        self._state: tuple[tuple[UDFResult, ...], Callable[[], ResultBuffer]] | None = None
        self._damage: ResultBuffer | None = None

    def _now(self) -> tuple[tuple[UDFResult, ...], Callable[[], ResultBuffer]]:
        if self._state is None:
            assert self._run is not None
            self._state = self._run.results(snapshot=True), self._run.damage()
            self._run = None
        return self._state

    @property
    def buffers(self) -> tuple[UDFResult, ...]:
        """For each UDF, its results by name."""
        return self._now()[0]

    @property
    def damage(self) -> ResultBuffer:
        """Where the scan was processed so far."""
        if self._damage is None:
            self._damage = self._now()[1]()
        return self._damage


class Run:
    """One pass of some UDFs over a data set.

    Parameters
    ----------
    dataset
        The data.
    udfs
        What to compute; all of it in one pass.
    executor
        Where tasks run.
    roi
        Region of interest in any form that `lamella.geometry.region_of` takes.
    corrections
        Instead of those of the data set.
    progress
        See `lamella.progress.make_progress`.
    cancel
        An event of the caller that stops the run, too, when it is set; it is never set here.

    Attributes
    ----------
    cancel : threading.Event
        Set it to stop the run within a tile.
    names : str
        The UDFs, for messages.
    watchers : list of callable
        Called with the partial results after each partition, and whether that was the last one.
    """

    def __init__(
        self,
        dataset: DataSet,
        udfs: Sequence[UDF],
        *,
        executor: Executor,
        roi: object = None,
        corrections: Corrections | bool | None = None,
        progress: ProgressOption = False,
        cancel: threading.Event | None = None,
    ) -> None:
        if not udfs:
            raise ValueError("an empty list of UDFs: there is nothing to compute")
        self.cancel = Cancel(cancel)
        self.watchers: list[Callable[[PartialResults, bool], object]] = []
        self._progress = progress
        region = region_of(roi, dataset.shape.nav)
        asked = True if corrections is None else corrections
        chosen = choose(asked, lambda: dataset.corrections, dataset.shape.sig)
        keep_freed_memory()
        self.names = ", ".join(type(udf).__name__ for udf in udfs)
        with exits_told(self.names, dataset):
            plan = make_plan(dataset, udfs, region, corrections=chosen, executor=executor)
        self.plan: Plan = prefer_events(plan)
        self._executor: Executor = InlineExecutor() if self.plan.small else executor
        self._todo = [partition for partition in self.plan.partitions if self._selects(partition)]
        self._covered = Covered(dataset.frame_map, region, zeros=dataset.missing == "zero")
        self._changed: ChangedParams | None = None
        self._mains = [self._main(i) for i in range(len(udfs))]
        for given, main in zip(udfs, self._mains, strict=True):
            given._meta = main._meta
        self._kept: list[dict[Slice, Views] | None] = [{} if merges_all(udf) else None for udf in self._mains]

    def _selects(self, partition: Partition) -> bool:
        """Whether there is something to compute in a partition: a selected position that has a frame."""
        start, stop = self.plan.span(partition)
        if start == stop:
            return False
        dataset, mask = self.plan.dataset, self.plan.region.mask
        if mask is None or dataset.missing == "zero" or not dataset.frame_map.has_lost:
            return True
        shown = dataset.frame_map.shown(partition.start, partition.stop)
        return bool((shown & mask[partition.start : partition.stop]).any())

    def _main(self, index: int) -> UDF:
        with exits_told(self.plan.udfs[index].cls.__name__, self.plan.dataset):
            udf = self.plan.make(index, valid=self._covered.now)
        guarded(udf, "preprocess", self.plan.dataset, None)
        return udf

    def partials(self, *, often: bool = True) -> Generator[PartialResults]:
        """Run; gives what is known after each partition. Closing the generator stops the run within a tile.

        Parameters
        ----------
        often
            Whether results should come often, rather than with the least effort.

        Raises
        ------
        CancelledRun
            If `cancel` was set before the last partition was merged.
        UDFError
            If a UDF failed, or workers were lost with a partition.
        """
        spans = [self.plan.span(partition) for partition in self._todo]
        total = sum(stop - start for start, stop in spans)
        with make_progress(self._progress, total, self.plan.dataset.name) as progress:
            tasks = _Tasks(self, often=often)
            results = self._executor.run(run_task, self.plan, tasks, cancel=self.cancel, ahead=self.plan.ahead)
            try:
                for partition in self._todo:
                    progress.advance(self._merge(partition, self._taken(results)))
                    last = partition is self._todo[-1]
                    if last:
                        self._merge_kept()
                    partial = PartialResults(self)
                    for watch in self.watchers:
                        watch(partial, last)
                    yield partial
            finally:
                results.close()

    def _taken(self, results: Iterator[tuple[Arrays, ...]]) -> tuple[Arrays, ...]:
        """Take the result of the next partition; results that are ready are dropped once the run is cancelled."""
        arrays = None
        if not self.cancel.is_set():
            try:
                arrays = next(results, None)
            except WorkerLost as error:
                text = lost_text(error, self.names, self.plan.dataset, self._todo[error.index])
                raise UDFError(text) from error
        if self.cancel.is_set():
            raise CancelledRun(f"the run over {self.plan.dataset.name} was cancelled")
        if arrays is None:
            raise LamellaError(f"the executor {self._executor.name!r} ended before all {len(self._todo)} partitions")
        return arrays

    def task(self, number: int) -> Task:
        """Give a partition of this run with the parameters that hold now."""
        return Task(self._todo[number].index, self._changed)

    def told(self, number: int) -> str:
        """Say what a task of this run is: its UDFs, and which partition."""
        return f"{self.names} in {place_text(self.plan.dataset, self._todo[number])}"

    @property
    def n_tasks(self) -> int:
        """The number of partitions in which something is selected."""
        return len(self._todo)

    def _merge(self, partition: Partition, arrays: tuple[Arrays, ...]) -> int:
        """Add the result of a partition; gives the number of scan positions that it covers."""
        plan = self.plan
        start, stop = plan.span(partition)
        for udf, source, kept in zip(self._mains, arrays, self._kept, strict=True):
            if kept is not None:
                sig = plan.dataset.shape.sig
                kept[Slice.of(start, stop - start, (0,) * len(sig), sig)] = Views(source)
                continue
            target = Views(
                {
                    name: array[start:stop] if udf._specs[name].kind == "nav" else array
                    for name, array in udf.results.items()
                }
            )
            with params_of(udf, start, stop):
                guarded(udf, "merge", plan.dataset, partition, target, Views(source))
        self._covered.add(partition)
        return stop - start

    def _merge_kept(self) -> None:
        """Let UDFs that merge all partitions at once do so."""
        for udf, kept in zip(self._mains, self._kept, strict=True):
            if kept is not None:
                whole = without_gaps(kept, udf, self.plan.region.size, self.plan.dataset.shape.sig)
                merged = guarded(udf, "merge_all", self.plan.dataset, None, whole)
                for name, value in merged.items():
                    udf.results[name] = value

    def update_parameters(self, changes: Sequence[Mapping[str, Any]]) -> None:
        """Change parameters for the partitions that have not begun yet: one mapping per UDF, empty for no change."""
        changed = self._changed = ChangedParams.of(self._changed or self.plan, changes)
        for udf, kwargs in zip(self._mains, changed.kwargs, strict=True):
            udf._kwargs = dict(kwargs)
            bind_params(udf, self.plan.dataset, self.plan.positions)

    def finish(self) -> RunResults:
        """Run to the end and give the results of each UDF."""
        for _ in self.partials(often=bool(self.watchers)):
            pass
        return self.results()

    def results(self, *, snapshot: bool = False) -> RunResults:
        """Give the results of each UDF from what was merged so far; copies of them with ``snapshot``."""
        plan = self.plan
        return RunResults(
            collect(
                udf,
                guarded(udf, "get_results", plan.dataset, None),
                plan.region,
                self._covered,
                plan.dataset.axes,
                snapshot=snapshot,
            )
            for udf in self._mains
        )

    def images(self) -> tuple[list[str], ...]:
        """Give the names of the results of each UDF that are images of real numbers, over the scan or the detector."""
        shapes = {"nav": self.plan.region.nav_shape, "sig": self.plan.dataset.shape.sig.to_tuple()}
        return tuple(
            [
                name
                for name, spec in udf._specs.items()
                if spec.use != "private"
                and spec.dtype.kind in "buif"
                and not spec.extra_shape
                and len(shape := shapes.get(spec.kind, ())) == 2
                and min(shape) > 1
            ]
            for udf in self._mains
        )

    def damage(self) -> Callable[[], ResultBuffer]:
        """Give a function that gives where the scan was processed up to now, whenever it is called."""
        so_far, region, dataset = self._covered.so_far(), self.plan.region, self.plan.dataset

        def result() -> ResultBuffer:
            check_results(dataset, region, 0)
            return ResultBuffer(so_far(), BufferSpec("nav", (), np.dtype(np.bool_)), region, None)

        return result


class _Tasks(Sequence[Task]):
    """The tasks of a run; each is made when an executor hands it out, with the parameters of that moment."""

    def __init__(self, run: Run, *, often: bool) -> None:
        self._run = run
        self.often = often

    def __len__(self) -> int:
        return self._run.n_tasks

    def told(self, index: int) -> str:
        """Say what a task is, for a warning of the executor."""
        return self._run.told(index)

    @overload
    def __getitem__(self, index: int) -> Task: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Task]: ...

    def __getitem__(self, index: int | slice) -> Task | Sequence[Task]:
        numbers = range(len(self))[index]
        return self._run.task(numbers) if isinstance(numbers, int) else [self._run.task(i) for i in numbers]
