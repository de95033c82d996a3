"""Figures of results: labelled panels with scale bars and colour bars, in colours that everybody can tell apart."""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from lamella.plot.colours import field_colours, mapped
from lamella.plot.limits import balanced_limits, linear_limits
from lamella.system.text import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from lamella.reader.metadata import Axis

__all__ = ["Circle", "Cross", "Mark", "Panel", "Reduced", "Scale", "draw", "nice_length", "picture", "reduced", "save"]

Scale: TypeAlias = Literal["linear", "log", "balanced"]

_MOST_IN_A_ROW = 3
_PANEL = (4.3, 3.7)  # inches, with its colour bar
_TITLE, _CAPTION = 0.35, 0.3  # inches
_IMAGE_MARGINS, _CURVE_MARGINS = (0.12, 0.98, 0.12, 0.34), (0.75, 0.2, 0.5, 0.34)
"""Left, right, below and above the axes of a panel [inches]; the colour bar of an image is in the right one."""
_MOST_PIXELS = 640
"""Pixels along an axis that a panel shows at least, if there are as many; it is less than 700 dots wide."""
_FEW = 1 << 16
_POWERS = (-2, 4)
"""Powers of ten between which numbers at ticks are written out."""
_COMPRESSION = 3
"""Level of zlib: about as small as the default for noisy images, in half of the time."""
_INVALID = "#8c8c8c"
_MARK = "#ffffff"
_LONGEST_TITLE, _LONGEST_NAME = 100, 60  # characters
_AS_IT_IS: Any = {"parse_math": False, "usetex": False}
"""For text that may come from a file: matplotlib takes ``$`` for the begin of a formula, and TeX could read files."""


@dataclass(frozen=True, slots=True)
class Circle:
    """An outline on a panel: centre (y, x) and radius [px]."""

    y: float
    x: float
    radius: float
    style: Literal["-", "--"] = "-"


@dataclass(frozen=True, slots=True)
class Cross:
    """A marked place on a panel: (y, x) [px]."""

    y: float
    x: float


Mark: TypeAlias = Circle | Cross


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture of a figure.

    Parameters
    ----------
    title
        What it shows.
    values
        An image, shape ``(height, width)``, or a curve, shape ``(n,)``; NaN where there is nothing.
    axes
        Calibration of the axes of ``values``, for scale bar and aspect ratio.
    label
        Quantity and unit of the values.
    colours
        A matplotlib colour map that survives colour blindness and grey print.
    scale
        ``"linear"``; ``"log"`` for counts over many decades; ``"balanced"`` for signed values around zero.
    marks
        Outlines and places to show.
    """

    title: str
    values: NDArray[Any]
    axes: tuple[Axis, ...]
    label: str = ""
    colours: str = "gray"
    scale: Literal["linear", "log", "balanced"] = "linear"
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Reduced:
    """A panel with the pixels of its image that are drawn, the shape of the whole image, and where colours end."""

    panel: Panel
    shape: tuple[int, ...]
    limits: tuple[float, float]


def save(figure: Figure, path: Path, *, dpi: int = 160) -> None:
    """Write a figure as PNG, whatever its name."""
    figure.savefig(
        path, format="png", dpi=dpi, metadata={"Software": "Lamella"}, pil_kwargs={"compress_level": _COMPRESSION}
    )


def draw(panels: Sequence[Panel | Reduced], *, title: str = "", caption: str = "") -> Figure:
    """Give a figure with the panels in rows, lettered where there are several.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = min(len(panels), _MOST_IN_A_ROW)
    rows = math.ceil(len(panels) / columns)
    width, height = _PANEL[0] * columns, _PANEL[1] * rows + _TITLE * bool(title) + _CAPTION * bool(caption)
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    letters = string.ascii_lowercase if len(panels) > 1 else ""
    for i, (panel, letter) in enumerate(zip(panels, [*letters, *[""] * len(panels)], strict=False)):
        shown = panel if isinstance(panel, Reduced) else reduced(panel)
        left, bottom = _PANEL[0] * (i % columns), _PANEL[1] * (rows - 1 - i // columns) + _CAPTION * bool(caption)
        place = figure.add_axes(_inner(left, bottom, len(shown.shape), (width, height)))
        _draw_panel(place, shown, letter)
    if title:
        y = 1 - 0.1 / height
        figure.suptitle(printable(title, _LONGEST_TITLE), y=y, fontsize=13, fontweight="bold", **_AS_IT_IS)
    if caption:
        figure.supxlabel(caption, y=0.08 / height, fontsize=8.5, color="#444444", **_AS_IT_IS)
    return figure


def _inner(left: float, bottom: float, dims: int, size: tuple[float, float]) -> tuple[float, float, float, float]:
    """Give left, bottom, width and height of the axes of a panel at a place [inches], in parts of the figure's size.

    The layouts of matplotlib draw a figure several times, which takes longer than everything else.
    """
    before, behind, below, above = _IMAGE_MARGINS if dims == 2 else _CURVE_MARGINS
    width, height = _PANEL[0] - before - behind, _PANEL[1] - below - above
    return (left + before) / size[0], (bottom + below) / size[1], width / size[0], height / size[1]


def _draw_panel(place: Axes, shown: Reduced, letter: str) -> None:
    panel = shown.panel
    place.set_title(panel.title, fontsize=11, y=1)  # at a place of its own, it is not looked for
    if letter:
        place.set_title(f"({letter})", loc="left", fontsize=11, fontweight="bold", y=1)
    if np.ndim(panel.values) == 1:
        _draw_curve(place, panel, np.asarray(panel.values, dtype=np.float64))
    else:
        _draw_image(place, shown)


def _draw_curve(place: Axes, panel: Panel, values: NDArray[np.float64]) -> None:
    (axis,) = panel.axes
    place.plot(axis.offset + axis.scale * np.arange(len(values)), values, linewidth=1.2, color="#0072b2")
    name = printable(axis.name, _LONGEST_NAME)
    place.set_xlabel(f"{name} [{_unit_text(axis.units)}]" if axis.units else name, **_AS_IT_IS)
    place.set_ylabel(panel.label)
    if panel.scale == "log" and np.nanmin(values) > 0:
        place.set_yscale("log")
    else:
        place.ticklabel_format(axis="y", scilimits=_POWERS)


def _draw_image(place: Axes, reduced: Reduced) -> None:
    from matplotlib import colormaps

    panel = reduced.panel
    height, width = reduced.shape
    step_y, step_x = (abs(axis.scale) if _comparable(panel.axes) else 1.0 for axis in panel.axes)
    colours = colormaps[panel.colours].with_extremes(bad=_INVALID)
    shown = place.imshow(
        panel.values,
        cmap=colours,
        norm=_norm(panel.scale, *reduced.limits),
        aspect=step_y / step_x,
        interpolation="nearest",
        extent=(-0.5, width - 0.5, height - 0.5, -0.5),
    )
    place.set_xticks([])
    place.set_yticks([])
    for mark in panel.marks:
        _draw_mark(place, mark)
    _draw_scale_bar(place, panel.axes[1], (height, width))
    bar = place.figure.colorbar(shown, cax=place.inset_axes((1.03, 0, 0.05, 1)))
    bar.ax.set_title("", y=1)
    bar.set_label(panel.label, fontsize=9)
    bar.ax.tick_params(labelsize=8)
    bar.outline.set_linewidth(0.6)
    if panel.scale != "log":
        bar.formatter.set_powerlimits(_POWERS)  # type: ignore[attr-defined]


def reduced(panel: Panel) -> Reduced:
    """Give a panel without what is not drawn: large values need not be held until then."""
    values = np.asarray(panel.values)
    if values.ndim == 1:
        return Reduced(panel, values.shape, (0, 1))
    steps = tuple(slice(None, None, max(1, length // _MOST_PIXELS)) for length in values.shape)
    drawn = np.array(values[steps], dtype=np.float64)
    return Reduced(replace(panel, values=drawn), values.shape, _limits(panel.scale, _known(values, drawn)))


def _known(image: NDArray[Any], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the numbers that colours are chosen by: those that are drawn, or all where these are few."""
    known = values[np.isfinite(values)]
    if known.size < min(image.size, _FEW):
        known = np.asarray(image[np.isfinite(image)], dtype=np.float64)
    return known


def _limits(scale: str, known: NDArray[np.float64]) -> tuple[float, float]:
    """Give the values of the first and the last colour; both are positive only where a logarithm can be taken."""
    if known.size == 0:
        return 0, 1
    low, high = (float(limit) for limit in np.percentile(known, (0.2, 99.8)))
    if scale == "balanced":
        far = max(abs(low), abs(high)) or 1.0
        return -far, far
    if scale == "log" and (highest := float(known.max())) > 0:
        smallest = max(float(np.percentile(known[known > 0], 1)), highest / 1e5)
        return smallest, max(highest, smallest * 10)
    return low, high if high > low else low + 1


def _norm(scale: str, low: float, high: float) -> Normalize:
    from matplotlib.colors import LogNorm, Normalize

    return LogNorm(low, high, clip=True) if scale == "log" and low > 0 else Normalize(low, high)


def _draw_mark(place: Axes, mark: Mark) -> None:
    from matplotlib.patches import Circle as Ring

    if isinstance(mark, Cross):
        place.plot(mark.x, mark.y, marker="+", markersize=11, markeredgewidth=3.2, color="black")
        place.plot(mark.x, mark.y, marker="+", markersize=10, markeredgewidth=1.6, color=_MARK)
        return
    for width, colour in ((2.6, "black"), (1.3, _MARK)):
        outline = Ring((mark.x, mark.y), mark.radius, fill=False, linewidth=width, edgecolor=colour)
        outline.set_linestyle(mark.style)
        place.add_patch(outline)


def _draw_scale_bar(place: Axes, axis: Axis, shape: tuple[int, ...]) -> None:
    from matplotlib.patches import Rectangle
    from matplotlib.patheffects import withStroke

    height, width = shape
    step, units = (abs(axis.scale), axis.units) if axis.units else (1.0, "px")
    length = nice_length(width * step / 4)
    pixels = length / step
    left, low = -0.5 + 0.05 * width, -0.5 + 0.945 * height
    place.add_patch(
        Rectangle(
            (left, low - 0.014 * height),
            pixels,
            0.02 * height,
            facecolor=_MARK,
            edgecolor="black",
            linewidth=0.8,
        )
    )
    place.text(
        left + pixels / 2,
        low - 0.028 * height,
        f"{length:g} {_unit_text(units)}",
        ha="center",
        va="bottom",
        fontsize=9,
        fontweight="bold",
        color=_MARK,
        path_effects=[withStroke(linewidth=2.0, foreground="black")],
        **_AS_IT_IS,
    )


def nice_length(about: float) -> float:
    """Give the largest of 1, 2, 5, 10, … that is at most ``about``.

    Examples
    --------
    >>> nice_length(137.0), nice_length(0.07)
    (100.0, 0.05)
    """
    power = math.floor(math.log10(about))
    candidates = [factor * 10.0**power for factor in (1, 2, 5)]
    best = max(candidate for candidate in candidates if candidate <= about * (1 + 1e-9))
    return float(f"{best:.3g}")


def _unit_text(units: str) -> str:
    text = f"{units.removeprefix('1/')}⁻¹" if units.startswith("1/") else units
    return printable(text, _LONGEST_NAME)


def _comparable(axes: Sequence[Axis]) -> bool:
    return len({axis.units for axis in axes}) == 1 and all(axis.units and axis.scale for axis in axes)


def picture(data: NDArray[Any], *, scale: Scale = "linear", colours: str = "gray") -> NDArray[np.uint8]:
    """Give the colours of an image.

    Parameters
    ----------
    data
        Shape ``(height, width)``, or ``(n,)`` for a single row. Complex numbers become hue (their angle) and
        brightness (their magnitude).
    scale
        ``"linear"``; ``"log"`` for counts over many decades; ``"balanced"`` with zero in the middle of the colours.
    colours
        Name of a colour map of `lamella.plot.colours`.

    Returns
    -------
    numpy.ndarray
        Red, green, blue and opacity, shape ``(height, width, 4)``; transparent where the data are not finite.
    """
    image = np.atleast_2d(np.asarray(data))
    if image.dtype.kind == "c":
        lengths = np.abs(image[np.isfinite(image)])
        return field_colours(image.imag, image.real, float(lengths.max(initial=0)))
    numbers = image.astype(np.float64)
    if scale == "log":
        known = numbers[np.isfinite(numbers)]
        numbers = np.log1p(np.maximum(numbers - known.min(initial=np.inf), 0)) if known.size else numbers
    limits = balanced_limits(numbers) if scale == "balanced" else linear_limits(numbers)
    return mapped(numbers, "balanced" if scale == "balanced" else "linear", limits, colours)
