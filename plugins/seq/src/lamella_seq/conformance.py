"""StreamPix sequences for tests, written byte by byte without the reader."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_testkit import Sampler

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella_testkit import SampleData

__all__ = ["Recording", "SeqSampler", "mrc_bytes", "readout_bytes", "settings_xml"]

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
        ``true_size``, ``compression``, ``description``, ``rate``, ``magic``.
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
            **(self.changes or {}),
        }
        start = struct.pack(
            "<I24sii512s",
            known["magic"],
            "Norpix seq".encode("utf-16-le"),
            known["version"],
            1024,
            known["description"].encode("utf-16-le"),
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
        rest = struct.pack("<diIIIiiiIiHH", known["rate"], 0, 0, 0, 0, 0, 0, 0, known["compression"], START, 0, 0)
        return (start + sizes + rest).ljust(self.first, b"\0")

    def tobytes(self) -> bytes:
        """Give the content of the file; a frame is taken every 33.25 ms (33 ms in older versions)."""
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


class SeqSampler(Sampler):
    """Writes padded and unpadded sequences of new and old versions, and the halves of a split sensor."""

    format = "seq"
    dtypes = ("<u2", "<u1", "<u4")
    nav_ranks = (2, 1, 3)
    variants = ("padded", "unpadded", "old", "celeritas")

    def fit(self, data: SampleData) -> SampleData:
        """Give an even number of rows to a sensor that is split."""
        height, width = data.sig_shape
        return data.but(sig_shape=(height + height % 2, width)) if data.variant == "celeritas" else data

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        """Write one sequence, or two halves with the settings that belong to them."""
        if data.variant != "celeritas":
            path = directory / "a.seq"
            _sequence(data).write(path)
            return {"path": path, "nav_shape": data.nav_shape}
        upper, lower = np.split(data.frames, 2, axis=1)
        count = _prebuffer(data.n_frames)
        top = Recording(_stacked(upper[:, ::-1], count)).write(directory / "a_Top_13-49-04.160.seq")
        Recording(_stacked(lower, count)).write(directory / "a_Bottom_13-49-04.196.seq")
        xml = settings_xml(SegmentPreBuffer=count, HT=200, CameraType="Celeritas Camera")
        (directory / "a.seq.Config.Metadata.xml").write_text(xml)
        return {"path": top, "nav_shape": data.nav_shape}

    def metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give what header and settings tell."""
        known: dict[str, object] = {"title": "made for a test", "acquired": "2015-07-04T08:53:20.000250"}
        if data.variant == "old":
            known["acquired"] = "2015-07-04T08:53:20"
        return known | ({"beam_energy": 200e3, "detector": "Celeritas Camera"} if data.variant == "celeritas" else {})

    def boundaries(self, data: SampleData) -> Mapping[str, Sequence[int]]:
        """Give the ends of header, pixels, time stamps and slots."""
        if data.variant == "celeritas":
            return {}
        sequence = _sequence(data)
        slots = [sequence.first + i * sequence.stride for i in range(data.n_frames + 1)]
        pixels = sequence.frames[0].nbytes
        return {"a.seq": [4, 28, 548, 632, 1024, *slots, *(slot + pixels for slot in slots[:-1])]}

    def write_sparse(self, directory: Path, nbytes: int) -> Mapping[str, Any] | None:
        """Write a sequence with a hole instead of pixels."""
        frame = np.zeros((1, 256, 256), "<u2")
        stride = Recording(frame).stride
        n = max(1, nbytes // stride)
        path = directory / "sparse.seq"
        with path.open("wb") as file:
            file.write(Recording(frame, changes={"allocated": n}).header())
            file.truncate(8192 + n * stride)
        return {"path": path}


def _sequence(data: SampleData) -> Recording:
    if data.variant == "old":
        return Recording(data.frames, version=3, padding=1)
    return Recording(data.frames, padding=1 if data.variant == "unpadded" else 8192)


def _prebuffer(n_frames: int) -> int:
    return next(count for count in (3, 2, 1) if n_frames % count == 0)


def _stacked(halves: NDArray[Any], count: int) -> NDArray[Any]:
    n, height, width = halves.shape
    return np.ascontiguousarray(halves).reshape(n // count, count * height, width)
