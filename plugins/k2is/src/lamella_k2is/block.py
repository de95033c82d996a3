"""Blocks: what the eight files consist of.

A frame has 2048 x 1860 pixels in eight vertical sectors, one per file. A sector of a frame is 32 blocks of 16 columns
and 930 rows each, first those of the upper half from right to left, then those of the lower half::

    15 14 13 … 2 1 0          number of the block in its frame, by place in the sector
    31 30 29 … 18 17 16

A block is a `HEADER` of 40 bytes, big-endian, and 930 rows of 24 bytes, each with 16 pixels of 12 bits, the first one
in the least significant bits. The layout is public through the readers of LiberTEM
(https://libertem.github.io/LiberTEM/reference/dataset.html) and py4DSTEM (https://github.com/py4dstem/py4DSTEM).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    from types import TracebackType

    from lamella.reader import Resource

__all__ = [
    "ACROSS",
    "ACTIVE_SHAPE",
    "BLOCKS",
    "BLOCK_NBYTES",
    "COLUMNS",
    "FRAME_SHAPE",
    "HEADER",
    "ROWS",
    "ROW_NBYTES",
    "SECTORS",
    "SECTOR_WIDTH",
    "SHUTTER",
    "SIZES",
    "SIZES_AT",
    "SYNC",
    "BlockFile",
    "place",
]

HEADER = np.dtype(
    [
        ("sync", ">u4"),  # 0xFFFF0055
        ("unknown_4", "V4"),
        ("version", "u1"),  # 1
        ("flags", "u1"),  # bit 0: shutter
        ("unknown_10", "V6"),
        ("count", ">u4"),  # goes up by one with each block; blocks at one place of a frame agree in all sectors
        ("width", ">u2"),  # of the sector, 256
        ("height", ">u2"),  # of the sector, 1860
        ("frame_id", ">u4"),  # may jump
        ("first_x", ">u2"),  # of the block within the sector
        ("first_y", ">u2"),
        ("last_x", ">u2"),  # inclusive
        ("last_y", ">u2"),
        ("nbytes", ">u4"),  # of the block, header included
    ]
)

SYNC = b"\xff\xff\x00\x55"
SIZES, SIZES_AT = b"\x01\x00\x07\x44", 20
"""Width and height of a sector as they stand in every header, and where."""
SHUTTER = 1
SECTORS = 8
SECTOR_WIDTH = 256
COLUMNS, ROWS = 16, 930
ROW_NBYTES = 24
ACROSS = SECTOR_WIDTH // COLUMNS
BLOCKS = 2 * ACROSS
"""Blocks of a sector per frame."""
BLOCK_NBYTES = 22360
FRAME_SHAPE = (2 * ROWS, SECTORS * SECTOR_WIDTH)
ACTIVE_SHAPE = (1792, 1920)


def place(header: np.void) -> int:
    """Give the number of a block in its frame, by its coordinates."""
    return ACROSS - 1 - int(header["first_x"]) // COLUMNS + ACROSS * (int(header["first_y"]) // ROWS)


class BlockFile:
    """An open file of one sector, from which block headers are read."""

    def __init__(self, resource: Resource) -> None:
        self._size = resource.size
        self._file = resource.reading()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def read(self, offset: int, nbytes: int) -> bytes:
        """Give up to ``nbytes`` bytes from ``offset``."""
        return self._file.read(offset, nbytes)

    def header(self, offset: int) -> np.void | None:
        """Give the header of the block at a byte offset, or None if no complete block begins there."""
        if offset < 0 or offset + BLOCK_NBYTES > self._size:
            return None
        content = self.read(offset, HEADER.itemsize)
        if len(content) < HEADER.itemsize or not content.startswith(SYNC):
            return None
        header: np.void = np.frombuffer(content, dtype=HEADER, count=1)[0]
        return header if _is_sound(header) else None


def _is_sound(header: np.void) -> bool:
    x, y = int(header["first_x"]), int(header["first_y"])
    expected: dict[str, Any] = {"width": SECTOR_WIDTH, "height": 2 * ROWS, "nbytes": BLOCK_NBYTES}
    return (
        all(int(header[name]) == value for name, value in expected.items())
        and x < SECTOR_WIDTH
        and x % COLUMNS == 0
        and y in (0, ROWS)
    )
