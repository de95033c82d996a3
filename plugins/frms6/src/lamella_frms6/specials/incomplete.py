"""Acquisitions that were cut, frames that are not complete, and parts without the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lamella_frms6.specials.acquisitions import acquisition
from lamella_frms6.writer import HEADER, folded, part_bytes, part_of, per_frame_of
from lamella_testkit import SampleData, Special

__all__ = ["incomplete", "parts_alone"]


def incomplete(directory: Path, data: SampleData) -> Iterator[Special]:
    """Acquisitions that were cut, and frames that are not complete."""
    n, half = data.n_frames, data.n_frames // 2
    steps = np.concatenate([np.arange(half), np.arange(half, n)])
    base, keywords = acquisition(directory, "cut", data)
    second = part_of(base, 2)
    content = second.read_bytes()
    second.write_bytes(content[:-3])
    valid = (np.arange(n) < n - 1).reshape(data.nav_shape)
    cut = per_frame_of(data, steps[:-1])
    yield Special("the last frame was cut", keywords, pixels=data.pixels, valid=valid, per_frame=cut, notes=2)
    second.write_bytes(content[: HEADER + 10])
    valid = (np.arange(n) < half).reshape(data.nav_shape)
    yield Special("no frame in the second part", keywords, pixels=data.pixels, valid=valid, notes=2)
    base, keywords = acquisition(directory, "flags", data)
    second = part_of(base, 2)
    second.write_bytes(part_bytes(folded(data.frames[half:]), first=half, flags=4))
    flagged = {"incomplete": steps >= half, "flags": 4 * (steps >= half)}
    yield Special("frames that are not complete", keywords, pixels=data.pixels, per_frame=flagged, notes=1)
    second.write_bytes(part_bytes(folded(data.frames[half:]), first=half, flags=16, lines=0))
    flagged = {"incomplete": steps < 0, "flags": 16 * (steps >= half), "lines": np.where(steps < half, 3, 0)}
    yield Special("other flags, and no number of lines", keywords, pixels=data.pixels, per_frame=flagged, notes=0)
    more = part_bytes(folded(data.frames[half:]), first=half, announce=2)
    second.write_bytes(more)
    valid = (np.arange(n) < half + 2).reshape(data.nav_shape)
    yield Special("more frames than announced", keywords, pixels=data.pixels, valid=valid)


def parts_alone(directory: Path, data: SampleData) -> Iterator[Special]:
    """Parts without the others, and under other names."""
    content = part_bytes(folded(data.frames))
    flat = data.frames
    for name in ("alone.frms6", "taken_003.frms6"):
        folder = directory / name
        folder.mkdir()
        (folder / name).write_bytes(content)
        yield Special(f"a part called {name}", {"path": folder / name}, pixels=flat, notes=1)
    for binning in (1, 2, 4):
        whole = SampleData((1,), (264 // binning, 264), "<u2")
        path = directory / f"rows{binning}.frms6"
        path.write_bytes(part_bytes(folded(whole.frames)))
        rows = np.repeat(whole.pixels, binning, axis=1)
        yield Special(f"binning of {binning}, by the number of rows", {"path": path}, pixels=rows, notes=0)
