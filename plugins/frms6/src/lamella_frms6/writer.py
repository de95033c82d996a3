"""Writes acquisitions of a pnCCD camera, byte by byte without the reader."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella_testkit import SampleData

__all__ = [
    "BASE",
    "FRAME_HEADER",
    "HEADER",
    "file_header",
    "folded",
    "frame_header",
    "header_text",
    "matrix_bytes",
    "part_bytes",
    "part_of",
    "per_frame_of",
]

HEADER, FRAME_HEADER = 1024, 64
BASE = "C16_15_24_151203_019"  # the digits at the end belong to the name


def folded(frames: NDArray[Any]) -> NDArray[np.uint16]:
    """Give frames as the camera stores them: the lower half turned around and placed beside the upper half."""
    n, height, width = frames.shape
    stored = np.empty((n, height // 2, 2 * width), dtype="<u2")
    for y in range(height // 2):
        for x in range(width):
            stored[:, y, x] = frames[:, y, x]
            stored[:, y, width + x] = frames[:, height - 1 - y, width - 1 - x]
    return stored


def part_bytes(
    stored: NDArray[Any],
    *,
    announce: bool | int = True,
    version: int = 6,
    flags: int = 0,
    lines: int | None = None,
    first: int = 0,
) -> bytes:
    """Give a part.

    Parameters
    ----------
    stored
        Folded frames, shape ``(n, height, width)``.
    announce
        Whether the header states the number of frames, or which number it states.
    version
        Version of the format.
    flags, lines
        What the header of each frame says about it; the height of the frames if None.
    first
        Number of the first frame, which also counts its milliseconds.
    """
    n, height, width = stored.shape
    stated = (n if announce else 0) if isinstance(announce, bool) else announce
    pieces = [file_header(width, height, stated, version=version)]
    for i, frame in enumerate(stored, start=first):
        pieces.append(frame_header(i, flags, height if lines is None else lines))
        pieces.append(frame.astype("<u2").tobytes())
    return b"".join(pieces)


def header_text(
    signal_frames: int,
    scan: Sequence[int] | None,
    *,
    binning: int = 1,
    window: tuple[int, int] = (132, 264),
    dark_frames: int = 0,
) -> str:
    """Give a header file."""
    lines = ["[measurementInfo]", f"SignalFrames = {signal_frames}", f"darkframes={dark_frames}", "gain = 1"]
    if scan is not None:
        lines.append("stemimagesize = {}x{}".format(*scan))
    lines.append(f'readoutmode = "bin: {binning}, windowing: {window[0]} x {window[1]}"')
    lines.append("dwelltimemicroseconds = 625")
    return "\r\n".join(lines) + "\r\n"


def part_of(base: Path, number: int) -> Path:
    """Give the file of a part; 0 has the dark frames."""
    return base.with_name(f"{base.name}_{number:03d}.frms6")


def file_header(width: int, height: int, n_frames: int, *, version: int = 6) -> bytes:
    """Give the header of a part."""
    head = struct.pack("<HHBBBB80sHH", HEADER, FRAME_HEADER, 1, 0, 0, version, b"synthetic", width, height)
    return head.ljust(HEADER - 4, b"\0") + struct.pack("<I", n_frames)


def frame_header(i: int, flags: int, lines: int) -> bytes:
    """Give the header of a frame."""
    # 2015-12-03 12:00 UTC, a frame each millisecond
    head = struct.pack("<BBBBIII", 0, flags, 1, 0, 1_449_144_000 + i // 1000, i % 1000 * 1000, i)
    return (head + struct.pack("<dHHIQ", -1.25, 0, lines, 7 + i, 100 + i)).ljust(FRAME_HEADER, b"\0")


def per_frame_of(data: SampleData, steps: NDArray[Any], flags: int = 0) -> dict[str, object]:
    """Give the fields of frame headers that count these steps."""
    n = len(steps)
    same = {"flags": flags, "incomplete": flags != 0, "temperature": -1.25, "start line": 0}
    return {
        "frame number": steps,
        "trigger": steps + 7,
        "auxiliary": steps + 100,
        "time": 1e-3 * steps,
        "acquired": (1_449_144_000_000 + steps).astype("M8[ms]").astype("M8[ns]"),
        "lines": np.full(n, data.sig_shape[0] // 2),
        **{name: np.full(n, value) for name, value in same.items()},
    }


def matrix_bytes(name: bytes, values: NDArray[Any], *, kind: int = 0) -> bytes:
    """Give a file of MATLAB, version 4; kind 0 are numbers, 1 is text."""
    head = struct.pack("<5I", kind, *values.shape, 0, len(name) + 1)
    return head + name + b"\0" + values.astype("<f8").tobytes(order="F")
