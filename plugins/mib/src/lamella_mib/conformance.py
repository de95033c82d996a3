"""Writes Merlin acquisitions, without help from the reader, so that the conformance kit can compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_testkit import SampleData, Sampler

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Merlin", "MibSampler", "raw_words", "sidecar_text"]

_RAW = {"R1": (1, "u1"), "R6": (6, "u1"), "R12": (12, ">u2"), "R24": (24, ">u4")}
_CONTAINERS = {1: 1, 6: 8, 12: 16}
_DACS = ",".join(f"{value:03d}" for value in range(27))
_THRESHOLDS = ",".join(f"{value}.000000E+0" for value in range(1, 9))


class MibSampler(Sampler):
    """Assembled and raw acquisitions of one chip and of four, in one part and in many."""

    format = "mib"
    dtypes = ("u1", ">u2", ">u4")
    variants = (
        "scan",
        "parts",
        "sidecar",
        "no sidecar",
        "quad",
        *_RAW,
        *(f"quad {raw}" for raw in _RAW),
    )

    def fit(self, data: SampleData) -> SampleData:
        """Give raw frames the width of chips; the depth of a counter decides on the dtype."""
        height = data.sig_shape[0]
        raw = data.variant.removeprefix("quad ")
        if raw not in _RAW:
            return data
        bits, dtype = _RAW[raw]
        shape = (height + height % 2, 512) if data.variant.startswith("quad") else (height, 256)
        return data.but(dtype=dtype, bits=bits, sig_shape=shape)

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        """Write the sidecar and the parts; parts are numbered so that their names sort in another order."""
        variant = data.variant
        merlin = _merlin(data)
        count = {"parts": 3, "sidecar": 2}.get(variant, 1)
        pieces = [piece for piece in np.array_split(data.frames, count) if len(piece)]
        done, names = 0, []
        for number, piece in enumerate(pieces, start=9):
            names.append(f"{data.stem}_{number if count > 1 else ''}.mib")
            (directory / names[-1]).write_bytes(merlin.part(piece, first=done + 1))
            done += len(piece)
        if variant == "no sidecar":
            return {"path": directory / names[0], "nav_shape": data.nav_shape}
        keys = {"Frames in Acquisition (Number)": data.n_frames, "Counter Depth (number)": merlin.depth}
        if variant == "sidecar" and 1 < data.nav_shape[-1] < data.n_frames:
            keys["Frames per Trigger (Number)"] = data.nav_shape[-1]
        else:
            keys |= {"ScanX": data.nav_shape[-1], "ScanY": data.n_frames // data.nav_shape[-1]}
        sidecar = directory / f"{data.stem}_.hdr"
        sidecar.write_bytes(sidecar_text(keys))
        return {"path": sidecar if variant == "sidecar" else directory / names[-1]}

    def metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give what the header of the first frame says, and the sidecar."""
        known = {
            "acquired": "2021-05-07T16:51:10.000000000Z",
            "exposure_time": 0.001,
            "detector_pixel_pitch": 55e-6,
            "counter_depth": _merlin(data).depth,
        }
        return (
            known if data.variant == "no sidecar" else {**known, "mode": "SPM", "software": "1.5", "detector": "Merlin"}
        )

    def per_frame(self, data: SampleData) -> Mapping[str, object]:
        """Give what the header of each frame counts."""
        steps = np.arange(data.n_frames)
        return {"sequence number": steps + 1, "time": 1.1e-3 * steps, "counter": 0 * steps}

    def promised(self, data: SampleData) -> Sequence[str]:
        """Give the parts: the sidecar counts their frames."""
        return [f"{data.stem}_{number}.mib" for number in range(9, 12)] if data.variant in ("parts", "sidecar") else []

    def boundaries(self, data: SampleData) -> Mapping[str, Sequence[int]]:
        """Give the ends of the first fields of the header, of the header, and of the first frames."""
        merlin = _merlin(data)
        stride = merlin.header_size + len(merlin.payload(data.frames[0]))
        places = [4, 11, 17, 20, 25, 30, 34, 41, 44, 71, merlin.header_size, stride, stride + merlin.header_size]
        number = {"parts": 11 - max(0, 3 - data.n_frames), "sidecar": 9}.get(data.variant, "")
        return {f"{data.stem}_{number}.mib": [*places, 2 * stride]}

    def write_sparse(self, directory: Path, nbytes: int) -> Mapping[str, Any]:
        """Write a part with holes instead of frames, but the first two and the last."""
        merlin = Merlin()
        frame = np.zeros((256, 256), np.uint8)
        stride = merlin.header_size + frame.size
        count = max(3, nbytes // stride)
        path = directory / "huge.mib"
        with path.open("wb") as file:
            for i in (0, 1, count - 1):
                file.seek(i * stride)
                file.write(merlin.record(frame, i + 1))
        return {"path": path}


def _merlin(data: SampleData) -> Merlin:
    quad = data.variant.startswith("quad")
    raw = data.variant.removeprefix("quad ")
    if raw in _RAW:
        return Merlin(raw=True, depth=_RAW[raw][0], chips=4 if quad else 1)
    depth = {1: 6, 2: 12, 4: 24}[data.stored_dtype.itemsize]
    return Merlin(depth=depth, chips=4 if quad else 1)


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
        minutes, micros = divmod(elapsed, 60_000_000)
        hours, minutes = divmod(51 + minutes, 60)
        clock = f"{minutes:02d}:{micros // 1_000_000:02d}.{micros % 1_000_000:06d}"
        day = "07/05/2021" if self.old_dates else "2021-05-07"
        text = (
            f"MQ1,{sequence:06d},{self.header_size:05d},{self.chips:02d},{width:04d},{height:04d},{kind},"
            f"{self.layout:>6},{select},{day} {18 + hours:02d}:{clock},{self.exposure / 1e6:.6f},0,0,0,"
            f"{_THRESHOLDS}," + f"3RX,{_DACS}," * self.chips
        )
        if self.extension:
            text += f"MQ1A,2021-05-07T{16 + hours:02d}:{clock}000Z,{self.exposure * 1000}ns,{self.depth},"
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


def sidecar_text(keys: Mapping[str, object]) -> bytes:
    """Give a ``.hdr`` file with the usual settings and ``keys``."""
    settings: dict[str, object] = {
        "Time and Date Stamp (day, mnth, yr, hr, min, s)": "07/05/2021 18:50:41",
        "Chip ID": "W559_G11, - , - , - ",
        "Assembly Size (NX1, 2X2)": "   1x1",
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
    lines = ["HDR,\t", *(f"{key}:\t{value}" for key, value in settings.items()), "End\t"]
    return "\r\n".join(lines).encode("latin-1").ljust(2048)
