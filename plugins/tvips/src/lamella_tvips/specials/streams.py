"""Other facts in the headers, streams that were cut, and parts that lack frames."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lamella.reader import Axis
from lamella_testkit import SampleData, Special
from lamella_tvips.writer import frame_headers, header_nbytes, positions_of, stream_parts, stride_of, write_stream

__all__ = ["odd_parts", "other_headers"]


def other_headers(path: Path, data: SampleData) -> Iterator[Special]:
    """Other facts in the headers."""
    every = range(data.n_frames)
    plain = [Axis("y"), Axis("x")]
    scan = positions_of(data)
    write_stream(path, data, every, mode=1, **scan)
    metadata = {"mode": "imaging", "magnification": 80.0, "detector_pixel_pitch": 15.5e-6}
    yield Special("imaging", {"path": path}, metadata=metadata, axes=[*plain, Axis("dy"), Axis("dx")])
    write_stream(path, data, every, mode=1, writer=b"HYPERSPY ", pixel_size=3, **scan)
    axes = [*plain, Axis("dy", 3.0, 0.0, "nm"), Axis("dx", 3.0, 0.0, "nm")]
    yield Special("imaging, calibrated", {"path": path}, axes=axes, metadata={"detector_pixel_pitch": None})
    write_stream(path, data, every, writer=b"HYPERSPY ", pixel_size=3, **scan)
    axes = [*plain, Axis("ky", 3.0, 0.0, "1/nm"), Axis("kx", 3.0, 0.0, "1/nm")]
    yield Special("diffraction, calibrated", {"path": path}, axes=axes, metadata={"magnification": None})
    yield from _other_fields(path, data)
    write_stream(path, data, every, mode=7, seconds=0, **scan)
    yield Special("an unknown mode and time", {"path": path}, metadata={"mode": None, "acquired": None})


def odd_parts(directory: Path, data: SampleData) -> Iterator[Special]:
    """Streams that were cut, and parts that lack frames."""
    n, stride = data.n_frames, stride_of(data)
    path = directory / "rec_000.tvips"
    write_stream(path, data, range(n))
    content = path.read_bytes()
    for name, confidence in (("cut.tvips", None), ("cut.dat", 40)):
        cut = directory / name
        cut.write_bytes(content[:-10])
        text, shown = f"a stream that was cut, {name}", {"path": cut}
        yield Special(text, shown, pixels=data.frames[:-1], notes=1, confidence=confidence)
    other = directory / "rec_007.dat"
    other.write_bytes(content)
    yield Special("a stream beside a file with another ending", {"path": path}, pixels=data.frames, notes=0)
    other.unlink()
    parts = list(stream_parts(data.frames, frame_headers(n, nbytes=header_nbytes(data)), largest=256 + 5 * stride))
    for number, part in enumerate(parts):
        (directory / f"rec_{number:03d}.tvips").write_bytes(part)
    last = directory / f"rec_{len(parts) - 1:03d}.tvips"
    facts = {"frames per part": [5, 6, 1]}
    yield Special("a stream by its last part", {"path": last}, pixels=data.frames, notes=0, details=facts)
    last.write_bytes(parts[-1][:-10])
    ended: dict[str, Any] = {"details": {"frames per part": [5, 6, 0]}, "pixels": data.frames[:-1]}
    yield Special("a last part that was cut", {"path": path}, notes=1, **ended)
    for number in range(1, len(parts)):
        (directory / f"rec_{number:03d}.tvips").unlink()
    lost = [*range(4), *range(5, n)]
    headers = frame_headers(n, nbytes=header_nbytes(data))
    (content,) = stream_parts(data.frames[lost], [headers[i] for i in lost])
    path.write_bytes(content)
    yield Special("a frame that the camera lost", {"path": path}, pixels=data.frames[lost], notes=1)
    first = 256 + 4 * stride
    path.write_bytes(content[:first])
    (directory / "rec_001.tvips").write_bytes(content[first:])
    keywords = {"path": path, "trust_parts": True}
    yield Special("a frame lost between two parts", keywords, pixels=data.frames[lost], notes=1, confidence=20)
    second = first + 5 * stride  # not larger than the first part, so that no part looks as if it was cut
    for number, part in enumerate((content[:first], content[first:second], content[second:])):
        (directory / f"rec_{number:03d}.tvips").write_bytes(part)
    yield Special("a frame lost between parts that are full", {"path": path}, pixels=data.frames[lost], notes=1)
    (directory / "rec_002.tvips").unlink()
    path.write_bytes(content[: 256 + stride])
    (directory / "rec_001.tvips").write_bytes(content[256 + stride : 256 + stride + 20])
    yield Special("a second part without a frame", {"path": path}, pixels=data.frames[:1], notes=1)


def _other_fields(path: Path, data: SampleData) -> Iterator[Special]:
    """Series headers with other numbers, frame headers of odd lengths, and modes that change."""
    n, scan = data.n_frames, positions_of(data)
    given = {"path": path}
    none = {"seconds": None, "milliseconds": None}
    known = {"scan_y": scan["scan_y"], "bias_u_setpoint": np.full(n, 0.25), "mode": np.full(n, 2)}
    lengths = {79: ("scan_y", "bias_u_setpoint"), 80: ("bias_u_setpoint", "bias_u"), 28: ("mode", "stage_x")}
    for nbytes, (present, absent) in lengths.items():
        write_stream(path, data, range(n), nbytes=nbytes, **scan)
        arrays = {present: known[present], absent: None, **none}
        yield Special(f"frame headers of {nbytes} bytes", given, per_frame=arrays)
    write_stream(path, data, range(n), **scan)
    content = path.read_bytes()
    for number in (0, -5):
        zeros = number.to_bytes(4, "little", signed=True)
        path.write_bytes(content[:36] + zeros * 3 + content[48:])
        unknown = {"beam_energy": None, "detector_pixel_pitch": None, "magnification": None}
        yield Special(f"{number} for what is not known", given, metadata=unknown)
    last = {name: values[-1:] for name, values in scan.items()}
    headers = [*frame_headers(n - 1, **scan), *frame_headers(1, counter=n - 1, mode=1, **last)]
    (content,) = stream_parts(data.frames, headers)
    path.write_bytes(content)
    first = {"mode": "diffraction"}
    yield Special("a mode that changes", given, pixels=data.pixels, metadata=first)
