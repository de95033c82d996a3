"""Frames of data sets that follow each other, where the core cannot read them by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.reader import FrameSource, ReadHints, Resource, SourceInfo
from lamella_hdf5.chunked import ChunkedPart
from lamella_hdf5.mosaic import part_at
from lamella_hdf5.parts import Place
from lamella_hdf5.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lamella.reader import IOSession, SigBox
    from lamella_hdf5.parts import Part
    from lamella_hdf5.stored import Piece

__all__ = ["ScanSource"]


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
        places = {resource.path: i for i, resource in enumerate(resources)}
        self._parts = tuple(
            part_at(Place(piece, nav_axes, sig_axes, resources, places[piece.stored.path], number))
            for number, piece in enumerate(pieces)
            if piece.stored is not None
        )
        self._starts = np.cumsum([0, *(part.n_frames for part in self._parts)])
        self._row_nbytes = max((part.row_nbytes for part in self._parts), default=0)
        super().__init__(
            info,
            n_frames=int(self._starts[-1]),
            sig_shape=self._parts[0].sig_shape,
            dtype=self._parts[0].stored.dtype,
            resources=resources,
        )
        self.hints = _hints(self._parts, self.n_frames)

    @property
    def identity(self) -> tuple[str, ...]:
        """The data sets."""
        return tuple(part.identity for part in self._parts)

    def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
        """Let each data set write its frames."""
        worker = Worker.of(io, self._row_nbytes)
        if len(self._parts) == 1 and frames.size:
            self._parts[0].read(io, worker, frames, np.arange(len(frames)), box, out)
            return
        owner = np.searchsorted(self._starts, frames, side="right") - 1
        for number in np.unique(owner).tolist():
            rows = np.flatnonzero(owner == number)
            self._parts[number].read(io, worker, frames[rows] - self._starts[number], rows, box, out)


def _hints(parts: Sequence[Part], n_frames: int) -> ReadHints:
    chunked = [part for part in parts if isinstance(part, ChunkedPart)]
    block = max(1, min(max(part.frame_block for part in parts), n_frames))
    if not chunked:
        return ReadHints(frame_block=block, whole_frames=True)
    first = chunked[0]
    whole = first.sig_chunk == first.sig_shape
    return ReadHints(frame_block=block, sig_block=first.sig_chunk, whole_frames=whole)
