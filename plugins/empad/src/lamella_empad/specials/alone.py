"""Raw files without a sidecar: their name, size and content have to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lamella.reader import Axis
from lamella_empad.writer import footers_of, raw_bytes, raw_name_of
from lamella_testkit import SampleData, Special

__all__ = ["without_sidecar"]


def without_sidecar(directory: Path, data: SampleData) -> Iterator[Special]:
    """Raw files alone: their name and size have to do."""
    frames, n = data.frames, data.n_frames
    plain, named = directory / "plain.raw", directory / raw_name_of(data.nav_shape)
    plain.write_bytes(raw_bytes(frames))
    facts = {"layout": "g1", "settings from": None}
    yield Special("a name that says nothing", {"path": plain}, pixels=frames, notes=0, confidence=40, details=facts)
    other = directory / f"{raw_name_of(data.nav_shape)}.dat"
    other.write_bytes(raw_bytes(frames))
    yield Special("another extension", {"path": other}, pixels=frames, notes=0, confidence=0)
    other.unlink()
    shape = data.nav_shape[::-1]
    turned = frames.reshape(*shape, 128, 128)
    said = {"path": plain, "nav_shape": shape}
    yield Special("a shape from the user", said, pixels=turned, notes=0, confidence=40)
    axes = [Axis("frame"), Axis("ky", 0.25, -16.0, "1/nm"), Axis("kx", 0.25, -16.0, "1/nm")]
    said = {"path": plain, "q_calibration": 0.25}
    yield Special("a pixel size from the user", said, axes=axes, notes=0, confidence=40)
    plain.write_bytes(raw_bytes(frames, footer=False))
    yield Special("calibrated frames", {"path": plain}, pixels=frames, notes=0, confidence=0)
    words = {"path": plain, "layout": "g2"}
    yield Special("words that look like numbers", words, pixels=frames.view("<u4"), notes=1, confidence=0)
    plain.write_bytes(raw_bytes(frames[:9]))
    square = frames[:9].reshape(3, 3, 128, 128)
    yield Special("a square number of frames", {"path": plain}, pixels=square, notes=0, confidence=40)
    named.write_bytes(raw_bytes(frames))
    lines = (2, 6)
    said = {"path": named, "nav_shape": lines}
    shown = frames.reshape(*lines, 128, 128)
    shapes = [data.nav_shape, (n,)]
    yield Special("a shape from the user, and one in the name", said, pixels=shown, notes=0, alternatives=shapes)
    for name, confidence, notes in (("scan_x0_y3.raw", 40, 0), ("scan_x2_y2.raw", 40, 1), ("series_x0.raw", 40, 0)):
        odd = directory / name
        odd.write_bytes(raw_bytes(frames))
        yield Special(name, {"path": odd}, pixels=frames, notes=notes, alternatives=[], confidence=confidence)
        odd.unlink()
    named.write_bytes(raw_bytes(frames[:-2]))
    valid = (np.arange(n) < n - 2).reshape(data.nav_shape)
    footers = {"footer": footers_of(n - 2).reshape(-1, 256)}
    cut = {"path": named}
    yield Special(
        "an interrupted scan", cut, pixels=data.pixels, valid=valid, per_frame=footers, notes=1, confidence=40
    )
    named.write_bytes(raw_bytes(frames[:2]))
    valid = (np.arange(n) < 2).reshape(data.nav_shape)
    yield Special("less than a line", cut, pixels=data.pixels, valid=valid, notes=1, confidence=40)
    missing = frames.copy()
    missing[0, 0, :3] = np.nan
    named.write_bytes(raw_bytes(missing))
    yield Special("pixels that are NaN", {"path": named}, pixels=missing.reshape(data.pixels.shape), notes=1)
