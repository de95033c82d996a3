"""Data sets as parts of a scan, where their pixels are not in chunks: one class for each way to them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from lamella.errors import CorruptError
from lamella.reader import SourceInfo, TransposedSource
from lamella_hdf5.grid import as_slice
from lamella_hdf5.library import LOCK, SessionFile, translated
from lamella_hdf5.objects import Dataset, OpenFile, group_at, top
from lamella_hdf5.worker import most_kept

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lamella.reader import IOSession, Resource, SigBox
    from lamella_hdf5.stored import Piece, Stored
    from lamella_hdf5.worker import Worker

__all__ = ["ContiguousPart", "FilledPart", "LibraryPart", "Part", "Place", "transposed_source"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part is in its source.

    Parameters
    ----------
    piece
        The data set, or a stretch of its first axis.
    nav_axes, sig_axes
        Which of its axes are the scan, slow ones first, and which are the detector.
    resources, resource
        The files of the source, and the number of its own file among them.
    number
        Number of this part among all.
    """

    piece: Piece
    nav_axes: tuple[int, ...]
    sig_axes: tuple[int, ...]
    resources: tuple[Resource, ...]
    resource: int = 0
    number: int = 0


class Part(ABC):
    """One data set, or a stretch of its first axis, as a part of the scan.

    Attributes
    ----------
    n_frames : int
        Frames of this part.
    frame_block : int
        Consecutive frames that are stored together.
    row_nbytes : int
        Size of what is worth keeping between tiles [bytes].
    """

    frame_block = 1
    row_nbytes = 0

    def __init__(self, place: Place) -> None:
        piece, nav_axes, sig_axes = place.piece, place.nav_axes, place.sig_axes
        assert piece.stored is not None
        self.stored: Stored = piece.stored
        self.resource = place.resource
        self.number = place.number
        self.axes = (nav_axes, sig_axes)
        shape = self.stored.shape
        self.nav_shape = tuple(shape[axis] for axis in nav_axes)
        self.sig_shape = tuple(shape[axis] for axis in sig_axes)
        whole = piece.skip == 0 and piece.count == (shape[0] if shape else 1)
        per_item = 1 if whole else math.prod(self.nav_shape[1:])
        self.n_frames = math.prod(self.nav_shape) if whole else piece.count * per_item
        self.skip = 0 if whole else piece.skip * per_item
        self.in_order = (*nav_axes, *sig_axes) == tuple(range(len(shape)))

    @property
    def identity(self) -> str:
        """What tells this part from others of the same files."""
        return f"{self.stored.path}:{self.stored.name}:{self.skip}:{self.axes}"

    def places(self, frames: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
        """Give the scan position of frames, counted within this part, along each axis of the data set."""
        return tuple(np.unravel_index(frames + self.skip, self.nav_shape)) if self.nav_shape else ()

    @property
    def filling(self) -> Any:
        """The value of pixels that were never written."""
        return np.frombuffer(self.stored.fill, dtype=self.stored.dtype)[0]

    @abstractmethod
    def read(
        self,
        io: IOSession,
        worker: Worker,
        frames: NDArray[np.int64],
        rows: NDArray[np.int64],
        box: SigBox,
        out: NDArray[Any],
    ) -> None:
        """Write ``frames``, counted within this part, to the ``rows`` of ``out``."""


class FilledPart(Part):
    """A data set to which nothing was ever written."""

    def read(
        self,
        io: IOSession,
        worker: Worker,
        frames: NDArray[np.int64],
        rows: NDArray[np.int64],
        box: SigBox,
        out: NDArray[Any],
    ) -> None:
        """Fill in the fill value."""
        out[rows] = self.filling


class ContiguousPart(Part):
    """Pixels in one piece: only those that cannot be described as runs of frames come here."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._frames = transposed_source(place, SourceInfo())

    def read(
        self,
        io: IOSession,
        worker: Worker,
        frames: NDArray[np.int64],
        rows: NDArray[np.int64],
        box: SigBox,
        out: NDArray[Any],
    ) -> None:
        """Copy frames, or gather their pixels where they are scattered."""
        target = as_slice(rows)
        if isinstance(target, slice):
            self._frames.read(io, frames, box, out[target])
            return
        pixels = np.empty((len(rows), *box.shape), dtype=out.dtype)
        self._frames.read(io, frames, box, pixels)
        out[rows] = pixels


def transposed_source(place: Place, info: SourceInfo) -> TransposedSource:
    """Give the frames of a stretch of a data set whose pixels lie in one piece."""
    stored = place.piece.stored
    assert stored is not None
    row = math.prod(stored.shape[1:]) * stored.dtype.itemsize
    return TransposedSource(
        info,
        resources=place.resources,
        resource=place.resource,
        offset=stored.offset + place.piece.skip * row,
        dtype=stored.dtype,
        shape=(place.piece.count, *stored.shape[1:]),
        nav_axes=place.nav_axes,
        sig_axes=place.sig_axes,
    )


class LibraryPart(Part):
    """Pixels that only libhdf5 can reach."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        chunks = self.stored.chunks
        self._chunk_nbytes = math.prod(chunks) * self.stored.dtype.itemsize if chunks else 0

    def read(
        self,
        io: IOSession,
        worker: Worker,
        frames: NDArray[np.int64],
        rows: NDArray[np.int64],
        box: SigBox,
        out: NDArray[Any],
    ) -> None:
        """Ask h5py frame by frame."""
        (nav_axes, sig_axes), places = self.axes, self.places(frames)
        with LOCK, translated(self.stored.path, f"reading {self.stored.name}"):
            dataset = self._open(io, worker)
            index: list[Any] = [slice(None)] * len(self.stored.shape)
            for axis, cut in zip(sig_axes, box.slices, strict=True):
                index[axis] = cut
            order = [sorted(sig_axes).index(axis) for axis in sig_axes]
            for i, row in enumerate(rows.tolist()):
                self._point(index, nav_axes, places, i)
                out[row] = self._pixels(dataset, tuple(index)).transpose(order)

    def _pixels(self, dataset: Any, index: tuple[Any, ...]) -> NDArray[Any]:
        dtype, channels = self.stored.dtype, len(self.stored.colours)
        if not channels:
            pixels: NDArray[Any] = dataset[index].view(dtype)
            return pixels
        found = np.asarray(dataset[index[:-1]])
        colours = np.ascontiguousarray(found).reshape(-1).view(dtype).reshape(*found.shape, channels)
        return colours[..., index[-1]]

    def _point(self, index: list[Any], nav_axes: Sequence[int], places: Sequence[NDArray[np.int64]], i: int) -> None:
        for axis, place in zip(nav_axes, places, strict=True):
            index[axis] = int(place[i])

    def _open(self, io: IOSession, worker: Worker) -> Any:
        """Give the data set from the open file of this worker; its chunk cache holds a row of chunks if it can."""
        held = worker.files.get(self.resource)
        if held is None:
            cache = max(1 << 20, min(self._chunk_nbytes * _chunks_in_row(self.stored), most_kept()) + (1 << 20))
            through = SessionFile(io, self.resource, self.stored.size)
            file = h5py.File(through, "r", rdcc_nbytes=cache)
            held = worker.files[self.resource] = file, top(file, OpenFile(self.stored.path, self.stored.size))
        dataset = group_at(held[1], self.stored.name)
        if not isinstance(dataset, Dataset) or dataset.is_virtual or dataset.external:
            raise CorruptError(f"{self.stored.name} is gone", path=self.stored.path, remedy="Open the file anew")
        return dataset


def _chunks_in_row(stored: Stored) -> int:
    """Give the number of chunks beside each other along all axes but the first."""
    if not stored.chunks:
        return 1
    pairs = zip(stored.shape[1:], stored.chunks[1:], strict=True)
    return math.prod(-(-n // c) for n, c in pairs)
