"""Where the chunks of a data set lie: asked for once, kept sorted, no larger than what the file really holds."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from lamella.errors import CorruptError
from lamella.reader import Resource
from lamella_hdf5.filters import FLETCHER32, SHUFFLE, Filter, Pipeline, filters_of
from lamella_hdf5.library import LOCK, opened, translated
from lamella_hdf5.objects import Dataset, group_at

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ChunkTable", "read_table"]

_NO_FILTER = -1
"""The mask of a chunk that no filter changed: all bits are set."""
_SMALLEST = 8
"""Bytes of file that a chunk takes at least, in whatever index lists it."""


class ChunkTable:
    """Offset, size [bytes] and filter mask of every chunk that was written, by its number in the grid (C order).

    Parameters
    ----------
    numbers, places
        Number of each chunk, and offset, size and mask, shape ``(n, 3)``.
    count
        Number of chunks in the grid.

    Attributes
    ----------
    complete : bool
        Whether every chunk of the grid was written.
    """

    __slots__ = ("_numbers", "_places", "complete")

    def __init__(self, numbers: NDArray[np.int64], places: NDArray[np.int64], count: int) -> None:
        order = np.argsort(numbers, kind="stable")
        self._numbers = numbers[order]
        self._places = places[order]
        self.complete = numbers.size == count and bool((np.diff(self._numbers) == 1).all())

    def __len__(self) -> int:
        return int(self._numbers.size)

    @property
    def numbers(self) -> NDArray[np.int64]:
        """The numbers of the chunks that were written, in order."""
        return self._numbers

    def places(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give offset, size and mask of chunks, shape ``(n, 3)``; -1 for those that were never written."""
        if self.complete:
            return self._places[numbers]
        if not self._numbers.size:
            return np.full((len(numbers), 3), -1, dtype=np.int64)
        i = np.minimum(np.searchsorted(self._numbers, numbers), self._numbers.size - 1)
        return np.where((self._numbers[i] == numbers)[:, np.newaxis], self._places[i], -1)

    def find(self, number: int) -> tuple[int, int, int] | None:
        """Give offset, size and mask of a chunk, None if it was never written."""
        i = int(np.searchsorted(self._numbers, number))
        if i == self._numbers.size or self._numbers[i] != number:
            return None
        offset, size, mask = self._places[i].tolist()
        return offset, size, mask


def read_table(path: str, name: str, shape: tuple[int, ...], chunks: tuple[int, ...], size: int) -> ChunkTable:
    """Ask libhdf5 where the chunks lie.

    Raises
    ------
    CorruptError
        If the index is damaged.
    """
    with LOCK, opened(path) as file, translated(path, f"reading the chunk index of {name}"):
        dataset = group_at(file, name)
        if not isinstance(dataset, Dataset):
            raise CorruptError(f"{name} is gone", path=path, remedy="Open the file anew")
        return table_of(dataset.id, shape, chunks, size, path)


def table_of(dataset: Any, shape: tuple[int, ...], chunks: tuple[int, ...], size: int, path: str) -> ChunkTable:
    """Give the table of an open data set (the low-level object of h5py)."""
    count = dataset.get_num_chunks()
    if count > size // _SMALLEST:
        raise CorruptError(
            "the chunk index is damaged", path=path, expected=f"at most {size // _SMALLEST} chunks", found=count
        )
    grid = tuple(-(-n // c) for n, c in zip(shape, chunks, strict=True))
    rows: list[tuple[Any, ...]] = []
    dataset.chunk_iter(lambda chunk: rows.append((chunk[0], chunk[2], chunk[3], chunk[1])))
    if not rows:
        return ChunkTable(np.empty(0, np.int64), np.empty((0, 3), np.int64), math.prod(grid))
    corners = np.asarray([row[0] for row in rows], dtype=np.int64)
    places = np.asarray([row[1:] for row in rows], dtype=np.int64)
    where = corners // np.asarray(chunks, dtype=np.int64)
    inside = ((where >= 0) & (where < np.asarray(grid))).all(axis=1)
    shift = _user_block(dataset, rows)
    places[:, 0] += shift
    if (places[:, :2] < 0).any() or (places[:, 0] + places[:, 1] > size).any():
        raise CorruptError("a chunk lies outside the file", path=path, expected=f"{size} bytes")
    places[_unfiltered(dataset, shape, chunks, corners, places), 2] = _NO_FILTER
    numbers = np.zeros(len(rows), dtype=np.int64)
    for axis, length in enumerate(grid):
        numbers = numbers * length + where[:, axis]
    return ChunkTable(numbers[inside], places[inside], math.prod(grid))


def _unfiltered(
    dataset: Any,
    shape: tuple[int, ...],
    chunks: tuple[int, ...],
    corners: NDArray[np.int64],
    places: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Find the chunks that stick out of the data set and were left as they are, which their masks do not tell.

    A writer can ask for that (H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS). Then all of them have the size of their pixels,
    and libhdf5 reads what is stored; one chunk that packing would have changed tells which is the case.
    """
    item = dataset.dtype
    partial: NDArray[np.bool_] = (corners + np.asarray(chunks) > np.asarray(shape)).any(axis=1)
    none = np.zeros(len(corners), dtype=np.bool_)
    same = places[:, 1] == math.prod(chunks) * item.itemsize
    plist = dataset.get_create_plist()
    filters = filters_of(plist)
    if not filters or not partial.any() or not same[partial].all():
        return none
    if not {step.code for step in filters} <= {SHUFFLE, FLETCHER32}:
        return none if _is_packed(dataset, corners[partial][0], chunks, filters) else partial
    for corner in corners[partial].tolist():
        _, stored = dataset.read_direct_chunk(tuple(corner))
        if [step.code for step in filters] == [SHUFFLE] and not _changes(stored, item.itemsize):
            continue
        inside = tuple(slice(0, min(c, n - k)) for k, c, n in zip(corner, chunks, shape, strict=True))
        plain = np.frombuffer(stored, dtype=item).reshape(chunks)[inside]
        found = np.empty(plain.shape, dtype=item)
        space = dataset.get_space()
        space.select_hyperslab(tuple(corner), plain.shape)
        with suppress(OSError):  # packed with a filter that is not there, or not packed at all
            dataset.read(h5py.h5s.create_simple(plain.shape), space, found)
            if found.tobytes() == plain.tobytes():
                return partial
        break
    return none


def _is_packed(dataset: Any, corner: NDArray[np.int64], chunks: tuple[int, ...], filters: tuple[Filter, ...]) -> bool:
    """Whether a stored chunk is what the filters make; libhdf5 would take whatever memory it asks for."""
    mask, stored = dataset.read_direct_chunk(tuple(corner.tolist()))
    pixels = np.empty(math.prod(chunks) * dataset.dtype.itemsize, dtype=np.uint8)
    try:
        Pipeline(filters, dataset.dtype.itemsize, pixels.size).decode(np.frombuffer(stored, np.uint8), mask, pixels)
    except CorruptError:
        return False
    return True


def _changes(stored: bytes, itemsize: int) -> bool:
    """Whether putting bytes of elements in another order makes a difference."""
    raw = np.frombuffer(stored, dtype=np.uint8).reshape(itemsize, -1)
    return raw.T.tobytes() != raw.tobytes()


def _user_block(dataset: Any, rows: list[tuple[Any, ...]]) -> int:
    """Give what has to be added to the addresses, which not every libhdf5 counts from the start of the file."""
    block = int(h5py.h5i.get_file_id(dataset).get_create_plist().get_userblock())
    if not block:
        return 0
    stated = rows[0][1]
    _, content = dataset.read_direct_chunk(tuple(rows[0][0]))
    path = os.fsdecode(h5py.h5i.get_file_id(dataset).name)
    with Resource.of(path).reading() as file:
        for shift in (0, block):
            if file.read(stated + shift, len(content)) == content:
                return shift
    raise CorruptError("the index of chunks gives a wrong place", path=path, found=f"byte {stated}")
