"""Large data sets of which little was written: what is announced is far more than what the file holds."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from lamella_hdf5.specials.writing import MOSAIC, saved, stored
from lamella_testkit import Special

if TYPE_CHECKING:
    from lamella_testkit import SampleData

__all__ = ["special_files"]

_SCAN, _FRAME = (33, 2), (1024, 1024)
"""66 MiB of bytes: below 64 MiB, pixels that were never written are read as the fill value."""


def special_files(folder: Path, data: SampleData) -> Iterator[Special]:
    """Write them."""
    frame = np.resize(data.frames, _FRAME).astype(np.uint8)
    shape = (*_SCAN, *_FRAME)

    def stopped(file: Any) -> None:
        made = file.create_dataset("data", shape, np.uint8, chunks=(2, 2, *_FRAME))
        made[0, 0] = frame
        made[32, 1] = frame

    pixels, valid = np.zeros(shape, np.uint8), np.zeros(_SCAN, np.bool_)
    pixels[0, 0] = pixels[32, 1] = frame
    valid[:2] = valid[32] = True
    keywords = saved(folder / "stopped.h5", stopped)
    yield Special("a scan of which most was never written", keywords, pixels=pixels, valid=valid, notes=1, warnings=1)

    def dark(file: Any) -> None:
        made = file.create_dataset("data", shape, np.uint8, chunks=(1, 1, *_FRAME), compression="gzip")
        packed = zlib.compress(bytes(made[0, 0].nbytes))
        for step in np.ndindex(_SCAN):
            made.id.write_direct_chunk((*step, 0, 0), packed)

    keywords = saved(folder / "dark.h5", dark)
    yield Special("dark frames, which are packed very well", keywords, pixels=np.zeros(shape, np.uint8), notes=0)

    def noisy(file: Any) -> None:
        made = file.create_dataset("data", shape, np.uint8, chunks=(1, 1, *_FRAME), compression="gzip")
        for step in range(5):
            made.id.write_direct_chunk((step, 0, 0, 0), zlib.compress(noise.tobytes(), 0))

    noise = np.random.default_rng(0).integers(0, 256, _FRAME, np.uint8)
    shown = np.zeros(shape, np.uint8)
    shown[:5, 0] = noise
    keywords = saved(folder / "noisy.h5", noisy)
    yield Special("a file as large as packed pixels can make it", keywords, pixels=shown, notes=0)

    def image(file: Any) -> None:
        made = file.create_dataset("data", (8200, 8200), np.uint8, chunks=(1025, 8200), fillvalue=9)
        made[:1025] = 1

    picture = np.full((8200, 8200), 9, np.uint8)
    picture[:1025] = 1
    yield Special(
        "a large image of which a part was written", saved(folder / "image.h5", image), pixels=picture[np.newaxis]
    )
    stored(folder / "part.h5", frame[:, :512])
    layout = h5py.VirtualLayout(shape, np.uint8)
    layout[4, 1, :, :512] = h5py.VirtualSource(folder / "part.h5", "data", frame[:, :512].shape)
    keywords = saved(folder / "virtual.h5", lambda file: file.create_virtual_dataset("data", layout, fillvalue=0))
    shown = np.zeros(shape, np.uint8)
    shown[4, 1, :, :512] = frame[:, :512]
    yield Special("a large virtual data set of one part", keywords, pixels=shown, details=MOSAIC)
