"""The layout of a TVIPS stream (``NAME_000.tvips``, ``NAME_001.tvips``, …).

Everything is little-endian. The first part begins with a series header of 256 bytes; every part holds frames, each a
header and its pixels, row by row. Sources: the documentation of RosettaSciIO
(https://hyperspy.org/rosettasciio/supported_formats/tvips.html) and TVIPSconverter
(https://github.com/din14970/TVIPSconverter), and LiberTEM's names of the fields of a frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import CorruptError, FormatError, UnsupportedError
from lamella.reader import fields_of, take_record

if TYPE_CHECKING:
    from lamella.reader import Probe

__all__ = ["SERIES_HEADER", "SeriesHeader", "frame_header", "read_series_header"]

SERIES_HEADER = np.dtype(
    [
        ("header_size", "<i4"),  # 256
        ("version", "<i4"),  # 1 or 2
        ("width", "<i4"),  # [px]
        ("height", "<i4"),  # [px]
        ("bits_per_pixel", "<i4"),
        ("offset_x", "<i4"),  # of the camera [px]
        ("offset_y", "<i4"),
        ("binning_x", "<i4"),
        ("binning_y", "<i4"),
        ("pixel_size", "<i4"),  # [nm]
        ("high_tension", "<i4"),  # [kV]
        ("magnification", "<i4"),  # or camera length
        ("frame_header_nbytes", "<i4"),  # version 2 only
        ("filler", "S204"),
    ]
)

FRAME_FIELDS = (
    ("counter", 0, "<u4"),
    ("seconds", 4, "<u4"),  # since 1970
    ("milliseconds", 8, "<u4"),  # version 1 ends here
    ("lut_index", 12, "<u4"),
    ("faraday_cup", 16, "<f4"),
    ("magnification", 20, "<u4"),
    ("mode", 24, "<u4"),  # 1 imaging, 2 diffraction
    ("stage_x", 28, "<f4"),  # [nm]
    ("stage_y", 32, "<f4"),
    ("stage_z", 36, "<f4"),
    ("stage_alpha", 40, "<f4"),  # [degree]
    ("stage_beta", 44, "<f4"),
    ("rotator", 48, "<u4"),  # scan point from 1, 0 outside the scan
    ("temperature", 52, "<f4"),
    ("temperature_setpoint", 56, "<f4"),  # RosettaSciIO: objective
    ("heating_power", 60, "<f4"),
    ("objective_current", 64, "<f4"),
    ("scan_x", 68, "<f4"),
    ("scan_y", 72, "<f4"),
    ("bias_u_setpoint", 76, "<f4"),
    ("bias_u", 80, "<f4"),
    ("bias_i_setpoint", 84, "<f4"),
    ("bias_i", 88, "<f4"),
    ("bias_e_setpoint", 92, "<f4"),
    ("bias_r", 96, "<f4"),
    ("compliance_u", 100, "<f4"),
    ("compliance_i", 104, "<f4"),
)
"""Name, offset and type of what a frame header may hold; how much of it there is, the series header tells."""

PIXEL_TYPES = {8: "u1", 16: "<u2", 32: "<u4", 64: "<u8"}
"""Dtype by bits per pixel; only the first two come from cameras."""

MODES = {1: "imaging", 2: "diffraction"}

_VERSION_1_NBYTES = 12


@dataclass(frozen=True, slots=True)
class SeriesHeader:
    """The series header, checked; ``fields`` holds it as stored."""

    fields: dict[str, Any]

    @property
    def frame_header_nbytes(self) -> int:
        """Length of a frame header [bytes]."""
        return _VERSION_1_NBYTES if self.fields["version"] == 1 else int(self.fields["frame_header_nbytes"])

    @property
    def frame_header(self) -> np.dtype[Any]:
        """The dtype of as much of a frame header as there is and is known."""
        return frame_header(self.frame_header_nbytes)

    @property
    def from_camera(self) -> bool:
        """Whether a camera wrote the stream; HyperSpy writes another text and another pixel size."""
        return not bytes(self.fields["filler"]).startswith(b"HYPERSPY")

    @property
    def sig_shape(self) -> tuple[int, int]:
        """Rows and columns of a frame."""
        return self.fields["height"], self.fields["width"]

    @property
    def pixel(self) -> np.dtype[Any]:
        """The dtype of the pixels."""
        return np.dtype(PIXEL_TYPES[self.fields["bits_per_pixel"]])

    @property
    def stride(self) -> int:
        """Distance of frames [bytes]."""
        return self.frame_header_nbytes + math.prod(self.sig_shape) * self.pixel.itemsize


def frame_header(nbytes: int) -> np.dtype[Any]:
    """Give the dtype of a frame header of ``nbytes``, without the fields that would reach into the pixels.

    Examples
    --------
    >>> frame_header(12).names, frame_header(60).names[-1]
    (('counter', 'seconds', 'milliseconds'), 'temperature_setpoint')
    """
    fields = [(name, kind, offset) for name, offset, kind in FRAME_FIELDS if offset + 4 <= nbytes]
    names, formats, offsets = zip(*fields, strict=True)
    return np.dtype({"names": names, "formats": formats, "offsets": offsets})


def read_series_header(probe: Probe) -> SeriesHeader:
    """Read and check the series header of the first part.

    Raises
    ------
    FormatError
        If it is none, of an unknown kind, or impossible.
    """
    path, head = probe.path, probe.head
    fields = fields_of(take_record(head, SERIES_HEADER, path=path, what="series header"))
    header = SeriesHeader(fields)
    if fields["header_size"] != SERIES_HEADER.itemsize:
        expected, found = f"a header size of {SERIES_HEADER.itemsize} at byte 0", str(fields["header_size"])
        raise FormatError("not a TVIPS stream", path=path, expected=expected, found=found)
    for name, known in (("version", (1, 2)), ("bits_per_pixel", tuple(PIXEL_TYPES))):
        if fields[name] not in known:
            expected = " or ".join(map(str, known))
            raise UnsupportedError(f"unknown {name}", path=path, expected=expected, found=fields[name])
    for name, least in (("width", 1), ("height", 1), ("frame_header_nbytes", _VERSION_1_NBYTES)):
        if fields[name] < least and not (name == "frame_header_nbytes" and fields["version"] == 1):
            raise CorruptError(f"impossible {name}", path=path, expected=f"at least {least}", found=fields[name])
    return header
