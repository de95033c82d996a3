"""Writes TVIPS streams, without help from the reader."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_testkit import SampleData

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "FIELDS",
    "LONGEST",
    "SECONDS",
    "fields_of",
    "frame_headers",
    "header_nbytes",
    "positions_of",
    "series_header",
    "stream_parts",
    "stride_of",
    "times_of",
    "write_stream",
]

LONGEST = 108


SECONDS = 1_592_899_357


FIELDS = {
    "counter": "<u4",
    "lut_index": "<u4",
    "faraday_cup": "<f4",
    "magnification": "<u4",
    "mode": "<u4",
    "stage_x": "<f4",
    "stage_y": "<f4",
    "stage_z": "<f4",
    "stage_alpha": "<f4",
    "stage_beta": "<f4",
    "rotator": "<u4",
    "temperature": "<f4",
    "temperature_setpoint": "<f4",
    "heating_power": "<f4",
    "objective_current": "<f4",
    "scan_x": "<f4",
    "scan_y": "<f4",
    "bias_u_setpoint": "<f4",
    "bias_u": "<f4",
    "bias_i_setpoint": "<f4",
    "bias_i": "<f4",
    "bias_e_setpoint": "<f4",
    "bias_r": "<f4",
    "compliance_u": "<f4",
    "compliance_i": "<f4",
}
"""What follows in a frame header, 4 bytes each; the time comes after the first."""


_BIAS = tuple(0.25 * i for i in range(1, 9))
"""The last fields of a header, which are about the sample."""


def frame_headers(
    n_frames: int,
    *,
    nbytes: int = 76,
    counter: int = 0,
    seconds: int = SECONDS,
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
        head = struct.pack("<IIIIfII", counter + i, seconds + i // 100, 250 + i % 100 * 10 % 1000, 7, 0.5, 80, mode)
        head += struct.pack("<5fI", *stage, int(place[0]))
        head += struct.pack("<6f", 20.0, 25.0, 3.5, 1.25, *place[1:]) + struct.pack("<8f", *_BIAS)
        headers.append(head.ljust(LONGEST, b"\0").ljust(nbytes, b"\xee")[:nbytes])
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
    part = bytearray(series_header(version, frames.shape[1:], bits, len(first), pixel_size, writer))
    for header, frame in zip(headers, stored, strict=True):
        record = header + frame.tobytes()
        if largest is not None and len(part) + len(record) > largest:
            yield bytes(part)
            part = bytearray()
        part += record
    yield bytes(part)


def series_header(
    version: int,
    shape: Sequence[int],
    bits: int,
    frame_header: int,
    pixel_size: int = 15500,
    writer: bytes = b"TVIPS ",
) -> bytes:
    """Give the header of a stream; ``frame_header`` is the length of those of its frames."""
    told = 0 if version == 1 else frame_header
    fields = (256, version, shape[1], shape[0], bits, 10, 20, 2, 2, pixel_size, 200, 80, told)
    return struct.pack("<13i", *fields) + (writer * 204)[:204]


def header_nbytes(data: SampleData) -> int:
    """Give the length of a frame header."""
    return {"version 1": 12, "rotator": 60, "parts": 120}.get(data.variant, 76)


def stride_of(data: SampleData) -> int:
    """Give the distance of frames."""
    return header_nbytes(data) + data.nbytes // data.n_frames


def positions_of(data: SampleData) -> dict[str, Any]:
    """Give what the headers of a variant say about the scan."""
    rows, columns = np.divmod(np.arange(data.n_frames), data.nav_shape[-1])
    if data.variant == "positions":
        return {"scan_x": columns, "scan_y": rows}
    return {"rotator": np.arange(1, data.n_frames + 1)} if data.variant == "rotator" else {}


def fields_of(data: SampleData) -> dict[str, NDArray[Any]]:
    """Give the fields of the frame headers, as far as these reach."""
    n = data.n_frames
    known: dict[str, Any] = {"counter": np.arange(n), "faraday_cup": 0.5, "magnification": 80, "mode": 2}
    known |= {"stage_x": 1.5, "stage_y": -2.5, "stage_z": 3.5, "stage_alpha": 10, "stage_beta": -20}
    known |= {"temperature": 20, "temperature_setpoint": 25, "objective_current": 1.25, **positions_of(data)}
    known |= {"lut_index": 7, "heating_power": 3.5}
    known |= dict(zip(list(FIELDS)[-len(_BIAS) :], _BIAS, strict=True))
    places = dict(zip(FIELDS, (0, *range(12, LONGEST, 4)), strict=True))
    names = [name for name, place in places.items() if place + 4 <= header_nbytes(data)]
    return {name: np.broadcast_to(np.asarray(known.get(name, 0), FIELDS[name]), (n,)) for name in names}


def times_of(n: int) -> dict[str, object]:
    """Give when frames were recorded, and the time since the first."""
    ns = np.arange(n, dtype=np.int64) * 10_000_000
    return {"time": ns * 1e-9, "acquired": (ns + (SECONDS * 1000 + 250) * 1_000_000).view("M8[ns]")}


def write_stream(path: Path, data: SampleData, steps: Sequence[int], **known: Any) -> None:
    """Write a stream whose frames show these steps of a scan; -1 is a dark frame."""
    options = {name: known.pop(name) for name in ("pixel_size", "writer") if name in known}
    frames = np.stack([data.frames[step] if step >= 0 else np.zeros_like(data.frames[0]) for step in steps])
    headers = frame_headers(len(frames), **{"nbytes": header_nbytes(data), **known})
    (content,) = stream_parts(frames, headers, **options)
    path.write_bytes(content)
