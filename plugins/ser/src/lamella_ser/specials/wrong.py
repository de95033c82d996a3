"""Headers and elements that contradict themselves or the file, and settings of no series."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from lamella.errors import CorruptError, FormatError, TruncatedError, UnsupportedError
from lamella_ser.writer import emi_bytes, series_bytes, stride_of
from lamella_testkit import SampleData, Wrong

__all__ = ["wrong_files"]


def wrong_files(directory: Path, data: SampleData) -> Iterator[Wrong]:
    """Write headers and elements that contradict themselves or the file, and settings of no series."""
    path, emi, second = (directory / name for name in ("scan_1.ser", "scan.emi", "scan_2.ser"))
    right = series_bytes(data.frames, scan=data.nav_shape)
    first = len(right) - data.n_frames * stride_of(data)
    for text, at, wrong, error in (
        ("another signature", 2, b"\x98", FormatError),
        ("an unknown version", 4, b"\x30", UnsupportedError),
        ("elements of an unknown kind", 6, b"\x21", UnsupportedError),
        ("fewer elements planned than recorded", 14, struct.pack("<I", data.n_frames - 1), CorruptError),
        ("no elements", 18, bytes(4), UnsupportedError),
        ("a table beyond the file", 22, struct.pack("<Q", len(right) - 100), TruncatedError),
        ("too many dimensions", 30, b"\x11", CorruptError),
        ("a long description", 58, b"\0\0\1", TruncatedError),
        ("a first element beyond the file", right.index(struct.pack("<Q", first)), b"\xff" * 4, None),
        ("a first element before the file", right.index(struct.pack("<Q", first)), b"\xff" * 8, None),
        ("pixels of an unknown type", first + 40, b"\x0b", UnsupportedError),
        ("elements without pixels", first + 42, bytes(4), CorruptError),
        ("a second element of another shape", first + stride_of(data) + 42, b"\1", UnsupportedError),
    ):
        path.write_bytes(right[:at] + wrong + right[at + len(wrong) :])
        yield Wrong(text, {"path": path}, error)
    more = series_bytes(data.frames, scan=data.nav_shape, planned=data.n_frames + 2)
    first = len(more) - data.n_frames * stride_of(data)
    tables = more[first - 16 * (data.n_frames + 2) : first]
    path.write_bytes(more[:22] + struct.pack("<Q", len(more)) + more[30:] + tables[:-1])
    yield Wrong("tables behind the elements, of which the unused end was cut", {"path": path}, TruncatedError)
    path.unlink()
    emi.write_bytes(emi_bytes(path.name))
    yield Wrong("settings of no series", {"path": emi}, FormatError)
    path.write_bytes(right)
    second.write_bytes(right)
    yield Wrong("settings of two series", {"path": emi}, FormatError)
