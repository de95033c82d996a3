"""Regions of the scan as a page states them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import ParameterError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["checked_region", "region_mask"]

_NUMBERS = {
    "rect": ("y0", "x0", "y1", "x1"),
    "disk": ("cy", "cx", "r"),
    "ring": ("cy", "cx", "ri", "ro"),
    "point": ("y", "x"),
    "polygon": (),
}
_MOST_POINTS = 1000


def checked_region(region: object) -> dict[str, Any] | None:
    """Give a region with its numbers checked; None for the whole scan.

    Raises
    ------
    ParameterError
        If it is of an unknown kind, or numbers are absent, too many or not finite.
    """
    if region is None:
        return None
    if not isinstance(region, Mapping) or region.get("kind") not in _NUMBERS:
        kinds = ", ".join(_NUMBERS)
        raise ParameterError(f"expected a region of one of the kinds {kinds}", field="region")
    kind = str(region["kind"])
    names = ("points",) if kind == "polygon" else _NUMBERS[kind]
    if set(region) != {"kind", *names}:
        raise ParameterError(f"a region of kind {kind} has exactly {', '.join(names)}", field="region")
    if kind == "polygon":
        return {"kind": kind, "points": _points(region["points"])}
    return {"kind": kind, **{name: _number(region[name], name) for name in names}}


def region_mask(region: object, nav_shape: Sequence[int]) -> NDArray[np.bool_] | None:
    """Give the scan positions of a region as a mask; None for the whole scan.

    Parameters
    ----------
    region
        None, or a mapping: ``kind`` and ``y0, x0, y1, x1`` (half open) for ``"rect"``, ``cy, cx, r`` for ``"disk"``,
        ``cy, cx, ri, ro`` for ``"ring"``, ``y, x`` for ``"point"``, ``points`` (pairs y, x) for ``"polygon"``.
    nav_shape
        Shape of the scan; a region lies in the last two axes, and a scan with one axis is one line.

    Raises
    ------
    ParameterError
        If the region is none, or selects no position.
    """
    chosen = checked_region(region)
    if chosen is None:
        return None
    shape = tuple(nav_shape)
    height, width = (1, *shape)[-2:]
    inside = _inside(chosen, height, width)
    if not inside.any():
        raise ParameterError("the region holds no scan position", field="region")
    flat = inside.reshape(inside.shape[2 - min(2, len(shape)) :])
    return np.ascontiguousarray(np.broadcast_to(flat, shape))


def _inside(region: Mapping[str, Any], height: int, width: int) -> NDArray[np.bool_]:
    y, x = np.ogrid[:height, :width]
    kind = region["kind"]
    if kind == "rect":
        rows = (y >= min(region["y0"], region["y1"])) & (y < max(region["y0"], region["y1"]))
        inside = rows & (x >= min(region["x0"], region["x1"])) & (x < max(region["x0"], region["x1"]))
    elif kind == "point":
        inside = (y == math.floor(region["y"] + 0.5)) & (x == math.floor(region["x"] + 0.5))
    elif kind == "polygon":
        inside = _in_polygon(region["points"], height, width)
    else:
        distance = np.hypot(y - region["cy"], x - region["cx"])
        inside = distance <= region["r"] if kind == "disk" else (distance >= region["ri"]) & (distance <= region["ro"])
    return np.asarray(inside, dtype=np.bool_)


def _in_polygon(points: Sequence[Sequence[float]], height: int, width: int) -> NDArray[np.bool_]:
    """Say which positions lie inside, by how many edges lie to the right of them."""
    y, x = np.arange(height)[:, np.newaxis], np.arange(width)[np.newaxis]
    inside = np.zeros((height, width), dtype=np.bool_)
    for (y0, x0), (y1, x1) in zip(points, [*points[1:], points[0]], strict=True):
        if y0 == y1:
            continue
        crosses = (y0 > y) != (y1 > y)
        inside ^= crosses & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return inside


def _points(points: object) -> list[list[float]]:
    if not isinstance(points, list) or not 3 <= len(points) <= _MOST_POINTS:
        raise ParameterError(f"a polygon has 3 to {_MOST_POINTS} points", field="region")
    if not all(isinstance(point, list) and len(point) == 2 for point in points):
        raise ParameterError("each point of a polygon is a pair of numbers, y and x", field="region")
    return [[_number(value, "points") for value in point] for point in points]


def _number(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e12:
        raise ParameterError(f"{name} must be a number", field="region")
    return float(value)
