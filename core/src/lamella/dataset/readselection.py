"""Reading what an index asks for into an array: only the frames it needs, each once, tile by tile."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.dataset.framereader import FrameReader
from lamella.dataset.tiling import TILE_BYTES
from lamella.errors import ParameterError
from lamella.geometry.frames import as_numbers, as_range

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from lamella.corrections.corrections import Corrections
    from lamella.dataset.indexing import Selection
    from lamella.geometry.frames import Places
    from lamella.io.backend import IOBackend
    from lamella.reader.source import FrameSource, LinearSource

__all__ = ["SELECTING", "first_gap", "read_selection", "result_array"]

SELECTING = 32
"""What it takes to find the frame of a scattered position and its place in a result [bytes]."""


def result_array(
    out: NDArray[Any] | None, shape: tuple[int, ...], stored: np.dtype[Any], dtype: DTypeLike | None
) -> NDArray[Any]:
    """Give the array to read into: a new one, or the one that the user brought.

    Raises
    ------
    ParameterError
        If what the user brought is no array of that shape that can be written and hold such values.
    """
    if out is None:
        return np.empty(shape, dtype=stored if dtype is None else dtype)
    if not isinstance(out, np.ndarray):
        raise ParameterError(f"expected a NumPy array, found {type(out).__name__}", field="out")
    if out.shape != shape:
        raise ParameterError(f"the result has the shape {shape}, the array has {out.shape}", field="out")
    if dtype is not None and out.dtype != np.dtype(dtype):
        raise ParameterError(
            f"the array has dtype {out.dtype}, and dtype= says {np.dtype(dtype)}; leave one of them out", field="out"
        )
    if not np.can_cast(stored, out.dtype, "same_kind"):
        raise ParameterError(
            f"values of dtype {stored} cannot be put into an array of dtype {out.dtype} (casting 'same_kind')",
            field="out",
        )
    if not out.flags.writeable:
        raise ParameterError("the array cannot be written", field="out")
    return out


def first_gap(places: Places) -> int:
    """Give the first number from 0 on that does not stand in a rising list."""
    if isinstance(places, range):
        return 0 if places.start or not places else len(places)
    follow = places == np.arange(len(places))
    return len(places) if follow.all() else int(np.argmin(follow))


def read_selection(
    source: LinearSource | FrameSource,
    backend: IOBackend,
    selection: Selection,
    places: Places | None,
    frames: Places,
    result: NDArray[Any],
    corrections: Corrections | None = None,
) -> None:
    """Read frames into ``result``.

    Frames are read in the order in which they are stored, and each one once for each tile, whatever the order of the
    result. Beside the result, memory holds a tile and some numbers for each frame.

    Parameters
    ----------
    source, backend
        What is read, and how bytes reach memory.
    selection
        Which pixels are wanted.
    places
        Which of its positions show a frame; None if all do. The others are left alone.
    frames
        Stored frame of each of these positions, shape ``(n,)``.
    result
        Array of shape ``selection.shape``, any dtype and strides.
    corrections
        What pixels are corrected with.
    """
    if result.size == 0 or not len(frames):
        return
    rows = _rows(selection, result)
    if rows is None or not (places is None or isinstance(places, range)) or not _increase(frames):
        _scatter(source, backend, selection, places, frames, result, corrections)
        return
    if places is not None:
        rows = rows[places.start : places.stop]
    whole = selection.whole_box
    depth = _depth(selection, source.dtype.itemsize)
    native = None if corrections is None else np.result_type(source.dtype, np.float32)
    dtype = rows.dtype if whole and corrections is None else native
    with FrameReader(source, backend, dtype=dtype, corrections=corrections) as reader:
        for start in range(0, len(frames), depth):
            wanted, part = as_range(frames[start : start + depth]), rows[start : start + depth]
            if whole:
                reader.read_into(part, wanted, selection.box)
            else:
                part[...] = selection.pixels(reader.read(wanted, selection.box))


def _scatter(
    source: LinearSource | FrameSource,
    backend: IOBackend,
    selection: Selection,
    places: Places | None,
    frames: Places,
    result: NDArray[Any],
    corrections: Corrections | None,
) -> None:
    """Read tiles of increasing frames, and put the pixels of each frame wherever the result shows it."""
    stored, rises = as_numbers(frames), None if places is None else as_numbers(places)
    order = np.argsort(stored, kind="stable")
    target, rows = selection.spread(result), _rows(selection, result)
    depth = _depth(selection, source.dtype.itemsize)
    native = None if corrections is None else np.result_type(source.dtype, np.float32)
    with FrameReader(source, backend, dtype=native, corrections=corrections) as reader:
        for start in range(0, len(order), depth):
            some = order[start : start + depth]
            wanted, again = _distinct(stored[some])
            pixels = selection.pixels(reader.read(as_range(wanted), selection.box))
            where = some if rises is None else rises[some]
            values = pixels if again is None else pixels[again]
            if rows is not None:
                rows[where] = values
            else:
                target[np.unravel_index(where, selection.nav_shape)] = values


def _depth(selection: Selection, itemsize: int) -> int:
    """Give how many frames a tile has, of which neither the box nor the wanted pixels take more than a tile."""
    return max(1, TILE_BYTES // (max(selection.box.size, math.prod(selection.sig_shape)) * itemsize))


def _rows(selection: Selection, result: NDArray[Any]) -> NDArray[Any] | None:
    """Give the result with one row for each position, if it lies in memory like that."""
    if not result.flags.c_contiguous:
        return None
    return result.reshape(len(selection.positions), *selection.sig_shape)


def _increase(frames: Places) -> bool:
    """Whether each frame is stored behind the one before it."""
    return isinstance(frames, range) or len(frames) == 1 or bool((np.diff(frames) > 0).all())


def _distinct(frames: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
    """Give each of some sorted frames once, and which of them stands where; None if all are different."""
    new = np.diff(frames, prepend=-1) != 0
    return (frames, None) if new.all() else (frames[new], np.cumsum(new) - 1)
