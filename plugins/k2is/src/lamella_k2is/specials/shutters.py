"""Shutters that open never, at once and late, and close before the end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lamella_k2is.specials.steps import shown
from lamella_k2is.writer import BASE, BLOCK, FIRST_COUNT, FIRST_ID, header_bytes, write_recording
from lamella_testkit import SampleData, Special

__all__ = ["long_recordings", "with_other_flags"]


def with_other_flags(directory: Path, data: SampleData) -> Iterator[Special]:
    """Shutters that open never, at once, and close before the end."""
    folder, frames = directory / "flags", data.frames
    folder.mkdir()
    path = write_recording(folder, frames)
    pixels, valid = shown(frames, (-1, 0, 1, 2), (4,))
    stem = {"path": path, "mode": "stem"}
    yield Special("an open shutter", stem, pixels=pixels, valid=valid, notes=1, alternatives=[(2, 2)])
    more = {**stem, "first_frame": 1}
    yield Special("an open shutter, and a later beginning", more, pixels=frames[1:], notes=1)
    write_recording(folder, frames, flagged_from=1, flagged_to=2)
    flags = {"shutter": [False, True, False], "frame id": FIRST_ID + np.arange(3)}
    yield Special("a shutter that closed", {"path": path}, pixels=frames[1:2], per_frame=flags, notes=1)
    known = {"dwell_time": 0.0025}
    yield Special("a scan without tags", stem, pixels=frames[:2], per_frame=flags, metadata=known, notes=0)
    write_recording(folder, frames, flagged_from=3)
    told = {"first frame with the shutter flag": None, "frames with the shutter flag": 0}
    yield Special("a shutter that never opened", {"path": path}, pixels=frames, notes=2, details=told)
    yield Special("a scan whose shutter never opened", stem, pixels=frames, notes=1)
    sector = folder / f"{BASE}2.bin"
    right = sector.read_bytes()
    for text, at, wrong, left in (
        ("a first block without its mark", 0, bytes(4), frames[1:]),
        ("a first block beside its sector", 28, b"\1\0", frames[1:]),
        ("a first block between columns", 28, b"\0\x08", frames[1:]),
        ("a first block between rows", 30, b"\0\x08", frames[1:]),
        ("a first block of a wider sector", 20, b"\1\1", frames[1:]),
        ("a first block of a lower sector", 22, b"\7\x43", frames[1:]),
        ("a first block of another size", 36, b"\0\0\xc0\x28", frames[1:]),
        ("a first block of another count", 16, b"\0\x10\0\0", frames[1:]),
        ("a last block of another count", 95 * BLOCK + 16, b"\0\0\0\1", frames[:2]),
    ):
        sector.write_bytes(right[:at] + wrong + right[at + len(wrong) :])
        yield Special(text, {"path": path}, pixels=left, notes=2)


def long_recordings(directory: Path) -> Iterator[Special]:
    """Write the headers that tell the shutter of more frames than are looked at first, and no pixels."""
    if os.name == "nt":  # where a file takes room for what was not written
        return
    folder, n = directory / "long", 260
    folder.mkdir()
    path = folder / f"{BASE}1.bin"
    ends = (0, 31, 32 * n - 32, 32 * n - 1)
    for number in range(1, 9):
        with (folder / f"{BASE}{number}.bin").open("wb") as file:
            file.truncate(32 * n * BLOCK)
            for at in ends:
                file.seek(at * BLOCK)
                file.write(header_bytes(at, False, FIRST_COUNT, FIRST_ID))
    for text, opened, closed in (
        ("a shutter that opened and closed", 37, 182),
        ("a shutter that opened late", 200, n),
        ("a shutter that closed early", 0, 3),
        ("a shutter that was open for two frames", n - 3, n - 1),
    ):
        steps = np.arange(n)
        flags = (opened <= steps) & (steps < closed)
        with path.open("r+b") as file:
            for at in sorted({*range(0, 32 * n, 32), *ends}):
                file.seek(at * BLOCK)
                file.write(header_bytes(at, bool(flags[at // 32]), FIRST_COUNT, FIRST_ID))
        told = {"first frame with the shutter flag": opened, "frames with the shutter flag": closed - opened}
        per_frame = {"shutter": flags, "frame id": FIRST_ID + steps}
        yield Special(text, {"path": path, "lost_blocks": "zero"}, per_frame=per_frame, details=told, notes=1)
