"""Writes streams, without help from the reader, so that the conformance kit can compare."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_testkit import Recorded, SampleData, Sampler, recorded_files

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["TvipsSampler", "frame_headers", "stream_parts"]

_LONGEST = 108

RECORDED = {
    "test_tvips_2345_split/test_tvips_2345_split_000.tvips": (
        "8cff1d6a4806ef44b7357037e0982707e302cd3e3f81d93a396a121a584aa235"
    ),
}
"""Real files below ``LAMELLA_SAMPLES``, with their checksums."""


class TvipsSampler(Sampler):
    """Streams of both versions, in one part or several, with and without a scan in the headers of the frames."""

    format = "tvips"
    dtypes = ("<u2", "|u1", "<u4", "<u8")
    nav_ranks = (2, 1)
    variants = ("parts", "version 1", "positions", "rotator")

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        """Write ``rec_000.tvips`` and further parts."""
        shape = data.nav_shape
        rows, columns = np.divmod(np.arange(data.n_frames), shape[-1])
        known: dict[str, Any] = {
            "positions": {"scan_x": columns, "scan_y": rows},
            "rotator": {"rotator": np.arange(1, data.n_frames + 1)},
        }.get(data.variant, {})
        headers = frame_headers(data.n_frames, nbytes=_nbytes(data), **known)
        parts = stream_parts(
            data.frames,
            headers,
            version=1 if data.variant == "version 1" else 2,
            largest=_largest(data) if data.variant == "parts" else None,
        )
        for number, part in enumerate(parts):
            (directory / f"rec_{number:03d}.tvips").write_bytes(part)
        told = (data.variant == "positions" and len(shape) == 2 and min(shape) > 1) or (
            data.variant == "rotator" and len(shape) == 2 and shape[0] == shape[1] > 1
        )
        return {"path": directory / "rec_000.tvips", **({} if told else {"nav_shape": shape})}

    def metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give what the series header and the first frame say."""
        known = {"beam_energy": 200e3, "detector_pixel_pitch": 15.5e-6, "acquired": "2020-06-23T08:02:37.250000+00:00"}
        return known if data.variant == "version 1" else {**known, "mode": "diffraction"}

    def boundaries(self, data: SampleData) -> Mapping[str, Sequence[int]]:
        """Give the ends of the series header, and of header and pixels of the first frames of each part."""
        stride = _stride(data)
        ends = [_nbytes(data), stride, stride + _nbytes(data), 2 * stride]
        boundaries = {"rec_000.tvips": [4, 52, 256, *(256 + end for end in ends)]}
        if data.variant == "parts":
            boundaries |= {f"rec_{number:03d}.tvips": ends for number in (1, 2, 3)}
        return boundaries

    def write_sparse(self, directory: Path, nbytes: int) -> Mapping[str, Any]:
        """Write a series header, and frames that are a hole."""
        path, edge, header = directory / "rec_000.tvips", 512, 76
        stride = header + 2 * edge * edge
        with path.open("wb") as file:
            file.write(_series_header(2, (edge, edge), 16, header))
            file.truncate(256 + max(1, nbytes // stride) * stride)
        return {"path": path}

    def recorded(self) -> Iterable[Recorded]:
        """Give real files with what other readers found in them."""
        return recorded_files(self.format, RECORDED)


def frame_headers(
    n_frames: int,
    *,
    nbytes: int = 76,
    counter: int = 0,
    seconds: int = 1_592_899_357,
    mode: int = 2,
    rotator: Sequence[int] | NDArray[Any] = (),
    scan_x: Sequence[float] | NDArray[Any] = (),
    scan_y: Sequence[float] | NDArray[Any] = (),
) -> list[bytes]:
    """Give headers of ``nbytes`` for some frames, one every 10 ms; what is not given is zero."""
    headers = []
    for i in range(n_frames):
        stage = (1.5, -2.5, 3.5, 10.0, -20.0)
        place = [values[i] if len(values) else 0 for values in (rotator, scan_x, scan_y)]
        head = struct.pack("<IIIIfII", counter + i, seconds + i // 100, 250 + i % 100 * 10 % 1000, 0, 0.5, 80, mode)
        head += struct.pack("<5fI", *stage, int(place[0]))
        head += struct.pack("<6f", 20.0, 25.0, 0.0, 1.25, *place[1:])
        headers.append(head.ljust(_LONGEST, b"\0").ljust(nbytes, b"\xee")[:nbytes])
    return headers


def stream_parts(
    frames: NDArray[Any],
    headers: Sequence[bytes],
    *,
    version: int = 2,
    largest: int | None = None,
    pixel_size: int = 15500,
    writer: bytes = b"TVIPS ",
) -> Iterator[bytes]:
    """Give the parts of a stream, none larger than ``largest`` bytes.

    Parameters
    ----------
    frames
        Pixels, shape ``(n_frames, height, width)``.
    headers
        Header of each frame, all of one length.
    version
        1, whose frame headers must have 12 bytes, or 2.
    largest
        Size that no part may exceed; there is one part if None.
    pixel_size
        What the series header says of the size of pixels.
    writer
        What fills the series header.
    """
    stored = frames.astype(frames.dtype.newbyteorder("<"))
    bits, first = 8 * frames.dtype.itemsize, headers[0]
    part = bytearray(_series_header(version, frames.shape[1:], bits, len(first), pixel_size, writer))
    for header, frame in zip(headers, stored, strict=True):
        record = header + frame.tobytes()
        if largest is not None and len(part) + len(record) > largest:
            yield bytes(part)
            part = bytearray()
        part += record
    yield bytes(part)


def _series_header(
    version: int,
    shape: Sequence[int],
    bits: int,
    frame_header: int,
    pixel_size: int = 15500,
    writer: bytes = b"TVIPS ",
) -> bytes:
    told = 0 if version == 1 else frame_header
    fields = (256, version, shape[1], shape[0], bits, 10, 20, 2, 2, pixel_size, 200, 80, told)
    return struct.pack("<13i", *fields) + (writer * 204)[:204]


def _nbytes(data: SampleData) -> int:
    """Give the length of a frame header."""
    return {"version 1": 12, "rotator": 60, "parts": 120}.get(data.variant, 76)


def _stride(data: SampleData) -> int:
    return _nbytes(data) + data.nbytes // data.n_frames


def _largest(data: SampleData) -> int:
    """Give the size of parts that leaves about three of them, the first with the series header."""
    return 256 + (data.n_frames // 3 + 1) * _stride(data)
