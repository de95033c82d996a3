"""Scans whose shape the sidecar, the number of frames or the user tells, and frames that belong to none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_mib.specials.writing import placed, scan_axes, write
from lamella_testkit import Special

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["left_out", "other_shapes"]


def other_shapes(directory: Path, frames: NDArray[Any]) -> Iterator[Special]:
    """Shapes from the sidecar, from the number of frames, and from the user."""
    keys: dict[str, int]
    for keys, keywords, shape, others, notes in (
        ({"x": 4, "y": 3, "frames": 12, "trigger": 6}, {}, (3, 4), [(2, 6), (12,)], 0),
        ({"frames": 12, "trigger": 6}, {}, (2, 6), [(12,)], 0),
        ({"frames": 12, "trigger": 2}, {}, (6, 2), [(12,)], 0),
        ({"frames": 12, "trigger": 1}, {}, (12,), [], 0),
        ({"frames": 12, "trigger": 12}, {}, (12,), [], 0),
        ({"frames": 12}, {}, (12,), [], 0),
        ({"x": 12}, {}, (12,), [], 0),
        ({"y": 12, "x": 0}, {}, (12,), [], 0),
        ({"x": 1, "y": 12}, {}, (12, 1), [(12,)], 0),
        ({"trigger": 6}, {"nav_shape": (3, 4)}, (3, 4), [(2, 6), (12,)], 0),
        ({"x": 4, "y": 3}, {"nav_shape": (2, 2, 3)}, (2, 2, 3), [(3, 4), (12,)], 0),
        ({"x": 3, "y": 3}, {}, (3, 3), [(12,)], 1),
        ({"x": 3, "y": 3, "frames": 12, "trigger": 4}, {}, (3, 3), [(3, 4), (12,)], 1),
        ({"x": 2, "y": 5, "frames": 12}, {}, (5, 2), [(12,)], 0),
        ({"x": 10**8, "y": 10**8, "trigger": 6}, {}, (2, 6), [(12,)], 1),
        ({"x": 10**8, "y": 10**8, "frames": 999_999_999}, {"nav_shape": (3, 4)}, (3, 4), [(12,)], 2),
    ):
        path = write(directory, frames, **keys)
        n = int(np.prod(shape))
        names = {1: ("axis0",), 2: ("y", "x"), 3: ("nav0", "nav1", "nav2")}[len(shape)]
        yield Special(
            f"{keys}, {keywords}",
            {"path": path, **keywords},
            pixels=frames[:n].reshape(*shape, *frames.shape[1:]),
            alternatives=others,
            axes=scan_axes(*names) if len(shape) > 1 else None,
            notes=notes,
        )
    squares = write(directory, frames[:9], frames=9)
    yield Special("a square", {"path": squares}, pixels=frames[:9].reshape(3, 3, 5, 6), alternatives=[(9,)], notes=0)
    one = write(directory, frames[:1], frames=1)
    yield Special("a frame", {"path": one}, pixels=frames[:1], alternatives=[], notes=0)


def left_out(directory: Path, frames: NDArray[Any]) -> Iterator[Special]:
    """Frames before the scan, and frames of the way back."""
    back = [0, 1, 2, 4, 5, 6, 8, 9, 10]
    for keys, keywords, index, shape in (
        ({}, {"nav_shape": (3, 3), "flyback": 1}, back, (3, 3)),
        ({"x": 3, "y": 3}, {"flyback": 1}, back, (3, 3)),
        ({"frames": 12, "trigger": 4}, {"flyback": 1}, back, (3, 3)),
        ({"frames": 12}, {"flyback": 1}, back, (3, 3)),
        ({"frames": 12, "trigger": 4}, {"flyback": 2}, [0, 1, 4, 5, 8, 9], (3, 2)),
        ({}, {"nav_shape": (3, 3), "flyback": 1, "first_frame": 1}, [1, 2, 3, 5, 6, 7, 9, 10, 11], (3, 3)),
        ({}, {"nav_shape": (3, 3), "flyback": 1, "first_frame": 2}, [2, 3, 4, 6, 7, 8, 10, 11], (3, 3)),
        ({}, {"nav_shape": (2, 2), "flyback": 1}, [0, 1, 3, 4], (2, 2)),
        ({}, {"first_frame": 3}, [3, 4, 5, 6, 7, 8, 9, 10, 11], (3, 3)),
        ({}, {"first_frame": 5}, [5, 6, 7, 8, 9, 10, 11], (7,)),
        ({}, {"first_frame": 11}, [11], (1,)),
        ({}, {"first_frame": 8, "nav_shape": (2, 3)}, [8, 9, 10, 11], (2, 3)),
        ({"x": 4, "y": 3}, {"first_frame": 1}, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], (3, 4)),
    ):
        path = write(directory, frames, **keys)
        lines = 1 if len(shape) > 1 and len(index) < int(np.prod(shape)) else 0
        yield Special(
            f"{keys}, {keywords}",
            {"path": path, **keywords},
            **placed(frames, index, shape),
            notes=lines + (not keys),
        )
    eleven = write(directory, frames[:11])
    last = {"path": eleven, "nav_shape": (3, 3), "flyback": 1}
    yield Special("a last line without its way back", last, **placed(frames, back, (3, 3)), notes=1)
