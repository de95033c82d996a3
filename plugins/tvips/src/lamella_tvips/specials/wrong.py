"""Headers that cannot be, parts that are missing or were cut, and parameters that a stream cannot follow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lamella.errors import CorruptError, FormatError, ParameterError, TruncatedError, UnsupportedError
from lamella_testkit import SampleData, Wrong
from lamella_tvips.writer import frame_headers, header_nbytes, stream_parts, stride_of, write_stream

__all__ = ["wrong_files"]


def wrong_files(directory: Path, data: SampleData) -> Iterator[Wrong]:
    """Write streams that have to be refused."""
    path = directory / "rec_000.tvips"
    write_stream(path, data, range(data.n_frames))
    content = path.read_bytes()
    yield from _headers(directory, content)
    yield from _asked(path, data)
    yield from _parts(directory, data)


def _headers(directory: Path, content: bytes) -> Iterator[Wrong]:
    path = directory / "rec_000.tvips"
    for what, at, number, error in (
        ("a header of another size", 0, 255, FormatError),
        ("version 0", 4, 0, UnsupportedError),
        ("version 3", 4, 3, UnsupportedError),
        ("no columns", 8, 0, CorruptError),
        ("fewer rows than none", 12, -1, CorruptError),
        ("12 bits per pixel", 16, 12, UnsupportedError),
        ("frame headers that are too short", 48, 11, CorruptError),
    ):
        wrong = content[:at] + number.to_bytes(4, "little", signed=True) + content[at + 4 :]
        for name, confidence in (("rec_000.tvips", 20), ("rec_000.dat", 0)):
            other = directory / name
            other.write_bytes(wrong)
            yield Wrong(f"{what}, {name}", {"path": other}, error, confidence=confidence)
            other.unlink()
    path.write_bytes(content[:255])
    yield Wrong("less than a header", {"path": path}, TruncatedError, confidence=20)
    path.write_bytes(content[:256])
    yield Wrong("a header and no frame", {"path": path}, TruncatedError, confidence=20)
    path.write_bytes(content)


def _asked(path: Path, data: SampleData) -> Iterator[Wrong]:
    for keywords in (
        {"first_frame": data.n_frames},
        {"hysteresis": 1},
        {"winding": "x"},
        {"winding": "y", "nav_shape": (data.n_frames,)},
        {"scan": "positions"},
        {"scan": "rotator"},
    ):
        yield Wrong(f"{keywords}", {"path": path, **keywords}, ParameterError)


def _parts(directory: Path, data: SampleData) -> Iterator[Wrong]:
    names = [directory / f"rec_{number:03d}.tvips" for number in range(4)]
    stride = stride_of(data)
    headers = frame_headers(data.n_frames, nbytes=header_nbytes(data))
    parts = list(stream_parts(data.frames, headers, largest=256 + 3 * stride))
    parts = parts[:4]
    for path, part in zip(names, parts, strict=True):
        path.write_bytes(part)
    for number in range(3):
        names[number].write_bytes(parts[number][:-stride])
        for given in (names[0], names[-1]):
            what = f"part {number} was cut, {given.name}"
            yield Wrong(what, {"path": given}, TruncatedError, confidence=20)
        names[number].unlink()
        what = f"part {number} is missing"
        yield Wrong(what, {"path": names[-1]}, FormatError, confidence=20)
        names[number].write_bytes(parts[number])
    for path in names:
        path.unlink()
