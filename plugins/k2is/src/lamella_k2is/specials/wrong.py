"""Sectors that do not fit together, tags that make no sense, and parameters that fit nothing."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lamella.errors import CorruptError, FormatError, ParameterError, TruncatedError
from lamella_k2is.writer import BASE, BLOCK, FIRST_COUNT, FIRST_ID, described, gtg_bytes, header_bytes, sector_bytes
from lamella_testkit import SampleData, Wrong

__all__ = ["wrong_files"]


def wrong_files(directory: Path, data: SampleData, keywords: Mapping[str, Any]) -> Iterator[Wrong]:
    """Write sectors that do not fit together, tags that make no sense, and parameters that fit nothing."""
    yield from _wrong_tags(directory, data, keywords)
    yield from _wrong_parameters(directory, data, keywords)
    yield from _wrong_sectors(directory, data, keywords)
    yield from _missing_sectors(directory, keywords)


def _wrong_tags(directory: Path, data: SampleData, keywords: Mapping[str, Any]) -> Iterator[Wrong]:
    tags = directory / f"{BASE}.gtg"
    right = tags.read_bytes()
    nested = struct.pack(">BBIBH", 1, 0, 1, 20, 0) * 2000 + struct.pack(">BBI", 1, 0, 0)
    for text, wrong in (
        ("tags of version 5", struct.pack(">I", 5) + right[4:]),
        ("tags of version 2", struct.pack(">I", 2) + right[4:]),
        ("tags that were cut", right[: len(right) // 2]),
        ("a scan without lines", gtg_bytes((0, 3))),
        ("a scan without columns", gtg_bytes((3, 0))),
        ("a tag of no kind", gtg_bytes(data.nav_shape, more={"nothing": described([], b"", "I")})),
        ("a tag of an unknown kind", gtg_bytes(data.nav_shape, more={"nothing": described([13], bytes(8), "I")})),
        (
            "a list of an unknown kind",
            gtg_bytes(data.nav_shape, more={"nothing": described([20, 13, 1], bytes(8), "I")}),
        ),
        ("a list without its length", gtg_bytes(data.nav_shape, more={"nothing": described([20, 3], bytes(8), "I")})),
        ("a value without its mark", right.replace(b"%%%%", b"%%%!", 1)),
        ("an entry of an unknown kind", right.replace(b"\x15\0\x06Size X", b"\x16\0\x06Size X")),
        ("groups without end", struct.pack(">III", 3, len(nested), 1) + nested),
    ):
        tags.write_bytes(wrong)
        yield Wrong(text, keywords, CorruptError)
    tags.write_bytes(right)


def _wrong_parameters(directory: Path, data: SampleData, keywords: Mapping[str, Any]) -> Iterator[Wrong]:
    tags = directory / f"{BASE}.gtg"
    right = tags.read_bytes()
    for text, more in (
        ("no flyback columns to drop", {"drop_flyback": True}),
        ("a series without flyback", {"drop_flyback": True, "mode": "series"}),
        ("a series behind its end", {"mode": "series", "first_frame": data.n_frames}),
        ("a series far behind its end", {"mode": "series", "first_frame": data.n_frames + 2}),
    ):
        yield Wrong(text, {**keywords, **more}, ParameterError)
    rows, columns = data.nav_shape
    for text, sampling in (
        ("no word of flyback", {}),
        ("more columns than the scan", {"Height (pixels)": rows, "Width (pixels)": columns + 1}),
        ("more rows than the scan", {"Height (pixels)": rows + 1, "Width (pixels)": columns}),
        ("no rows", {"Height (pixels)": 0, "Width (pixels)": columns}),
        ("a width with a fraction", {"Height (pixels)": rows, "Width (pixels)": float(columns)}),
    ):
        stated = {"SI Image Tags": {"SI": {"Acquisition": {"Spatial Sampling": sampling}}}}
        tags.write_bytes(gtg_bytes(data.nav_shape, more=stated))
        yield Wrong(f"{text}, and flyback is to be dropped", {**keywords, "drop_flyback": True}, ParameterError)
    tags.unlink()
    yield Wrong("flyback without tags", {**keywords, "drop_flyback": True, "mode": "stem"}, ParameterError)
    tags.write_bytes(right)


def _wrong_sectors(directory: Path, data: SampleData, keywords: Mapping[str, Any]) -> Iterator[Wrong]:
    last = directory / f"{BASE}8.bin"
    content = last.read_bytes()
    frames = data.frames[:, :, 1792:]
    flagged = range(1, data.n_frames)
    end = (32 * data.n_frames - 32) * BLOCK
    of_others = sector_bytes(frames, flagged=flagged, frame_id=FIRST_ID + 1)
    for text, sector, error in (
        ("a sector of another time", sector_bytes(frames, flagged=flagged, count=FIRST_COUNT + 320_000), CorruptError),
        ("a sector of an earlier time", sector_bytes(frames, flagged=flagged, count=FIRST_COUNT - 3200), CorruptError),
        (
            "a sector that begins frames elsewhere",
            sector_bytes(frames, flagged=flagged, count=FIRST_COUNT + 5),
            CorruptError,
        ),
        ("a sector of other frames", of_others, CorruptError),
        ("a sector whose last frame is another", content[:end] + of_others[end:], CorruptError),
        ("a sector that moves its blocks", _moved(content), CorruptError),
        ("a sector of zeros", bytes(len(content)), FormatError),
        ("a sector of an incomplete frame", content[: 31 * BLOCK], TruncatedError),
        ("less than a block", content[: BLOCK - 1], TruncatedError),
    ):
        last.write_bytes(sector)
        yield Wrong(text, keywords, error)
    last.write_bytes(content)


def _moved(content: bytes) -> bytes:
    """Let blocks stand one place further in their frame from the middle on, and count on."""
    moved = bytearray(content)
    n_blocks = len(content) // BLOCK
    for at in range(n_blocks // 2, n_blocks):
        moved[at * BLOCK + 28 : at * BLOCK + 36] = header_bytes(at + 1, False, 0, 0)[28:36]
    return bytes(moved)


def _missing_sectors(directory: Path, keywords: Mapping[str, Any]) -> Iterator[Wrong]:
    last = directory / f"{BASE}8.bin"
    content = last.read_bytes()
    stranger = directory / f"{BASE}.dat"
    stranger.write_bytes(content[:BLOCK])
    yield Wrong("a file that is called like the tags and is none", {"path": stranger}, FormatError)
    second = directory / f"{BASE}8.BIN"
    if not second.exists():  # where names differ that differ in their letters' case
        second.write_bytes(content)
        yield Wrong("two files of one sector", keywords, FormatError)
        second.unlink()
    last.unlink()
    yield Wrong("a sector that is missing", keywords, FormatError)
    yield Wrong("tags beside which a sector is missing", {"path": directory / f"{BASE}.gtg"}, FormatError)
