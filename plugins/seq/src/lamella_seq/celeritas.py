"""Recordings of a Celeritas camera: the two halves of the sensor are written to two sequences.

``BASE_Top_hh-mm-ss.mmm.seq`` and ``BASE_Bottom_hh-mm-ss.mmm.seq`` start some 40 ms apart. A stored frame holds several
half frames on top of each other. The upper half was read out towards the middle, so that its rows are in reverse order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import CorruptError, FormatError
from lamella.reader import FrameSource, Probe, Resource, SourceInfo
from lamella_seq.header import Header, TimeStamps, read_header

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.reader import IOSession, SigBox

__all__ = ["Half", "SplitSource", "StampsOfFrames", "half_of", "other_half"]

_NAME = re.compile(r"(?P<base>.+)_(?P<side>Top|Bottom)_(?P<h>\d\d)-(?P<m>\d\d)-(?P<s>\d\d\.\d+)\.seq", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Half:
    """What the name of one of the two sequences says."""

    base: str
    is_top: bool
    seconds: float


def half_of(name: str) -> Half | None:
    """Give what the name of a half says; None for other names."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    seconds = 3600.0 * int(match["h"]) + 60.0 * int(match["m"]) + float(match["s"])
    return Half(match["base"], match["side"].lower() == "top", seconds)


def other_half(probe: Probe, half: Half, header: Header) -> tuple[Probe, Header]:
    """Give the sequence that belongs to a half: of the same base, and started at nearly the same time.

    Raises
    ------
    FormatError
        If there is none, or if it is of another kind.
    """
    named = [(name, it) for name in probe.siblings if (it := half_of(name)) is not None and probe.sibling(name)]
    fitting = [(abs(o.seconds - half.seconds), n) for n, o in named if o.base == half.base and o.is_top != half.is_top]
    side = "Bottom" if half.is_top else "Top"
    path = probe.sibling(min(fitting)[1]) if fitting else None
    if path is None:
        raise FormatError(
            f"the other half of the frames is missing: {half.base}_{side}_….seq",
            path=probe.path,
            remedy="Put it beside this file, or rename this file to open the half alone",
        )
    other = Probe.of(path)
    theirs = read_header(other)
    for name in ("width", "height", "bit_depth", "true_image_size"):
        if header[name] != theirs[name]:
            raise CorruptError(f"the halves differ in {name}", path=path, expected=header[name], found=theirs[name])
    return other, theirs


@dataclass(frozen=True, slots=True)
class StampsOfFrames:
    """Gives the time stamp of the stored frame for each of the frames in it."""

    stamps: TimeStamps
    repeats: int
    count: int

    def __call__(self) -> NDArray[np.datetime64]:
        """Give the time of every frame."""
        return np.repeat(self.stamps(), self.repeats)[: self.count]


class SplitSource(FrameSource):
    """Frames whose upper and lower halves lie in two files.

    Parameters
    ----------
    resources
        The file of the upper half, and that of the lower one.
    header
        The header of one of them, for they are alike.
    prebuffer
        Number of half frames in a stored frame.
    info
        What the files say about themselves.
    n_frames, sig_shape
        Number and shape of the joined frames.
    """

    def __init__(
        self,
        resources: tuple[Resource, Resource],
        header: Header,
        prebuffer: int,
        info: SourceInfo,
        *,
        n_frames: int,
        sig_shape: tuple[int, int],
    ) -> None:
        super().__init__(info, n_frames=n_frames, sig_shape=sig_shape, dtype=header.dtype, resources=resources)
        self._dtype = header.dtype
        self._place = (header.offset, header.stride)
        self._prebuffer = prebuffer
        self._half = sig_shape[0] // 2, sig_shape[1]

    def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
        """Join the rows of both halves that lie in the box."""
        middle = self._half[0]
        first, last = box.origin[0], box.origin[0] + box.shape[0]
        n_upper = max(0, min(last, middle) - first)
        columns = slice(box.origin[1], box.origin[1] + box.shape[1])
        for row, frame in enumerate(frames.tolist()):
            if n_upper:
                out[row, :n_upper] = self._half_frame(io, 0, frame)[::-1][first : first + n_upper, columns]
            if n_upper < box.shape[0]:
                lower = slice(max(first, middle) - middle, last - middle)
                out[row, n_upper:] = self._half_frame(io, 1, frame)[lower, columns]

    def _half_frame(self, io: IOSession, resource: int, frame: int) -> NDArray[Any]:
        offset, stride = self._place
        stored, position = divmod(frame, self._prebuffer)
        nbytes = self._half[0] * self._half[1] * self._dtype.itemsize
        raw = io.view(resource, offset + stored * stride + position * nbytes, nbytes)
        return raw.view(self._dtype).reshape(self._half)
