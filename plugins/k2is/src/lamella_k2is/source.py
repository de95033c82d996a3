"""Pixels: blocks are looked at where they lie in the files, checked, and unpacked."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import CorruptError, FrameMissingError
from lamella.reader import FrameSource, ReadHints, Resource, SigBox, SourceInfo, StoredRows, as_range, consecutive
from lamella_k2is.block import ACROSS, BLOCK_NBYTES, BLOCKS, COLUMNS, HEADER, ROWS, SYNC
from lamella_k2is.strips import Blocks, Span, block_order, spans_of, strips_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.reader import BoxOrder, IOSession
    from lamella_k2is.recording import Recording

__all__ = ["K2isSource"]

_WORD = np.dtype(">u4")
_TELLING = [0, 4, 7]
"""The words of a header that tell which block it is: sync, count, and first column and row in the sector."""
_SYNC = int.from_bytes(SYNC, "big")
_PLACES = np.array([(ACROSS - 1 - k % ACROSS) * COLUMNS << 16 | k // ACROSS * ROWS for k in range(BLOCKS)])


class K2isSource(FrameSource):
    """Reads frames of a recording.

    Parameters
    ----------
    recording
        Where blocks lie.
    sig_shape
        Shape of frames, which may be cropped.
    info
        What the files say about themselves.
    beside
        Further files that belong to the data.
    fill
        Whether blocks that were lost are zeros; otherwise their frames cannot be read.
    """

    # Blocks are the natural tiles; a frame of them is stored next to the following one.
    hints = ReadHints(sig_block=(ROWS, COLUMNS))

    def __init__(
        self,
        recording: Recording,
        sig_shape: tuple[int, int],
        info: SourceInfo,
        beside: Sequence[Resource],
        *,
        fill: bool,
    ) -> None:
        resources = (*(sector.resource for sector in recording.sectors), *beside)
        super().__init__(info, n_frames=recording.n_frames, sig_shape=sig_shape, dtype="u2", resources=resources)
        self._recording = recording
        self._fill = fill
        self._spans: dict[tuple[int, int], tuple[Span, ...]] = {}

    @cached_property
    def _order(self) -> BoxOrder:
        height, width = self.sig_shape
        return block_order((height, width))

    @cached_property
    def rows(self) -> StoredRows:
        """Blocks in the order of the files."""
        return StoredRows(self.dtype, self._order, self._order.bounds)

    def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
        """Unpack the blocks that the box touches."""
        for strip in strips_of(box):
            rows = slice(strip.rows.start - box.origin[0], strip.rows.stop - box.origin[0])
            columns = slice(strip.columns.start - box.origin[1], strip.columns.stop - box.origin[1])
            self._read_runs(io, strip, frames, out[:, rows, columns])

    def read_rows(self, io: IOSession, frames: NDArray[np.int64], first: int, end: int, out: NDArray[Any]) -> None:
        """Unpack blocks as they follow each other."""
        done = 0
        spans = self._spans.get((first, end))
        if spans is None:
            spans = self._spans[first, end] = tuple(spans_of(self._order, first, end))
        for span in spans:
            self._read_runs(io, span, frames, out[:, done : done + span.n * span.size])
            done += span.n * span.size

    def _refuse_lost(self, frames: NDArray[np.int64]) -> None:
        lost = self._recording.lost
        if self._fill or not lost.size:
            return
        found = np.intersect1d(frames, lost)
        if found.size:
            raise FrameMissingError(
                f"frame {found[0]} lost blocks while it was recorded, see ds.diagnostics. "
                "Open with lost_blocks='zero' to read what is left of such frames"
            )

    def _read_runs(self, io: IOSession, wanted: Blocks, frames: NDArray[np.int64], out: NDArray[Any]) -> None:
        """Read some blocks of any frames."""
        self._refuse_lost(frames)
        done = 0
        for start, stop in consecutive(as_range(frames)):
            self._read(io, wanted, range(start, stop), out[done : done + stop - start])
            done += stop - start

    def _read(self, io: IOSession, wanted: Blocks, frames: range, out: NDArray[Any]) -> None:
        """Read some blocks of consecutive frames, in one piece where that costs nothing."""
        blocks = self._blocks(io, wanted, frames) if io.zero_copy or len(frames) == 1 else None
        if blocks is not None:
            wanted.unpack(blocks, out)
        elif len(frames) > 1:
            for i, frame in enumerate(frames):
                self._read(io, wanted, range(frame, frame + 1), out[i : i + 1])
        else:
            out[...] = 0  # for blocks that are not there
            for block, part in wanted.singly():
                found = self._blocks(io, block, frames)
                if found is not None:
                    block.unpack(found, out[part])

    def _blocks(self, io: IOSession, wanted: Blocks, frames: range) -> NDArray[np.uint8] | None:
        """Give blocks as they are stored, shape ``(n_frames, n_blocks, BLOCK_NBYTES)``.

        None if some are not there, or are damaged and zeros may take their place.
        """
        recording = self._recording
        begin = recording.count(frames.start) + wanted.first
        end = recording.count(frames.stop - 1) + wanted.first + wanted.n
        piece = next(recording.sectors[wanted.sector].pieces(begin, end), None)
        if piece is None or (piece.count, piece.length) != (begin, end - begin):
            return None
        raw = io.view(wanted.sector, piece.offset, piece.length * BLOCK_NBYTES)
        shape, strides = (len(frames), wanted.n), (BLOCKS * BLOCK_NBYTES, BLOCK_NBYTES)
        words: NDArray[Any] = np.ndarray((*shape, HEADER.itemsize // 4), _WORD, raw.data, strides=(*strides, 4))
        if not self._are_right(words, begin, wanted):
            return None
        return np.ndarray((*shape, BLOCK_NBYTES), np.uint8, raw.data, strides=(*strides, 1))

    def _are_right(self, words: NDArray[Any], count: int, wanted: Blocks) -> bool:
        """Whether blocks are what their place says; wrong ones are an error unless zeros may take their place."""
        expected = np.empty((*words.shape[:2], len(_TELLING)), dtype=_WORD)
        expected[..., 0] = _SYNC
        expected[..., 1] = count + np.arange(len(words))[:, None] * BLOCKS + np.arange(wanted.n)
        expected[..., 2] = _PLACES[wanted.first : wanted.first + wanted.n]
        # Bytes that are equal need not be brought into the order of the machine.
        wrong = words[..., _TELLING].view(np.uint32) != expected.view(np.uint32)
        if not wrong.any() or self._fill:
            return not wrong.any()
        frame, number = (int(i[0]) for i in np.nonzero(wrong.any(axis=-1)))
        column, row = divmod(int(_PLACES[wanted.first + number]), 1 << 16)
        raise CorruptError(
            f"block {int(expected[frame, number, 1])} is damaged, or is elsewhere",
            path=self.resources[wanted.sector].path,
            expected=f"its header, for column {column} and row {row} of the sector",
            found=words[frame, number].tobytes().hex(" "),
            remedy="lost_blocks='zero' reads the other blocks",
        )
