"""Results of computations as panels: those along the scan and along the detector are pictures and curves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import ParameterError
from lamella.plot.figures import figure
from lamella.plot.limits import Wish, choose_scale, curve_scale, real_numbers
from lamella.plot.measures import shown_axes
from lamella.plot.panels import Panel

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from lamella.reader.metadata import Axis
    from lamella.udf.results import ResultBuffer

__all__ = ["array_panel", "plot_results", "result_panels"]

_MOST_ENTRIES = 6
"""Numbers for each position that become a panel each, such as those of several masks."""


def result_panels(results: Sequence[Mapping[str, ResultBuffer]]) -> list[Panel]:
    """Give a panel for each result that is a picture or a curve.

    Numbers that belong to no axis of the data, and arrays for each position, are neither. What two results of a UDF
    hold is drawn once: a vector field and its components, for instance.

    Parameters
    ----------
    results
        Of each UDF of a run, by name.

    Raises
    ------
    ParameterError
        If there is none.
    """
    panels = [
        panel for result in results for panel in _once({name: _panels(name, buffer) for name, buffer in result.items()})
    ]
    if not panels:
        names = ", ".join(name for result in results for name in result)
        raise ParameterError(f"no result is a picture or a curve; there are {names or 'none'}", field="results")
    return _told_apart(panels)


def _once(panels: Mapping[str, Sequence[Panel]]) -> list[Panel]:
    """Give the panels of each result, without those of one entry of several that a result of its own shows as well.

    Such a result is called after the other one: ``field_y`` shows the first entry of ``field``.
    """
    alone = {name: only[0] for name, only in panels.items() if len(only) == 1}
    return [
        panel
        for name, several in panels.items()
        for panel in several
        if len(several) == 1
        or not any(other.startswith(f"{name}_") and _alike(panel, shown) for other, shown in alone.items())
    ]


def _alike(panel: Panel, other: Panel) -> bool:
    first, second = np.asarray(panel.data), np.asarray(other.data)
    return panel.kind == other.kind and first.dtype.kind in "fc" and np.array_equal(first, second, equal_nan=True)


def _told_apart(panels: Sequence[Panel]) -> list[Panel]:
    """Number the panels that have the same name."""
    often, seen = Counter(panel.name for panel in panels), Counter[str]()
    told = []
    for panel in panels:
        seen[panel.name] += 1
        number = seen[panel.name]
        several = often[panel.name] > 1
        told.append(
            replace(panel, title=f"{panel.title} ({number})", name=f"{panel.name}_{number}") if several else panel
        )
    return told


def _panels(name: str, buffer: ResultBuffer) -> list[Panel]:
    if buffer.dtype.kind not in "buifc" or not buffer.axes:
        return []
    known = buffer.valid_mask
    data = buffer.data if known.all() else np.where(known, buffer.data, np.nan)
    if not buffer.extra_shape:
        return _some(array_panel(name, data, buffer.axes))
    if len(buffer.extra_shape) > 1 or buffer.extra_shape[0] > _MOST_ENTRIES:
        return []
    return [
        replace(panel, name=f"{name}_{i}")
        for i in range(buffer.extra_shape[0])
        for panel in _some(array_panel(f"{name}[{i}]", data[..., i], buffer.axes))
    ]


def _some(panel: Panel | None) -> list[Panel]:
    return [] if panel is None else [panel]


def array_panel(
    name: str, data: NDArray[Any], axes: Sequence[Axis], *, title: str = "", wish: Wish = "counts"
) -> Panel | None:
    """Give the panel of an array over these axes: a curve, a picture, or a field for complex numbers; else None.

    ``wish`` is the scale of a picture, see `choose_scale`.
    """
    if data.ndim not in (1, 2) or len(axes) != data.ndim or 0 in data.shape:
        return None
    look: dict[str, Any] = {
        "title": title or name,
        "name": name,
        "quantity": name,
        "axes": shown_axes(axes, data.shape),
    }
    if data.dtype.kind == "c" and data.ndim == 2:
        largest = choose_scale(np.abs(data))[1][1]
        return Panel(kind="field", data=np.stack([data.imag, data.real]), limits=(0.0, largest), **look)
    numbers = real_numbers(data)
    if data.ndim == 1:
        scale, limits = curve_scale(numbers)
        return Panel(kind="curve", data=numbers, scale=scale, limits=limits, **look)
    scale, limits = choose_scale(numbers, wish)
    return Panel(kind="image", data=numbers, scale=scale, limits=limits, colours="viridis", **look)


def plot_results(results: Sequence[Mapping[str, ResultBuffer]]) -> Figure:
    """Draw results as a figure of matplotlib; what `lamella.udf.UDFResult.plot` does."""
    return figure(result_panels(results))
