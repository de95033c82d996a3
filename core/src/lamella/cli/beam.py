"""Where the direct beam is: a look at a few frames, so that the default detectors sit where they should."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.dataset.dataset import DataSet

__all__ = ["Beam", "find_beam", "locate"]

_FRAMES = 64
_ROWS = 64
"""Rows of a pattern that are smoothed at a time."""


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
    total /= len(chosen)
    return locate(total, f"found in {len(chosen)} frames")


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
    smooth = _smoothed(pattern)
    highest = smooth.max()
    region = _connected(smooth > 0.5 * highest, np.unravel_index(int(np.argmax(smooth)), smooth.shape))
    area = int(region.sum())
    if highest <= 0 or area > 0.4 * region.size:
        middle = (height - 1) / 2, (width - 1) / 2
        return Beam(*middle, 0.15 * min(height, width), "the middle of the detector", (height, width))
    smooth *= _grown(region)
    cy, cx = (
        float(np.round(np.average(np.arange(length), weights=smooth.sum(axis=1 - axis)), 2))
        for axis, length in enumerate(pattern.shape)
    )
    return Beam(cy, cx, round(math.sqrt(area / math.pi), 2), origin, (height, width))


def _smoothed(pattern: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the median of each pixel and its four neighbours, so that single hot pixels do not count; NaN is zero."""
    result = np.empty_like(pattern)
    for first in range(0, len(pattern), _ROWS):
        rows = np.nan_to_num(pattern[max(0, first - 1) : first + _ROWS + 1])
        above, below = int(first == 0), int(first + _ROWS >= len(pattern))
        padded = np.pad(rows, ((above, below), (1, 1)), mode="edge")
        result[first : first + _ROWS] = _median(
            padded[1:-1, 1:-1], padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]
        )
    return result


def _median(*five: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the median of five numbers each, without sorting them."""
    a, b, c, d, e = five
    low = np.maximum(np.minimum(a, b), np.minimum(c, d))
    high = np.minimum(np.maximum(a, b), np.maximum(c, d))
    middle: NDArray[np.float64] = np.maximum(np.minimum(low, high), np.minimum(np.maximum(low, high), e))
    return middle


def _connected(mask: NDArray[np.bool_], start: tuple[np.intp, ...]) -> NDArray[np.bool_]:
    """Give the part of a mask that is connected to a pixel of it."""
    region = np.zeros_like(mask)
    region[start] = mask[start]
    low, high = np.array(start), np.array(start) + 1
    reached = 0
    while reached != (reached := int(region[_box(low, high)].sum())):
        low, high = np.maximum(low - 1, 0), np.minimum(high + 1, mask.shape)
        box = _box(low, high)
        region[box] = _grown(region[box]) & mask[box]
    return region


def _box(low: NDArray[Any], high: NDArray[Any]) -> tuple[slice, ...]:
    return tuple(slice(int(first), int(end)) for first, end in zip(low, high, strict=True))


def _grown(region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Give a region and all pixels beside it."""
    grown = region.copy()
    grown[1:] |= region[:-1]
    grown[:-1] |= region[1:]
    grown[:, 1:] |= region[:, :-1]
    grown[:, :-1] |= region[:, 1:]
    return grown
