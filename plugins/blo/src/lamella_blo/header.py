"""The header of a block file, as NanoMEGAS TOPSPIN writes it.

Everything is little-endian and packed. The layout is public through the files themselves and the readers of HyperSpy
(https://hyperspy.org/rosettasciio/supported_formats/blockfile.html) and LiberTEM
(https://libertem.github.io/LiberTEM/formats.html):

========================  =====================================================================
0                         `HEADER`, 240 bytes
240 … ``off_vbf``         note: lines of Latin-1 text, padded with NUL
``off_vbf``               virtual bright field, one byte per scan position, ``(NY, NX)``
``off_dp``                one `RECORD` and ``DP_SZ * DP_SZ`` pixels per scan position
========================  =====================================================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from lamella.errors import CorruptError, FormatError, TruncatedError, UnsupportedError
from lamella.reader import Probe, day_time, json_value, take_record

HEADER = np.dtype(
    [
        ("ID", "S6"),  # IMGBLO
        ("VERSION", "<u2"),  # 0x0102: 8 bit; 0x0103: 8 or 16 bit
        ("OFF_VBF", "<u4"),  # of the virtual bright field [bytes]
        ("OFF_DP", "<u4"),  # of the first record [bytes]
        ("FLAGS", "<u4"),  # unknown
        ("DP_SZ", "<u2"),  # edge of a pattern [px]
        ("DP_ROTATION", "<u2"),  # [degree / 100]
        ("NX", "<u2"),  # scan points along the fast axis
        ("NY", "<u2"),  # scan points along the slow axis
        ("SCAN_ROTATION", "<u2"),  # [degree / 100]
        ("SX", "<f8"),  # scan step along the fast axis [nm]
        ("SY", "<f8"),  # scan step along the slow axis [nm]
        ("BEAM_ENERGY", "<u4"),  # [V]
        ("SDP", "<u2"),  # pixels per centimetre of the screen, times 100
        ("CAMERA_LENGTH", "<u4"),  # [mm / 10]
        ("ACQUISITION_TIME", "<f8"),  # days since 1899-12-30
        ("CENTERING_N", "<f8", (8,)),  # polynomial that keeps the beam in place
        ("DISTORTION_N", "<f8", (14,)),  # distortion model of the camera
    ]
)

RECORD = np.dtype([("MARKER", "<u2"), ("INDEX", "<u4")])
MARKER = 0x55AA

_BIT_DEPTH = re.compile(r"(8|16)\s*bits", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Header:
    """A header whose offsets and sizes are possible, and the note behind it."""

    fields: np.void
    note: str
    path: str
    file_size: int

    def __getitem__(self, name: str) -> Any:
        return self.fields[name].item()

    @property
    def version(self) -> str:
        """The version as people write it: ``"1.2"``."""
        return f"{self['VERSION'] >> 8}.{self['VERSION'] & 0xFF}"

    @property
    def nav_shape(self) -> tuple[int, int]:
        """The scan: ``(NY, NX)``, although the file has NX first."""
        return self["NY"], self["NX"]

    @property
    def n_pixels(self) -> int:
        """The number of pixels of a pattern."""
        edge: int = self["DP_SZ"]
        return edge * edge

    def noted(self, key: str) -> str:
        """Give the value of a line ``key : value`` of the note, whatever the case of the key, or an empty text."""
        pairs = (line.partition(":") for line in self.note.splitlines())
        return {name.strip().lower(): value.strip() for name, _, value in pairs}.get(key.lower(), "")

    @property
    def noted_bit_depth(self) -> int | None:
        """The bit depth that the note states."""
        found = _BIT_DEPTH.match(self.noted("Blo Bit Depth"))
        return int(found[1]) if found else None

    @property
    def acquired(self) -> str | None:
        """The time of acquisition, ISO 8601 without a zone."""
        return day_time(self["ACQUISITION_TIME"])

    def to_json(self) -> dict[str, Any]:
        """Give every field and the note."""
        return {**json_value(self.fields), "NOTE": self.note}


def read_header(probe: Probe) -> Header:
    """Read and check the header.

    Raises
    ------
    FormatError
        If it is none, or its offsets and sizes are impossible.
    """
    path, size = str(probe.path), probe.size
    fields = take_record(probe.head, HEADER, path=path)
    header = Header(fields, _note(probe.head[HEADER.itemsize : min(fields["OFF_VBF"], fields["OFF_DP"])]), path, size)
    if header["ID"] != b"IMGBLO":
        raise FormatError("this is not a block file", path=path, expected="b'IMGBLO'", found=repr(probe.head[:8]))
    if header["VERSION"] >> 8 != 1:
        raise UnsupportedError(
            "unknown version of the format",
            path=path,
            expected="bytes 02 01 or 03 01 at byte 6",
            found=probe.head[6:8].hex(" "),
        )
    for name in ("DP_SZ", "NX", "NY"):
        if header[name] == 0:
            raise CorruptError(f"{name} is zero", path=path, expected="at least 1")
    if header["OFF_DP"] < HEADER.itemsize:
        raise CorruptError(
            "the first pattern lies within the header",
            path=path,
            expected=f"OFF_DP of at least {HEADER.itemsize}",
            found=header["OFF_DP"],
        )
    if header["OFF_DP"] >= size:
        raise TruncatedError(
            "the file ends before the first pattern",
            path=path,
            expected=f"patterns from byte {header['OFF_DP']}",
            found=f"{size} bytes",
        )
    return header


def _note(text: bytes) -> str:
    return text.partition(b"\0")[0].decode("latin-1").strip()
