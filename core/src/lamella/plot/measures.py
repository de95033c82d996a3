"""What is known of a panel before it is drawn: its shape, its axes, and how long a scale bar is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import ParameterError
from lamella.plot.panels import Circle
from lamella.plot.resample import averaged
from lamella.plot.ticks import nice_length, unit_text
from lamella.reader.metadata import Axis
from lamella.system.text import printable
from lamella.system.units import readable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.plot.panels import Mark, Panel

__all__ = [
    "axis_label",
    "axis_limits",
    "checked",
    "data_axes",
    "data_shape",
    "picture_size",
    "pixel_ratio",
    "scale_bar",
    "shown_axes",
    "smaller",
    "square",
]

_STRETCHED = 10.0
"""Logarithm of the ratio of height and width of a pixel at most."""
_SMALLEST, _LARGEST = 1e-300, 1e300
"""Numbers that can be computed with; a file may state others."""
_MOST, _MOST_STEPS = 1e100, 1e12
"""Size of a step, and of an offset in steps, of an axis at most."""
_FARTHEST = 1e7
"""Pixels of the data, from which on no mark lies on a picture."""
_LONGEST_BAR = 0.25
"""Length of a scale bar in parts of the picture, at most."""


def checked(panel: Panel) -> Panel:
    """Give a panel whose numbers can be computed with.

    Limits are finite, and the first is below the second. Marks that are too far away are left out, and axes with steps
    and offsets that nobody measures are not calibrated.

    Raises
    ------
    ParameterError
        If its numbers have another shape than its kind.
    """
    dims = {"image": 2, "curve": 1, "field": 3, "rgba": 3, "table": 0}[panel.kind]
    shape = () if panel.data is None else panel.data.shape
    if dims and len(shape) != dims:
        raise ParameterError(f"the {panel.kind} {panel.title!r} has numbers of shape {shape}", field="panels")
    low, high = (_near(limit) for limit in panel.limits)
    if not high - low > _SMALLEST:
        low, high = (low, low + max(1.0, abs(low))) if panel.scale != "log" else (1.0, 10.0)
    marks = tuple(mark for mark in panel.marks if _is_near(mark))
    return replace(panel, limits=(low, high), marks=marks, axes=tuple(map(_usual, panel.axes)))


def _usual(axis: Axis) -> Axis:
    if axis.units and not axis.units.strip():
        axis = replace(axis, units=None)
    step = abs(axis.scale)
    is_usual = 1 / _MOST < step < _MOST and abs(axis.offset) < _MOST_STEPS * step
    return axis if is_usual else Axis(axis.name)


def _is_near(mark: Mark) -> bool:
    """Tell whether the numbers of a mark are such that some of it could lie on a picture."""
    numbers = (mark.y, mark.x, mark.radius) if isinstance(mark, Circle) else (mark.y, mark.x)
    return all(abs(number) < _FARTHEST for number in numbers)


def _near(number: float) -> float:
    """Give a number that may be added to others like it; zero for what is no number."""
    return 0.0 if math.isnan(number) else min(max(float(number), -_LARGEST), _LARGEST)


def data_shape(panel: Panel) -> tuple[int, int]:
    """Give rows and columns of the data."""
    shape = np.asarray(panel.data).shape
    height, width = shape[1:] if panel.kind == "field" else shape[:2]
    return height, width


def data_axes(panel: Panel) -> tuple[Axis, Axis]:
    """Give the axes of y and x."""
    return (panel.axes[0], panel.axes[1]) if len(panel.axes) == 2 else (Axis("y"), Axis("x"))


def smaller(panel: Panel, shape: tuple[int, int]) -> Panel:
    """Give a panel with at most as many pixels as are drawn."""
    data: NDArray[Any] = np.asarray(panel.data)
    if panel.kind == "rgba":
        few = np.moveaxis(averaged(np.moveaxis(data, -1, 0), shape), 0, -1)
        return replace(panel, data=np.rint(few).astype(np.uint8))
    return replace(panel, data=averaged(data, shape))


def square(axes: Sequence[Axis]) -> bool:
    """Tell whether both axes are of one kind, such as two lengths, so that a bar can show the scale of both."""
    if len(axes) != 2 or axes[0].units != axes[1].units:
        return False
    names = [axis.name for axis in axes]
    return "frame" not in names and (axes[0].calibrated or _alike(*names))


def _alike(first: str, second: str) -> bool:
    """Tell whether names differ in one letter or number only, such as ``scan_y`` and ``scan_x``, or not at all."""
    return len(first) == len(second) and sum(a != b for a, b in zip(first, second, strict=True)) <= 1


def pixel_ratio(axes: tuple[Axis, Axis]) -> float:
    """Give the height of a pixel in parts of its width, for axes of one kind."""
    tall, broad = (abs(axis.scale) if axis.units else 1.0 for axis in axes)
    ratio = math.exp(min(max(math.log(tall) - math.log(broad), -_STRETCHED), _STRETCHED))
    return round(ratio, 12)


def picture_size(panel: Panel, box: tuple[int, int], thinnest: int) -> tuple[int, int]:
    """Give height and width [px] in which a picture fits into a box, with pixels of their true shape.

    The shorter side has a least length, whatever the shape is.
    """
    rows, columns = data_shape(panel)
    tall, broad = max(rows, 1) * pixel_ratio(data_axes(panel)), max(columns, 1)
    factor = min(box[0] / tall, box[1] / broad)
    return max(thinnest, round(tall * factor)), max(thinnest, round(broad * factor))


def scale_bar(axis: Axis, pixels: float) -> tuple[float, str]:
    """Give the length of a scale bar [px of the data] and its text.

    Parameters
    ----------
    axis
        What it measures.
    pixels
        Length of the picture along that axis [px of the data].
    """
    step, units = (abs(axis.scale), axis.units or "") if axis.units else (1.0, "px")
    about = min(max(pixels * step * _LONGEST_BAR, _SMALLEST), _LARGEST)
    if not axis.units:
        about = max(about, 1.0)
    factor, units = readable(nice_length(about), units)
    length = nice_length(about * factor)
    return length / (step * factor), f"{length:g} {unit_text(units)}"


def shown_axes(axes: Sequence[Axis], shape: Sequence[int], step: int = 1) -> tuple[Axis, ...]:
    """Give the axes of a picture in units that people read, of which the picture has every ``step``-th position.

    Both axes of an image have the same unit where theirs are of the same kind.
    """
    coarse = list(axes)
    if step > 1:
        coarse = [replace(axis, scale=axis.scale * step, units=axis.units or "px") for axis in axes]
    found = [_readable(axis, length) for axis, length in zip(coarse, shape, strict=True)]
    if len(found) == 2 and coarse[0].units and coarse[0].units == coarse[1].units:
        found = [found[1], found[1]]
    return tuple(
        axis if not units else replace(axis, scale=axis.scale * factor, offset=axis.offset * factor, units=units)
        for axis, (factor, units) in zip(coarse, found, strict=True)
    )


def _readable(axis: Axis, length: int) -> tuple[float, str]:
    """Give the factor to a unit in which about a quarter of the axis is a number of one to three digits."""
    return readable(abs(axis.scale) * max(1.0, length / 4), axis.units) if axis.units else (1.0, "")


def axis_label(axis: Axis) -> str:
    """Give the name of an axis with its unit."""
    name = printable(axis.name, 60)
    return f"{name} [{unit_text(axis.units)}]" if axis.units else name


def axis_limits(axis: Axis, length: int, *, edges: bool) -> tuple[float, float]:
    """Give the values at the ends of an axis: at the edges of its pixels, or at their centres."""
    before = 0.5 if edges else 0.0
    first, last = -before * axis.scale, (length - 1 + before) * axis.scale
    return _near(_near(first) + axis.offset), _near(_near(last) + axis.offset)
