"""The layout of a TIA series file (``.ser``): header, scan dimensions, two tables of offsets, elements, tags.

Everything is little-endian and packed. Sources: the description "TIA Series Data (ESD) file format" in the help of TIA,
and the documentation of RosettaSciIO (https://hyperspy.org/rosettasciio/supported_formats/tia.html).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import CorruptError, FormatError, TruncatedError, UnsupportedError
from lamella.reader import fields_of, take_record

if TYPE_CHECKING:
    from lamella.reader import Probe

__all__ = ["ELEMENTS", "PIXEL_TYPES", "SIGNATURE", "TAGS", "SeriesHeader", "known", "read_header"]

SIGNATURE = b"II\x97\x01"
"""Byte order, always little-endian, and the series identification 0x0197."""

OFFSET_TYPES: dict[int, np.dtype[Any]] = {0x0210: np.dtype("<u4"), 0x0220: np.dtype("<u8")}
"""Type of file offsets by series version: 4 bytes before TIA 4.7.3, 8 bytes since."""

HEADERS = {
    version: np.dtype(
        [
            ("byte_order", "<u2"),
            ("series_id", "<u2"),
            ("series_version", "<u2"),
            ("data_type_id", "<u4"),
            ("tag_type_id", "<u4"),
            ("total_number_elements", "<u4"),  # planned
            ("valid_number_elements", "<u4"),  # recorded
            ("offset_array_offset", offset),
            ("number_dimensions", "<u4"),
        ]
    )
    for version, offset in OFFSET_TYPES.items()
}

CALIBRATION = [("calibration_offset", "<f8"), ("calibration_delta", "<f8"), ("calibration_element", "<u4")]
"""Index i lies at ``offset + (i - element) * delta``."""

DIMENSION = np.dtype([("dimension_size", "<u4"), *CALIBRATION])
"""One scan dimension, the fastest first; then follow description and units, each a `LENGTH` and that many bytes."""

LENGTH = np.dtype([("length", "<u4")])

ELEMENTS = {
    0x4120: np.dtype([*CALIBRATION, ("data_type", "<u2"), ("array_length", "<u4")]),
    0x4122: np.dtype(
        [
            *[(f"{name}_x", kind) for name, kind in CALIBRATION],
            *[(f"{name}_y", kind) for name, kind in CALIBRATION],
            ("data_type", "<u2"),
            ("array_size_x", "<u4"),
            ("array_size_y", "<u4"),
        ]
    ),
}
"""What precedes the pixels of a spectrum (0x4120), or of an image (0x4122), whose rows go from bottom to top."""

PIXEL_TYPES = {1: "u1", 2: "<u2", 3: "<u4", 4: "i1", 5: "<i2", 6: "<i4", 7: "<f4", 8: "<f8", 9: "<c8", 10: "<c16"}
"""The dtype of each ``data_type``."""

TIME = [("tag_type_id", "<u2"), ("reserved", "<u2"), ("time", "<u4")]

TAGS = {0x4152: np.dtype(TIME), 0x4142: np.dtype([*TIME, ("position_x", "<f8"), ("position_y", "<f8")])}
"""What is known of one element: time [s since 1970], and position of the beam [m]."""

_MOST_DIMENSIONS = 16


@dataclass(frozen=True, slots=True)
class SeriesHeader:
    """The header of a file, checked; ``fields`` holds it as stored, ``dimensions`` has the fastest first."""

    fields: dict[str, Any]
    dimensions: tuple[dict[str, Any], ...]

    @property
    def planned(self) -> int:
        """How many elements the offset tables have room for."""
        return int(self.fields["total_number_elements"])

    @property
    def recorded(self) -> int:
        """How many elements were recorded."""
        return int(self.fields["valid_number_elements"])

    @property
    def offset_type(self) -> np.dtype[Any]:
        """The dtype of the offset tables."""
        return OFFSET_TYPES[self.fields["series_version"]]

    @property
    def data_table(self) -> int:
        """Where the table of data offsets lies [bytes]."""
        return int(self.fields["offset_array_offset"])

    @property
    def tag_table(self) -> int:
        """Where the table of tag offsets lies [bytes]: behind the planned, not the recorded, data offsets."""
        return self.data_table + self.planned * self.offset_type.itemsize


def read_header(probe: Probe) -> SeriesHeader:
    """Read the header and check it against itself and the size of the file.

    Raises
    ------
    FormatError
        If it is not that of a series, of an unknown kind, or contradicts itself or the file.
    """
    path, head = probe.path, probe.head
    if not head.startswith(SIGNATURE):
        video = "This is a video of an astronomy camera (SharpCap, Lucam), which only such programs read"
        remedy = video if head.startswith(b"LUCAM-RECORDER") else None
        expected, found = f"{SIGNATURE!r} at the beginning", repr(head[:16])
        raise FormatError("not a TIA series", path=path, expected=expected, found=found, remedy=remedy)
    dtype = known("series version", int.from_bytes(head[4:6], "little"), HEADERS, probe)
    fields = fields_of(take_record(head, dtype, path=path))
    known("DataTypeID", fields["data_type_id"], ELEMENTS, probe)
    header = SeriesHeader(fields, tuple(_dimensions(probe, dtype.itemsize, fields["number_dimensions"])))
    if header.recorded == 0:
        remedy = "The acquisition was aborted, or it is a single spectrum, which only the .emi file holds"
        raise UnsupportedError("the series holds no elements", path=path, remedy=remedy)
    if header.recorded > header.planned:
        expected, found = f"at most {header.planned}, as planned", f"{header.recorded} recorded elements"
        raise CorruptError("there are too many elements", path=path, expected=expected, found=found)
    end = header.tag_table + header.planned * header.offset_type.itemsize
    if end > probe.size:
        expected, found = f"at least {end} bytes", f"{probe.size} bytes"
        raise TruncatedError("the offset tables reach beyond the file", path=path, expected=expected, found=found)
    return header


def known(name: str, code: int, table: dict[int, Any], probe: Probe) -> Any:
    """Give what a code stands for.

    Raises
    ------
    UnsupportedError
        If the table does not have it.
    """
    if code not in table:
        expected, found = " or ".join(f"0x{one:04x}" for one in table), f"0x{code:04x}"
        raise UnsupportedError(f"unknown {name}", path=probe.path, expected=expected, found=found)
    return table[code]


def _dimensions(probe: Probe, offset: int, count: int) -> Iterator[dict[str, Any]]:
    if count > _MOST_DIMENSIONS:
        raise CorruptError("the scan has too many dimensions", path=probe.path, expected="0, 1 or 2", found=count)
    for _ in range(count):
        dimension = fields_of(take_record(probe.head, DIMENSION, offset, path=probe.path))
        offset += DIMENSION.itemsize
        for name in ("description", "units"):
            begin = offset + LENGTH.itemsize
            offset = begin + int(take_record(probe.head, LENGTH, offset, path=probe.path)["length"])
            if offset > len(probe.head):
                expected, found = f"{name} up to byte {offset}", f"a header of at most {len(probe.head)} bytes"
                raise TruncatedError("the header is incomplete", path=probe.path, expected=expected, found=found)
            dimension[name] = probe.head[begin:offset].decode("utf-8", "replace")
        yield dimension
