"""Writes Merlin acquisitions, byte by byte without the reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Merlin", "raw_words", "sidecar_settings", "sidecar_text"]

_CONTAINERS = {1: 1, 6: 8, 12: 16}
_DACS = ",".join(f"{value:03d}" for value in range(27))
_THRESHOLDS = ",".join(f"{value}.000000E+0" for value in range(1, 9))


@dataclass(frozen=True, kw_only=True)
class Merlin:
    """A camera with its settings; what it writes.

    Parameters
    ----------
    raw
        Whether it writes what the chips send, instead of assembled frames.
    depth
        Depth of the counters [bit].
    chips
        Number of chips, 1 or 4.
    layout
        Layout of the chips as the header has it.
    period
        From frame to frame [us].
    flyback
        Further time after each ``line`` frames [us].
    line
        Frames of a line.
    exposure
        Exposure of a frame [us].
    extension
        Whether headers end with the fields of newer software.
    old_dates
        Whether dates have the day in front, as before 2018.
    width_doubled
        Whether headers of raw 24-bit frames state the width of both images together.
    header_size
        Size of a header [bytes]; 384 or 768 by default.
    times
        When each frame began [us], instead of ``period``, ``flyback`` and ``line``.
    start
        Local start time of all frames, as text.
    commas
        Whether numbers have a decimal comma.
    settings
        Counter, colour mode and gain, as text.
    fields
        Number of fields of a header, 0 for all of them.
    """

    raw: bool = False
    depth: int = 6
    chips: int = 1
    layout: str = ""
    period: int = 1_100
    flyback: int = 0
    line: int = 0
    exposure: int = 1_000
    extension: bool = True
    old_dates: bool = False
    width_doubled: bool = False
    header_size: int = 0
    times: Sequence[int] = ()
    start: str = ""
    commas: bool = False
    settings: str = "0,0,0"
    fields: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "header_size", self.header_size or (384 if self.chips == 1 else 768))
        object.__setattr__(self, "layout", self.layout or ("1x1" if self.chips == 1 else "2x2"))

    def part(self, frames: NDArray[Any], *, first: int = 1, lost: Mapping[int, int] | None = None) -> bytes:
        """Give the bytes of a part.

        Parameters
        ----------
        frames
            Shape ``(n, height, width)``.
        first
            Sequence number of the first frame.
        lost
            How many frames were lost before a frame of this part.
        """
        sequence, records = first, []
        for i, frame in enumerate(frames):
            sequence += (lost or {}).get(i, 0)
            records.append(self.record(frame, sequence))
            sequence += 1
        return b"".join(records)

    def record(self, frame: NDArray[Any], sequence: int) -> bytes:
        """Give the bytes of a frame with its header."""
        return self.header(frame, sequence) + self.payload(frame)

    def header(self, frame: NDArray[Any], sequence: int) -> bytes:
        """Give the header of a frame."""
        height, width = frame.shape
        if self.raw and self.chips == 4:
            height, width = height // 2, 2 * width
        if self.width_doubled:
            width *= 2
        kind = "R64" if self.raw else f"U{8 * frame.dtype.itemsize:02d}"
        select = "0F" if self.chips == 4 else "01"
        lines = (sequence - 1) // self.line if self.line else 0
        elapsed = 10_000_000 + (sequence - 1) * self.period + lines * self.flyback  # [us]
        if self.times:
            elapsed = 10_000_000 + self.times[sequence - 1]
        minutes, micros = divmod(elapsed, 60_000_000)
        hours, minutes = divmod(51 + minutes, 60)
        clock = f"{minutes:02d}:{micros // 1_000_000:02d}.{micros % 1_000_000:06d}"
        day = "07/05/2021" if self.old_dates else "2021-05-07"
        began = self.start or f"{day} {18 + hours:02d}:{clock}"
        numbers = f"{began},{self.exposure / 1e6:.6f},{self.settings},{_THRESHOLDS},"
        text = (
            f"MQ1,{sequence:06d},{self.header_size:05d},{self.chips:02d},{width:04d},{height:04d},{kind},"
            f"{self.layout:>6},{select}," + (numbers.replace(".", ",") if self.commas else numbers)
        )
        text += f"3RX,{_DACS}," * self.chips
        if self.extension:
            text += f"MQ1A,2021-05-07T{16 + hours:02d}:{clock}000Z,{self.exposure * 1000}ns,{self.depth},"
        if self.fields:
            text = ",".join(text.split(",")[: self.fields]) + ","
        return text.encode("ascii").ljust(self.header_size, b"\0")

    def payload(self, frame: NDArray[Any]) -> bytes:
        """Give the bytes of the pixels of a frame."""
        if not self.raw:
            return frame.astype(frame.dtype.newbyteorder(">")).tobytes()
        if self.depth == 24:
            half = replace(self, depth=12)
            return half.payload(frame >> 12) + half.payload(frame & 0xFFF)
        container = _CONTAINERS[self.depth]
        if self.chips == 1:
            return raw_words(frame, container)
        rows = frame.shape[0] // 2
        upper, lower = frame[:rows], frame[rows:][::-1, ::-1]  # the lower half stands upside down: chips 4 and 3
        return raw_words(np.hstack([lower, upper[:, 256:], upper[:, :256]]), container)


def raw_words(pixels: NDArray[Any], container: int) -> bytes:
    """Give pixels as big-endian 64-bit numbers, the first one in the least significant bits."""
    words = np.zeros(pixels.size * container // 64, dtype=np.uint64)
    columns = pixels.astype(np.uint64).reshape(words.size, -1)
    for k in range(columns.shape[1]):
        words += columns[:, k] << np.uint64(k * container)
    return words.astype(">u8").tobytes()


def sidecar_settings(keys: Mapping[str, object]) -> dict[str, str]:
    """Give the usual settings and ``keys``, as text."""
    settings: dict[str, object] = {
        "Time and Date Stamp (day, mnth, yr, hr, min, s)": "07/05/2021 18:50:41",
        "Chip ID": "W559_G11, - , - , -",
        "Assembly Size (NX1, 2X2)": "1x1",
        "Chip Mode  (SPM, CSM, CM, CSCM)": "SPM",
        "Gain": "SLGM",
        "Gap Fill Mode": "None",
        "Frames per Trigger (Number)": 1,
        "Sensor Bias (V)": "120 V",
        "Temperature (C)": "Board Temp 0.000000 Deg C, 3 \xb5A",
        "Readout System": "Merlin",
        "Software Version": "1.5",
        **keys,
    }
    return {key: str(value) for key, value in settings.items()}


def sidecar_text(keys: Mapping[str, object]) -> bytes:
    """Give a ``.hdr`` file with the usual settings and ``keys``."""
    lines = ["HDR,\t", *(f"{key}:\t{value:>6}" for key, value in sidecar_settings(keys).items()), "End\t"]
    return "\r\n".join(lines).encode("latin-1").ljust(2048)
