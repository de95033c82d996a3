"""One ``.frms6`` file: a header, then frames at constant distance, each behind a header of its own.

Everything is little-endian. The structures are those of the camera's own ``fformat.h``, version 6, which is public in
the sources of CASS and of the LCLS data acquisition. In older files the last four bytes of the file header belong to
its reserve, so that the number of frames is 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import CorruptError, FormatError, UnsupportedError
from lamella.reader import Probe, Resource, json_value, take_record

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FILE_HEADER", "FRAME_HEADER", "INCOMPLETE", "Part", "read_part"]

FILE_HEADER = np.dtype(
    [
        ("header_nbytes", "<u2"),  # 1024
        ("frame_header_nbytes", "<u2"),  # 64
        ("n_ccds", "u1"),
        ("width_v5", "u1"),  # before version 6
        ("max_height_v5", "u1"),  # before version 6
        ("version", "u1"),  # 6
        ("dataset_id", "S80"),
        ("width", "<u2"),  # columns of a stored frame: the read-out channels of both chips
        ("height", "<u2"),  # lines of a stored frame
        ("reserve", "V928"),
        ("n_frames", "<u4"),  # 0 if not known
    ]
)

FRAME_HEADER = np.dtype(
    [
        ("start_line_v5", "u1"),  # before version 6
        ("flags", "u1"),  # 1 calibration, 2 packed, 4 frame and 8 last line incomplete, 16 time from the DEFA clock
        ("ccd", "u1"),
        ("height_v5", "u1"),  # before version 6
        ("seconds", "<u4"),  # since 1970 [s]
        ("microseconds", "<u4"),  # [µs]
        ("index", "<u4"),
        ("temperature", "<f8"),  # [V]
        ("start_line", "<u2"),  # more than 0 in window mode
        ("lines", "<u2"),  # in this frame; 0 if not known
        ("trigger", "<u4"),
        ("auxiliary", "<u8"),  # bunch number at free-electron lasers
        ("fill", "V24"),
    ]
)

_PACKED = 0x02
INCOMPLETE = 0x04 | 0x08


@dataclass(frozen=True, slots=True)
class Part:
    """A file whose header is right.

    Parameters
    ----------
    resource
        The file.
    width, height
        Columns and lines of a stored frame.
    announced
        Number of frames that the header states, 0 if it states none.
    header
        The fields of the header, JSON-able.
    first_frame, last_frame
        The fields of the headers of the first and the last frame, JSON-able; empty if there is no frame.
    """

    resource: Resource
    width: int
    height: int
    announced: int
    header: Mapping[str, Any]
    first_frame: Mapping[str, Any] = field(default_factory=dict)
    last_frame: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The file."""
        return self.resource.path

    @property
    def stride(self) -> int:
        """The distance between frames [bytes]."""
        return FRAME_HEADER.itemsize + 2 * self.width * self.height

    @property
    def count(self) -> int:
        """The number of frames to use: complete ones that the header knows of."""
        room = (self.resource.size - FILE_HEADER.itemsize) // self.stride
        return min(room, self.announced) if self.announced else room


def read_part(path: Path) -> Part:
    """Read the header of a part and check it.

    Raises
    ------
    FormatError
        If it is none, or frames of its kind cannot be read.
    """
    probe = Probe.of(path)
    fields = _file_header(probe)
    part = Part(
        probe.resource,
        int(fields["width"]),
        int(fields["height"]),
        int(fields["n_frames"]),
        _plain(fields),
    )
    if part.count == 0:
        return part
    last = _plain(_frame_header(probe, part, part.count - 1))
    return replace(part, first_frame=_plain(_frame_header(probe, part, 0)), last_frame=last)


def _file_header(probe: Probe) -> np.void:
    fields = take_record(probe.head, FILE_HEADER, path=probe.path)
    found = {name: int(fields[name]) for name in ("header_nbytes", "frame_header_nbytes")}
    wanted = {"header_nbytes": FILE_HEADER.itemsize, "frame_header_nbytes": FRAME_HEADER.itemsize}
    if found != wanted:
        raise FormatError(
            "this is not a .frms6 file",
            path=probe.path,
            expected="headers of {header_nbytes} and {frame_header_nbytes} bytes".format_map(wanted),
            found="headers of {header_nbytes} and {frame_header_nbytes} bytes".format_map(found),
        )
    if fields["version"] != 6:
        raise UnsupportedError("unknown version of the format", path=probe.path, expected=6, found=fields["version"])
    if fields["width"] == 0 or fields["width"] % 2 or fields["height"] == 0:
        raise CorruptError(
            "frames cannot have this size",
            path=probe.path,
            expected="an even number of columns and at least one line",
            found=f"{fields['width']} columns and {fields['height']} lines",
        )
    return fields


def _frame_header(probe: Probe, part: Part, index: int) -> np.void:
    content = probe.read(FILE_HEADER.itemsize + index * part.stride, FRAME_HEADER.itemsize)
    fields = take_record(content, FRAME_HEADER, path=probe.path, what=f"header of frame {index}")
    if fields["flags"] & _PACKED:
        raise UnsupportedError(
            f"frame {index} is packed to 12 bits, which is not supported",
            path=probe.path,
            remedy="Save it without packing",
        )
    if fields["lines"] not in (0, part.height):
        raise UnsupportedError(
            f"frame {index} is a window, and windows of varying height are not supported",
            path=probe.path,
            expected=f"{part.height} lines",
            found=f"{fields['lines']} lines",
        )
    return fields


def _plain(record: np.void) -> dict[str, Any]:
    """Give the fields that mean something as JSON-able values."""
    names = [name for name in record.dtype.names or () if record.dtype[name].kind != "V"]
    return {name: json_value(record[name]) for name in names}
