"""Which frames of a chunked data set were ever written: a scan that was aborted leaves most of them out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lamella.errors import CorruptError, FormatError
from lamella_hdf5.chunks import read_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lamella_hdf5.stored import Piece, Stored

__all__ = ["written_frames"]

_PACKED = 16
"""How many times their stored size pixels may have before the index of chunks is looked at, if there are filters."""
_SMALL = 64 << 20
"""Size of a data set that costs little, whatever of it was written [bytes]."""
_LONGEST = 1 << 26
"""Frames up to the last one that was written, if few of them were."""
_REMEDY = "Name another data set with ds_path="


def written_frames(pieces: Sequence[Piece], nav_axes: tuple[int, ...]) -> NDArray[np.int64] | None:
    """Give the frame of every step of the scan, -1 where none was ever written; it ends behind the last written frame.

    Parameters
    ----------
    pieces
        The data sets of the scan.
    nav_axes
        Which of their axes are the scan, slow ones first.

    Returns
    -------
    numpy.ndarray or None
        None where the data set is small, the file is as large as one would expect, or all was written: then pixels
        that were never written have the fill value.

    Raises
    ------
    FormatError
        If nothing was written at all.
    """
    stored = pieces[0].stored
    whole = len(pieces) == 1 and stored is not None and pieces[0].count == (stored.shape[0] if stored.shape else 1)
    if stored is None or not whole or not _announces_more(stored):
        return None
    if stored.how == "fill":
        raise _nothing(stored)
    if not stored.chunks:
        return None
    table = read_table(stored.path, stored.name, stored.shape, stored.chunks, stored.size)
    if table.complete:
        return None
    if not len(table):
        raise _nothing(stored)
    frames = _frames_of(table.numbers, stored, nav_axes)
    steps = int(frames[-1]) + 1
    if steps > max(_LONGEST, 4 * len(frames)):
        raise CorruptError(
            "the frames that were written lie too far apart",
            path=stored.path,
            expected=f"at most {_LONGEST} scan positions up to the last one",
            found=f"{len(frames)} frames, the last one at position {steps - 1}",
            remedy=_REMEDY,
        )
    index = np.full(steps, -1, dtype=np.int64)
    index[frames] = frames
    return index if len(frames) < math.prod(stored.shape[axis] for axis in nav_axes) else None


def _announces_more(stored: Stored) -> bool:
    """Whether the file is so small that frames must be missing, as far as one can tell without its index."""
    nbytes = math.prod(stored.shape) * stored.dtype.itemsize
    return nbytes > _SMALL and nbytes > stored.size * (_PACKED if stored.filters or stored.how == "fill" else 1)


def _nothing(stored: Stored) -> FormatError:
    return FormatError(
        "nothing was ever written to the data set", path=stored.path, found=f"shape {stored.shape}", remedy=_REMEDY
    )


def _frames_of(numbers: NDArray[np.int64], stored: Stored, nav_axes: tuple[int, ...]) -> NDArray[np.int64]:
    """Give the frames, in order, of which a part at least lies in chunks of some numbers."""
    grid = tuple(-(-n // c) for n, c in zip(stored.shape, stored.chunks, strict=True))
    corners = np.unravel_index(numbers, grid)
    corner = np.unique(np.stack([corners[axis] for axis in nav_axes], axis=-1), axis=0) if nav_axes else None
    if corner is None:
        return np.zeros(1, dtype=np.int64)
    frames, inside = np.zeros((len(corner), 1), dtype=np.int64), np.ones((len(corner), 1), dtype=np.bool_)
    for at, axis in enumerate(nav_axes):
        length, step = stored.shape[axis], stored.chunks[axis]
        place = corner[:, at, np.newaxis] * step + np.arange(step)
        within = place < length
        frames = (frames[:, :, np.newaxis] * length + place[:, np.newaxis]).reshape(len(corner), -1)
        inside = (inside[:, :, np.newaxis] & within[:, np.newaxis]).reshape(len(corner), -1)
    return np.unique(frames[inside])
