"""Files that are not of the format under test: empty, noise, text, and the beginnings of many well-known formats."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np

__all__ = ["foreign_files", "noise"]

_TEXT = b"x, y, intensity\n" + b"".join(b"%d, %d, %f\n" % (i % 16, i // 16, i / 7) for i in range(256))
_HEADS = {
    "png": b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBBI", 13, b"IHDR", 64, 64, 8, 0, 0, 0, 0, 0),
    "jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00",
    "tiff": struct.pack("<2sHIHHHIIHHII", b"II", 42, 8, 2, 256, 4, 1, 64, 257, 4, 1, 64),
    "big-endian tiff": struct.pack(">2sHIHHHIIHHII", b"MM", 42, 8, 2, 256, 4, 1, 64, 257, 4, 1, 64),
    "zip": b"PK\x03\x04\x14\x00\x00\x00\x08\x00",
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
    "hdf5": b"\x89HDF\r\n\x1a\n\x00\x00\x00\x00\x00\x08\x08\x00",
    "npy": b"\x93NUMPY\x01\x00\x46\x00{'descr': '<u2', 'fortran_order': False, 'shape': (8, 8, 4, 4), }",
    "blockfile": b"IMGBLO\x02\x01" + struct.pack("<IIIHHHH", 4096, 4112, 0, 8, 0, 4, 4),
    "merlin": b"MQ1,000001,00384,01,0256,0256,U16,   1x1,01,2020-01-01 00:00:00.000000,0.001,0,0,",
    "dm3": struct.pack(">III", 3, 4000, 1) + b"\x01\x00" + struct.pack(">I", 4),
    "dm4": struct.pack(">IQI", 4, 4000, 1) + b"\x01\x00" + struct.pack(">Q", 4),
    "ser": struct.pack("<HHHIIIII", 0x4949, 0x0197, 0x0220, 0x4122, 0x4152, 16, 16, 64),
    "mrc": struct.pack("<10i", 16, 16, 16, 1, 0, 0, 0, 16, 16, 16).ljust(208, b"\0") + b"MAP DD\0\0",
    "seq": b"\xed\xfe\x00\x00N\x00o\x00r\x00p\x00i\x00x\x00",
    "elf": b"\x7fELF\x02\x01\x01",
    "exe": b"MZ\x90\x00\x03\x00",
    "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "xml": b'<?xml version="1.0"?><root><raw_file filename="scan.raw"/></root>',
    "json": b'{"shape": [8, 8], "dtype": "uint16", "values": [',
    "toml": b'[params]\nfiletype = "raw"\nshape = [8, 8]\n',
    "pickle": b"\x80\x04\x95\x0a\x00\x00\x00\x00\x00\x00\x00K\x01.",
    "python": b"#!/usr/bin/env python3\nimport numpy\n",
}


def noise(length: int, seed: int) -> bytes:
    """Give random bytes."""
    return np.random.default_rng(seed).bytes(length)


def foreign_files(noises: int = 5) -> Iterator[tuple[str, bytes]]:
    """Give names and contents."""
    yield "an empty file", b""
    yield "a file of one byte", b"\x00"
    for length in (2, 16, 512, 5000, 70_000):
        yield f"{length} zeros", bytes(length)
        yield f"{length} bytes 0xFF", b"\xff" * length
    yield "text", _TEXT
    yield "compressed data", zlib.compress(noise(4096, 1))
    yield "utf-16 text", _TEXT.decode().encode("utf-16")
    for name, head in _HEADS.items():
        yield f"the beginning of a {name} file", head
        yield f"a {name} file with zeros", head.ljust(8192, b"\0")
        yield f"a {name} file with noise", head + noise(8192, len(head))
    for seed in range(noises):
        length = int(np.random.default_rng(seed).integers(1, 20_000))
        yield f"{length} random bytes (seed {seed})", noise(length, seed)
