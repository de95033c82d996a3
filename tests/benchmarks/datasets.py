"""The files that are measured: seeded counts like those of a detector, written without the code that reads them.

A kind of file is a `Kind`; the modules ``kinds_*.py`` beside this one hold them, each in a dictionary ``KINDS``.
While a file is written, the results of all jobs are computed from its pixels (`truth.Truth`) and kept beside it, so
that every candidate is compared with what was written and not with another candidate.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from truth import Truth

Shape = tuple[int, int]
Pixels = Iterator[np.ndarray[Any, Any]]

_BATCH_PIXELS = 64 << 16


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    ``write(path, nav, pixels)`` writes it, taking batches of frames as they come. ``share`` is its part of the size
    asked for; ``count`` is the number of frames where that is fixed. ``jobs`` are the only ones it is for, if any are
    named. ``layout`` lets a candidate without a reader map the frames: dtype, bytes before the first frame, and
    bytes in front of each.
    """

    format: str
    suffix: str
    dtype: str
    high: int
    frame_nbytes: int
    write: Callable[[Path, Shape, Pixels], None]
    sig: Shape = (256, 256)
    params: Mapping[str, Any] = field(default_factory=dict)
    layout: Callable[[Shape], Mapping[str, Any]] | None = None
    share: float = 1.0
    count: int | None = None
    jobs: tuple[str, ...] = ()
    not_jobs: tuple[str, ...] = ()


@dataclass(frozen=True)
class File:
    """One file: how each candidate opens it, how many bytes of pixels it holds, and where the right results are."""

    name: str
    path: str
    format: str
    nav_shape: Shape
    sig_shape: Shape
    nbytes: int
    truth: str
    parts: tuple[str, ...]
    params: Mapping[str, Any]
    layout: Mapping[str, Any] | None

    def order(self) -> dict[str, Any]:
        """Give it as JSON."""
        return asdict(self)


@cache
def kinds() -> dict[str, Kind]:
    """Give every kind of file, by name."""
    found: dict[str, Kind] = {}
    for module in sorted(Path(__file__).parent.glob("kinds_*.py")):
        found |= importlib.import_module(module.stem).KINDS
    return found


def make(name: str, folder: Path, nbytes: int, *, many: int = 1_000_000) -> File:
    """Write the file and its results, unless files of the right size are there already.

    ``many`` is the number of frames of the kinds whose point is to have many.
    """
    kind = kinds()[name]
    count = (kind.count and many) or max(4, int(nbytes * kind.share) // kind.frame_nbytes)
    width = math.isqrt(count)
    nav = (width, width)
    directory = folder / f"{name}_{width}x{width}"
    path, results = directory / f"scan{kind.suffix}", directory / "results.npz"
    if not results.exists():
        directory.mkdir(parents=True, exist_ok=True)
        truth = Truth(nav, kind.sig, moments=kind.count is None)
        kind.write(path, nav, truth.watch(frames(nav, kind)))
        truth.save(results)
    parts = tuple(sorted(str(part) for part in directory.iterdir() if part != results))
    layout = None if kind.layout is None else kind.layout(nav)
    nbytes = width * width * kind.frame_nbytes
    return File(name, str(path), kind.format, nav, kind.sig, nbytes, str(results), parts, kind.params, layout)


def frames(nav: Shape, kind: Kind) -> Pixels:
    """Give the frames in batches: a beam whose place drifts, so that no two batches are alike."""
    height, width = kind.sig
    batch = max(1, min(math.prod(nav), _BATCH_PIXELS // (height * width)))
    y, x = np.ogrid[:height, :width]
    distance = ((y - 0.45 * height) / height) ** 2 + ((x - 0.3 * width) / width) ** 2
    mean = kind.high * (0.05 + 0.5 * np.exp(-40 * distance))
    base = np.random.default_rng(1234).poisson(mean, (batch, height, width)).clip(0, kind.high).astype(kind.dtype)
    for start in range(0, math.prod(nav), batch):
        yield np.roll(base, start // batch, axis=2)[: math.prod(nav) - start]
