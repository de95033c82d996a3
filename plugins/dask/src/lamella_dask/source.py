"""Frames of a Dask array, of which each block is computed once in a pass over the scan."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.reader import FrameSource, ReadHints, SigBox, SourceInfo, memory_size
from lamella_dask.sourceblocks import Blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.reader import IOSession

__all__ = ["DaskSource"]

_ALWAYS_KEPT = 512 << 20
_SHARE = 4
_READING = ("getter", "getter_nofancy", "getter_inline", "getitem")
"""Functions of Dask that index something, into which it fuses slices."""


@dataclass(slots=True)
class _Kept:
    """Blocks of one band that a worker has computed."""

    band: int = -1
    nbytes: int = 0
    blocks: dict[int, NDArray[Any]] = field(default_factory=dict)


class DaskSource(FrameSource):
    """Frames of a Dask array.

    A *band* is a stretch of frames in the order of the scan such that no block reaches out of it: a row of blocks. A
    worker keeps the blocks of its band, and partitions end where bands end.

    Parameters
    ----------
    array
        Array of shape ``(*nav, *sig)``; blocks hold whole frames.
    nav_dims
        Number of its scan axes.
    info
        What is known about it.
    notes
        What a user should know beside that.
    cache
        Size of the blocks that a worker may keep [bytes]; chosen if None.
    scheduler
        What computes a block; see `Blocks`.
    """

    def __init__(
        self,
        array: Any,
        nav_dims: int,
        info: SourceInfo,
        *,
        notes: tuple[str, ...] = (),
        cache: int | None = None,
        scheduler: Any = None,
    ) -> None:
        self._nav_shape: tuple[int, ...] = tuple(map(int, array.shape[:nav_dims]))
        self._chunks = tuple(tuple(map(int, chunks)) for chunks in array.chunks[:nav_dims])
        self._edges = tuple(np.cumsum((0, *chunks[:-1]), dtype=np.int64) for chunks in self._chunks)
        self._frame_nbytes = math.prod(array.shape[nav_dims:]) * array.dtype.itemsize
        self._blocks = Blocks(array, scheduler)
        self._only_read = _only_read(array)
        self._cache = cache
        n_frames = math.prod(self._nav_shape)
        super().__init__(info, n_frames=n_frames, sig_shape=array.shape[nav_dims:], dtype=array.dtype)
        self._bands = self._band_bounds()
        lengths = np.diff(self._bands)
        uneven = len(lengths) > 1 and bool((lengths[:-1] != lengths[0]).any() or lengths[-1] > lengths[0])
        self.hints = ReadHints(
            frame_block=int(lengths.max()),
            frame_bounds=tuple(self._bands.tolist()) if uneven else None,
            whole_frames=True,
        )
        self.info = replace(info, notes=(*info.notes, *notes, *self._too_large(int(lengths.max()))))

    @property
    def identity(self) -> tuple[str, ...]:
        """The name of the array, by which Dask tells arrays apart."""
        return (str(self._blocks.array.name),)

    def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
        """Compute the blocks that hold the frames, or take those that this worker has, and pick the frames."""
        kept: _Kept = io.scratch.setdefault(self, _Kept())
        places = np.unravel_index(frames, self._nav_shape)
        numbers = [np.searchsorted(edges, place, "right") - 1 for edges, place in zip(self._edges, places, strict=True)]
        flat = np.ravel_multi_index(tuple(numbers), tuple(map(len, self._chunks)))
        for block, members in _groups(flat):
            first = members[0]
            index = tuple(int(number[first]) for number in numbers)
            begin = [int(edges[i]) for edges, i in zip(self._edges, index, strict=True)]
            local = tuple(place[members] - start for place, start in zip(places, begin, strict=True))
            band = int(np.searchsorted(self._bands, frames[first], "right")) - 1
            pixels, local = self._block(kept, band, block, index, local)
            where: tuple[Any, ...] = (*local, *box.slices)
            out[members] = pixels[where]

    def _block(
        self, kept: _Kept, band: int, number: int, index: tuple[int, ...], local: tuple[NDArray[np.int64], ...]
    ) -> tuple[NDArray[Any], tuple[NDArray[np.int64], ...]]:
        """Give a block, or the part of it that holds some frames, and where in that they are."""
        if kept.band != band:
            kept.band, kept.nbytes = band, 0
            kept.blocks.clear()
        found = kept.blocks.get(number)
        if found is not None:
            return found, local
        shape = tuple(chunks[i] for chunks, i in zip(self._chunks, index, strict=True))
        nbytes = math.prod(shape) * self._frame_nbytes
        whole = (0,) * len(self.sig_shape)
        if kept.nbytes + nbytes > self._capacity:
            if self._only_read:
                return self._part_of_block(index, local)
            return self._blocks.compute((*index, *whole), self._told(index)), local
        kept.blocks[number] = found = self._blocks.compute((*index, *whole), self._told(index))
        kept.nbytes += nbytes
        return found, local

    def _part_of_block(
        self, index: tuple[int, ...], local: tuple[NDArray[np.int64], ...]
    ) -> tuple[NDArray[Any], tuple[NDArray[np.int64], ...]]:
        """Compute the smallest part of a block that holds some frames."""
        lows = [int(place.min()) for place in local]
        begin = [int(edges[i]) for edges, i in zip(self._edges, index, strict=True)]
        part = tuple(
            slice(start + low, start + int(place.max()) + 1)
            for start, low, place in zip(begin, lows, local, strict=True)
        )
        inner = tuple(place - low for place, low in zip(local, lows, strict=True))
        return self._blocks.slice(part, self._told(index)), inner

    @property
    def _capacity(self) -> int:
        if self._cache is not None:
            return self._cache
        return max(_ALWAYS_KEPT, memory_size() // _SHARE // (os.cpu_count() or 1))

    def _band_bounds(self) -> NDArray[np.int64]:
        """Give the frames at which bands begin, and the number of frames."""
        single = [all(n == 1 for n in chunks) for chunks in self._chunks]
        axis = next((i for i, alone in enumerate(single) if not alone), len(single) - 1)
        inner = math.prod(self._nav_shape[axis + 1 :])
        edges = np.cumsum((0, *self._chunks[axis]), dtype=np.int64) * inner
        outer = math.prod(self._nav_shape[:axis])
        starts = np.arange(outer, dtype=np.int64)[:, np.newaxis] * edges[-1] + edges[:-1]
        return np.append(starts.reshape(-1), self.n_frames)

    def _too_large(self, band: int) -> tuple[str, ...]:
        """Say that blocks are computed more than once, where a worker cannot keep them."""
        nbytes, capacity = band * self._frame_nbytes, self._capacity
        if nbytes <= capacity or self._only_read:
            return ()
        rows = dict.fromkeys(range(len(self._nav_shape) - 1), 1)
        return (
            f"a row of blocks takes {nbytes} bytes, more than the {capacity} bytes that a worker keeps: blocks that do "
            f"not fit are computed again for each tile of frames. array.rechunk({rows or {0: 1}}), or a larger cache=, "
            "avoids that",
        )

    def _told(self, index: tuple[int, ...]) -> str:
        first = tuple(int(edges[i]) for edges, i in zip(self._edges, index, strict=True))
        shape = tuple(chunks[i] for chunks, i in zip(self._chunks, index, strict=True))
        last = tuple(begin + n - 1 for begin, n in zip(first, shape, strict=True))
        return f"scan positions {first} to {last}"


def _groups(numbers: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Give each number with the places where it stands."""
    order = np.argsort(numbers, kind="stable")
    edges = np.flatnonzero(np.diff(numbers[order])) + 1
    for members in np.split(order, edges):
        if len(members):
            yield int(numbers[members[0]]), members


def _only_read(array: Any) -> bool:
    """Whether blocks are nothing but parts of something that is read, so that less of it can be read."""
    layers = dict(array.__dask_graph__().layers)
    last = layers.pop(array.name, None)
    if last is None or not all(str(name).startswith("original-") for name in layers):
        return False
    key = (array.name, *(0,) * array.ndim)
    task = dict(last.cull({key}, {key})[0]).get(key)
    return isinstance(task, np.ndarray) or getattr(getattr(task, "func", None), "__name__", "") in _READING
