"""Pixels: strips of a sector are unpacked straight to their place in the frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.codecs.packed import unpack
from lamella.errors import CorruptError, FrameMissingError
from lamella.geometry import SigBox, consecutive
from lamella.source import FrameSource, ReadHints, Resource, SourceInfo
from lamella_k2is.block import (
    ACROSS,
    BLOCK_NBYTES,
    BLOCKS,
    COLUMNS,
    HEADER,
    ROW_NBYTES,
    ROWS,
    SECTOR_WIDTH,
    SECTORS,
    SYNC,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.io import IOSession
    from lamella_k2is.recording import Recording

__all__ = ["K2isSource"]

_BITS = 12
_SYNC = np.frombuffer(SYNC, dtype=HEADER["sync"])[0]


@dataclass(frozen=True, slots=True)
class _Strip:
    """Blocks of one half of a sector, side by side: where they lie in a frame, and the rows of them to read.

    Parameters
    ----------
    sector
        Index of the sector.
    first, n
        Number of the first block in a frame, which is the rightmost one, and how many there are.
    rows, columns
        Pixels of the frame to read, within these blocks.
    """

    sector: int
    first: int
    n: int
    rows: range
    columns: range

    @property
    def left(self) -> int:
        """The first column of the blocks."""
        return self.sector * SECTOR_WIDTH + (ACROSS - self.n - self.first % ACROSS) * COLUMNS

    @property
    def top(self) -> int:
        """The first row of the blocks."""
        return self.first // ACROSS * ROWS

    @property
    def whole_columns(self) -> bool:
        """Whether all columns of the blocks are read."""
        return self.columns == range(self.left, self.left + self.n * COLUMNS)


def _strips(box: SigBox) -> Iterator[_Strip]:
    """Cut a box along the halves and the sectors."""
    top, left = box.origin
    bottom, right = top + box.shape[0], left + box.shape[1]
    for sector in range(left // SECTOR_WIDTH, min(SECTORS, -(-right // SECTOR_WIDTH))):
        begin = sector * SECTOR_WIDTH
        columns = range(max(left, begin), min(right, begin + SECTOR_WIDTH))
        from_left, to_right = (columns.start - begin) // COLUMNS, -(-(columns.stop - begin) // COLUMNS)
        for half in range(2):
            rows = range(max(top, half * ROWS), min(bottom, (half + 1) * ROWS))
            if rows and columns:
                yield _Strip(sector, half * ACROSS + ACROSS - to_right, to_right - from_left, rows, columns)


class K2isSource(FrameSource):
    """Reads frames of a recording.

    Parameters
    ----------
    recording
        Where blocks lie.
    info
        What the files say about themselves; the shape of frames may be cropped.
    beside
        Further files that belong to the data.
    fill
        Whether blocks that were lost are zeros; otherwise their frames cannot be read.
    """

    # Blocks are the natural tiles; a frame of them is stored next to the following one.
    hints = ReadHints(sig_block=(ROWS, COLUMNS))

    def __init__(self, recording: Recording, info: SourceInfo, beside: Sequence[Resource], *, fill: bool) -> None:
        self.info = info
        self.resources = (*(sector.resource for sector in recording.sectors), *beside)
        self._recording = recording
        self._fill = fill

    def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
        """Unpack the blocks that the box touches."""
        if not self._fill:
            self._refuse_lost(frames)
        runs = list(consecutive(frames))
        for strip in _strips(box):
            rows = slice(strip.rows.start - box.origin[0], strip.rows.stop - box.origin[0])
            columns = slice(strip.columns.start - box.origin[1], strip.columns.stop - box.origin[1])
            target = out[:, rows, columns]
            done = 0
            for start, stop in runs:
                self._read_strip(io, strip, range(start, stop), target[done : done + stop - start])
                done += stop - start

    def _refuse_lost(self, frames: NDArray[np.int64]) -> None:
        lost = self._recording.lost
        if not lost.size:
            return
        found = np.intersect1d(frames, lost)
        if found.size:
            raise FrameMissingError(
                f"frame {found[0]} lost blocks while it was recorded, see ds.diagnostics. "
                "Open with lost_blocks='zero' to read what is left of such frames"
            )

    def _read_strip(self, io: IOSession, strip: _Strip, frames: range, out: NDArray[Any]) -> None:
        """Read a strip of consecutive frames, in one piece where that costs nothing."""
        blocks = self._blocks(io, strip, frames) if io.zero_copy or len(frames) == 1 else None
        if blocks is not None:
            _unpack(blocks, strip, out)
        elif len(frames) == 1:
            self._read_singly(io, strip, frames.start, out)
        else:
            for i, frame in enumerate(frames):
                self._read_strip(io, strip, range(frame, frame + 1), out[i : i + 1])

    def _blocks(self, io: IOSession, strip: _Strip, frames: range) -> NDArray[np.uint8] | None:
        """Give the blocks of a strip, shape ``(n_frames, n_blocks, BLOCK_NBYTES)``.

        None if some are not there, or are damaged and zeros may take their place.
        """
        recording = self._recording
        begin = recording.count(frames.start) + strip.first
        end = recording.count(frames.stop - 1) + strip.first + strip.n
        piece = next(recording.sectors[strip.sector].pieces(begin, end), None)
        if piece is None or (piece.count, piece.length) != (begin, end - begin):
            return None
        raw = io.view(strip.sector, piece.offset, piece.length * BLOCK_NBYTES)
        shape, strides = (len(frames), strip.n), (BLOCKS * BLOCK_NBYTES, BLOCK_NBYTES)
        headers: NDArray[Any] = np.ndarray(shape, HEADER, raw.data, strides=strides)
        if not self._are_right(headers, begin, strip):
            return None
        return np.ndarray((*shape, BLOCK_NBYTES), np.uint8, raw.data, strides=(*strides, 1))

    def _are_right(self, headers: NDArray[Any], count: int, strip: _Strip) -> bool:
        """Whether blocks are what their place says; wrong ones are an error unless zeros may take their place."""
        counts = count + np.arange(headers.shape[0])[:, None] * BLOCKS + np.arange(strip.n)
        left = strip.left - strip.sector * SECTOR_WIDTH + COLUMNS * np.arange(strip.n - 1, -1, -1)
        right = (
            (headers["sync"] == _SYNC)
            & (headers["count"] == counts)
            & (headers["first_x"] == left)
            & (headers["first_y"] == strip.top)
        )
        if right.all() or self._fill:
            return bool(right.all())
        frame, number = (int(i[0]) for i in np.nonzero(~right))
        raise CorruptError(
            f"block {int(counts[frame, number])} is damaged, or lies elsewhere",
            path=self.resources[strip.sector].path,
            expected=f"its header, for column {int(left[number])} and row {strip.top} of the sector",
            found=headers[frame, number].tobytes().hex(" "),
            remedy="lost_blocks='zero' reads the other blocks",
        )

    def _read_singly(self, io: IOSession, strip: _Strip, frame: int, out: NDArray[Any]) -> None:
        """Read the blocks of one frame one by one; those that are not there become zeros."""
        out[...] = 0
        for i in range(strip.n):
            left = strip.left + (strip.n - 1 - i) * COLUMNS
            columns = range(max(strip.columns.start, left), min(strip.columns.stop, left + COLUMNS))
            block = _Strip(strip.sector, strip.first + i, 1, strip.rows, columns)
            found = self._blocks(io, block, range(frame, frame + 1))
            if found is not None:
                begin = columns.start - strip.columns.start
                _unpack(found, block, out[:, :, begin : begin + len(columns)])


def _unpack(blocks: NDArray[np.uint8], strip: _Strip, out: NDArray[Any]) -> None:
    """Unpack blocks of some frames, shape ``(n_frames, n_blocks, BLOCK_NBYTES)``, into the pixels that are wanted."""
    n_frames, n, height = len(blocks), strip.n, len(strip.rows)
    begin = HEADER.itemsize + (strip.rows.start - strip.top) * ROW_NBYTES
    stored = blocks[:, :, begin : begin + height * ROW_NBYTES].reshape(n_frames, n, height, ROW_NBYTES)
    whole = out if strip.whole_columns else np.empty((n_frames, height, n * COLUMNS), dtype=out.dtype)
    pixels = whole.reshape(n_frames, height, n, COLUMNS)[:, :, ::-1].swapaxes(1, 2)  # blocks go from right to left
    if n < n_frames:
        for i in range(n):
            unpack(stored[:, i], pixels[:, i], _BITS)
    else:
        for i in range(n_frames):
            # The rows of the frame are the first axis, so that memory is written in order.
            unpack(stored[i].swapaxes(0, 1), pixels[i].swapaxes(0, 1), _BITS)
    if whole is not out:
        begin = strip.columns.start - strip.left
        out[...] = whole[:, :, begin : begin + len(strip.columns)]
