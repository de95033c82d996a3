"""Frames that are not where they should be, raw frames that nobody can read, and scans that cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lamella.errors import CorruptError, FormatError, ParameterError, TruncatedError, UnsupportedError
from lamella_mib.specials.writing import CAMERA
from lamella_mib.writer import Merlin, sidecar_text
from lamella_testkit import SampleData, Wrong

__all__ = ["wrong_files"]


def wrong_files(directory: Path, data: SampleData) -> Iterator[Wrong]:
    """Write frames that are not where they should be, raw frames that nobody can read, and scans that cannot be."""
    frames = np.ascontiguousarray(data.but(dtype="<u2").frames)
    path, sidecar = directory / "a.mib", directory / "a.hdr"
    given: dict[str, Any] = {"path": path}
    content = CAMERA.part(frames)
    stride = len(content) // len(frames)
    moved = content[:stride] + b"x" + content[stride:]
    for what, wrong, error, confidence in (
        ("a second frame that is somewhere else", moved, CorruptError, 70),
        ("two frames, the second somewhere else", moved[: 2 * stride], CorruptError, 70),
        ("nothing", b"", TruncatedError, 0),
        ("no frames", b"no frames at all" * 100, FormatError, 0),
        ("a file that ends within the first header", content[:100], TruncatedError, 70),
        ("a file that ends after the first header", content[:384], TruncatedError, 70),
        ("a file that ends within the first frame", content[: stride - 1], TruncatedError, 70),
        ("a header that breaks off", b"MQ1,000001,00384,01," + bytes(1000), TruncatedError, 70),
        (
            "a header of eight fields",
            b"MQ1,000001,00384,01,0006,0005,U16,   1x1".ljust(1000, b"\0"),
            TruncatedError,
            70,
        ),
        ("the beginning of a header", b"MQ", TruncatedError, 0),
        ("a damaged field", content.replace(b",01,", b",zz,"), CorruptError, 70),
        ("a number of thirteen digits", content.replace(b",01,", b",0000000000001,"), CorruptError, 70),
        ("no chips", content.replace(b",01,", b",00,"), CorruptError, 70),
        ("no columns", content.replace(b",0006,0005,", b",0000,0005,"), CorruptError, 70),
        ("no rows", content.replace(b",0006,0005,", b",0006,0000,"), CorruptError, 70),
        ("pixels of an unknown type", content.replace(b",U16,", b",U12,"), UnsupportedError, 70),
        (
            "raw frames of three chips",
            content.replace(b",01,", b",03,").replace(b",U16,", b",R64,"),
            UnsupportedError,
            70,
        ),
        ("raw frames of no whole words", content.replace(b",U16,", b",R64,"), CorruptError, 70),
    ):
        path.write_bytes(wrong)
        yield Wrong(what, given, error, confidence=confidence)
    quad = Merlin(raw=True, depth=12, chips=4)
    row = np.zeros((2, 2, 512), np.uint16)
    path.write_bytes(quad.part(row).replace(b",1024,", b",2048,"))
    yield Wrong("rows of a raw quad that are too long", given, CorruptError)
    path.write_bytes(quad.part(row).replace(b",1024,", b",0512,"))
    yield Wrong("rows of a raw quad that are too short", given, UnsupportedError)
    path.write_bytes(quad.part(row).replace(b"   2x2,", b"   Nx1,"))
    yield Wrong("four raw chips in a row", given, UnsupportedError)
    path.write_bytes(quad.part(row).replace(b",04,", b",02,"))
    yield Wrong("two raw chips", given, UnsupportedError)
    one = Merlin(raw=True, depth=12).part(row[..., :256])
    path.write_bytes(one)
    yield Wrong("a gap between the chips of one", {**given, "gap": 3}, ParameterError)
    path.write_bytes(Merlin(raw=True, depth=12).part(row[..., :256]).replace(b",12,\0", b",13,\0"))
    yield Wrong("counters of an unknown depth", given, UnsupportedError)
    path.write_bytes(Merlin(raw=True, depth=12, extension=False).record(row[0, :, :256], 1)[:-1] + bytes(4096))
    yield Wrong("counters whose depth nothing tells", given, UnsupportedError)
    path.write_bytes(content)
    yield Wrong("a gap between chips of assembled frames", {**given, "gap": 3}, ParameterError)
    yield Wrong("a first frame after the last", {**given, "first_frame": len(frames)}, ParameterError)
    (directory / "a1.mib").write_bytes(b"no frames at all" * 100)
    yield Wrong("a part that is none", given, CorruptError)
    (directory / "a1.mib").write_bytes(content.replace(b"MQ1,000001,", b"MQ1,00000x,", 1))
    yield Wrong("a part whose first number is damaged", given, CorruptError)
    (directory / "a1.mib").unlink()
    sidecar.write_bytes(b"[measurementInfo]\nsignalframes = 3\n")
    yield Wrong("a sidecar of another format", {"path": sidecar}, FormatError, confidence=0)
    sidecar.write_bytes(sidecar_text({}))
    path.write_bytes(b"no frames at all" * 100)
    yield Wrong("a sidecar of frames that are none", {"path": sidecar}, FormatError, confidence=70)
    path.write_bytes(content)
    yield Wrong(
        "a sidecar and one file of its frames",
        {"path": sidecar, "only_this_file": True},
        ParameterError,
        confidence=100,
    )
    path.write_bytes(b"")
    yield Wrong("a sidecar of empty parts", {"path": sidecar}, TruncatedError, confidence=70)
    path.unlink()
    yield Wrong("a sidecar without frames", {"path": sidecar}, FormatError, confidence=70)
