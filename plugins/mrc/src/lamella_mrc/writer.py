"""Writes MRC files, and the settings of Direct Electron movies, byte by byte without the reader."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.reader import Axis

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MODES", "SETTINGS", "fei_record", "header_bytes", "info_text", "movie_axes", "pack_nibbles"]

MODES = {"i1": 0, "i2": 1, "f4": 2, "c8": 4, "u2": 6, "f2": 12}


def header_bytes(
    size: Sequence[int],
    mode: int,
    order: str = "<",
    *,
    grid: Sequence[int] | None = None,
    cell: Sequence[float] = (0.0, 0.0, 0.0),
    axes: Sequence[int] = (1, 2, 3),
    density: Sequence[float] = (0.0, -1.0, -2.0),
    space_group: int = 0,
    extended: bytes = b"",
    extended_type: bytes = b"",
    extended_nbytes: int | None = None,
    imod_flags: int | None = None,
    marker: bytes = b"MAP ",
    stamp: bytes | None = None,
    labels: Sequence[str] = (),
) -> bytes:
    """Give 1024 bytes of header and the extended header behind them; ``size`` is (columns, rows, sections)."""
    nbytes = len(extended) if extended_nbytes is None else extended_nbytes
    words = struct.pack(f"{order}10i", *size, mode, 0, 0, 0, *(grid or size))
    words += struct.pack(f"{order}6f3i3f2i", *cell, 90.0, 90.0, 90.0, *axes, *density, space_group, nbytes)
    words += bytes(8) + extended_type.ljust(4, b"\0") + struct.pack(f"{order}i", 20140)
    imod = b"" if imod_flags is None else struct.pack(f"{order}2i", 1146047817, imod_flags)
    words += (bytes(40) + imod).ljust(84, b"\0") + struct.pack(f"{order}3f", 0.0, 0.0, 0.0)
    words += marker + (stamp if stamp is not None else {"<": b"DD\0\0", ">": b"\x11\x11\0\0"}[order])
    words += struct.pack(f"{order}fi", -1.0, len(labels))
    words += b"".join(label.encode().ljust(80) for label in labels).ljust(800, b"\0")
    assert len(words) == 1024
    return words + extended


_FURTHER = {  # where a field stands and which bit makes it valid: number of the mask, bit, offset, kind
    "microscope": (0, 1, 20, "16s"),
    "application": (0, 3, 52, "16s"),
    "application_version": (0, 4, 68, "16s"),
    "magnification": (0, 31, 289, "d"),
    "convergence_angle": (1, 4, 329, "d"),
    "integration_time": (1, 16, 419, "d"),
    "camera": (1, 19, 435, "16s"),
}


def fei_record(order: str = "<", *, version: int = 2, tilt: float = 0.0, **known: Any) -> bytes:
    """Give a record of type FEI1 (``version`` 0) or FEI2 (``version`` 2) with few fields filled in.

    Parameters
    ----------
    order
        Byte order.
    version
        0 for FEI1, 2 for FEI2.
    tilt
        Alpha tilt [degree].
    known
        ``high_tension`` [V], ``pixel_size`` [m or 1/m] or one for x and one for y, ``projection`` (1: diffraction),
        ``detector``, ``camera_length`` [m], ``dwell`` [s], ``mode`` (1: TEM, 2: STEM, None: not valid),
        and ``microscope``, ``application``, ``application_version``, ``magnification``, ``convergence_angle`` [rad],
        ``integration_time`` [s] and ``camera``, which are valid only if they are given.
    """
    record = bytearray(888 if version else 768)

    def put(offset: int, kind: str, *values: Any) -> None:
        struct.pack_into(f"{order}{kind}", record, offset, *values)

    put(0, "ii", len(record), version)
    mode = known.get("mode", 2)
    bits = [1 << 0 | 1 << 5 | 1 << 7 | 1 << 14 | 1 << 15 | (mode is not None) << 25 | 1 << 26, 1 << 0]
    for name, (mask, bit, offset, kind) in _FURTHER.items():
        if name in known:
            bits[mask] |= 1 << bit
            put(offset, kind, known[name])
    struct.pack_into("<I", record, 8, bits[0])
    put(12, "d", 45000.5)
    put(84, "d", known.get("high_tension", 300e3))
    put(100, "d", tilt)
    size = known.get("pixel_size", 2e-9)
    put(156, "dd", *(size if isinstance(size, tuple) else (size, size)))
    put(244, "ii", mode or 0, known.get("projection", 2))
    struct.pack_into("<I", record, 297, bits[1])
    put(301, "d", known.get("camera_length", 0.125))
    struct.pack_into("<I", record, 490, 1 << 7 | 1 << 15)
    put(519, "16s", known.get("detector", b""))
    put(571, "d", known.get("dwell", 1e-3))
    return bytes(record)


SETTINGS = {
    "acquired": "2025-04-29T19:45:00+00:00",
    "software": "Direct Electron server 2.7.5.10756",
    "detector": "DESim",
    "mode": "STEM",
    "beam_energy": 200e3,
    "camera_length": 0.125,
    "exposure_time": 1e-3,
    "dwell_time": 5e-4,
    "detector_pixel_pitch": 1e-5,
}
"""What `info_text` says."""


def info_text(nav_shape: Sequence[int], changes: Mapping[str, object] | None = None) -> str:
    """Give the text of an ``_info.txt`` for a raster scan, with some entries changed; those of None are left out."""
    entries: dict[str, object] = {
        "Server Software Version": "2.7.5.10756",
        "Timestamp (seconds since Epoch)": 1745955900,
        "Autosave Movie": "Save",
        "Camera Model": "DESim",
        "Diffraction Pixel Size X": 0.5,
        "Diffraction Pixel Size Y": 0.25,
        "Frame Time (nanoseconds)": 1000000,
        "Instrument Accelerating Voltage (V)": 200000,
        "Instrument Project Camera Length (centimeters)": 12.5,
        "Instrument Project Magnification": -1,
        "Instrument Project TEMorSTEM Mode": 1,
        "Scan - Camera Frames Per Point": 1,
        "Scan - Dwell Time (microseconds)": 500,
        "Scan - Enable": "Enable",
        "Scan - ROI Enable": "Disable",
        "Scan - Repeats": 1,
        "Scan - Size X": nav_shape[-1],
        "Scan - Size Y": nav_shape[-2],
        "Scan - Type": "Raster",
        "Scan - XY File": "",
        "Sensor Pixel Pitch (micrometers)": 10,
        "Specimen Pixel Size X (nanometers)": 2,
        "Specimen Pixel Size Y (nanometers)": 3,
    }
    entries |= changes or {}
    return "".join(f"{key:<64}= {value}\r\n" for key, value in entries.items() if value is not None)


def pack_nibbles(frames: NDArray[np.uint8]) -> bytes:
    """Give frames of values below 16 as mode 101 stores them."""
    width = frames.shape[-1]
    padded = np.zeros((*frames.shape[:-1], width + width % 2), dtype=np.uint8)
    padded[..., :width] = frames
    return bytes(padded[..., 0::2] | padded[..., 1::2] << 4)


def movie_axes() -> list[Axis]:
    """Give the axes of the scan of which `info_text` tells."""
    return [Axis("y", 3.0, 0.0, "nm"), Axis("x", 2.0, 0.0, "nm")]
