"""Where the direct beam is: a look at a few frames, so that the default detectors sit where they should."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.dataset.dataset import DataSet

__all__ = ["Beam", "find_beam", "locate"]

_FRAMES = 64


@dataclass(frozen=True, slots=True)
class Beam:
    """The direct beam: centre (cy, cx) and radius [px], how it was found, and the detectors that fit it."""

    cy: float
    cx: float
    radius: float
    origin: str
    sig_shape: tuple[int, int]

    @property
    def disk(self) -> tuple[float, float, float]:
        """A bright-field detector: cy, cx, radius, a little wider than the beam."""
        return self.cy, self.cx, round(1.2 * self.radius + 0.5, 2)

    @property
    def ring(self) -> tuple[float, float, float, float]:
        """An annular detector: cy, cx, inner and outer radius; from clear of the beam to the nearest edge."""
        height, width = self.sig_shape
        edges = (self.cy, self.cx, height - 1 - self.cy, width - 1 - self.cx)
        inner, outer = 1.6 * self.radius + 1, min(edges)
        if outer < inner + 1:
            outer = max(math.hypot(y, x) for y in edges[::2] for x in edges[1::2])
        return self.cy, self.cx, round(min(inner, 0.8 * outer), 2), round(outer, 2)


def find_beam(dataset: DataSet) -> Beam:
    """Locate the beam in the mean of some frames, evenly taken from the scan.

    Raises
    ------
    FormatError
        If the frames cannot be read.
    """
    chosen = _sample(dataset)
    total = np.zeros(tuple(dataset.shape.sig))
    for position in chosen:
        total += np.abs(dataset[tuple(int(i) for i in np.unravel_index(position, tuple(dataset.shape.nav)))])
    return locate(total / len(chosen), f"found in {len(chosen)} frames")


def _sample(dataset: DataSet) -> NDArray[np.int64]:
    """Choose flat scan positions that have a frame."""
    filled = dataset.frame_map.filled
    spread = np.unique(np.linspace(filled.start, filled.stop - 1, _FRAMES).astype(np.int64))
    return spread[dataset.frame_map.frames(spread) >= 0]


def locate(pattern: NDArray[np.float64], origin: str = "found") -> Beam:
    """Locate the beam in a pattern: the connected region around the maximum that is brighter than half of it.

    A pattern without such a region (nothing recorded, no contrast) gives the middle of the detector.
    """
    height, width = pattern.shape
    smooth = _smoothed(np.nan_to_num(pattern))
    bright = smooth > 0.5 * smooth.max()
    region = _connected(bright, np.unravel_index(int(np.argmax(smooth)), smooth.shape))
    area = int(region.sum())
    if smooth.max() <= 0 or area > 0.4 * region.size:
        middle = (height - 1) / 2, (width - 1) / 2
        return Beam(*middle, 0.15 * min(height, width), "the middle of the detector", (height, width))
    weight = np.where(_grown(region), smooth, 0.0)
    cy, cx = (float(np.round(np.average(axis, weights=weight), 2)) for axis in np.indices(pattern.shape))
    return Beam(cy, cx, round(math.sqrt(area / math.pi), 2), origin, (height, width))


def _smoothed(pattern: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the median of each pixel and its four neighbours, so that single hot pixels do not count."""
    padded = np.pad(pattern, 1, mode="edge")
    around = (padded[1:-1, 1:-1], padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    middle: NDArray[np.float64] = np.median(np.stack(around), axis=0)
    return middle


def _connected(mask: NDArray[np.bool_], start: tuple[np.intp, ...]) -> NDArray[np.bool_]:
    """Give the part of a mask that is connected to a pixel of it."""
    region = np.zeros_like(mask)
    region[start] = mask[start]
    reached = 0
    while reached != (reached := int(region.sum())):
        region = _grown(region) & mask
    return region


def _grown(region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Give a region and all pixels beside it."""
    grown = region.copy()
    grown[1:] |= region[:-1]
    grown[:-1] |= region[1:]
    grown[:, 1:] |= region[:, :-1]
    grown[:, :-1] |= region[:, 1:]
    return grown
