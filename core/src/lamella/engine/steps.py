"""How the tiles of a partition reach its UDFs: views of their buffers that move along, and one call after another."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from lamella.engine.failures import concerns_program, udf_failure
from lamella.engine.images import BoxImages, Image, WholeImages
from lamella.errors import LamellaError
from lamella.udf.base import UDF
from lamella.udf.buffers import AuxData, BufferSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.dataset.partition import Partition, Tile
    from lamella.dataset.rowlayout import RowLayout
    from lamella.engine.plan import Plan

__all__ = ["Feed", "RowsStep", "Step", "Window", "as_rows", "make_step"]


T = TypeVar("T")


class Window:
    """Moves the views that a UDF has of its buffers and auxiliary data along with the data."""

    def __init__(self, udf: UDF, plan: Plan, partition: Partition, rows: RowLayout | None) -> None:
        self._udf = udf
        self._rows = rows
        self._first = plan.span(partition)[0]
        specs = udf._specs
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
        sig = [(space, name, array, spec) for space, name, array, spec in shown if spec.kind == "sig"]
        self._images: BoxImages | WholeImages | None = None
        self._sig: list[tuple[dict[str, Any], str, NDArray[Any]]] = []
        if rows is not None and rows.order is not None:
            fresh = type(udf).preprocess is UDF.preprocess
            images = [
                Image(space, name, _one_row_per_pixel(array, spec), fresh and space is results, space is results)
                for space, name, array, spec in sig
            ]
            once = len(plan.positions(partition)) <= plan.scheme.depth
            self._images = (BoxImages if once else WholeImages)(rows.order, rows.spans, images)
        else:
            self._sig = [
                (space, name, array if rows is None else _one_row_per_pixel(array, spec))
                for space, name, array, spec in sig
            ]
        self._boxes: dict[int, list[tuple[dict[str, Any], str, NDArray[Any]]]] = {}

    def show_tile(self, tile: Tile) -> None:
        """Show what belongs to a tile."""
        start = tile.start - self._first
        stop = start + len(tile.positions)
        for space, name, array, _ in self._nav:
            space[name] = array[start:stop]
        if self._images is not None:
            self._images.show(tile.box_index)
        elif self._sig:
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
        if self._images is not None:
            self._images.finish()
        for space, name, array in self._all:
            space[name] = array
        self._udf.meta._tile = None
        self._udf.meta._frame = None


class Step(Protocol):
    """Gives the data of a tile to one UDF, or to several that share the work."""

    def __call__(self, data: NDArray[Any], tile: Tile) -> None: ...


class _BlockStep:
    """One call of ``process_tile``, ``process_partition`` or ``process_events`` per tile."""

    def __init__(self, udf: UDF, method: str, window: Window, plan: Plan, partition: Partition) -> None:
        self.udf, self._name = udf, f"process_{method}"
        self._process = getattr(udf, self._name)
        self._meta = udf.meta
        self._window = window
        self._where = plan.dataset, partition

    def show(self, tile: Tile) -> None:
        """Show the UDF what belongs to a tile."""
        self._meta._tile = tile
        self._window.show_tile(tile)

    def __call__(self, data: NDArray[Any], tile: Tile) -> None:
        self.show(tile)
        self.guarded(tile, self._process, data)

    def guarded(self, tile: Tile, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function of the UDF; what it raises says where that happened."""
        try:
            return function(*arguments)
        except LamellaError:
            raise
        except BaseException as error:
            if concerns_program(error):
                raise
            raise udf_failure(self.udf, self._name, error, *self._where, tile.positions) from error


class RowsStep(_BlockStep):
    """One call of ``process_rows`` per tile, with the items of each frame in one row."""

    def __init__(self, udf: UDF, method: str, window: Window, plan: Plan, partition: Partition) -> None:
        super().__init__(udf, method, window, plan, partition)
        assert plan.rows is not None
        process, swapped = self._process, plan.rows.swapped
        self.swapped = swapped
        self._process = lambda data: process(as_rows(data), swapped)


def as_rows(data: NDArray[Any]) -> NDArray[Any]:
    """Give the pixels of each frame of a tile in one row."""
    return data if data.ndim == 2 else data.reshape(len(data), -1)


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
        except BaseException as error:
            if concerns_program(error):
                raise
            positions = tile.positions[i : i + 1]
            raise udf_failure(self.udf, self._name, error, *self._where, positions) from error


class Feed:
    """Gives tiles to all UDFs of one input dtype, converted once into a buffer that is used again."""

    def __init__(self, dtype: np.dtype[Any], read_dtype: np.dtype[Any], steps: list[Step], alone: bool) -> None:
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


_STEPS: dict[str, type[_BlockStep]] = {
    "rows": RowsStep,
    "tile": _BlockStep,
    "frame": _FrameStep,
    "partition": _BlockStep,
    "events": _BlockStep,
}


def make_step(udf: UDF, method: str, window: Window, plan: Plan, partition: Partition) -> Step:
    """Give the step that calls the method of a UDF."""
    return _STEPS[method](udf, method, window, plan, partition)


def _one_row_per_pixel(array: NDArray[Any], spec: BufferSpec) -> NDArray[Any]:
    return array.reshape(-1, *spec.extra_shape)
