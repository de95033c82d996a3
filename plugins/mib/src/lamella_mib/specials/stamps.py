"""Scans whose lines time stamps tell, or do not tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_mib.specials.writing import CAMERA, placed, write
from lamella_testkit import Special

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["stamped"]


def stamped(directory: Path, frames: NDArray[Any]) -> Iterator[Special]:
    """Lines that time stamps tell, or do not tell."""
    numbers = np.arange(130, dtype=np.uint16).reshape(130, 1, 1)
    rng = np.random.default_rng(3)

    def times(lines: int, width: int, step: int, back: int, noise: int = 0) -> list[int]:
        steps = np.full(lines * width, step) + (rng.integers(-noise, noise + 1, lines * width) if noise else 0)
        steps[width::width] += back
        return [int(time) for time in np.cumsum(steps)]

    regular = times(1, 130, 1000, 0)
    uneven = [*regular[:20], *(time + 900 for time in regular[20:70]), *(time + 1800 for time in regular[70:])]
    for what, stamps, n, shape, keys in (
        ("lines of 4, 5 us back", times(3, 4, 1100, 5), 12, (3, 4), {}),
        ("lines of 4, 2 us back", times(3, 4, 1100, 2), 12, (12,), {}),
        ("lines of 2", times(6, 2, 1100, 900), 12, (6, 2), {}),
        ("lines of 4, and a longer scan", times(3, 4, 1100, 900), 12, (5, 4), {"frames": 20}),
        ("lines of 4 of which one is cut", times(3, 4, 1100, 900), 11, (3, 4), {}),
        ("lines of 3 of which one is cut", times(4, 3, 1100, 900), 11, (4, 3), {}),
        ("two lines", times(2, 6, 1100, 900), 12, (2, 6), {}),
        ("two lines of which one is cut", times(2, 6, 1100, 900), 11, (11,), {}),
        ("a jump after the first frame", [0, *times(1, 12, 1100, 0)[2:]], 11, (11,), {}),
        ("lines of 40", times(3, 40, 1000, 900), 120, (3, 40), {}),
        ("lines of 10 with noise", times(8, 10, 10_000, 5_000, 50), 80, (8, 10), {}),
        ("noise that hides lines of 10", times(8, 10, 10_000, 400, 200), 80, (80,), {}),
        ("no lines", regular, 80, (80,), {}),
        ("no lines, a square of frames", regular, 121, (11, 11), {}),
        ("jumps at unequal distances", uneven, 130, (130,), {}),
        ("slow frames with a short way back", times(3, 4, 100_000_000, 9_000), 12, (12,), {}),
    ):
        path = write(directory, numbers[:n], replace(CAMERA, times=stamps), **keys)
        total = int(np.prod(shape))
        notes: dict[str, Any] = {"notes": 1 - bool(keys) + (total > n) + bool(keys), "warnings": int(bool(keys))}
        yield Special(what, {"path": path}, **placed(numbers, range(min(n, total)), shape), **notes)
    for camera in (
        replace(CAMERA, line=4, flyback=300, extension=False),
        replace(CAMERA, line=4, flyback=300, extension=False, old_dates=True),
    ):
        path = write(directory, frames, camera)
        local = np.datetime64("2021-05-07T18:51:10", "ns")
        steps = np.arange(12)
        acquired = local + (steps * 1_100_000 + steps // 4 * 300_000).astype("m8[ns]")
        yield Special(
            f"local times, with the day in front: {camera.old_dates}",
            {"path": path},
            pixels=frames.reshape(3, 4, 5, 6),
            per_frame={"acquired": acquired, "time": (acquired - local).astype(np.int64) * 1e-9},
            metadata={"acquired": "2021-05-07T18:51:10.000000", "dwell_time": 1.1e-3, "counter_depth": None},
            notes=1,
        )
    short = replace(CAMERA, line=6, flyback=400)
    path = write(directory, frames, short)
    yield Special(
        "frames of the way back in lines from time stamps",
        {"path": path, "flyback": 2},
        **placed(frames, [0, 1, 2, 3, 6, 7, 8, 9], (2, 4)),
        alternatives=[],
        notes=1,
    )
    later = replace(CAMERA, times=[0, 1_000, *(9_000 + time for time in times(3, 4, 1100, 900))])
    path = write(directory, np.concatenate([frames, frames[:2]])[:14], later)
    shown = np.concatenate([frames, frames[:2]])[2:14].reshape(3, 4, 5, 6)
    left_out = {"path": path, "first_frame": 2}
    yield Special("lines after frames that are left out", left_out, pixels=shown, notes=1)
    later = replace(CAMERA, times=[0, 1_000, *(9_000 + time for time in times(2, 5, 1100, 900))])
    write(directory, frames[:10], later)
    yield Special("a line and a part of one, after frames that are left out", left_out, pixels=frames[2:10], notes=1)
