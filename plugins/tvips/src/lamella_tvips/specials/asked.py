"""What the parameters make of a stream."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lamella_testkit import SampleData, Special
from lamella_tvips.writer import positions_of, write_stream

__all__ = ["as_the_user_says"]


def as_the_user_says(path: Path, data: SampleData) -> Iterator[Special]:
    """What the parameters make of a stream."""
    n, shape = data.n_frames, data.nav_shape
    waiting = [0, 0, *range(n)]
    rows, columns = np.divmod(waiting, shape[-1])
    write_stream(path, data, waiting, scan_x=columns, scan_y=rows)
    shorter = {"path": path, "nav_shape": (n - 1,)}
    yield Special("another shape from where the scan begins", shorter, pixels=data.frames[:-1], notes=1)
    write_stream(path, data, range(n), **positions_of(data))
    later = np.concatenate([data.frames[2:], data.frames[:2]]).reshape(data.pixels.shape)
    valid = (np.arange(n) < n - 2).reshape(shape)
    scan = {"path": path, "nav_shape": shape}
    yield Special("a scan from frame 2", {**scan, "first_frame": 2}, pixels=later, valid=valid, notes=0)
    yield Special("frames from 2 on", {"path": path, "first_frame": 2}, pixels=data.frames[2:], notes=0)
    yield Special("frames in their order", {"path": path, "scan": "none"}, pixels=data.frames, notes=0)
    turned = np.concatenate([data.frames, data.frames]).reshape(2 * shape[0], *data.pixels.shape[1:])
    known = (np.arange(2 * n) < n).reshape(2 * shape[0], shape[1])
    yield Special(
        "a scan of more lines", {"path": path, "nav_shape": known.shape, "scan": "none"}, pixels=turned, valid=known
    )
    placed = np.where(np.arange(10 * n) < n, np.arange(10 * n), -1).reshape(10 * shape[0], shape[1])
    placed[:, ::2] = placed[::-1, ::2]
    many = {"path": path, "nav_shape": placed.shape, "scan": "none", "winding": "y"}
    yield Special("columns that wind, of more lines", many, pixels=data.frames[placed], valid=placed >= 0)
    placed = np.where(np.arange(10 * n) < n - 1, np.arange(10 * n) + 1, -1).reshape(10 * shape[0], shape[1])
    placed[::2] = placed[::2, ::-1]
    from_second = {**many, "winding": "x", "first_frame": 1}
    yield Special(
        "lines that wind, of more lines, from frame 1", from_second, pixels=data.frames[placed], valid=placed >= 0
    )
    for winding, rolled in (("x", 0), ("x", 1), ("y", 0), ("y", -1)):
        wound = data.pixels.copy()
        lines, stored = (wound, data.pixels) if winding == "x" else (wound.swapaxes(0, 1), data.pixels.swapaxes(0, 1))
        for line in range(0, len(lines), 2):
            for place in range(lines.shape[1]):
                lines[line, (lines.shape[1] - 1 - place + rolled) % lines.shape[1]] = stored[line, place]
        given = {"winding": winding, **({"hysteresis": rolled} if rolled else {})}
        yield Special(f"lines that wind, {given}", {"path": path, **given}, pixels=wound)
    lost = [step for step in range(n) if step != 5]
    rows, columns = np.divmod(np.asarray(lost), shape[-1])
    write_stream(path, data, lost, scan_x=columns, scan_y=rows)
    wound = data.pixels.copy()
    wound[::2] = data.pixels[::2, ::-1]
    known = np.ones(shape, np.bool_)
    known.reshape(-1)[5] = False
    several = path.with_name("several.tvips")
    kept = [0, 1, 3, 5, n - 1]
    rows, columns = np.divmod(np.asarray(kept), shape[-1])
    write_stream(several, data, kept, scan_x=columns, scan_y=rows)
    steps = np.where(np.isin(np.arange(n), kept), np.arange(n), -1).reshape(shape)
    steps[::2] = steps[::2, ::-1]
    many_lost = {"path": several, "winding": "x"}
    yield Special("lines that wind, and many lost frames", many_lost, pixels=data.frames[steps], valid=steps >= 0)
    yield Special("lines that wind, and a lost frame", {"path": path, "winding": "x"}, pixels=wound, valid=known)
