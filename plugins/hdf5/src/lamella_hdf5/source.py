"""Frames out of chunks, or out of h5py where nothing faster is possible.

Chunks are read through the I/O session and decoded by the thread that wants them, without the lock of libhdf5. Decoded
chunks stay in ``io.scratch`` until one row of chunks is full, so that a pass over the scan decodes each chunk once.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from lamella.errors import CorruptError
from lamella.source import FrameSource, ReadHints, Resource, SourceInfo
from lamella_hdf5.chunks import ChunkTable, read_table
from lamella_hdf5.grid import as_slice, by_chunk, frame_block, padded_row, touched
from lamella_hdf5.library import LOCK, SessionFile, translated

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.geometry import SigBox
    from lamella.io import IOSession
    from lamella_hdf5.stored import Piece, Stored

__all__ = ["ScanSource"]

_MOST_KEPT = 512 << 20
"""Decoded chunks that a worker keeps at most [bytes]; larger rows of chunks are decoded more than once."""

_KEY = "lamella_hdf5"


class ScanSource(FrameSource):
    """The frames of data sets that follow each other.

    Parameters
    ----------
    pieces
        Data sets, or stretches of their first axis, in the order of the frames.
    nav_axes, sig_axes
        Which axes of the data sets are the scan, slow ones first, and which are the detector.
    info, resources
        As for every source; ``resources`` holds every file of the pieces.
    """

    def __init__(
        self,
        pieces: Sequence[Piece],
        nav_axes: tuple[int, ...],
        sig_axes: tuple[int, ...],
        info: SourceInfo,
        resources: tuple[Resource, ...],
    ) -> None:
        self.info = info
        self.resources = resources
        places = {resource.path: i for i, resource in enumerate(resources)}
        self._parts = tuple(_Part(piece, nav_axes, sig_axes, places) for piece in pieces)
        self._starts = np.cumsum([0, *(part.n_frames for part in self._parts)])
        self.hints = _hints(self._parts, info)

    @property
    def identity(self) -> tuple[str, ...]:
        """The data sets."""
        return tuple(f"{part.stored.path}:{part.stored.name}:{part.skip}:{part.axes}" for part in self._parts)

    def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
        """Decode the chunks that hold the frames, each of them once."""
        worker = io.scratch.get(_KEY)
        if worker is None:
            worker = io.scratch[_KEY] = _Worker(max((part.row_nbytes for part in self._parts), default=0))
        owner = np.searchsorted(self._starts, frames, side="right") - 1
        for number in np.unique(owner).tolist():
            rows = np.flatnonzero(owner == number)
            part = self._parts[number]
            part.read(io, worker, number, frames[rows] - self._starts[number], rows, box, out)


class _Worker:
    """What a worker keeps: decoded chunks, open files, and buffers to use again."""

    def __init__(self, row_nbytes: int) -> None:
        self.capacity = min(max(row_nbytes, 1), _MOST_KEPT)
        self.chunks: OrderedDict[tuple[int, int], NDArray[np.uint8]] = OrderedDict()
        self.kept = 0
        self.spare: list[NDArray[np.uint8]] = []
        self.files: dict[int, tuple[Any, SessionFile | None]] = {}

    def buffer(self, nbytes: int) -> NDArray[np.uint8]:
        """Give room for a chunk, out of the oldest one if the row is full."""
        while self.chunks and self.kept + nbytes > self.capacity:
            _, oldest = self.chunks.popitem(last=False)
            self.kept -= oldest.size
            self.spare = [oldest]
        if self.spare and self.spare[-1].size == nbytes:
            return self.spare.pop()
        return np.empty(nbytes, dtype=np.uint8)

    def keep(self, key: tuple[int, int], decoded: NDArray[np.uint8]) -> None:
        """Keep a decoded chunk."""
        self.chunks[key] = decoded
        self.kept += decoded.size

    def close(self) -> None:
        """Forget chunks and close files."""
        self.chunks.clear()
        self.spare.clear()
        with LOCK:
            for file, _ in self.files.values():
                file.close()
        self.files.clear()


class _Part:
    """One data set as a part of the scan."""

    def __init__(
        self, piece: Piece, nav_axes: tuple[int, ...], sig_axes: tuple[int, ...], places: dict[str, int]
    ) -> None:
        assert piece.stored is not None
        self.stored: Stored = piece.stored
        self.resource = places[self.stored.path]
        self.axes = (nav_axes, sig_axes)
        shape = self.stored.shape
        self.nav_shape = tuple(shape[axis] for axis in nav_axes)
        self.sig_shape = tuple(shape[axis] for axis in sig_axes)
        whole = piece.skip == 0 and piece.count == (shape[0] if shape else 1)
        per_item = 1 if whole else math.prod(self.nav_shape[1:])
        self.n_frames = math.prod(self.nav_shape) if whole else piece.count * per_item
        self.skip = 0 if whole else piece.skip * per_item
        chunks = self.stored.chunks or shape
        self.nav_chunk = tuple(chunks[axis] for axis in nav_axes)
        self.sig_chunk = tuple(chunks[axis] for axis in sig_axes)
        self.in_order = (*nav_axes, *sig_axes) == tuple(range(len(shape)))
        self.frame_nbytes = math.prod(self.sig_shape) * self.stored.dtype.itemsize
        self.block = frame_block(self.nav_shape, self.nav_chunk)
        padded = math.prod(-(-n // c) * c for n, c in zip(self.sig_shape, self.sig_chunk, strict=True))
        self.row_nbytes = padded_row(self.nav_shape, self.nav_chunk) * padded * self.stored.dtype.itemsize
        self._table: ChunkTable | None = None
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key not in ("_table", "_lock")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._table = None
        self._lock = threading.Lock()

    @property
    def table(self) -> ChunkTable:
        """Where the chunks lie; asked for once."""
        with self._lock:
            if self._table is None:
                stored = self.stored
                self._table = read_table(stored.path, stored.name, stored.shape, stored.chunks, stored.size)
            return self._table

    def read(
        self,
        io: IOSession,
        worker: _Worker,
        number: int,
        frames: NDArray[np.int64],
        rows: NDArray[np.int64],
        box: SigBox,
        out: NDArray[Any],
    ) -> None:
        """Write ``frames``, counted within this part, to the ``rows`` of ``out``."""
        stored = self.stored
        if stored.how == "fill":
            out[rows] = np.frombuffer(stored.fill, dtype=stored.dtype)[0]
            return
        places = np.unravel_index(frames + self.skip, self.nav_shape) if self.nav_shape else ()
        if stored.how == "h5py":
            self._read_library(io, worker, places, rows, box, out)
        elif stored.how == "contiguous":
            self._read_contiguous(io, places, rows, box, out)
        else:
            self._read_chunks(io, worker, number, places, rows, box, out)

    # Chunks.

    def _read_chunks(
        self,
        io: IOSession,
        worker: _Worker,
        number: int,
        places: Sequence[NDArray[np.int64]],
        rows: NDArray[np.int64],
        box: SigBox,
        out: NDArray[Any],
    ) -> None:
        for members in by_chunk(places, self.nav_shape, self.nav_chunk, len(rows)):
            coords = tuple(int(place[members[0]]) // c for place, c in zip(places, self.nav_chunk, strict=True))
            inner = tuple(place[members] - k * c for place, k, c in zip(places, coords, self.nav_chunk, strict=True))
            target = as_slice(rows[members])
            for sig in touched(box, self.sig_chunk):
                self._read_chunk(io, worker, number, (coords, sig), inner, target, box, out)

    def _read_chunk(
        self,
        io: IOSession,
        worker: _Worker,
        number: int,
        coords: tuple[tuple[int, ...], tuple[int, ...]],
        inner: tuple[NDArray[np.int64], ...],
        target: slice | NDArray[np.int64],
        box: SigBox,
        out: NDArray[Any],
    ) -> None:
        """Copy what one chunk holds of some frames."""
        stored, (nav_axes, sig_axes) = self.stored, self.axes
        where = [0] * len(stored.shape)
        for axis, k in zip((*nav_axes, *sig_axes), (*coords[0], *coords[1]), strict=True):
            where[axis] = k
        grid = [-(-n // c) for n, c in zip(stored.shape, stored.chunks, strict=True)]
        linear = int(np.ravel_multi_index(where, grid))
        found = self.table.find(linear)
        begin = [k * c for k, c in zip(coords[1], self.sig_chunk, strict=True)]
        low = [max(b, o) for b, o in zip(begin, box.origin, strict=True)]
        high = [min(b + c, o + n) for b, c, o, n in zip(begin, self.sig_chunk, box.origin, box.shape, strict=True)]
        into = tuple(slice(a - o, b - o) for a, b, o in zip(low, high, box.origin, strict=True))
        if found is None:
            out[(target, *into)] = np.frombuffer(stored.fill, dtype=stored.dtype)[0]
            return
        if self._fits(inner, target, box, number, linear, worker):
            piece = out[target].reshape(-1).view(np.uint8)
            self._decode(io, found, piece)
            if not stored.dtype.isnative:
                out[target] = piece.view(stored.dtype).reshape(out[target].shape)
            return
        decoded = self._decoded(io, worker, number, linear, found)
        pixels = decoded.view(stored.dtype).reshape(stored.chunks).transpose((*nav_axes, *sig_axes))
        part = tuple(slice(a - b, e - b) for a, e, b in zip(low, high, begin, strict=True))
        if len(inner) and len(inner[0]) == 1:
            one: tuple[Any, ...] = (*(int(i[0]) for i in inner), *part)
            out[(target, *into)] = pixels[one]
        else:
            several: tuple[Any, ...] = (*inner, *part)
            out[(target, *into)] = pixels[several]

    def _fits(
        self,
        inner: tuple[NDArray[np.int64], ...],
        target: slice | NDArray[np.int64],
        box: SigBox,
        number: int,
        linear: int,
        worker: _Worker,
    ) -> bool:
        """Whether a chunk is exactly what is wanted, so that it can be decoded where it belongs."""
        count = math.prod(self.nav_chunk)
        if not (self.in_order and isinstance(target, slice) and self.sig_chunk == box.shape == self.sig_shape):
            return False
        if target.stop - target.start != count or (number, linear) in worker.chunks:
            return False
        return count == 1 or bool((np.ravel_multi_index(inner, self.nav_chunk) == np.arange(count)).all())

    def _decoded(
        self, io: IOSession, worker: _Worker, number: int, linear: int, found: tuple[int, int, int]
    ) -> NDArray[np.uint8]:
        key = (number, linear)
        kept = worker.chunks.get(key)
        if kept is not None:
            worker.chunks.move_to_end(key)
            return kept
        decoded = worker.buffer(self.stored.pipeline.nbytes)
        self._decode(io, found, decoded)
        worker.keep(key, decoded)
        return decoded

    def _decode(self, io: IOSession, found: tuple[int, int, int], out: NDArray[np.uint8]) -> None:
        offset, size, mask = found
        try:
            self.stored.pipeline.decode(io.view(self.resource, offset, size), mask, out)
        except CorruptError as error:
            raise CorruptError(
                f"{error.problem} (chunk of {self.stored.name} at byte {offset})",
                path=self.stored.path,
                expected=error.expected,
                found=error.found,
                remedy="The chunk is damaged; leave its frames out with a region of interest",
            ) from error

    # Other ways.

    def _read_contiguous(
        self,
        io: IOSession,
        places: Sequence[NDArray[np.int64]],
        rows: NDArray[np.int64],
        box: SigBox,
        out: NDArray[Any],
    ) -> None:
        stored, (nav_axes, sig_axes) = self.stored, self.axes
        nbytes = math.prod(stored.shape) * stored.dtype.itemsize
        if self.in_order:
            pixels: NDArray[Any]
            flat = np.ravel_multi_index(tuple(places), self.nav_shape) if places else np.zeros(len(rows), np.int64)
            for row, frame in zip(rows.tolist(), flat.tolist(), strict=True):
                raw = io.view(self.resource, stored.offset + frame * self.frame_nbytes, self.frame_nbytes)
                pixels = np.ndarray(self.sig_shape, stored.dtype, raw.data)
                out[row] = pixels[box.slices]
            return
        raw = io.view(self.resource, stored.offset, nbytes)
        pixels = np.ndarray(stored.shape, stored.dtype, raw.data).transpose((*nav_axes, *sig_axes))
        wanted: tuple[Any, ...] = (*places, *box.slices)
        out[rows] = pixels[wanted]

    def _read_library(
        self,
        io: IOSession,
        worker: _Worker,
        places: Sequence[NDArray[np.int64]],
        rows: NDArray[np.int64],
        box: SigBox,
        out: NDArray[Any],
    ) -> None:
        nav_axes, sig_axes = self.axes
        with LOCK, translated(self.stored.path, f"reading {self.stored.name}"):
            dataset = self._open(io, worker)[self.stored.name]
            index: list[Any] = [slice(None)] * len(self.stored.shape)
            for axis, cut in zip(sig_axes, box.slices, strict=True):
                index[axis] = cut
            order = [sorted(sig_axes).index(axis) for axis in sig_axes]
            for i, row in enumerate(rows.tolist()):
                for axis, place in zip(nav_axes, places, strict=True):
                    index[axis] = int(place[i])
                out[row] = dataset[tuple(index)].transpose(order)

    def _open(self, io: IOSession, worker: _Worker) -> Any:
        """Give the open file of this worker."""
        held = worker.files.get(self.resource)
        if held is None:
            cache = max(1 << 20, min(self.row_nbytes + (1 << 20), _MOST_KEPT))
            if self.stored.by_name:
                held = h5py.File(self.stored.path, "r", locking=False, rdcc_nbytes=cache), None
            else:
                through = SessionFile(io, self.resource, self.stored.size)
                held = h5py.File(through, "r", rdcc_nbytes=cache), through
            worker.files[self.resource] = held
        return held[0]


def _hints(parts: Sequence[_Part], info: SourceInfo) -> ReadHints:
    chunked = [part for part in parts if part.stored.chunks]
    if not chunked:
        return ReadHints(whole_frames=True)
    first = chunked[0]
    whole = first.sig_chunk == tuple(info.sig_shape)
    block = max(1, min(max(part.block for part in chunked), max(1, info.n_frames)))
    return ReadHints(frame_block=block, sig_block=first.sig_chunk, whole_frames=whole)
