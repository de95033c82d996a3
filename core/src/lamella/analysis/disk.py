"""A bright disk in a pattern: found by contrast, shape and distance from the edge, at the scale that noise allows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Disk", "disk_in"]

Image: TypeAlias = "NDArray[np.float32]"
Mask: TypeAlias = "NDArray[np.bool_]"
Disk: TypeAlias = tuple[float, float, float]
"""Centre (y, x) and radius [px]."""

_LARGEST = 1024
"""Pixels along an axis beyond which several are joined first."""
_USUAL = 1e15
"""Largest number of a pattern up to which, and down to its reciprocal, it is taken as it is."""
_SMALLEST = 12
"""Pixels along an axis of the coarsest scale that is looked at."""
_CONTRAST = 7.0
"""How far the disk must rise above its surroundings, in standard deviations of these."""
_BRIGHTER = 1.5
"""How much brighter than the median of its surroundings the disk must be."""
_HOT = 0.002
"""Part of the pixels that may be hot."""
_STRUCTURE = 0.5
"""Correlation of neighbours above which an image is not noise: a coarser look would only hide its structure."""
_LEVELS = (0.5, 0.75, 0.9, 0.95)
"""Parts of the height at which a disk is looked for, one after the other."""
_PLATEAU = 4.0
"""Radius from which a disk may be told from its halo by its flat top."""
_SHARE = 0.3
"""Part of all that is bright that must lie in the disk."""
_AS_BRIGHT = 0.9
"""Part of the brightness of a region, and of its sum, from which on another one is as bright."""
_MOST_AREA = 0.4
_FILLED, _WITHIN = 0.6, 0.75
"""Part of the disk that must be bright, and part of the bright region that must lie in the disk."""
_LONGEST = 1.4
"""Ratio of height and width of a region that is taken for round."""
_SMALL = 1.8
"""Radius up to which no line across a disk can be told from its edge."""
_TINY = 2.5
"""Radius below which a disk may be a few counts that met by chance: nothing else may be nearly as bright."""
_SOLID, _HALO = 0.78, 0.25
"""Part of the pixels in the disk, without smoothing, that must be bright; and part of those around it that may be."""
_STEPS = 16
"""How often a region grows by one pixel before its runs are looked at."""


def disk_in(pattern: NDArray[np.float64]) -> Disk | str:
    """Give the disk of the direct beam in a pattern, or why there is none, as the end of a sentence."""
    if not np.isfinite(pattern).any():
        return "no pixel has a number that is finite"
    largest = float(np.abs(pattern, where=np.isfinite(pattern), out=np.zeros(pattern.shape)).max())
    if largest > 0 and not 1 / _USUAL < largest < _USUAL:  # squares of numbers in single precision must have room
        pattern = pattern / largest
    step = max(1, -(-max(pattern.shape) // _LARGEST))
    image = _binned(_finite(pattern), step)
    if min(image.shape) < 3:
        return "the frame is too small"
    if image.min() == image.max():
        return "all pixels have the same value"
    image = _without_hot(image)
    reason = "nothing rises above the noise"
    while True:
        found = _disk_at(image)
        if not isinstance(found, str):
            return _in_full(found, step, pattern)
        if found != _GRAINY and _structure(image) > _STRUCTURE:
            return found
        reason = reason if found == _FAINT else found
        if min(image.shape) // 2 < _SMALLEST:
            return reason
        image, step = _binned(image, 2), 2 * step


_FAINT = "nothing rises clearly above its surroundings"
_GRAINY = "the brightest region is noise"


def _finite(pattern: NDArray[np.float64]) -> Image:
    """Give a pattern in which what is no number has the median of the others."""
    with np.errstate(over="ignore"):
        image = pattern.astype(np.float32)
    known = np.isfinite(image)
    if not known.all():
        image[~known] = np.median(image[known]) if known.any() else 0
    return image


def _binned(image: Image, step: int) -> Image:
    """Give means of squares of pixels; a rest at the end is left out."""
    if step == 1:
        return image
    height, width = (n // step * step for n in image.shape)
    squares = image[:height, :width].reshape(height // step, step, width // step, step)
    return np.asarray(squares.mean(axis=(1, 3)), dtype=np.float32)


def _without_hot(image: Image) -> Image:
    """Replace pixels that are far brighter than all but two in their neighbourhood, and far from the rest."""
    ordinary = image[image <= np.percentile(image, 99.5)]
    spread = float(ordinary.std(dtype=np.float64)) if ordinary.size else 0.0
    high = np.argwhere(image > float(np.median(image)) + 6 * spread)
    if len(high) > 0.05 * image.size:
        return image
    padded = np.pad(image, 1, mode="reflect")
    offsets = np.arange(3)
    around = padded[(high[:, 0, None, None] + offsets[:, None]), (high[:, 1, None, None] + offsets)]
    third = np.sort(around.reshape(len(high), 9), axis=1)[:, 6]
    places = tuple(high.T)
    is_hot = image[places] > third + 6 * spread
    if np.count_nonzero(is_hot) > max(12, _HOT * image.size):
        return image  # these are counts
    result = image.copy()
    result[places] = np.where(is_hot, third, image[places])
    return result


def _structure(image: Image) -> float:
    """Give the correlation of pixels that lie beside each other, the larger one of both directions."""
    values = image - image.mean(dtype=np.float64)
    power = float((values * values).mean(dtype=np.float64))
    if power <= 0:
        return 1.0
    pairs = (values[1:] * values[:-1], values[:, 1:] * values[:, :-1])
    return max(float(pair.mean(dtype=np.float64)) for pair in pairs) / power


# One scale.


@dataclass(frozen=True, slots=True)
class _Found:
    """A disk at a scale [px of it], with the levels of it and around it, and whether no dark line crosses it."""

    disk: Disk
    high: float
    low: float
    whole: bool


def _disk_at(image: Image) -> _Found | str:
    """Give the disk that rises above half of its height, or higher where a bright halo surrounds it."""
    smooth = _smooth(image)
    found = _disk_above(_LEVELS[0], image, smooth)
    if isinstance(found, str) and found not in (_FAINT, _GRAINY):
        others = (_disk_above(level, image, smooth) for level in _LEVELS[1:])
        return next((other for other in others if not isinstance(other, str)), found)
    return found


def _disk_above(level: float, image: Image, smooth: Image) -> _Found | str:
    peak = np.unravel_index(int(np.argmax(smooth)), smooth.shape)
    low = float(np.median(smooth))
    high = float(smooth[peak])
    region = np.zeros(smooth.shape, dtype=np.bool_)
    for _ in range(3):
        bright = smooth > low + level * (high - low)
        if not bright[peak] or np.count_nonzero(bright) > _MOST_AREA * bright.size:
            return _FAINT
        region = _connected(bright, peak)
        high = float(np.median(smooth[region]))
        outside = ~_near(region)
        if np.count_nonzero(outside) < 0.2 * bright.size:
            return "the bright region fills the frame"
        low = float(np.median(smooth[outside]))
    return _judged(level, image, smooth, region, peak, high, low)


def _judged(
    level: float, image: Image, smooth: Image, region: Mask, peak: tuple[np.intp, ...], high: float, low: float
) -> _Found | str:
    """Give the disk that a bright region makes, or why it makes none."""
    bright = smooth > low + level * (high - low)
    around = smooth[~(_near(region) | bright)]
    ends = np.percentile(around, (5, 95))
    spread = float(np.clip(around, *ends).std(dtype=np.float64))
    if high - low < _CONTRAST * spread or high < _BRIGHTER * low:
        return _FAINT
    disk = _round(region, smooth - low)
    whole = disk is not None and level == _LEVELS[0]
    if disk is None:
        gap = 1 + max(int(np.count_nonzero(region.any(axis=axis))) for axis in (0, 1)) // 8
        region = _connected(_grown(bright, gap), peak) & bright
        disk = _round(region, smooth - low)
    if _touches_edge(region) if disk is None else not _inside(disk, image.shape):
        return "the brightest region touches the edge of the frame"
    if disk is None:
        return "the brightest region is not round"
    if level > _LEVELS[0] and disk[2] < _PLATEAU:
        return "the brightest region is not round"
    if disk[2] < _TINY and np.where(_near(region), low, smooth).max() > low + 0.45 * (smooth[peak] - low):
        return _FAINT
    if (reason := _why_not_solid(level, image, low, disk)) is not None:
        return reason
    above = np.where(bright, smooth - low, 0)
    total = above[region].sum(dtype=np.float64)
    if total < _SHARE * above.sum(dtype=np.float64) or _has_equal(region, above, total):
        return "several regions are as bright as each other"
    return _Found(disk, high, low, whole)


def _has_equal(region: Mask, above: Image, total: float) -> bool:
    """Whether another region is as bright as this one, and as large."""
    others = np.where(_near(region), 0, above)
    peak = np.unravel_index(int(np.argmax(others)), others.shape)
    if others[peak] < _AS_BRIGHT * above[region].max():
        return False
    return bool(others[_connected(others > 0, peak)].sum(dtype=np.float64) > _AS_BRIGHT * total)


def _smooth(image: Image) -> Image:
    """Give means over 3 x 3 pixels."""
    padded = np.pad(image, 1, mode="edge")
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    result = rows[:, :-2] + rows[:, 1:-1]
    result += rows[:, 2:]
    result /= 9
    return result


def _round(region: Mask, weights: Image) -> Disk | None:
    """Give the disk that a region covers; None if it is not round. Lines across it may be dark."""
    rows, columns = np.nonzero(region)
    area = len(rows)
    above = weights[rows, columns].astype(np.float64)
    centroid = float(np.average(rows, weights=above)), float(np.average(columns, weights=above))
    ends = (rows.min(), rows.max()), (columns.min(), columns.max())
    middle = tuple(float(first + last) / 2 for first, last in ends)
    extent = float(np.mean([last - first + 1 for first, last in ends])) / 2
    candidates = [(*centroid, math.sqrt(area / math.pi)), (middle[0], middle[1], extent)]
    scores = [_overlap(candidate, rows, columns) for candidate in candidates]
    best = int(scores[1] > scores[0] + 0.02)
    inside = np.hypot(rows - candidates[best][0], columns - candidates[best][1]) <= candidates[best][2] + 0.5
    within = np.count_nonzero(inside)
    disk = candidates[best]
    is_round = within >= _FILLED * math.pi * disk[2] ** 2 and within >= _WITHIN * area
    short, long = sorted(int(last - first) + 1 for first, last in ends)
    return disk if is_round and long <= max(_LONGEST * short, short + 2) else None


def _why_not_solid(level: float, image: Image, low: float, disk: Disk) -> str | None:
    """Say why the pixels without smoothing are not a disk: most must be bright, and few of those around it.

    Rows and columns that are dark all across the disk, with bright ones on both sides, may be those of a beam stop, or
    dead; they do not count.
    """
    cy, cx, radius = disk
    y, x = (np.arange(n) - at for n, at in zip(image.shape, (cy, cx), strict=True))
    distance = np.hypot(y[:, np.newaxis], x)
    inner = distance <= max(radius - 0.7, 0.6 * radius, 0.71)
    outer = (distance > radius + 1.5) & (distance <= 1.3 * radius + 2.5)
    bright = image > low + level * (float(np.median(image[inner])) - low)
    if outer.any() and bright[outer].mean() > _HALO:
        return "the brightest region has no edge"
    counts = inner.copy()
    for axis in (0, 1) if radius > _SMALL else ():
        dark = (bright & inner).sum(axis=axis) <= 0.1 * inner.sum(axis=axis)
        lit = np.flatnonzero(~dark)
        if lit.size and radius >= _TINY:
            dark[: lit[0]] = dark[lit[-1] :] = False
        counts &= ~np.expand_dims(dark, axis)
    core = counts & (distance <= 0.45 * radius)
    solid = bright[counts].mean() if counts.any() else 0.0
    if solid >= _SOLID and (not core.any() or bright[core].mean() >= 0.5) and counts.sum() >= 0.35 * inner.sum():
        return None
    places = np.argwhere(inner)
    within = image[_box(places.min(axis=0), places.max(axis=0) + 1)]
    return _GRAINY if _structure(within) < _STRUCTURE else "the brightest region has a structure of its own"


def _overlap(disk: Disk, rows: NDArray[Any], columns: NDArray[Any]) -> float:
    """Give the part of disk and region together that belongs to both."""
    within = int(np.count_nonzero(np.hypot(rows - disk[0], columns - disk[1]) <= disk[2]))
    return within / (math.pi * disk[2] ** 2 + len(rows) - within)


def _inside(disk: Disk, shape: tuple[int, ...]) -> bool:
    cy, cx, radius = disk
    return all(radius <= at and radius <= n - 1 - at for at, n in ((cy, shape[0]), (cx, shape[1])))


def _touches_edge(region: Mask) -> bool:
    return bool(region[0].any() or region[-1].any() or region[:, 0].any() or region[:, -1].any())


# Regions.


def _near(region: Mask) -> Mask:
    """Give an ellipse around a region: a little larger than that."""
    reached = []
    for axis, n in enumerate(region.shape):
        found = np.flatnonzero(region.any(axis=1 - axis))
        middle, half = (found[0] + found[-1]) / 2, (found[-1] - found[0] + 1) / 2
        reached.append(np.square((np.arange(n) - middle) / (1.15 * half + 2)))
    return np.asarray(reached[0][:, np.newaxis] + reached[1] <= 1)


def _connected(mask: Mask, start: tuple[np.intp, ...]) -> Mask:
    """Give the part of a mask that is connected to a pixel of it."""
    region = np.zeros_like(mask)
    region[start] = mask[start]
    low, high = np.array(start), np.array(start) + 1
    reached = 0
    for _ in range(_STEPS):  # the quickest way to a small region
        if reached == (reached := int(np.count_nonzero(region[_box(low, high)]))):
            return region
        low, high = np.maximum(low - 1, 0), np.minimum(high + 1, mask.shape)
        box = _box(low, high)
        region[box] = _grown(region[box]) & mask[box]
    return _connected_runs(mask, start)


def _connected_runs(mask: Mask, start: tuple[np.intp, ...]) -> Mask:
    """Give the same by the runs of rows: a large region with many turns takes no more than another one."""
    height, width = mask.shape[0], mask.shape[1] + 1
    flat = np.zeros((height + 1) * width + 1, dtype=np.bool_)  # dark before each row, and at the end
    flat[1:-width].reshape(height, width)[:, :-1] = mask
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    first, end = edges[::2], edges[1::2]
    below = np.searchsorted(end - width, first, side="right")
    count = np.maximum(np.searchsorted(first - width, end, side="left") - below, 0)
    upper = np.repeat(np.arange(len(first)), count)
    lower = np.arange(len(upper)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(below, count)
    names = np.arange(len(first))
    while True:  # runs that touch take the lower one of their names
        one, other = names[upper], names[lower]
        if np.array_equal(one, other):
            break
        least = np.minimum(one, other)
        np.minimum.at(names, one, least)
        np.minimum.at(names, other, least)
        while not np.array_equal(names, shorter := names[names]):
            names = shorter
    own = np.searchsorted(first, 1 + int(start[0]) * width + int(start[1]), side="right") - 1
    chosen = names == names[own]
    change = np.zeros(len(flat), dtype=np.int8)
    change[first[chosen]] = 1
    change[end[chosen]] = -1
    inside = np.cumsum(change, dtype=np.int8)[1:-width].reshape(height, width)
    return np.asarray(inside[:, :-1] != 0)


def _box(low: NDArray[Any], high: NDArray[Any]) -> tuple[slice, ...]:
    return tuple(slice(int(first), int(end)) for first, end in zip(low, high, strict=True))


def _grown(region: Mask, count: int = 1) -> Mask:
    """Give a region and all pixels beside it, some times."""
    for _ in range(count):
        grown = region.copy()
        grown[1:] |= region[:-1]
        grown[:-1] |= region[1:]
        grown[:, 1:] |= region[:, :-1]
        grown[:, :-1] |= region[:, 1:]
        region = grown
    return region


# The full pattern.


def _in_full(found: _Found, step: int, pattern: NDArray[np.float64]) -> Disk:
    """Give the disk in pixels of the whole pattern; one that was found at a coarse scale is measured again."""
    cy, cx, radius = found.disk
    cy, cx, radius = (cy + 0.5) * step - 0.5, (cx + 0.5) * step - 0.5, radius * step
    low, high = found.low, found.high
    if not found.whole and step == 1:
        return cy, cx, radius
    for _ in range(3):
        reach = 1.25 * radius + step
        top, left = max(0, math.floor(cy - reach)), max(0, math.floor(cx - reach))
        part = _finite(pattern[top : math.ceil(cy + reach) + 1, left : math.ceil(cx + reach) + 1]).astype(np.float64)
        y, x = np.arange(part.shape[0])[:, np.newaxis], np.arange(part.shape[1])
        distance = np.hypot(y + top - cy, x + left - cx)
        part = np.minimum(part, low + 5 * (high - low))  # whatever hot pixels have
        weight = np.where(distance <= reach, np.maximum(part, low) - low, 0)
        if weight.sum() <= 0:
            break
        cy, cx = top + float((weight * y).sum() / weight.sum()), left + float((weight * x).sum() / weight.sum())
        radius = _radius(part, np.hypot(y + top - cy, x + left - cx), reach, low, radius)
    return cy, cx, radius


def _radius(part: NDArray[np.float64], distance: NDArray[Any], reach: float, low: float, radius: float) -> float:
    """Give the radius of the disk of the level inside that holds what lies above the level around."""
    inner = part[distance <= 0.7 * radius]
    if not inner.size or (level := float(inner.mean())) <= low:
        return radius
    width = max(0.5, radius / 40)
    number = (distance / width).astype(np.int64)
    chosen = distance <= reach
    gains = np.bincount(number[chosen], weights=part[chosen] - (low + level) / 2)
    edge = (int(np.argmax(np.cumsum(gains))) + 1) * width
    area = float((part[distance <= 1.25 * edge + 1] - low).sum()) / (level - low)
    return math.sqrt(max(area, 1.0) / math.pi)
