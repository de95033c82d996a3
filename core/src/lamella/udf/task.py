"""One task: the UDFs of a run over one partition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lamella.errors import CancelledRun, LamellaError
from lamella.udf.base import UDF
from lamella.udf.buffers import Arrays, AuxData, BufferSpec, Namespace
from lamella.udf.failures import guarded, udf_failure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.partition import Partition, Tile
    from lamella.udf.plan import ChangedParams, Plan
    from lamella.udf.rows import RowLayout

__all__ = ["Task", "run_task"]


@dataclass(frozen=True, slots=True)
class Task:
    """A partition by its number, with the parameters of UDFs if they changed since the run began."""

    index: int
    changed: ChangedParams | None = None


def run_task(plan: Plan, task: Task, cancelled: Callable[[], bool]) -> tuple[Arrays, ...]:
    """Process one partition.

    Returns
    -------
    tuple of dict
        The buffers of each UDF; those of kind ``"nav"`` hold the selected positions of the partition.

    Raises
    ------
    UDFError
        If a UDF raises; says which one, where, and in which file.
    CancelledRun
        If ``cancelled()`` turns true.
    """
    partition = plan.partitions[task.index]
    if cancelled():
        raise CancelledRun(f"the run over {plan.dataset.name} was cancelled")
    udfs = [_prepared(plan, partition, i, task) for i in range(len(plan.udfs))]
    windows = [
        _Window(udf, plan, partition, plan.rows if planned.method == "rows" else None)
        for udf, planned in zip(udfs, plan.udfs, strict=True)
    ]
    whole = [dict(vars(udf.results)) for udf in udfs]
    feeds = _feeds(plan, partition, udfs, windows)
    tiles = partition.tiles(
        plan.scheme,
        region=plan.region,
        dtype=plan.read_dtype,
        corrections=plan.corrections,
        stored=None if plan.rows is None else plan.rows.stored,
    )
    for tile in tiles:
        if cancelled():
            raise CancelledRun(f"the run over {plan.dataset.name} was cancelled")
        for feed in feeds:
            feed(tile)
    for udf, window in zip(udfs, windows, strict=True):
        window.show_all()
        guarded(udf, "postprocess", plan.dataset, partition)
    return tuple(whole)


def _prepared(plan: Plan, partition: Partition, index: int, task: Task) -> UDF:
    udf = plan.make(index, task.changed, partition)
    udf.task_data = Namespace(guarded(udf, "get_task_data", plan.dataset, partition))
    guarded(udf, "preprocess", plan.dataset, partition)
    return udf


class _Window:
    """Moves the views that a UDF has of its buffers and auxiliary data along with the data."""

    def __init__(self, udf: UDF, plan: Plan, partition: Partition, rows: RowLayout | None) -> None:
        self._udf = udf
        self._rows = rows
        self._first = plan.span(partition)[0]
        specs = udf.get_result_buffers()
        results, params = vars(udf.results), vars(udf.params)
        shown = [(results, name, array, specs[name]) for name, array in results.items()]
        shown += [
            (params, name, params[name], value.spec)
            for name, value in udf._kwargs.items()
            if isinstance(value, AuxData)
        ]
        self._all = [(space, name, array) for space, name, array, _ in shown]
        self._nav = [
            (space, name, array, not spec.extra_shape) for space, name, array, spec in shown if spec.kind == "nav"
        ]
        self._sig = [
            (space, name, array if rows is None else rows.to_items(_one_row_per_pixel(array, spec)))
            for space, name, array, spec in shown
            if spec.kind == "sig"
        ]
        self._boxes: dict[int, list[tuple[dict[str, Any], str, NDArray[Any]]]] = {}

    def show_tile(self, tile: Tile) -> None:
        """Show what belongs to a tile."""
        start = tile.start - self._first
        stop = start + len(tile.positions)
        for space, name, array, _ in self._nav:
            space[name] = array[start:stop]
        if self._sig:
            views = self._boxes.get(tile.box_index)
            if views is None:
                part = tile.box.slices if self._rows is None else slice(*self._rows.spans[tile.box_index])
                views = [(space, name, array[part]) for space, name, array in self._sig]
                self._boxes[tile.box_index] = views
            for space, name, view in views:
                space[name] = view

    def frame_rows(self, tile: Tile) -> list[tuple[dict[str, Any], str, NDArray[Any]]]:
        """Give, for what has an entry per scan position, an array whose i-th item belongs to frame i of the tile."""
        start = tile.start - self._first
        stop = start + len(tile.positions)
        return [
            (space, name, array[start:stop, np.newaxis] if scalar else array[start:stop])
            for space, name, array, scalar in self._nav
        ]

    def show_all(self) -> None:
        """Show the whole partition."""
        for space, name, array in self._all:
            space[name] = array
        if self._rows is not None and self._rows.order is not None:
            for space, name, items in self._sig:
                pixels = self._rows.to_pixels(items)
                space[name][...] = pixels.reshape(space[name].shape)
        self._udf.meta._tile = None
        self._udf.meta._frame = None


class _Step(Protocol):
    """Gives the data of a tile to one UDF. What compiles a UDF's work into one call per tile is one more of these."""

    def __call__(self, data: NDArray[Any], tile: Tile) -> None: ...


class _BlockStep:
    """One call of ``process_tile`` or ``process_partition`` per tile."""

    def __init__(self, udf: UDF, method: str, window: _Window, plan: Plan, partition: Partition) -> None:
        self._udf, self._name = udf, f"process_{method}"
        self._process = getattr(udf, self._name)
        self._meta = udf.meta
        self._window = window
        self._where = plan.dataset, partition

    def __call__(self, data: NDArray[Any], tile: Tile) -> None:
        self._meta._tile = tile
        self._window.show_tile(tile)
        try:
            self._process(data)
        except LamellaError:
            raise
        except Exception as error:
            raise udf_failure(self._udf, self._name, error, *self._where, tile.positions) from error


class _RowsStep(_BlockStep):
    """One call of ``process_rows`` per tile, with the items of each frame in one row."""

    def __init__(self, udf: UDF, method: str, window: _Window, plan: Plan, partition: Partition) -> None:
        super().__init__(udf, method, window, plan, partition)
        assert plan.rows is not None
        process, swapped = self._process, plan.rows.swapped
        self._process = lambda data: process(data if data.ndim == 2 else data.reshape(len(data), -1), swapped)


class _FrameStep(_BlockStep):
    """One call of ``process_frame`` per frame."""

    def __call__(self, data: NDArray[Any], tile: Tile) -> None:
        meta, process = self._meta, self._process
        meta._tile = tile
        rows = self._window.frame_rows(tile)
        i = 0
        try:
            for i, frame in enumerate(data):
                meta._frame = i
                for space, name, row in rows:
                    space[name] = row[i]
                process(frame)
        except LamellaError:
            raise
        except Exception as error:
            positions = tile.positions[i : i + 1]
            raise udf_failure(self._udf, self._name, error, *self._where, positions) from error


class _Feed:
    """Gives tiles to all UDFs of one input dtype, converted once into a buffer that is used again."""

    def __init__(self, dtype: np.dtype[Any], read_dtype: np.dtype[Any], steps: list[_Step], alone: bool) -> None:
        self._dtype = dtype
        self._convert = dtype != read_dtype
        self._steps = steps
        self._alone = alone
        self._buffer: NDArray[Any] = np.empty(0, dtype)

    def __call__(self, tile: Tile) -> None:
        data = tile.data
        if self._convert:
            if self._buffer.size < data.size:
                self._buffer = np.empty(data.size, self._dtype)
            target = self._buffer[: data.size].reshape(data.shape)
            np.copyto(target, data, casting="unsafe")
            data = target
        if not self._alone and data.flags.writeable:
            data = data.view()
            data.flags.writeable = False  # one UDF must not change what another one sees
        for step in self._steps:
            step(data, tile)


_STEPS = {"rows": _RowsStep, "tile": _BlockStep, "frame": _FrameStep, "partition": _BlockStep}


def _one_row_per_pixel(array: NDArray[Any], spec: BufferSpec) -> NDArray[Any]:
    return array.reshape(-1, *spec.extra_shape)


def _feeds(plan: Plan, partition: Partition, udfs: list[UDF], windows: list[_Window]) -> list[_Feed]:
    groups: dict[np.dtype[Any], list[_Step]] = {}
    for udf, window, planned in zip(udfs, windows, plan.udfs, strict=True):
        step = _STEPS[planned.method](udf, planned.method, window, plan, partition)
        groups.setdefault(planned.input_dtype, []).append(step)
    alone = len(udfs) == 1
    return [_Feed(dtype, plan.read_dtype, steps, alone) for dtype, steps in groups.items()]
