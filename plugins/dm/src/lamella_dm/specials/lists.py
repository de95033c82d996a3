"""Lists of files of one kind, alike and different in other tags."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lamella.reader import Axis
from lamella_dm.specials.writing import axes_of, picture
from lamella_dm.writer import SWAPPED, File, Image, text
from lamella_testkit import SampleData, Special

__all__ = ["lists_of_files"]


def lists_of_files(directory: Path, data: SampleData) -> Iterator[Special]:
    """Lists of files of one kind, alike and different in other tags."""
    thumbnail = picture((4, 5))
    sides = [(1.0, 0.5, "1/nm"), (2.0, 0.25, "1/nm")]
    axes = axes_of(("frame", 1.0, 0.0, None), ("ky", 0.25, -0.5, "1/nm"), ("kx", 0.5, -0.5, "1/nm"))
    paths: list[Path] = []
    for version in (3, 4):
        paths = [
            File([thumbnail, Image(frame, f"number {i}", sides)], version, thumbnails=[0]).write(
                directory / f"{version}{i:02d}.dm{version}"
            )
            for i, frame in enumerate(data.frames)
        ]
        told = {"title": "number 0"}
        yield Special(f"a list of DM{version}", {"path": paths}, pixels=data.frames, axes=axes, metadata=told, notes=0)
        scan = {"path": paths[::-1], "nav_shape": data.nav_shape}
        yield Special(f"a list of DM{version}, backwards", scan, pixels=data.pixels[::-1, ::-1], notes=0)
        more = [("more", text("tags" * 99))]
        odd = File([Image(data.frames[3], "odd", tags=more)], 7 - version, before=SWAPPED).write(directory / "odd.dm4")
        mixed = np.concatenate([data.frames[:2], data.frames[3:4]])
        yield Special(f"DM{version}, and another version", {"path": [*paths[:2], odd]}, pixels=mixed, notes=0)
    content = bytearray(paths[1].read_bytes())
    begin = content.index(data.frames[1].tobytes())
    content[:begin] = bytes(begin)
    paths[1].write_bytes(content)
    trusted = {"path": paths, "same_offset": True}
    yield Special("a list that is trusted", trusted, pixels=data.frames, notes=0)
    halves = [
        File([Image(half, "", [*sides, (0.0, 2.0, "s")])]).write(directory / f"half{i}.dm4")
        for i, half in enumerate(np.split(data.frames, 2))
    ]
    timed = [Axis("frame", 2.0, 0.0, "s"), *axes[1:]]
    yield Special("a list of stacks", {"path": halves}, pixels=data.frames, axes=timed, notes=0)
    rows = [
        File([Image(row[np.newaxis], tags=SWAPPED)]).write(directory / f"row{i}.dm4")
        for i, row in enumerate(data.pixels)
    ]
    yield Special("a list of lines of a scan", {"path": rows}, pixels=data.frames, notes=0)
