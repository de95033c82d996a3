"""Writes acquisitions of a pnCCD camera, without help from the reader, so that the conformance kit can compare."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_testkit import SampleData, Sampler, Special

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Frms6Sampler", "folded", "header_text", "part_bytes"]

_HEADER, _FRAME_HEADER = 1024, 64
_BASE = "C16_15_24_151203_019"  # the digits at the end belong to the name
_DARK_FRAMES = 2


class Frms6Sampler(Sampler):
    """Acquisitions of one and of two parts, with and without dark frames, with binned rows, and with older headers."""

    format = "frms6"
    dtypes = ("<u2",)
    nav_ranks = (2, 1)
    variants = ("two parts", "dark", "binned", "old", "no header")
    floor = 0.25  # every pixel moves

    def fit(self, data: SampleData) -> SampleData:
        """Give images with an even number of rows; without a header file, a scan is a series."""
        height, width = data.sig_shape
        nav = (data.n_frames,) if data.variant == "no header" else data.nav_shape
        return data.but(sig_shape=(height + height % 2, width), nav_shape=nav)

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        """Write the header and the parts; part 001 has one frame less than half of them where there are two."""
        base, frames = directory / _BASE, folded(data.frames)
        first = _first_part(data)
        old = data.variant == "old"
        if data.variant == "dark":
            # Dark frames of zeros, so that what is computed equals what was written.
            _part(base, 0).write_bytes(part_bytes(np.zeros_like(frames[:_DARK_FRAMES])))
        for number, piece in enumerate(filter(len, (frames[:first], frames[first:])), start=1):
            _part(base, number).write_bytes(part_bytes(piece, announce=not old))
        if data.variant == "no header":
            return {"path": _part(base, 1), "binning": 1}
        keywords = {"unbin": False} if data.variant == "binned" else {}
        header = directory / f"{_BASE}.hdr"
        scan = data.nav_shape if len(data.nav_shape) == 2 else None
        dark = len(frames[:_DARK_FRAMES]) if data.variant == "dark" else 0
        binning = 2 if data.variant == "binned" else 1
        header.write_text(header_text(data.n_frames, scan, binning=binning, dark_frames=dark))
        return {"path": _part(base, 1), **keywords}

    def metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give the time of the first frame and what the header file says."""
        known = {"acquired": "2015-12-03T12:00:00+00:00", "detector": "PNDetector pnCCD", "title": "synthetic"}
        return known if data.variant == "no header" else {**known, "dwell_time": 0.000625}

    def per_frame(self, data: SampleData) -> Mapping[str, object]:
        """Give what the header of each frame counts, from 0 in each part."""
        first = _first_part(data)
        steps = np.concatenate([np.arange(first), np.arange(data.n_frames - first)])
        return {"frame number": steps, "trigger": steps + 7, "time": 1e-3 * steps}

    def promised(self, data: SampleData) -> Sequence[str]:
        """Give the part with dark frames, and the parts behind the first, whose frames the header counts."""
        names = {"dark": [f"{_BASE}_000.frms6"], "two parts": [f"{_BASE}_002.frms6"]}
        return names.get(data.variant, [])

    def boundaries(self, data: SampleData) -> Mapping[str, Sequence[int]]:
        """Give the ends of the file header, of the first frame header, and of the first frames."""
        stride = _FRAME_HEADER + data.nbytes // data.n_frames
        first = [_HEADER + _FRAME_HEADER, *(_HEADER + i * stride for i in range(3))]
        return {f"{_BASE}_001.frms6": [8, 90, 92, 1020, *sorted(first)]}

    def write_sparse(self, directory: Path, nbytes: int) -> Special:
        """Write a part with a hole instead of frames, and what the header and the last line of the last one hold."""
        stride = _FRAME_HEADER + 2 * 528 * 132
        count = max(1, (nbytes - _HEADER) // stride)
        path = directory / "huge_001.frms6"
        end = np.arange(1, 265, dtype="<u2")[np.newaxis]
        with path.open("wb") as file:
            file.write(_file_header(528, 132, count))
            file.seek(_HEADER + (count - 1) * stride)
            file.write(_frame_header(count - 1, 0, 132))
            file.seek(2 * 264, 1)
            file.write(end[:, ::-1].tobytes())  # the lower half is turned around
            file.truncate(_HEADER + count * stride)
        last = {"frame number": [count - 1], "trigger": [count + 6], "auxiliary": [count + 99]}
        return Special("a large file", {"path": path}, end=end, per_frame=last)


def _first_part(data: SampleData) -> int:
    """Give the number of frames in part 001."""
    return max(1, data.n_frames // 2) if data.variant == "two parts" else data.n_frames


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
    pieces = [_file_header(width, height, stated, version=version)]
    for i, frame in enumerate(stored, start=first):
        pieces.append(_frame_header(i, flags, height if lines is None else lines))
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


def _part(base: Path, number: int) -> Path:
    return base.with_name(f"{base.name}_{number:03d}.frms6")


def _file_header(width: int, height: int, n_frames: int, *, version: int = 6) -> bytes:
    head = struct.pack("<HHBBBB80sHH", _HEADER, _FRAME_HEADER, 1, 0, 0, version, b"synthetic", width, height)
    return head.ljust(_HEADER - 4, b"\0") + struct.pack("<I", n_frames)


def _frame_header(i: int, flags: int, lines: int) -> bytes:
    # 2015-12-03 12:00 UTC, a frame each millisecond
    head = struct.pack("<BBBBIII", 0, flags, 1, 0, 1_449_144_000, 1000 * i, i)
    return (head + struct.pack("<dHHIQ", -1.25, 0, lines, 7 + i, 100 + i)).ljust(_FRAME_HEADER, b"\0")
