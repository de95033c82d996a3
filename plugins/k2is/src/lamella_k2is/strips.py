"""Blocks side by side: where they lie in a frame, and how they are unpacked.

A `Strip` goes to its pixels in a frame. A `Span` stays in the order of the file, block after block: nothing has to be
put into rows 2048 pixels apart, so that it costs a third.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

from lamella.codecs import unpack
from lamella.reader import BoxOrder, SigBox
from lamella_k2is.block import ACROSS, BLOCKS, COLUMNS, HEADER, ROW_NBYTES, ROWS, SECTOR_WIDTH, SECTORS

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Blocks", "Span", "Strip", "block_order", "spans_of", "strips_of"]

_BITS = 12


class Blocks(Protocol):
    """Some blocks of a sector that follow each other in the file, and what is wanted of them."""

    @property
    def sector(self) -> int:
        """Index of the sector."""
        ...

    @property
    def first(self) -> int:
        """Number of the first block in a frame."""
        ...

    @property
    def n(self) -> int:
        """How many blocks there are."""
        ...

    def unpack(self, blocks: NDArray[np.uint8], out: NDArray[Any]) -> None:
        """Unpack the blocks of some frames, shape ``(n_frames, n, BLOCK_NBYTES)``."""
        ...

    def singly(self) -> Iterator[tuple[Self, tuple[slice, ...]]]:
        """Give each block of its own, and which part of ``out`` is for it."""
        ...


@dataclass(frozen=True, slots=True)
class Strip:
    """Blocks of one half of a sector, to be unpacked to pixels, shape ``(n_frames, len(rows), len(columns))``.

    ``rows`` and ``columns`` are the pixels of the frame to read, within these blocks; the first block is the rightmost.
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

    def unpack(self, blocks: NDArray[np.uint8], out: NDArray[Any]) -> None:
        """Unpack the rows of the frame in order, each from all blocks."""
        n_frames, height = len(blocks), len(self.rows)
        begin = HEADER.itemsize + (self.rows.start - self.first // ACROSS * ROWS) * ROW_NBYTES
        stored = blocks[:, :, begin : begin + height * ROW_NBYTES].reshape(n_frames, self.n, height, ROW_NBYTES)
        whole = out
        if self.columns != range(self.left, self.left + self.n * COLUMNS):
            whole = np.empty((n_frames, height, self.n * COLUMNS), dtype=out.dtype)
        pixels = whole.reshape(n_frames, height, self.n, COLUMNS)[:, :, ::-1]  # blocks go from right to left
        unpack(stored.swapaxes(1, 2), pixels, _BITS)
        if whole is not out:
            begin = self.columns.start - self.left
            out[...] = whole[:, :, begin : begin + len(self.columns)]

    def singly(self) -> Iterator[tuple[Strip, tuple[slice, ...]]]:
        """Give each block of its own, and where its columns are among those of the strip."""
        for i in range(self.n):
            left = self.left + (self.n - 1 - i) * COLUMNS
            columns = range(max(self.columns.start, left), min(self.columns.stop, left + COLUMNS))
            begin = columns.start - self.columns.start
            part = slice(begin, begin + len(columns))
            yield replace(self, first=self.first + i, n=1, columns=columns), (slice(None), slice(None), part)


def strips_of(box: SigBox) -> Iterator[Strip]:
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
                yield Strip(sector, half * ACROSS + ACROSS - to_right, to_right - from_left, rows, columns)


@dataclass(frozen=True, slots=True)
class Span:
    """Blocks of a sector, to be unpacked to one row of items, shape ``(n_frames, n * size)``; ``size`` of each."""

    sector: int
    first: int
    n: int
    size: int

    def unpack(self, blocks: NDArray[np.uint8], out: NDArray[Any]) -> None:
        """Unpack one block after the other."""
        end = HEADER.itemsize + self.size // COLUMNS * ROW_NBYTES
        unpack(blocks[:, :, HEADER.itemsize : end], out.reshape(len(blocks), self.n, self.size), _BITS)

    def singly(self) -> Iterator[tuple[Span, tuple[slice, ...]]]:
        """Give each block of its own, and where its items are among those of the span."""
        for i in range(self.n):
            items = slice(i * self.size, (i + 1) * self.size)
            yield replace(self, first=self.first + i, n=1), (slice(None), items)


def block_order(sig_shape: tuple[int, int]) -> BoxOrder:
    """Give the order of pixels in the files: sector by sector, block by block; what was cropped is left out."""
    boxes = []
    for place in range(SECTORS * BLOCKS):
        sector, number = divmod(place, BLOCKS)
        half, from_right = divmod(number, ACROSS)
        top, left = half * ROWS, sector * SECTOR_WIDTH + (ACROSS - 1 - from_right) * COLUMNS
        shape = min(ROWS, sig_shape[0] - top), min(COLUMNS, sig_shape[1] - left)
        if min(shape) > 0:
            boxes.append(SigBox((top, left), shape))
    return BoxOrder(sig_shape, tuple(boxes))


def spans_of(order: BoxOrder, first: int, end: int) -> Iterator[Span]:
    """Give the blocks of the items ``[first, end)``, those that follow each other and are equally long together."""
    span: Span | None = None
    for box in order.between(first, end):
        sector, column = divmod(box.origin[1], SECTOR_WIDTH)
        number = box.origin[0] // ROWS * ACROSS + ACROSS - 1 - column // COLUMNS
        if span is not None and (span.sector, span.first + span.n, span.size) == (sector, number, box.size):
            span = replace(span, n=span.n + 1)
            continue
        if span is not None:
            yield span
        span = Span(sector, number, 1, box.size)
    if span is not None:
        yield span
