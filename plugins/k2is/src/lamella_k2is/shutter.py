"""When the shutter was open, and what else the headers say about each frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import TruncatedError
from lamella_k2is.block import HEADER, SHUTTER, BlockFile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella_k2is.recording import Recording

__all__ = ["Shutter", "find_shutter", "per_frame"]

_SAMPLES = 256  # frames that are looked at where the last one is not flagged


@dataclass(frozen=True, slots=True)
class Shutter:
    """The frames that are flagged: the first one, and the one behind the last; both 0 if none is."""

    opened: int
    closed: int

    @property
    def n_frames(self) -> int:
        """The number of flagged frames."""
        return self.closed - self.opened


def find_shutter(recording: Recording) -> Shutter:
    """Find the flagged frames by halving, as the shutter opens once and closes once."""
    last = recording.n_frames - 1
    resource = recording.sectors[0].resource
    with BlockFile(resource) as file:
        flagged = partial(_flagged, recording, file)
        marks = [0, last] if flagged(last) else np.unique(np.linspace(0, last, _SAMPLES).astype(np.int64)).tolist()
        open_marks = [i for i, mark in enumerate(marks) if flagged(mark)]
        if not open_marks:
            return Shutter(0, 0)
        first, final = open_marks[0], open_marks[-1]
        opened = 0 if first == 0 else _edge(flagged, marks[first - 1], marks[first])
        closed = last + 1 if final == len(marks) - 1 else _edge(flagged, marks[final], marks[final + 1])
    return Shutter(opened, closed)


def _flagged(recording: Recording, file: BlockFile, frame: int) -> bool:
    """Whether the first block from the beginning of a frame on carries the flag."""
    header = _header(recording, file, frame)
    return header is not None and bool(header["flags"] & SHUTTER)


def _header(recording: Recording, file: BlockFile, frame: int) -> np.void | None:
    pieces = recording.sectors[0].pieces(recording.count(frame), recording.count(recording.n_frames))
    return next((file.header(piece.offset) for piece in pieces), None)


def _edge(flagged: Callable[[int], bool], low: int, high: int) -> int:
    """Give the first frame that is like ``high``, and not like ``low``."""
    wanted = flagged(high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if flagged(middle) is wanted else (middle, high)
    return high


def per_frame(recording: Recording) -> dict[str, Callable[[], NDArray[Any]]]:
    """Give the functions that read one field of a header of every frame."""
    return {
        "frame id": partial(_read_field, recording, "frame_id"),
        "shutter": partial(_read_field, recording, "flags"),
    }


def _read_field(recording: Recording, field: str) -> NDArray[Any]:
    values = np.zeros(recording.n_frames, dtype=HEADER[field].newbyteorder("="))
    resource = recording.sectors[0].resource
    try:
        with BlockFile(resource) as file:
            for frame in range(recording.n_frames):
                header = _header(recording, file, frame)
                if header is not None:
                    values[frame] = header[field]
    except OSError as error:
        raise TruncatedError(f"block headers can no longer be read ({error})", path=resource.path) from error
    return (values & SHUTTER) != 0 if field == "flags" else values
