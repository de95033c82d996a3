"""Chunked data sets: stored chunks are read through the I/O session and decoded by the thread that wants them.

Neither the lock of libhdf5 nor that of the interpreter is held meanwhile. A chunk that holds just what is wanted is
decoded where it belongs; others are kept until their row of chunks is done, so that each is decoded once per pass.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import CorruptError
from lamella_hdf5.chunks import ChunkTable, read_table
from lamella_hdf5.grid import as_slice, frame_block, groups, padded_row, strides, touched
from lamella_hdf5.parts import Part, Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from lamella.reader import IOSession, SigBox
    from lamella_hdf5.worker import Worker

__all__ = ["ChunkedPart"]


_WORTH_READING = 2
"""How many times the bytes of some chunks are read in one piece at most."""


@dataclass(frozen=True, slots=True)
class _Cut:
    """What a chunk of the detector shares with a box.

    ``number`` is its number in the grid relative to the one in the corner; ``into`` and ``part`` are what is shared,
    as seen from the box and from the chunk; ``whole`` says that chunk, box and detector are one.
    """

    number: int
    into: tuple[slice, ...]
    part: tuple[slice, ...]
    whole: bool


class ChunkedPart(Part):
    """A data set in chunks."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        stored = self.stored
        self.pipeline = stored.pipeline
        nav_axes, sig_axes = self.axes
        self.nav_chunk = tuple(stored.chunks[axis] for axis in nav_axes)
        self.sig_chunk = tuple(stored.chunks[axis] for axis in sig_axes)
        grid = tuple(-(-n // c) for n, c in zip(stored.shape, stored.chunks, strict=True))
        steps = strides(grid)
        self._nav_steps = tuple(steps[axis] for axis in nav_axes)
        self._sig_steps = tuple(steps[axis] for axis in sig_axes)
        self._frames_in_chunk = math.prod(self.nav_chunk)
        self.frame_block = frame_block(self.nav_shape, self.nav_chunk)
        padded = math.prod(-(-n // c) * c for n, c in zip(self.sig_shape, self.sig_chunk, strict=True))
        self.row_nbytes = padded_row(self.nav_shape, self.nav_chunk) * padded * stored.dtype.itemsize
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
        worker: Worker,
        frames: NDArray[np.int64],
        rows: NDArray[np.int64],
        box: SigBox,
        out: NDArray[Any],
    ) -> None:
        """Decode the chunks that hold the frames, each of them once."""
        whole = self.in_order and self.sig_chunk == self.sig_shape == box.shape
        if whole and self._frames_in_chunk == 1:
            self._read_frames(io, frames + self.skip, rows, out)
        else:
            self._read_parts(io, worker, frames, rows, box, out)

    def _read_frames(
        self, io: IOSession, numbers: NDArray[np.int64], rows: NDArray[np.int64], out: NDArray[Any]
    ) -> None:
        """Decode chunks that hold one frame each."""
        table = self.table
        found = table.places(numbers)
        if not table.complete and (absent := found[:, 0] < 0).any():
            out[rows[absent]] = self.filling
            rows, found = rows[~absent], found[~absent]
            if not rows.size:
                return
        first, last = int(rows[0]), int(rows[-1])
        target = slice(first, last + 1) if last - first + 1 == rows.size else rows  # they rise
        pixels = out.reshape(len(out), -1).view(np.uint8)
        if not (isinstance(target, slice) and self._decode_together(io, found, pixels[target])):
            for row, place in zip(rows.tolist(), found.tolist(), strict=True):
                self._decode(io, place, pixels[row])
        if not self.stored.dtype.isnative:
            out[target] = out[target].view(out.dtype.newbyteorder())

    def _decode_together(self, io: IOSession, found: NDArray[np.int64], out: NDArray[np.uint8]) -> bool:
        """Decode chunks that lie near each other in one go, where that is possible; gives whether it was."""
        if not self.pipeline.together:
            return False
        places = found.tolist()
        first, end = min(place[0] for place in places), max(place[0] + place[1] for place in places)
        if any(place[2] for place in places) or end - first > _WORTH_READING * sum(place[1] for place in places):
            return False
        return self.pipeline.decode_all(io.view(self.resource, first, end - first), found, first, out)

    def _read_parts(
        self,
        io: IOSession,
        worker: Worker,
        frames: NDArray[np.int64],
        rows: NDArray[np.int64],
        box: SigBox,
        out: NDArray[Any],
    ) -> None:
        """Copy what chunks share with frames."""
        cuts, table = self._cuts(worker, box), self.table
        places = self.places(frames)
        corners = np.zeros(len(frames), dtype=np.int64)
        for place, length, step in zip(places, self.nav_chunk, self._nav_steps, strict=True):
            corners += place // length * step
        for members in groups(corners):
            target = as_slice(rows[members])
            inner = self._inner(places, members)
            corner = int(corners[members[0]])
            complete = isinstance(inner, slice) and inner == slice(0, self._frames_in_chunk)
            row = self.number, int(frames[members[0]] + self.skip) // self.frame_block
            for cut in cuts:
                number = corner + cut.number
                decoded = worker.chunk(row, number)
                if decoded is None:
                    found = table.find(number)
                    if found is None:
                        out[(target, *cut.into)] = self.filling
                        continue
                    if cut.whole and complete and isinstance(target, slice):
                        self._decode_into(io, found, out[target])
                        continue
                    decoded = self._decode_and_keep(io, worker, row, number, found)
                out[(target, *cut.into)] = self._as_stored(decoded)[(*_tuple(inner), *cut.part)]

    def _cuts(self, worker: Worker, box: SigBox) -> list[_Cut]:
        """Give what the chunks of the detector share with a box; worked out once per worker."""
        key = self.number, box
        cuts: list[_Cut] | None = worker.known.get(key)
        if cuts is None:
            cuts = worker.known[key] = list(self._make_cuts(box))
        return cuts

    def _make_cuts(self, box: SigBox) -> Iterator[_Cut]:
        whole = self.in_order and self.sig_chunk == self.sig_shape == box.shape
        for chunk in touched(box, self.sig_chunk):
            begin = [k * c for k, c in zip(chunk, self.sig_chunk, strict=True)]
            low = [max(b, o) for b, o in zip(begin, box.origin, strict=True)]
            high = [min(b + c, o + n) for b, c, o, n in zip(begin, self.sig_chunk, box.origin, box.shape, strict=True)]
            yield _Cut(
                sum(k * step for k, step in zip(chunk, self._sig_steps, strict=True)),
                tuple(slice(a - o, e - o) for a, e, o in zip(low, high, box.origin, strict=True)),
                tuple(slice(a - b, e - b) for a, e, b in zip(low, high, begin, strict=True)),
                whole,
            )

    def _inner(self, places: Sequence[NDArray[np.int64]], members: slice | NDArray[np.int64]) -> Any:
        """Give where frames lie within their chunk: a slice or numbers along one axis, or along every axis."""
        inner = tuple(place[members] % length for place, length in zip(places, self.nav_chunk, strict=True))
        if not self.in_order:
            return inner
        flat = np.ravel_multi_index(inner, self.nav_chunk) if inner else np.zeros(1, dtype=np.int64)
        return as_slice(np.asarray(flat))

    def _decode_into(self, io: IOSession, found: tuple[int, int, int], out: NDArray[Any]) -> None:
        """Decode a chunk where its pixels belong."""
        self._decode(io, found, out.reshape(-1).view(np.uint8))
        if not self.stored.dtype.isnative:
            np.copyto(out, out.view(out.dtype.newbyteorder()))  # `byteswap` would hold the GIL

    def _decode_and_keep(
        self, io: IOSession, worker: Worker, row: tuple[int, int], number: int, found: tuple[int, int, int]
    ) -> NDArray[np.uint8]:
        """Decode a chunk into room that the worker gives."""
        decoded = worker.room(row, number, self.pipeline.nbytes)
        try:
            self._decode(io, found, decoded)
        except BaseException:
            worker.drop(number)
            raise
        return decoded

    def _as_stored(self, decoded: NDArray[np.uint8]) -> NDArray[Any]:
        """Give the pixels of a chunk: axes of the scan, as one if they are in order, then those of the detector."""
        pixels = decoded.view(self.stored.dtype)
        if self.in_order:
            return pixels.reshape(self._frames_in_chunk, *self.sig_chunk)
        nav_axes, sig_axes = self.axes
        return pixels.reshape(self.stored.chunks).transpose((*nav_axes, *sig_axes))

    def _decode(self, io: IOSession, found: tuple[int, int, int], out: NDArray[np.uint8]) -> None:
        offset, size, mask = found
        try:
            self.pipeline.decode(io.view(self.resource, offset, size), mask, out)
        except CorruptError as error:
            raise CorruptError(
                f"{error.problem} (chunk of {self.stored.name} at byte {offset})",
                path=self.stored.path,
                expected=error.expected,
                found=error.found,
                remedy="The chunk is damaged; leave its frames out with a region of interest",
            ) from error


def _tuple(inner: Any) -> tuple[Any, ...]:
    return inner if isinstance(inner, tuple) else (inner,)
