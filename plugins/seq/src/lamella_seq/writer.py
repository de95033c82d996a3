"""Writes StreamPix sequences, and what lies beside them, byte by byte without the reader."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_testkit import SampleData

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["START", "Recording", "halves_of", "mrc_bytes", "prebuffer", "readout_bytes", "settings_xml", "stamps_of"]

START = 1_436_000_000


@dataclass(frozen=True)
class Recording:
    """A sequence to write.

    Parameters
    ----------
    frames
        Pixels, shape ``(n, height, width)``, little-endian and unsigned.
    version
        5 and more: time stamps of 8 bytes, frames from byte 8192. Before: 6 bytes, byte 1024.
    padding
        Frames begin at multiples of it [bytes]; 1 for none.
    changes
        Header fields to write instead: ``version``, ``bit_depth``, ``image_size``, ``image_format``, ``allocated``,
        ``true_size``, ``compression``, ``description``, ``description_format``, ``rate``, ``magic``.
    """

    frames: NDArray[Any]
    version: int = 5
    padding: int = 8192
    changes: Mapping[str, Any] | None = None

    @property
    def first(self) -> int:
        """Where frames begin."""
        return 8192 if self.version >= 5 else 1024

    @property
    def stride(self) -> int:
        """Distance of frames [bytes]."""
        used: int = self.frames[0].nbytes + (8 if self.version >= 5 else 6)
        return -(-used // self.padding) * self.padding

    def header(self) -> bytes:
        """Give everything before the first frame."""
        n, height, width = self.frames.shape
        bits = 8 * self.frames.dtype.itemsize
        known = {
            "magic": 0xFEED,
            "version": self.version,
            "description": "made for a test",
            "bit_depth": bits,
            "image_size": self.frames[0].nbytes,
            "image_format": 100,
            "allocated": n,
            "true_size": self.stride,
            "rate": 10.0,
            "compression": 0,
            "description_format": 0,
            **(self.changes or {}),
        }
        start = struct.pack(
            "<I24sii512s",
            known["magic"],
            "Norpix seq".encode("utf-16-le"),
            known["version"],
            1024,
            known["description"].encode("latin-1" if known["description_format"] else "utf-16-le"),
        )
        sizes = struct.pack(
            "<9I",
            width,
            height,
            known["bit_depth"],
            min(12, bits),
            known["image_size"],
            known["image_format"],
            known["allocated"],
            0,
            known["true_size"],
        )
        rest = struct.pack(
            "<diIIIiiiIiHH",
            known["rate"],
            known["description_format"],
            0,
            0,
            0,
            0,
            0,
            0,
            known["compression"],
            START,
            0,
            0,
        )
        return (start + sizes + rest).ljust(self.first, b"\0")

    def fields(self) -> dict[str, object]:
        """Give the fields of the header, as raw metadata hold them."""
        n, height, width = self.frames.shape
        bits = 8 * self.frames.dtype.itemsize
        zeros = (
            *("origin", "description_format", "reference_frame", "fixed_size", "flags", "bayer_pattern", "time_offset"),
            *("extended_header_size", "compression_format", "reference_time_ms", "reference_time_us"),
        )
        return {
            "magic": 0xFEED,
            "name": "Norpix seq",
            "version": self.version,
            "header_size": 1024,
            "description": "made for a test",
            "width": width,
            "height": height,
            "bit_depth": bits,
            "bit_depth_real": min(12, bits),
            "image_size": self.frames[0].nbytes,
            "image_format": 100,
            "allocated_frames": n,
            "true_image_size": self.stride,
            "frame_rate": 10.0,
            "reference_time": START,
            "rest": bytes(392).hex(),
            **dict.fromkeys(zeros, 0),
        }

    def tobytes(self) -> bytes:
        """Give the content of the file; a frame is taken every 33 ms."""
        slots = [self.header()]
        for i, frame in enumerate(self.frames):
            seconds, ms = divmod(33 * i, 1000)
            stamp = struct.pack("<iHH", START + seconds, ms, 250)[: 8 if self.version >= 5 else 6]
            slots.append((frame.tobytes() + stamp).ljust(self.stride, b"\0"))
        return b"".join(slots)

    def write(self, path: Path) -> Path:
        """Write the file."""
        path.write_bytes(self.tobytes())
        return path


def mrc_bytes(image: NDArray[Any], mode: int = 2) -> bytes:
    """Give a dark frame or gain map as an MRC file."""
    head = struct.pack("<10i", image.shape[1], image.shape[0], 1, mode, 0, 0, 0, image.shape[1], image.shape[0], 1)
    return head.ljust(208, b"\0") + b"MAP DD\0\0".ljust(816, b"\0") + image.tobytes()


def readout_bytes(
    height: int, width: int, top: int = 0, left: int = 0, *, binning: int = 1, rotation: int = 0, flip: int = 0
) -> bytes:
    """Give the binary ``.metadata`` of a camera that read out part of its sensor."""
    numbers = (44, 1, width, height, left, top, binning, 12, 100, rotation, flip)
    return bytes(282) + struct.pack("<11i?", *numbers, False) + bytes(64)


def settings_xml(maps: str = "", **info: object) -> str:
    """Give a ``Config.Metadata.xml`` with bad pixel maps and entries of ``FileInfo``."""
    entries = "".join(f'<{name} Value="{value}" />' for name, value in info.items())
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes" ?>\n<Configuration>'
        f"<BadPixels><!-- examples --> {maps}</BadPixels><FileInfo>{entries}</FileInfo></Configuration>"
    )


def prebuffer(n_frames: int) -> int:
    """Give how many halves of frames are stored together."""
    return next(count for count in (3, 2, 1) if n_frames % count == 0)


def _stacked(halves: NDArray[Any], count: int) -> NDArray[Any]:
    n, height, width = halves.shape
    return np.ascontiguousarray(halves).reshape(n // count, count * height, width)


def halves_of(data: SampleData) -> tuple[Recording, Recording]:
    """Give the upper half, whose rows are in reverse order, and the lower one."""
    upper, lower = np.split(data.frames, 2, axis=1)
    count = prebuffer(data.n_frames)
    return Recording(_stacked(upper[:, ::-1], count)), Recording(_stacked(lower, count))


def stamps_of(n_frames: int, microseconds: bool = True, repeats: int = 1) -> dict[str, object]:
    """Give the time of each frame; ``repeats`` frames have one."""
    numbers = np.arange(n_frames, dtype=np.int64) // repeats
    ns = START * 10**9 + 33_000_000 * numbers + 250_000 * microseconds
    return {"time": 0.033 * numbers, "acquired": ns.view("M8[ns]")}
