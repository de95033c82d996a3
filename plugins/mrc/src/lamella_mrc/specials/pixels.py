"""Packed and complex pixels, and bytes whose sign the header tells in several ways."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lamella_mrc.writer import header_bytes, pack_nibbles
from lamella_testkit import SampleData, Special

__all__ = ["other_pixels"]


def other_pixels(path: Path, data: SampleData) -> Iterator[Special]:
    """Packed and complex pixels, and bytes whose sign the header tells in several ways."""
    n, (height, width) = data.n_frames, data.sig_shape
    for columns in (width, width - 1, 3):
        nibbles = np.ascontiguousarray(data.frames[..., :columns] & 15).astype(np.uint8)
        path.write_bytes(header_bytes((columns, height, n), 101) + pack_nibbles(nibbles))
        yield Special(f"4 bits per pixel, {columns} columns", {"path": path}, pixels=nibbles, notes=0)
    parts = np.stack([data.frames, data.frames[::-1]], axis=-1).astype("<i2")
    numbers = (parts[..., 0].astype("f4") + 1j * parts[..., 1].astype("f4")).astype("c8")
    for order in "<>":
        stored = parts.astype(f"{order}i2").tobytes()
        path.write_bytes(header_bytes((width, height, n), 3, order) + stored)
        yield Special(f"complex integers {order}", {"path": path}, pixels=numbers, notes=0)
    octets = data.frames.astype(np.uint8)
    size = (width, height, n)
    for text, known, keywords, dtype, notes in (
        ("bytes that IMOD calls unsigned", {"imod_flags": 0}, {}, "u1", 0),
        ("bytes that IMOD calls signed", {"imod_flags": 1}, {}, "i1", 0),
        ("bytes with a value of 200", {"density": (0.0, 200.0, 90.0)}, {}, "u1", 1),
        ("bytes with a value of 128", {"density": (0.0, 128.0, 90.0)}, {}, "u1", 1),
        ("bytes with one value of 200", {"density": (200.0, 200.0, 200.0)}, {}, "u1", 1),
        ("bytes of which the header tells nonsense", {"density": (210.0, 200.0, 205.0)}, {}, "i1", 0),
        ("bytes with a value below zero", {"density": (-1.0, 200.0, 90.0)}, {}, "i1", 0),
        ("bytes with a value of 127", {"density": (0.0, 127.0, 90.0)}, {}, "i1", 0),
        ("bytes that the user calls signed", {"imod_flags": 0}, {"signed": True}, "i1", 0),
        ("bytes that the user calls unsigned", {}, {"signed": False}, "u1", 0),
    ):
        path.write_bytes(header_bytes(size, 0, **known) + octets.tobytes())
        yield Special(text, {"path": path, **keywords}, pixels=octets.view(dtype), notes=notes)
