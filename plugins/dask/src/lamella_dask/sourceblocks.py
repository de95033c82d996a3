"""One block of a Dask array at a time: its part of the graph, computed by the worker that needs it."""

from __future__ import annotations

import threading
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
import numpy as np
from dask.array.optimization import optimize
from dask.base import get_scheduler
from dask.local import get_sync
from dask.optimization import cull
from numpy.typing import NDArray

from lamella.errors import CorruptError, LamellaError, UnsupportedError

__all__ = ["Blocks"]

_FEW = 16
"""Blocks for which the whole graph is not written out, which takes seconds for 100 000 tasks."""


class Blocks:
    """The blocks of an array, by their numbers along its axes.

    Parameters
    ----------
    array
        A Dask array.
    scheduler
        What computes, as for ``array.compute``; the calling thread if None.
    """

    def __init__(self, array: Any, scheduler: Any = None) -> None:
        self.array = array
        self._scheduler = scheduler
        self._start()

    def _start(self) -> None:
        self._lock = threading.Lock()
        self._packed: bytes | None = None
        self._asked = 0
        self._graph: dict[Any, Any] | None = None

    def __getstate__(self) -> dict[str, Any]:
        # Graphs hold functions of notebooks, and remember what was computed of them: they are packed once.
        with self._lock:
            if self._packed is None:
                self._packed = cloudpickle.dumps(self.array)
        # A client of dask.distributed belongs to its process.
        scheduler = self._scheduler if isinstance(self._scheduler, str) else None
        return {"packed": self._packed, "_scheduler": scheduler}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._scheduler = state["_scheduler"]
        self.array = cloudpickle.loads(state["packed"])
        self._start()

    def compute(self, block: tuple[int, ...], frames: str) -> NDArray[Any]:
        """Give a block as a NumPy array.

        Parameters
        ----------
        block
            Its number along each axis.
        frames
            Which frames it holds, for messages.

        Raises
        ------
        CorruptError
            If a task fails, or gives something else than the array announced.
        UnsupportedError
            If the block lies on a GPU.
        """
        shape = tuple(chunks[i] for chunks, i in zip(self.array.chunks, block, strict=True))
        return self._computed((self.array.name, *block), self._part(block), shape, f"block {block}, {frames}")

    def slice(self, index: tuple[slice, ...], frames: str) -> NDArray[Any]:
        """Give part of the array; of a block that is only read, Dask reads no more than the part."""
        part = self.array[index]
        joined = part.rechunk(part.shape)
        graph = optimize(joined.__dask_graph__(), joined.__dask_keys__())
        key = (joined.name, *(0,) * joined.ndim)
        return self._computed(key, graph, joined.shape, f"the part {index}, {frames}")

    def _part(self, block: tuple[int, ...]) -> Any:
        """Give the tasks that a block needs."""
        key = (self.array.name, *block)
        with self._lock:
            self._asked += 1
            if self._graph is None and self._asked > _FEW:
                self._graph = dict(self.array.__dask_graph__())
        graph = self.array.__dask_graph__() if self._graph is None else cull(self._graph, [key])[0]
        return optimize(graph, [key])

    def _computed(self, key: Any, graph: Any, shape: tuple[int, ...], where: str) -> NDArray[Any]:
        get = get_sync if self._scheduler is None else get_scheduler(scheduler=self._scheduler)
        try:
            (found,) = get(graph, [key])
        except (LamellaError, MemoryError):
            raise
        except Exception as error:
            raise CorruptError(
                f"computing {where} of the Dask array failed ({type(error).__name__}: {error})",
                remedy="Compute that part of the array by itself to see more",
            ) from error
        return self._checked(found, shape, where)

    def _checked(self, found: Any, shape: tuple[int, ...], where: str) -> NDArray[Any]:
        kind = type(found)
        package = kind.__module__.partition(".")[0]
        if package in ("cupy", "cupyx"):
            raise UnsupportedError(
                f"{where} of the Dask array is on a GPU",
                remedy="Give array.map_blocks(cupy.asnumpy), which copies it",
            )
        if hasattr(found, "todense"):
            found = found.todense()
        if isinstance(found, np.ma.MaskedArray):
            raise UnsupportedError(
                f"{where} of the Dask array is masked", remedy="Give dask.array.ma.filled(array, value)"
            )
        pixels = np.asarray(found)
        if pixels.shape != shape or not np.can_cast(pixels.dtype, self.array.dtype, "same_kind"):
            raise CorruptError(
                f"{where} of the Dask array is not what the array announces",
                expected=f"shape {shape} and dtype {self.array.dtype}",
                found=f"{kind.__qualname__} of shape {pixels.shape} and dtype {pixels.dtype}",
                remedy="Give the right meta= or chunks= where the array is made",
            )
        return pixels
