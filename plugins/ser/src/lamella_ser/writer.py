"""Writes series and their settings, byte by byte without the reader."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.reader import Axis
from lamella_testkit import SampleData

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "CODES",
    "TIME",
    "emi_bytes",
    "series_bytes",
    "series_head",
    "series_tag",
    "steps_of",
    "stride_of",
    "times_of",
]

TIME = 1_456_000_000


CODES = {"u1": 1, "u2": 2, "u4": 3, "i1": 4, "i2": 5, "i4": 6, "f4": 7, "f8": 8, "c8": 9, "c16": 10}


_WIDTHS = {0x0210: "I", 0x0220: "Q"}


def series_bytes(
    data: NDArray[Any],
    *,
    version: int = 0x0220,
    scan: Sequence[int] | None = None,
    described: bool = True,
    planned: int | None = None,
    positions: bool = True,
    steps: Sequence[float] = (2e-9, 1e-9),
    detector_steps: Sequence[float] = (4e7, 3e7),
    gaps: Sequence[int] = (0,),
    broken_tags: Sequence[int] = (),
    places: Sequence[tuple[float, float]] | None = None,
) -> bytes:
    """Give a series file.

    Parameters
    ----------
    data
        Elements, shape ``(n, height, width)`` or ``(n, length)``.
    version
        0x0210 with offsets of 4 bytes, or 0x0220 with 8.
    scan
        Sizes of the scan dimensions, slow one first; ``(n,)`` by default.
    described
        Whether the header holds the scan dimensions.
    planned
        How many elements the tables have room for; as many as there are scan positions by default.
    positions
        Whether tags hold a position besides the time.
    steps, detector_steps
        Calibration of scan and detector, slow axis first.
    gaps
        Unused bytes behind the elements, repeated as often as needed.
    broken_tags
        What to write instead of the first tag offsets.
    places
        Row and column of each element, by which tags have its position; one after the other by default.
    """
    n, width = len(data), _WIDTHS[version]
    sizes = (n,) if scan is None else tuple(scan)
    places = [divmod(i, sizes[-1]) for i in range(n)] if places is None else places
    planned = max(n, math.prod(sizes)) if planned is None else planned
    head, start = series_head(version, data.ndim, sizes if described else (), positions, planned, n, steps)
    body, data_offsets, tag_offsets = bytearray(), [], []
    for i, element in enumerate(data):
        data_offsets.append(start + len(body))
        body += _element(element, detector_steps)
        tag_offsets.append(start + len(body))
        body += series_tag(i, places[i], steps, positions) + b"\xa5" * gaps[i % len(gaps)]
    data_offsets += [start + len(body)] * (planned > n) + [0] * (planned - n - 1)  # the first unused one is the end
    tag_offsets += [0] * (planned - n)
    tag_offsets[: len(broken_tags)] = broken_tags
    return head + struct.pack(f"<{2 * planned}{width}", *data_offsets, *tag_offsets) + body


def emi_bytes(series: str, *, space: str = "Reciprocal Space", xml: str | None = None, before: str = "") -> bytes:
    """Give settings as TIA leaves them: binary noise, the name of the series, and XML; ``before`` is another object."""
    body = _SETTINGS if xml is None else xml
    lead = (
        b"\x00`\x00\x00\x04" + space.encode() + b"`\x00@\x04" + f"Z:\\data\\{series}".encode() + b"2\x00B\x04\x02\x00"
    )
    other = f"JK\x00\x02\x00<ObjectInfo>{before}</ObjectInfo>\x00\x01".encode("latin-1") if before else b"JK\x00\x02"
    return other + bytes(range(256)) + lead + f"<ObjectInfo>{body}</ObjectInfo>".encode() + b"\x00\x80end"


def stride_of(data: SampleData) -> int:
    """Give the distance of images with positions in a file without gaps."""
    return 50 + data.nbytes // data.n_frames + 24


def steps_of(axes: Sequence[Axis], unit: float) -> tuple[float, ...]:
    """Give the steps of axes in ``unit``."""
    return tuple(axis.scale * unit for axis in axes)


def series_head(
    version: int, ndim: int, sizes: Sequence[int], positions: bool, planned: int, valid: int, steps: Sequence[float]
) -> tuple[bytes, int]:
    """Give everything before the tables, and where the first element lies."""
    width = _WIDTHS[version]
    slow_first = zip(sizes, steps[-len(sizes) :] if sizes else (), strict=True)
    dimensions = b"".join(_dimension(size, step, positions) for size, step in reversed(list(slow_first)))
    table = 22 + struct.calcsize(f"<{width}I") + len(dimensions)
    kinds = (0x4122 if ndim == 3 else 0x4120, 0x4142 if positions else 0x4152)
    head = struct.pack(f"<2sHHIIII{width}I", b"II", 0x0197, version, *kinds, planned, valid, table, len(sizes))
    return head + dimensions, table + 2 * planned * struct.calcsize(f"<{width}")


def _dimension(size: int, step: float, positions: bool) -> bytes:
    description, units = (b"Position", b"meters") if positions else (b"Number", b"")
    record = struct.pack("<IddI", size, 0.0, step if positions else 1.0, 0)
    return record + b"".join(struct.pack("<I", len(text)) + text for text in (description, units))


def _element(element: NDArray[Any], steps: Sequence[float]) -> bytes:
    axes = reversed(list(zip(element.shape, steps[-element.ndim :], strict=True)))
    head = b"".join(struct.pack("<ddI", -length / 2 * step, step, 0) for length, step in axes)
    head += struct.pack("<H", CODES[element.dtype.str[1:]])
    head += struct.pack(f"<{element.ndim}I", *reversed(element.shape))
    stored = element[::-1] if element.ndim == 2 else element
    return head + stored.astype(element.dtype.newbyteorder("<")).tobytes()


def series_tag(i: int, place: tuple[float, float], steps: Sequence[float], positions: bool) -> bytes:
    """Give what follows an element: its time, and its position."""
    if not positions:
        return struct.pack("<HHI", 0x4152, 0, TIME + i)
    return struct.pack("<HHIdd", 0x4142, 0, TIME + i, place[1] * steps[-1], place[0] * steps[0])


_SETTINGS = (
    "<Uuid>0</Uuid><ExperimentalConditions><MicroscopeConditions><AcceleratingVoltage>200000</AcceleratingVoltage>"
    "</MicroscopeConditions></ExperimentalConditions><ExperimentalDescription><Root>"
    + "".join(
        f"<Data><Label>{label}</Label><Value>{value}</Value><Unit>{unit}</Unit></Data>"
        for label, value, unit in (
            ("Microscope", "Titan 60-300", ""),
            ("User", "Åse", ""),
            ("Mode", " STEM nP SA Zoom Diffraction", ""),
            ("Magnification", "115000", "x"),
            ("Camera length", "0.260", "m"),
            ("Stem rotation", "12.5", "deg"),
        )
    )
    + "</Root></ExperimentalDescription><TrueImageHeaderInfo>&lt;Root&gt;&lt;/Root&gt;</TrueImageHeaderInfo>"
    "<AcquireDate>Mon Feb 22 19:18:24 2016</AcquireDate><AcquireInfo><DwellTimePath>0.050000</DwellTimePath>"
    "<CameraNamePath>BM-Ceta</CameraNamePath></AcquireInfo><Manufacturer>FEI</Manufacturer>"
    "<DetectorRange><StartX>1536.00</StartX><EndX>2560.00</EndX></DetectorRange>"
)


def times_of(n: int, lost: int = 0) -> dict[str, object]:
    """Give the times of elements, of which the first ``lost`` have none."""
    seconds = np.arange(n, dtype=np.int64)
    time = np.where(seconds < lost, np.nan, seconds - lost)
    moments = ((TIME + seconds) * 10**9).view("M8[ns]")
    moments[:lost] = np.datetime64("NaT")
    return {"time": time, "acquired": moments}
