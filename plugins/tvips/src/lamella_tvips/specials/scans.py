"""Frames before, after and within a scan that the headers of the frames tell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lamella_testkit import SampleData, Special
from lamella_tvips.writer import times_of, write_stream

__all__ = ["odd_positions", "rotators"]


def odd_positions(path: Path, data: SampleData) -> Iterator[Special]:
    """Frames before and behind the scan, lost ones, and several at one position."""
    n, width = data.n_frames, data.nav_shape[-1]
    every = list(range(n))
    lost = [step for step in every if step != 5]
    for text, steps, places, known, notes in (
        ("frames before the scan", [-1, -1, -1, *every], [0, 0, 0, *every], {}, 0),
        ("frames before and behind the scan", [-1, *every, -1, -1], [0, *every, -1, -1], {}, 0),
        ("a lost frame", lost, lost, {}, 1),
        ("a lost frame, filled", lost, lost, {"fill": "nearest"}, 1),
        ("two frames at one position", [0, 1, 2, 7, *every[3:]], [0, 1, 2, 2, *every[3:]], {}, 1),
        (
            "two frames, and the last is wanted",
            [0, 1, 2, 7, *every[3:]],
            [0, 1, 2, 2, *every[3:]],
            {"repeat": "last"},
            1,
        ),
    ):
        rows, columns = np.divmod(np.asarray(places), width)
        columns = np.where(np.asarray(places) < 0, 0.5, columns)
        write_stream(path, data, steps, scan_x=columns, scan_y=np.where(rows < 0, 0, rows))
        shown = data.frames.copy()
        valid = np.ones(n, np.bool_)
        if "lost" in text:
            shown[5], valid[5] = shown[4], "fill" in known
        if "repeat" in known:
            shown[2] = data.frames[7]
        yield Special(
            text,
            {"path": path, **known},
            pixels=shown.reshape(data.pixels.shape),
            valid=valid.reshape(data.nav_shape),
            per_frame=times_of(len(steps)),
            notes=notes,
        )
    write_stream(path, data, every, scan_x=[0] * n, scan_y=[0] * n)
    yield Special("positions that stay at zero", {"path": path}, pixels=data.frames, notes=0)
    far = np.asarray(every) * 1000.0
    far[1] = 1
    write_stream(path, data, every, scan_x=far, scan_y=[0] * n)
    yield Special("positions far apart", {"path": path}, pixels=data.frames, notes=0)
    write_stream(path, data, every, scan_x=every, scan_y=[0] * n)
    keywords = {"path": path, "scan": "positions"}
    yield Special("positions of one line", keywords, pixels=data.frames, notes=0)


def rotators(path: Path, data: SampleData) -> Iterator[Special]:
    """Rotator indices before, behind and within the scan."""
    n = data.n_frames
    points = list(range(1, n + 1))
    keywords = {"path": path, "scan": "rotator"}
    write_stream(path, data, [-1, -1, *range(n), -1], rotator=[0, 0, *points, n])
    yield Special("rotator indices, and frames around the scan", keywords, pixels=data.frames)
    shown = {**keywords, "nav_shape": data.nav_shape}
    yield Special("rotator indices of a scan that is given", shown, pixels=data.pixels)
    write_stream(path, data, range(9), rotator=points[:9])
    pixels = data.frames[:9].reshape(3, 3, *data.sig_shape)
    yield Special("rotator indices of a square", {"path": path}, pixels=pixels)
    write_stream(path, data, range(n), rotator=[*points[:-1], 1000])
    yield Special("rotator indices far apart", {"path": path}, pixels=data.frames)
