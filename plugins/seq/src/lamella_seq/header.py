"""The header of a StreamPix sequence, and where its frames and time stamps lie.

Source: the readers of PIMS (https://github.com/soft-matter/pims/blob/main/pims/norpix_reader.py) and of Piotr's toolbox
(https://github.com/pdollar/toolbox/blob/master/videos/seqIo.m), compared with sequences of StreamPix 6. Everything is
little-endian::

    0                     HEADER
    8192 (version 3, 4: 1024)
                          frames, one every ``true_image_size`` bytes: pixels, time stamp, padding
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import CorruptError, UnsupportedError
from lamella.reader import RunTable, fields_of, json_value, moments, read_records, take_record

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.reader import Probe

__all__ = ["HEADER", "MAGIC", "Header", "TimeStamps", "read_header"]

MAGIC = 0xFEED

HEADER = np.dtype(
    [
        ("magic", "<u4"),
        ("name", "V24"),  # "Norpix seq" in UTF-16
        ("version", "<i4"),
        ("header_size", "<i4"),  # 1024, wherever frames begin
        ("description", "V512"),
        ("width", "<u4"),
        ("height", "<u4"),
        ("bit_depth", "<u4"),  # of the container
        ("bit_depth_real", "<u4"),
        ("image_size", "<u4"),  # of the pixels of a frame [bytes]
        ("image_format", "<u4"),
        ("allocated_frames", "<u4"),
        ("origin", "<u4"),
        ("true_image_size", "<u4"),  # distance of frames [bytes]
        ("frame_rate", "<f8"),  # suggested [1/s]
        ("description_format", "<i4"),  # 0: UTF-16, 1: ASCII
        ("reference_frame", "<u4"),
        ("fixed_size", "<u4"),
        ("flags", "<u4"),
        ("bayer_pattern", "<i4"),
        ("time_offset", "<i4"),  # [µs]
        ("extended_header_size", "<i4"),
        ("compression_format", "<u4"),
        ("reference_time", "<i4"),  # since 1970 [s]
        ("reference_time_ms", "<u2"),
        ("reference_time_us", "<u2"),
        ("rest", "V392"),
    ]
)

COMPRESSIONS = dict(
    enumerate(("none", "JPEG", "RLE", "Huffman", "LZ", "fast RLE", "fast Huffman", "fast LZ", "H264", "wavelet"))
)
IMAGE_FORMATS: Mapping[int, str] = {
    0: "unknown",
    100: "mono",
    101: "Bayer",
    112: "mono, most significant bits",
    114: "mono, most significant bits",
    131: "packed mono",
    133: "packed mono",
    200: "BGR",
    300: "planar colours",
    400: "RGB",
    500: "BGRx",
    600: "YUV422",
    610: "YUV422 20",
    620: "YUV422 packed",
    700: "UVY422",
    800: "UVY411",
    900: "UVY444",
}
MONO = 100
EXPORT = "Export the sequence without compression and in grey from StreamPix"

STAMP = np.dtype([("s", "<i4"), ("ms", "<u2"), ("us", "<u2")])
STAMP_BEFORE_5 = np.dtype([("s", "<i4"), ("ms", "<u2")])
"""The time stamp behind a frame, since 1970; before version 5 without microseconds."""


@dataclass(frozen=True, slots=True)
class Header:
    """A header of frames that can be read; ``fields`` holds it as stored, ``runs`` where complete frames lie."""

    fields: dict[str, Any]
    runs: RunTable
    notes: tuple[str, ...]

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]

    @property
    def n_frames(self) -> int:
        """The number of complete frames, also where the header knows of fewer."""
        return self.runs.n_frames

    @property
    def sig_shape(self) -> tuple[int, int]:
        """Height and width."""
        return self["height"], self["width"]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The stored dtype."""
        return np.dtype(f"<u{self['bit_depth'] // 8}")

    @property
    def offset(self) -> int:
        """The first byte of the first frame."""
        return _first_frame(self["version"])

    @property
    def stride(self) -> int:
        """The distance of frames [bytes]."""
        return int(self["true_image_size"])

    @property
    def text(self) -> str:
        """The description."""
        return _text(self["description"], "utf-16-le" if self["description_format"] == 0 else "latin-1")

    def to_json(self) -> dict[str, Any]:
        """Give every field, ready for JSON."""
        texts = {"name": _text(self["name"]), "description": self.text, "rest": self["rest"].hex()}
        return {name: json_value(value) for name, value in (self.fields | texts).items()}

    def stamps(self, path: Path) -> TimeStamps | None:
        """Give the time stamps behind the pixels, None if there is no room for any."""
        dtype = STAMP_BEFORE_5 if self["version"] < 5 else STAMP
        if self.stride - self["image_size"] < dtype.itemsize:
            return None
        return TimeStamps(path, self.offset + self["image_size"], self.stride, self.n_frames, dtype)


@dataclass(frozen=True, slots=True)
class TimeStamps:
    """Reads when frames were taken, by the clock of the recording computer."""

    path: Path
    offset: int
    stride: int
    count: int
    dtype: np.dtype[Any]

    def __call__(self) -> NDArray[np.datetime64]:
        """Give the time of every frame."""
        return self.read(range(self.count))

    def read(self, frames: Sequence[int]) -> NDArray[np.datetime64]:
        """Give the time of some frames."""
        places = self.offset + np.asarray(frames, dtype=np.int64) * self.stride
        stamps = read_records(self.path, places, self.dtype)
        microseconds = 1000 * stamps["ms"].astype(np.int64) + (stamps["us"] if self.dtype == STAMP else 0)
        return moments(stamps["s"], 1000 * microseconds)


def read_header(probe: Probe) -> Header:
    """Give the header of a sequence.

    Raises
    ------
    FormatError
        If it is none, contradicts itself or the size of the file, or if frames are stored in a way that is not read.
    """
    if int.from_bytes(probe.head[:4], "little") != MAGIC:
        raise CorruptError("not a StreamPix sequence", path=probe.path, expected=f"{MAGIC:#x}", found=probe.head[:4])
    fields = fields_of(take_record(probe.head, HEADER, path=probe.path))
    _check_kind(fields, probe)
    width, height, depth, image_size, stride = (
        fields[name] for name in ("width", "height", "bit_depth", "image_size", "true_image_size")
    )
    needed = width * height * depth // 8
    if min(width, height) == 0 or image_size < needed or stride < image_size:
        raise CorruptError(
            "the sizes in the header contradict each other",
            path=probe.path,
            expected=f"at least {needed} bytes for {height} x {width} pixels of {depth} bits",
            found=f"image_size {image_size}, true_image_size {stride}",
        )
    resource, offset, allocated = probe.resource, _first_frame(fields["version"]), fields["allocated_frames"]
    runs, notes = RunTable.that_fit(resource, offset=offset, stride=stride)
    if runs.n_frames < allocated:
        runs, notes = RunTable.that_fit(resource, offset=offset, stride=stride, announced=allocated)
    return Header(fields, runs, notes)


def _text(raw: bytes, coding: str = "utf-16-le") -> str:
    return raw.decode(coding, errors="replace").partition("\0")[0]


def _first_frame(version: int) -> int:
    return 8192 if version >= 5 else 1024


def _check_kind(fields: dict[str, Any], probe: Probe) -> None:
    """Refuse what is not read, by its name."""
    compression, kind = fields["compression_format"], fields["image_format"]
    for name, code, expected, remedy in (
        (f"frames are compressed ({COMPRESSIONS.get(compression, 'unknown kind')})", compression, (0,), EXPORT),
        (f"frames are not monochrome ({IMAGE_FORMATS.get(kind, 'unknown kind')})", kind, (MONO,), EXPORT),
        (f"pixels of {fields['bit_depth']} bits cannot be read", fields["bit_depth"], (8, 16, 32), None),
    ):
        if code not in expected:
            listed = " or ".join(map(str, expected))
            raise UnsupportedError(name, path=probe.path, expected=listed, found=code, remedy=remedy)
