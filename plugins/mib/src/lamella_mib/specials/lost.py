"""Scans that were interrupted, and frames that were lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_mib.specials.writing import CAMERA, placed, settings, write
from lamella_testkit import Special

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["interrupted", "lost_frames"]


def interrupted(directory: Path, frames: NDArray[Any]) -> Iterator[Special]:
    """Fewer frames than the sidecar announces, and more."""
    path = write(directory, frames[:10], x=4, y=3, frames=12)
    given = {"path": path}
    yield Special("interrupted", given, **placed(frames, range(10), (3, 4)), notes=2, warnings=1)
    whole = {"path": path, "whole_lines": True}
    headers = {"sequence number": np.arange(1, 9)}
    yield Special("whole lines", whole, **placed(frames, range(8), (2, 4)), per_frame=headers, notes=2, warnings=1)
    alone = {"path": path, "only_this_file": True}
    yield Special("interrupted, alone", alone, **placed(frames, range(10), (3, 4)), notes=2, warnings=0)
    path = write(directory, frames[:11], x=3, y=5, frames=20)
    keywords = {"path": path, "whole_lines": True, "flyback": 1}
    yield Special("whole lines with their way back", keywords, **placed(frames, [0, 1, 2, 4, 5, 6, 8, 9, 10], (3, 3)))
    path = write(directory, frames, x=4, y=3, frames=12)
    yield Special("lines that are all whole", {**whole, "path": path}, pixels=frames.reshape(3, 4, 5, 6), notes=0)
    path = write(directory, frames[:7], frames=7)
    yield Special("a series of whole lines", {**whole, "path": path}, pixels=frames[:7], notes=0)
    path = write(directory, frames, x=4, y=2, frames=8)
    every = {"sequence number": np.arange(1, 13)}
    first = frames[:8].reshape(2, 4, 5, 6)
    yield Special("more than announced", {"path": path}, pixels=first, per_frame=every, notes=2, warnings=0)
    keywords = {"path": path, "whole_lines": True}
    shown = {"sequence number": np.arange(1, 9)}
    yield Special("more than announced, whole lines", keywords, pixels=frames[:8].reshape(2, 4, 5, 6), per_frame=shown)
    for i, begin in enumerate((0, 3, 8)):
        (directory / f"scan{i}.mib").write_bytes(CAMERA.part(frames[begin : (3, 8, 10)[i]], first=begin + 1))
    (directory / "scan.mib").unlink()
    settings(directory, x=4, y=3, frames=12)
    parts = {"path": directory / "scan1.mib", "whole_lines": True}
    yield Special("whole lines of parts", parts, **placed(frames, range(8), (2, 4)), per_frame=headers)
    (directory / "scan1.mib").write_bytes(CAMERA.part(frames[3:7], first=4))
    (directory / "scan2.mib").write_bytes(CAMERA.part(frames[7:10], first=8))
    yield Special("whole lines of parts that end within one", parts, **placed(frames, range(8), (2, 4)))


def lost_frames(directory: Path, frames: NDArray[Any]) -> Iterator[Special]:
    """Frames that were lost within a part, between parts, and before the first."""
    path = directory / "scan.mib"
    given: dict[str, Any] = {"path": path}
    numbers = np.arange(1, 13) + np.repeat([0, 1, 4], [2, 3, 7])
    path.write_bytes(CAMERA.part(frames, lost={2: 1, 5: 3}))
    index = [0, 1, -1, 2, 3, 4, -1, -1, -1, 5, 6, 7, 8, 9, 10, 11]
    counted = {"sequence number": numbers}
    yield Special("lost", given, **placed(frames, index, (4, 4)), per_frame=counted, notes=2, warnings=1)
    series = {**given, "nav_shape": (18,)}
    yield Special("lost in a series", series, **placed(frames, index, (18,)), notes=2, warnings=1)
    lines = {**given, "nav_shape": (4, 3), "flyback": 1}
    yield Special(
        "lost in lines", lines, **placed(frames, [0, 1, -1, 3, 4, -1, -1, 5, 6, 8, 9, 10], (4, 3)), warnings=1
    )
    for keys, index_of, warnings in (({"frames": 16}, index, 1), ({"frames": 12, "x": 4, "y": 4}, index, 1)):
        settings(directory, **keys)
        yield Special(f"lost, {keys}", given, **placed(frames, index_of, (4, 4)), warnings=warnings)
    settings(directory)
    closed = {**given, "lost": "close"}
    yield Special("lost, and closed", closed, pixels=frames, notes=2, warnings=0)
    path.write_bytes(CAMERA.part(frames, lost={2: 10**9}))
    yield Special("a jump that cannot be", given, pixels=frames, notes=2, warnings=1)
    most = 2 * 12 + 1000
    path.write_bytes(CAMERA.part(frames, lost={2: most + 1}))
    yield Special("too many to be lost", given, pixels=frames, notes=2, warnings=1)
    path.write_bytes(CAMERA.part(frames, lost={2: most}))
    many = [0, 1, *[-1] * most, *range(2, 12)]
    as_line = {**given, "nav_shape": (most + 12,)}
    yield Special("as many as can be lost", as_line, **placed(frames, many, (most + 12,)), notes=2, warnings=1)
    settings(directory, frames=most + 13)
    path.write_bytes(CAMERA.part(frames, lost={2: most + 1}))
    many = [0, 1, *[-1] * (most + 1), *range(2, 12)]
    as_line = {**given, "nav_shape": (most + 13,)}
    yield Special("lost ones that the sidecar knows of", as_line, **placed(frames, many, (most + 13,)), notes=1)
    alone = {**as_line, "only_this_file": True}
    yield Special("the same in a part alone", alone, **placed(frames, many, (most + 13,)), notes=1)
    settings(directory)
    path.write_bytes(CAMERA.part(frames, first=4))
    yield Special("a later part", given, pixels=frames, notes=2, warnings=1)
    yield Special("a later part alone", {**given, "only_this_file": True}, pixels=frames, notes=2, warnings=0)
    path.write_bytes(CAMERA.part(frames, first=4, lost={6: 4}))
    index = [*range(6), -1, -1, -1, -1, *range(6, 12)]
    yield Special("a later part that lost frames", given, **placed(frames, index, (4, 4)), notes=3, warnings=2)
    yield Special("a later part, closed", closed, pixels=frames, notes=3, warnings=1)
    settings(directory, frames=19)
    index = [-1, -1, -1, *index]
    known = {**given, "nav_shape": (20,)}
    yield Special("the first part is missing", known, **placed(frames, index, (20,)), warnings=1)
    settings(directory, frames=18)
    yield Special("the sidecar knows of fewer", known, **placed(frames, index[3:], (20,)), warnings=3)
    settings(directory)
    long = np.arange(1200, dtype=np.uint16).reshape(1200, 1, 1)
    path.write_bytes(CAMERA.part(long, lost={600: 1, 1198: 2}))
    index = [*range(600), -1, *range(600, 1198), -1, -1, 1198, 1199]
    series = {**given, "nav_shape": (1203,)}
    facts = {"frames lost by sequence number": 3}
    yield Special("lost at the end of a long part", series, **placed(long, index, (1203,)), details=facts, notes=2)
    path.unlink()
    settings(directory, frames=14)
    for number, (first, some) in enumerate(((1, frames[:5]), (8, frames[5:]))):
        (directory / f"scan{number}.mib").write_bytes(CAMERA.part(some, first=first))
    index = [*range(5), -1, -1, *range(5, 12)]
    between = {"path": directory / "scan1.mib", "nav_shape": (2, 7)}
    yield Special("lost between parts", between, **placed(frames, index, (2, 7)), notes=1, warnings=1)
