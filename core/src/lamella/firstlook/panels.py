"""Arrays as panels: what to draw of each output, on which scale, along which axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.firstlook.kinds import is_rgb
from lamella.plot.limits import choose_scale, curve_scale, real_numbers
from lamella.plot.measures import shown_axes
from lamella.plot.panels import Circle, Panel
from lamella.reader.metadata import Axis
from lamella.system.text import printable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.analysis.analysis import Analysis
    from lamella.dataset.dataset import DataSet
    from lamella.firstlook.outputs import Output
    from lamella.plot.panels import Mark

__all__ = ["Drawing", "marks_of", "panel_of"]

_LONGEST_NAME = 30
_DUST = 1e-9
"""Shifts that are only errors of rounding [px]."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """What all pictures of a data set have in common.

    Parameters
    ----------
    dataset
        The data.
    step
        Every how many positions in each direction there is a value.
    grid
        That in words; empty for all positions.
    marks
        Outlines of detectors, for pictures of the detector.
    is_image
        Whether frames are images of the specimen, which have no logarithmic scale.
    """

    dataset: DataSet
    step: int = 1
    grid: str = ""
    marks: tuple[Mark, ...] = ()
    is_image: bool = False


def marks_of(analyses: Sequence[Analysis]) -> tuple[Mark, ...]:
    """Give the outlines of detectors."""
    marks: list[Mark] = []
    for parameters in (analysis.parameters for analysis in analyses):
        if {"cy", "cx"} <= parameters.keys() and not parameters.keys().isdisjoint(("r", "ro", "mask_radius")):
            cy, cx = parameters["cy"], parameters["cx"]
            if "ro" in parameters:
                marks += [Circle(cy, cx, parameters["ri"], "--"), Circle(cy, cx, parameters["ro"], "--")]
            elif (radius := parameters.get("r", parameters.get("mask_radius"))) is not None and np.isfinite(radius):
                marks.append(Circle(cy, cx, radius))
    return tuple(marks)


def panel_of(output: Output, drawing: Drawing, **changes: Any) -> Panel:
    """Give the panel of an output; ``changes`` are values of the panel that are not the usual ones."""
    dataset = drawing.dataset
    nav_dims = dataset.shape.nav.dims
    values = _measured(output)
    axes = dataset.axes[:nav_dims] if output.kind == "nav" else dataset.axes[nav_dims:]
    step, title = 1, output.title
    if output.kind == "nav" and drawing.step > 1:  # the others have no value
        step = drawing.step
        values = values[(slice(None, None, step),) * nav_dims]
    if output.kind == "frames":
        axes = _positions(dataset, values, drawing) + tuple(axes)
    if output.kind == "sig" and is_rgb(dataset):
        return _colours(output, values, axes, changes)
    full = tuple(dataset.shape.nav) if output.kind == "nav" else values.shape
    values, axes, plane = _flat(values, axes, full, step)
    parts = [title, plane, drawing.grid]
    look: dict[str, Any] = {"title": ", ".join(part for part in parts if part), "colours": output.colours}
    look |= {"quantity": output.quantity, "unit": output.unit, "name": output.name}
    values, note = _centred(values) if output.wish == "balanced" else (values, "")
    wish = "linear" if drawing.is_image and output.wish == "counts" and values.ndim > 1 else output.wish
    scale, limits = choose_scale(values, wish) if values.ndim == 2 else curve_scale(values, wish)
    is_sig = output.kind == "sig" and values.ndim == 2
    look |= {"scale": scale, "limits": limits, "note": note, "marks": drawing.marks if is_sig and not plane else ()}
    shown = shown_axes(axes, values.shape, step)
    return Panel(**({"kind": "image" if values.ndim == 2 else "curve", "data": values, "axes": shown} | look | changes))


def _measured(output: Output) -> NDArray[Any]:
    """Give real numbers, not a number where there are none."""
    values = output.values.real if output.wish == "balanced" else real_numbers(output.values)
    return values if output.valid is None or output.valid.all() else np.where(output.valid, values, np.nan)


def _colours(output: Output, values: NDArray[Any], axes: Sequence[Axis], changes: dict[str, Any]) -> Panel:
    known = np.nan_to_num(values)
    rgba = np.full((*values.shape[:2], 4), 255, dtype=np.uint8)
    rgba[..., : values.shape[2]] = np.clip(np.rint(known), 0, 255)
    look: dict[str, Any] = {"kind": "rgba", "title": output.title, "data": rgba, "name": output.name}
    return Panel(**(look | {"axes": shown_axes(axes[:2], rgba.shape[:2])} | changes))


def _flat(
    values: NDArray[Any], axes: Sequence[Axis], full: Sequence[int], step: int
) -> tuple[NDArray[Any], tuple[Axis, ...], str]:
    """Give one or two axes of an array, and what was chosen: the middle of the first of more than two.

    Axes whose ``full`` length is one are left out.
    """
    kept = [i for i, n in enumerate(full) if n > 1] or [values.ndim - 1]
    chosen: list[int | slice] = [slice(None) if i in kept else 0 for i in range(values.ndim)]
    words = []
    for i in kept[:-2]:
        middle = values.shape[i] // 2
        chosen[i] = middle
        words.append(f"{printable(axes[i].name, _LONGEST_NAME)} = {middle * step}")
    return values[tuple(chosen)], tuple(axes[i] for i in kept[-2:]), ", ".join(words)


def _centred(values: NDArray[Any]) -> tuple[NDArray[Any], str]:
    """Give shifts relative to their median, and the median in words."""
    known = values[np.isfinite(values)]
    if not known.size:
        return values, ""
    median = float(np.median(known))
    shifts = values - median
    shifts[np.abs(shifts) < _DUST * max(1.0, abs(median))] = 0
    return shifts, f"relative to the median shift of {median:.3g} px from the direct beam"


def _positions(dataset: DataSet, values: NDArray[Any], drawing: Drawing) -> tuple[Axis, ...]:
    """Give the axis of frames that lie one after the other."""
    nav = [i for i, n in enumerate(dataset.shape.nav) if n > 1]
    if len(nav) != 1:
        return (Axis("frame"),)
    axis = dataset.axes[nav[0]]
    if drawing.step == 1:
        return (axis,)
    return (replace(axis, scale=axis.scale * drawing.step, units=axis.units or "px"),)
