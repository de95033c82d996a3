"""Raw frames whose depth stands elsewhere, and gaps between chips."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_mib.specials.writing import settings
from lamella_mib.writer import Merlin
from lamella_testkit import Special

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["raw_frames"]


def raw_frames(directory: Path, frames: NDArray[Any]) -> Iterator[Special]:
    """Raw frames whose depth stands elsewhere, and gaps between chips."""
    path = directory / "scan.mib"
    given: dict[str, Any] = {"path": path}
    wide = np.arange(3 * 4 * 256).reshape(3, 4, 256)
    sizes = {1: np.uint8, 6: np.uint8, 12: np.uint16, 24: np.uint32}
    for depth, dtype in sizes.items():
        pixels = (wide * 5471 % (1 << depth)).astype(dtype)
        camera = Merlin(raw=True, depth=depth, extension=False)
        stated = {"counter_depth": depth}
        path.write_bytes(camera.part(pixels))
        settings(directory, depth=depth)
        yield Special(f"raw, {depth} bit from the sidecar", given, pixels=pixels, metadata=stated, notes=1)
        settings(directory)
        said = {**given, "counter_depth": depth}
        yield Special(f"raw, {depth} bit from the user", said, pixels=pixels, metadata=stated, notes=1)
        yield Special(f"raw, {depth} bit from the distance", given, pixels=pixels, metadata=stated, notes=2)
    pixels = (wide * 5471 % (1 << 24)).astype(np.uint32)
    doubled = Merlin(raw=True, depth=24, width_doubled=True)
    path.write_bytes(doubled.part(pixels))
    yield Special("raw, 24 bit, with the width of both images", given, pixels=pixels, notes=1)
    both = np.concatenate([pixels, pixels + 1], axis=2)
    path.write_bytes(Merlin(raw=True, depth=24).part(both))
    yield Special("raw, 24 bit, of a wide chip", given, pixels=both, notes=1)
    path.write_bytes(Merlin(raw=True, depth=12, layout="2x2").part(frames_of_chip := (wide % 4096).astype(np.uint16)))
    yield Special("raw, one chip of a quad", given, pixels=frames_of_chip, notes=1)
    quad = np.arange(2 * 4 * 512, dtype=np.uint16).reshape(2, 4, 512)
    camera = Merlin(raw=True, depth=12, chips=4, layout="2x2G")
    path.write_bytes(camera.part(quad))
    yield Special("raw quads", given, pixels=quad, corrections={}, notes=1)
    deep = quad.astype(np.uint32) * 4099
    for doubled_width in (False, True):
        path.write_bytes(Merlin(raw=True, depth=24, chips=4, width_doubled=doubled_width).part(deep))
        what = f"raw quads, 24 bit, with the width of both images: {doubled_width}"
        facts = {"counter depth": 24, "chips": 4}
        yield Special(what, given, pixels=deep, details=facts, notes=2)
    path.write_bytes(camera.part(quad))
    for gap in (1, 3):
        crossed = np.zeros((2, 4 + gap, 512 + gap), np.uint16)
        excluded = np.ones(crossed.shape[1:], np.bool_)
        for rows, from_rows in ((slice(0, 2), slice(0, 2)), (slice(2 + gap, None), slice(2, None))):
            for columns, from_columns in ((slice(0, 256), slice(0, 256)), (slice(256 + gap, None), slice(256, None))):
                crossed[:, rows, columns] = quad[:, from_rows, from_columns]
                excluded[rows, columns] = False
        with_gap = {**given, "gap": gap}
        mask = {"excluded": excluded}
        yield Special(f"raw quads with a gap of {gap}", with_gap, pixels=crossed, corrections=mask, notes=1)
    long = frames.astype(np.uint64) * 0x1_0000_0001_0001
    path.write_bytes(Merlin(depth=24).part(long))
    yield Special("pixels of 64 bits", given, pixels=long, notes=1)
