"""Dimensions that are not there, or do not fit, and tags without positions or none at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lamella.reader import Axis
from lamella_ser.writer import series_bytes, stride_of, times_of
from lamella_testkit import SampleData, Special

__all__ = ["other_scans"]


def other_scans(path: Path, data: SampleData) -> Iterator[Special]:
    """Dimensions that are not there, or do not fit, and tags without positions or none at all."""
    n, shape = data.n_frames, data.nav_shape
    flat = data.frames
    for text, options, pixels, notes in (
        ("the scan is known by the positions", {"scan": shape, "described": False}, data.pixels, 0),
        ("elements without positions", {"described": False, "positions": False}, flat, 0),
        ("a scan without positions", {"scan": shape, "positions": False}, data.pixels, 0),
        ("three elements", {"described": False}, flat[:3], 0),
        ("positions that are no raster", {"scan": (1, 5), "described": False, "planned": n}, flat, 0),
        ("positions of one line", {"scan": (1, n), "described": False}, flat, 0),
        ("dimensions that do not fit", {"scan": (2, 2), "planned": n}, flat.reshape(6, 2, *data.sig_shape), 1),
    ):
        path.write_bytes(series_bytes(flat[: len(pixels)] if text == "three elements" else flat, **options))
        yield Special(text, {"path": path}, pixels=pixels, notes=notes)
    for text, options, names in (
        ("a scan that is counted", {"scan": shape, "positions": False}, ("y", "x")),
        ("a series that is counted", {"positions": False}, ("frame",)),
    ):
        path.write_bytes(series_bytes(flat, **options, detector_steps=(0.0, 0.0)))
        axes = [*map(Axis, names), Axis("dy"), Axis("dx")]
        yield Special(text, {"path": path}, axes=axes, notes=0)
    path.write_bytes(series_bytes(flat, detector_steps=(0.0, 0.0)))
    axes = [Axis("x", 1.0, 0.0, "nm"), Axis("dy"), Axis("dx")]
    yield Special("a line of positions", {"path": path}, axes=axes, notes=0)
    off = np.zeros(n)
    off[[5, -2]] = 1
    for text, count, moved, side in (
        ("four positions in a square", 4, 0 * off, 2),
        ("positions from right to left", n, 9 - 2 * (np.arange(n) % shape[-1]), shape[-1]),
        ("positions that are a little off", n, 0.4 * off, shape[-1]),
        ("positions that are far off", n, 0.6 * off, 0),
    ):
        rows, columns = np.divmod(np.arange(count), side or shape[-1])
        for along in (0, 1) if side != 2 and "left" not in text else (1,):
            places = list(zip(rows + moved[:count] * (1 - along), columns + moved[:count] * along, strict=True))
            path.write_bytes(series_bytes(flat[:count], described=False, places=places))
            shown = flat[:count].reshape(-1, side, *data.sig_shape) if side else flat
            yield Special(f"{text}, along axis {along}", {"path": path}, pixels=shown, notes=0)
    content = series_bytes(flat, scan=shape)
    path.write_bytes(content[: len(content) - stride_of(data) + 9])
    valid = (np.arange(n) < n - 1).reshape(shape)
    yield Special("cut within the header of an element", {"path": path}, pixels=data.pixels, valid=valid, notes=1)
    path.write_bytes(series_bytes(flat[:-3], scan=shape))
    valid = (np.arange(n) < n - 3).reshape(shape)
    stamps = times_of(n - 3)
    yield Special("an aborted scan", {"path": path}, pixels=data.pixels, valid=valid, per_frame=stamps, notes=1)
    path.write_bytes(series_bytes(flat, scan=shape, broken_tags=(0, 0)))
    known = {"acquired": None}
    yield Special("two tags that are missing", {"path": path}, per_frame=times_of(n, lost=2), metadata=known, notes=0)
