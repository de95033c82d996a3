"""Dark frames, gain maps, and rows that were binned."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lamella_frms6.specials.acquisitions import acquisition
from lamella_frms6.writer import header_text, matrix_bytes
from lamella_testkit import SampleData, Special

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["corrected", "other_dark_frames"]


def corrected(directory: Path, data: SampleData) -> Iterator[Special]:
    """Dark frames, gain maps, and rows that were binned."""
    darks = _dark_frames(data)
    mean = darks.astype(np.float64).mean(axis=0)
    text = header_text(data.n_frames, data.nav_shape, binning=2, dark_frames=3)
    _, plain = acquisition(directory, "plain", data, darks)
    _, binned = acquisition(directory, "binned", data, darks, text)
    folder = directory / "binned"
    rows = np.repeat(data.pixels, 2, axis=-2)
    gain = 1 + np.arange(rows[0, 0].size, dtype=np.float64).reshape(rows.shape[-2:]) / 8
    small = gain[: data.sig_shape[0]]
    table, short = folder / "gain.csv", folder / "short.CSV"
    table.write_text("\n".join("".join(f"{value};" for value in column) for column in gain.T) + "\n\n")
    short.write_text("\ufeff" + "\n".join(";".join(map(str, column)) for column in small.T), encoding="utf-8")
    yield Special("dark frames", plain, pixels=data.pixels, corrections={"dark": mean}, notes=0)
    yield Special("dark frames that are not wanted", {**plain, "subtract_dark": False}, corrections={}, notes=0)
    only = {**plain, "subtract_dark": False, "gain_map": str(short)}
    yield Special("a gain map", only, pixels=data.pixels, corrections={"gain": small}, notes=0)
    twice = np.repeat(mean, 2, axis=0)
    yield Special("repeated rows", binned, pixels=rows, corrections={"dark": twice}, notes=0)
    scaled = {"dark": twice, "gain": np.full_like(twice, 0.5)}
    yield Special("rows that share their counts", {**binned, "unbin": "scale"}, pixels=rows, corrections=scaled)
    both = {"dark": twice, "gain": gain / 2}
    yield Special("the same, and a gain map", {**binned, "unbin": "scale", "gain_map": str(table)}, corrections=both)
    stored = {**binned, "unbin": False}
    yield Special("rows as they were stored", stored, pixels=data.pixels, corrections={"dark": mean}, notes=0)
    once = {**binned, "binning": 1}
    yield Special("binning of the user", once, pixels=data.pixels, corrections={"dark": mean}, notes=0)
    if find_spec("scipy") is not None:
        matrix = folder / "gain.mat"
        matrix.write_bytes(matrix_bytes(b"GainMap", small))
        yield Special("a gain map of MATLAB", {**only, "gain_map": str(matrix)}, corrections={"gain": small})


def other_dark_frames(directory: Path, data: SampleData) -> Iterator[Special]:
    """Other numbers of dark frames than the header states."""
    darks = _dark_frames(data)
    mean = darks.astype(np.float64).mean(axis=0)
    n, nav = data.n_frames, data.nav_shape
    for stated, notes in ((4, 1), (3, 0), (2, 0)):
        _, keywords = acquisition(directory, f"stated {stated}", data, darks, header_text(n, nav, dark_frames=stated))
        yield Special(f"3 of {stated} dark frames", keywords, corrections={"dark": mean}, notes=notes)
    large = SampleData((1, 2), (264, 264), "<u2")
    many = np.broadcast_to(np.arange(264, dtype=np.uint16)[:, np.newaxis], (64, 264, 264)).copy()  # more than 8 MiB
    many[-1] += 64
    _, keywords = acquisition(directory, "many", large, many)
    yield Special("many dark frames", keywords, corrections={"dark": many.mean(axis=0)}, notes=0)
    _, keywords = acquisition(directory, "none", data, None, header_text(n, nav, dark_frames=2))
    yield Special("no dark frames, but the header counts some", keywords, corrections={}, notes=1)
    yield Special("no dark frames, and none wanted", {**keywords, "subtract_dark": False}, corrections={}, notes=0)
    silent = header_text(n, nav).replace("darkframes=0\r\n", "")
    _, keywords = acquisition(directory, "silent", data, None, silent)
    yield Special("no dark frames beside several parts", keywords, pixels=data.pixels, corrections={}, notes=1)


def _dark_frames(data: SampleData) -> NDArray[np.uint16]:
    ramp = np.arange(np.prod(data.sig_shape), dtype=np.uint16).reshape(data.sig_shape)
    return np.stack([ramp, 3 * ramp, 65535 - ramp])
