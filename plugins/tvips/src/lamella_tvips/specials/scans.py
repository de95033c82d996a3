"""Frames before, after and within a scan that the headers of the frames tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
            alternatives=[(len(steps),), *([(3, 3)] if len(steps) == 9 else [])],
        )
    yield from _paths(path, data)
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
    write_stream(path, data, [-1, -1, *range(n), -1], rotator=[0, 0, *points, n])
    dark = np.zeros_like(data.frames[:1])
    every = np.concatenate([dark, dark, data.frames, dark])
    plain = {"path": path}
    yield Special("rotator indices of a line", plain, pixels=every, notes=1, alternatives=[(n,)])
    given = {**plain, "nav_shape": data.nav_shape}
    others = [(n + 3,)]
    yield Special("rotator indices of the scan that is given", given, pixels=data.pixels, notes=0, alternatives=others)
    unfit = {**plain, "nav_shape": (2, 2)}
    first = every[:4].reshape(2, 2, *data.sig_shape)
    yield Special("rotator indices of another scan", unfit, pixels=first, notes=1, alternatives=[(n + 3,), (n,)])
    for last, side in ((4 * n, 0), (4 * n + 1, 7)):
        write_stream(path, data, range(n), rotator=[*points[:-1], last])
        if not side:
            sparse = np.zeros((last, *data.sig_shape), data.dtype)
            sparse[: n - 1], sparse[-1] = data.frames[:-1], data.frames[-1]
            valid = np.isin(np.arange(last), [*range(n - 1), last - 1])
            yield Special(f"rotator indices up to {last}", keywords, pixels=sparse, valid=valid, notes=1)
        else:
            yield Special(f"rotator indices up to {last}", plain, pixels=data.frames, notes=0, alternatives=[])
    write_stream(path, data, [0, 1, 3, 4, *range(4, n)], rotator=[1, 2, 4, 5, *points[4:]])
    valid = np.arange(n) != 2
    yield Special("rotator indices with one that is lost", keywords, pixels=data.frames, valid=valid, notes=1)
    write_stream(path, data, [0, *range(2, n)], rotator=[1, *points[2:]])
    second = data.frames.copy()
    second[1] = second[0]
    filled = {**keywords, "fill": "nearest"}
    yield Special("rotator indices with the second one lost, filled", filled, pixels=second, notes=1)
    write_stream(path, data, range(n), rotator=[*points[:-1], 1000])
    yield Special("rotator indices far apart", {"path": path}, pixels=data.frames)


def _paths(path: Path, data: SampleData) -> Iterator[Special]:
    """Ways of the beam that are not usual, each by the step that a frame shows and the column and row of its header."""
    n, (ny, nx), most = data.n_frames, data.nav_shape, 1 << 16
    scan = [(step, step % nx, step // nx) for step in range(n)]
    nowhere = [(-1, 0), (np.nan, 0), (most, 0), (7e4, 0), (0.25, 0), (1, 0.5), (2, -1), (1, 9e4)]
    odd = [(-1, x, y) for x, y in nowhere]
    after = [(n - 1, nx - 1, ny - 1), (n - 1, nx - 1, ny - 1), (-1, nx, ny - 1)]
    given = {"path": path}
    frames: Sequence[tuple[int, float, float]]
    for text, frames, notes in (
        ("a step beside the origin, and the beam waits there", [(-1, 1, 0), (-1, 0, 1), (-1, 0, 0), *scan], 0),
        ("between lines, positions that are none", [*scan[:nx], *odd, *scan[nx:]], 1),
        ("after the last line, positions that continue", [*scan[: n - 1], *after], 0),
    ):
        _write_path(path, data, frames)
        yield Special(text, given, pixels=data.pixels, notes=notes, per_frame=times_of(len(frames)))
    for text, frames, notes in (
        ("a scan that ended in its last line", scan[: n - nx + 1], 0),
        ("a scan that ended in its last line, after frames before it", [(-1, 0, 0), *scan[: n - nx + 1]], 0),
        ("a scan that ended within a line, after a lost frame", [*scan[:2], *scan[3 : n - 2]], 1),
        ("a lost frame, after frames before the scan", [(-1, 0, 0), (-1, 0, 0), *scan[:5], *scan[6:]], 1),
        ("the frame after the first is the last to be lost", [*scan[: n - 2], scan[n - 1]], 1),
    ):
        _write_path(path, data, frames)
        valid = np.isin(np.arange(n), [step for step, _, _ in frames]).reshape(ny, nx)
        yield Special(text, given, pixels=data.pixels, valid=valid, notes=notes)
        held = np.maximum.accumulate(np.where(valid.reshape(-1), np.arange(n), 0))
        if "line" not in text:
            shown = data.frames[held].reshape(data.pixels.shape)
            yield Special(f"{text}, filled", {**given, "fill": "nearest"}, pixels=shown, notes=1)
    _write_path(path, data, [*scan[:nx], (7, 0, 0), scan[nx], *scan[nx + 2 :]])
    shown = data.frames.copy()
    shown[nx + 1] = shown[nx]
    filled = {**given, "fill": "nearest"}
    shown = shown.reshape(data.pixels.shape)
    yield Special("the first position once more, and a lost frame, filled", filled, pixels=shown, notes=1)
    _write_path(path, data, [(-1, 0, 0), (-1, 0, 0), *scan[:5], *scan[6:]])
    from_start = [0, 1, 2, 3, 4, 6]
    said = {**given, "nav_shape": (2, 3)}
    shown = data.frames[from_start].reshape(2, 3, *data.sig_shape)
    yield Special("another shape, of a scan that lost a frame", said, pixels=shown, notes=1)
    for rows in (6, 7):
        way = [(i, i % 8, i // 8) for i in range(n - 1)]
        _write_path(path, data, [*way, (n - 1, 7, rows - 1)])
        if rows == 6:
            sparse = np.zeros((8 * rows, *data.sig_shape), data.dtype)
            sparse[: n - 1], sparse[-1] = data.frames[:-1], data.frames[-1]
            valid = np.isin(np.arange(8 * rows), [*range(n - 1), 8 * rows - 1]).reshape(rows, 8)
            shown = sparse.reshape(rows, 8, *data.sig_shape)
            yield Special("four steps for each frame", given, pixels=shown, valid=valid)
        else:
            yield Special("more than four steps for each frame", given, pixels=data.frames, notes=0)


def _write_path(path: Path, data: SampleData, frames: Sequence[tuple[int, float, float]]) -> None:
    steps, columns, rows = zip(*frames, strict=True)
    write_stream(path, data, steps, scan_x=columns, scan_y=rows)
