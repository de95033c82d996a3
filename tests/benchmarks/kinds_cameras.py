"""Formats of cameras that move pixels about or pack them: the pnCCD (frms6) and the Gatan K2 IS."""

from __future__ import annotations

import math
import struct
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Kind, Pixels, Shape

from lamella_k2is.writer import gtg_bytes

_PNCCD = (264, 264)
_K2 = (1860, 2048)
_BLOCK = 22360


def _frms6(path: Path, nav: Shape, pixels: Pixels) -> None:
    height, width = _PNCCD
    half, count = height // 2, math.prod(nav)
    head = struct.pack("<HHBBBB80sHH", 1024, 64, 1, 0, 0, 6, b"synthetic", 2 * width, half)
    record = np.dtype([("head", "V64"), ("upper_and_lower", "<u2", (half, 2, width))])
    index = 0
    with path.open("wb") as file:
        file.write(head.ljust(1020, b"\0") + struct.pack("<I", count))
        for batch in pixels:
            records = np.zeros(len(batch), dtype=record)
            records["upper_and_lower"][:, :, 0] = batch[:, :half]
            records["upper_and_lower"][:, :, 1] = batch[:, half:][:, ::-1, ::-1]
            for i in range(len(batch)):
                records["head"][i] = _frms6_frame(index + i, half)
            records.tofile(file)
            index += len(batch)
    # Two dark frames, as acquisitions have them; they are zero, so that the pixels are what was written.
    dark = np.zeros(2, dtype=record)
    for i in range(2):
        dark["head"][i] = _frms6_frame(i, half)
    with path.with_name(path.name.replace("_001.", "_000.")).open("wb") as file:
        file.write(head.ljust(1020, b"\0") + struct.pack("<I", 2))
        dark.tofile(file)
    text = [
        "[measurementInfo]",
        f"SignalFrames = {count}",
        "darkframes=2",
        "gain = 1",
        f"stemimagesize = {nav[0]}x{nav[1]}",
        f'readoutmode = "bin: 1, windowing: {half} x {width}"',
        "dwelltimemicroseconds = 625",
    ]
    path.with_name(path.name.removesuffix("_001.frms6") + ".hdr").write_text("\r\n".join(text) + "\r\n")


def _frms6_frame(index: int, lines: int) -> bytes:
    head = struct.pack("<BBBBIII", 0, 0, 1, 0, 1_449_144_000, 1000 * index, index)
    return (head + struct.pack("<dHHIQ", -1.25, 0, lines, 7 + index, 100 + index)).ljust(64, b"\0")


def _k2is(path: Path, nav: Shape, pixels: Pixels) -> None:
    index = 0
    with ExitStack() as stack:
        sectors = [
            stack.enter_context(path.with_name(f"{path.name[:-5]}{number}.bin").open("wb")) for number in range(1, 9)
        ]
        for batch in pixels:
            for frame in batch:
                for number, sector in enumerate(sectors):
                    sector.write(_k2is_frame(frame[:, 256 * number : 256 * number + 256], index))
                index += 1
    path.with_name(f"{path.name[:-5]}.gtg").write_bytes(gtg_bytes(None))


def _k2is_frame(pixels: np.ndarray[Any, Any], index: int) -> bytes:
    """Give the 32 blocks of one frame in one sector: 16 columns of 930 rows each, from right to left."""
    blocks = []
    for block in range(32):
        x, y = 16 * (15 - block % 16), 930 * (block // 16)
        # The magic word, a version, the shutter flag, the number of the block, and where its pixels belong.
        head = struct.pack(
            ">I4sBB6sIHHIHHHHI",
            *(0xFFFF0055, b"\x01\x02\x03\x04", 1, 0xA5, b"unused", 70_016 + 32 * index + block),
            *(256, 1860, 59 + index, x, y, x + 15, y + 929, _BLOCK),
        )
        low, high = pixels[y : y + 930, x : x + 16].reshape(-1, 2).T.astype(np.uint16)
        packed = np.stack([low & 0xFF, low >> 8 | (high & 0xF) << 4, high >> 4], axis=1)
        blocks.append(head + packed.astype(np.uint8).tobytes())
    return b"".join(blocks)


KINDS = {
    "frms6": Kind("frms6", "_001.frms6", "<u2", 1000, 2 * math.prod(_PNCCD) + 64, _frms6, sig=_PNCCD),
    # 64 masks of so large frames would be a gigabyte.
    "k2is": Kind("k2is", "1.bin", "<u2", 1000, 256 * _BLOCK, _k2is, sig=_K2, not_jobs=("mask64",)),
}
