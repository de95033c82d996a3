"""Other facts in the headers, streams that were cut, and parts that lack frames."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

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
    path.write_bytes(content[: 256 + stride])
    (directory / "rec_001.tvips").write_bytes(content[256 + stride : 256 + stride + 20])
    yield Special("a second part without a frame", {"path": path}, pixels=data.frames[:1], notes=1)
