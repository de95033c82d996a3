"""Blocks that were lost, damaged ones, and sectors that end in the middle of a frame."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_k2is.specials.steps import shown
from lamella_k2is.writer import BASE, BLOCK, FIRST_COUNT, FIRST_ID, gtg_bytes, write_recording
from lamella_testkit import SampleData, Special

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["with_lost_blocks", "with_other_ends"]


def with_lost_blocks(directory: Path, data: SampleData) -> Iterator[Special]:
    """Blocks that were not written, and one whose header is damaged."""
    folder, frames = directory / "lost", data.frames
    folder.mkdir()
    path = write_recording(folder, frames, flagged_from=1, gtg=gtg_bytes((1, 3)), lost={4: [40, 41], 6: [50]})
    left = _without(frames, {4: [40, 41], 6: [50]})
    pixels, valid = shown(frames, (0, -1, 2), (1, 3))
    told = {"frames that lost blocks": 1, "sectors": _sectors({4: 2, 6: 1})}
    yield Special(
        "blocks that were lost", {"path": path}, pixels=pixels, valid=valid, notes=1, warnings=1, details=told
    )
    zeros = {"path": path, "lost_blocks": "zero"}
    yield Special("zeros for blocks that were lost", zeros, pixels=left.reshape(1, 3, 1860, 2048), notes=1)
    cropped = left[:, :1792, :1920].reshape(1, 3, 1792, 1920)
    yield Special("the same, without reference pixels", {**zeros, "crop_active": True}, pixels=cropped, notes=1)
    pixels, valid = shown(frames, (0, -1), (1, 2))
    yield Special("lost blocks, no flyback", {"path": path, "drop_flyback": True}, pixels=pixels, valid=valid, notes=1)
    many = {1: [32, 33], 3: [31], 5: [5, 20, 40, 70, 90], 8: [64]}
    write_recording(folder, frames, flagged_from=1, lost=many)
    left = _without(frames, many).reshape(1, 3, 1860, 2048)
    told = {"frames that lost blocks": 3, "sectors": _sectors({key: len(value) for key, value in many.items()})}
    per_frame = {"shutter": [False, True, True], "frame id": FIRST_ID + np.arange(3)}
    yield Special("blocks that were lost in every frame", zeros, pixels=left, per_frame=per_frame, details=told)
    yield from _with_odd_blocks(folder, frames)


def _with_odd_blocks(folder: Path, frames: NDArray[Any]) -> Iterator[Special]:
    """Blocks without their mark, of another count, and between others."""
    path = write_recording(folder, frames, flagged_from=1)
    sector = folder / f"{BASE}2.bin"
    right = sector.read_bytes()
    left = _without(frames, {2: [40]}).reshape(1, 3, 1860, 2048)
    zeros = {"path": path, "lost_blocks": "zero"}
    for text, at, wrong in (
        ("zeros for a damaged block", 0, bytes(4)),
        ("zeros for a block of a count that follows", 16, struct.pack(">I", FIRST_COUNT + 43)),
        ("zeros for a block of a count from before", 16, struct.pack(">I", FIRST_COUNT + 7)),
    ):
        begin = 40 * BLOCK + at
        sector.write_bytes(right[:begin] + wrong + right[begin + len(wrong) :])
        yield Special(text, zeros, pixels=left)
    sector.write_bytes(right[: 40 * BLOCK] + bytes(BLOCK) + right[40 * BLOCK :])
    yield Special("zeros between blocks", {"path": path}, pixels=frames.reshape(1, 3, 1860, 2048), notes=0)


def with_other_ends(directory: Path, data: SampleData) -> Iterator[Special]:
    """Blocks that were lost before the first complete frame, and sectors that end in the middle of a frame."""
    folder, frames = directory / "ends", data.frames
    folder.mkdir()
    path = write_recording(folder, frames, before=(8,) * 8, lost={2: [-3]})
    told = {"frames that lost blocks": 0, "first block count": FIRST_COUNT, "sectors": _sectors({2: 1}, before=8)}
    yield Special("a block that was lost before the first frame", {"path": path}, pixels=frames, notes=1, details=told)
    for text, number, count in (("a sector that lacks its last block", 5, 95), ("a sector of two frames", 8, 64)):
        write_recording(folder, frames)
        with (folder / f"{BASE}{number}.bin").open("r+b") as file:
            file.truncate(count * BLOCK)
        yield Special(text, {"path": path}, pixels=frames[:2], notes=1)


def _without(frames: NDArray[Any], lost: Mapping[int, Sequence[int]]) -> NDArray[Any]:
    """Give frames with zeros for blocks of some sectors, by their places."""
    left = frames.copy()
    for number, places in lost.items():
        for at in places:
            frame, k = divmod(at, 32)
            x, y = 256 * (number - 1) + 16 * (15 - k % 16), 930 * (k // 16)
            left[frame, y : y + 930, x : x + 16] = 0
    return left


def _sectors(lost: Mapping[int, int], before: int = 0) -> list[dict[str, int]]:
    """Give what the details say about the sectors of three frames, of which some lost blocks."""
    return [
        {
            "first block": FIRST_COUNT - before,
            "last block": FIRST_COUNT + 95,
            "blocks before the first frame": before,
            "blocks lost": lost.get(number, 0),
            "bytes before the first block": 0,
        }
        for number in range(1, 9)
    ]
