"""Panels as a figure of matplotlib, for those who go on with it: other file types, fonts and layouts."""

from __future__ import annotations

import io
import math
import string
from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import ParameterError, PluginError
from lamella.plot.colours import INVALID, colour_table, opaque, rgba, wheel
from lamella.plot.measures import (
    axis_label,
    axis_limits,
    checked,
    data_axes,
    data_shape,
    pixel_ratio,
    scale_bar,
    smaller,
    square,
)
from lamella.plot.panels import Circle
from lamella.reader.metadata import Axis
from lamella.system.text import LINE, printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize
    from matplotlib.figure import Figure

    from lamella.plot.panels import Mark, Panel

__all__ = ["figure", "need_matplotlib", "new_figure", "norm_of"]

_PANEL = (4.3, 3.7)  # inches, with its colour bar
_TITLE, _CAPTION, _NOTE = 0.35, 0.3, 0.38  # inches
_PICTURE, _PLOT = (0.12, 0.98, 0.12, 0.34), (0.75, 0.25, 0.5, 0.34)
"""Left, right, below and above the axes of a picture or a plot [inches]; the colour bar of an image is right of it."""
_MOST_PIXELS = 640
"""Pixels along an axis that a panel has at most; it is less than 700 dots wide."""
_POWERS = (-2, 4)
"""Powers of ten between which numbers at ticks are written out."""
_LARGEST = 1e300
_MARK = "#ffffff"
_LONGEST_TITLE, _NOTE_WIDTH, _LONGEST_CELL = 100, 75, 28  # characters
_AS_IT_IS: Any = {"parse_math": False, "usetex": False}
"""For text that may come from a file: matplotlib takes ``$`` for the begin of a formula, and TeX could read files."""


def need_matplotlib() -> None:
    """Raise `PluginError` if matplotlib is not installed."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise PluginError("figures need matplotlib: pip install 'lamella[plot]'") from error


def new_figure(size: tuple[float, float]) -> Figure:
    """Give an empty figure that pyplot does not know, so that a notebook shows it where it is asked to, and only there.

    Raises
    ------
    PluginError
        If matplotlib is not installed.
    """
    need_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    class ShownFigure(Figure):
        """A figure that a notebook shows as a picture, also where its inline backend is not in use."""

        def _repr_png_(self) -> bytes:
            file = io.BytesIO()
            self.savefig(file, format="png")
            return file.getvalue()

    ShownFigure.__name__ = ShownFigure.__qualname__ = "Figure"
    made = ShownFigure(figsize=size)
    FigureCanvasAgg(made)
    return made


def figure(panels: Sequence[Panel], *, title: str = "", caption: str = "", columns: int = 3) -> Figure:
    """Give a figure of matplotlib with the panels in rows, lettered where there are several.

    Parameters
    ----------
    panels
        What to show.
    title, caption
        Text above and below all panels; may be empty.
    columns
        Panels in a row at most.

    Raises
    ------
    ParameterError
        If there is no panel.
    PluginError
        If matplotlib is not installed.

    Examples
    --------
    >>> from lamella.plot import Panel, figure
    >>> made = figure([Panel(kind="image", title="Ramp", data=np.arange(6.0).reshape(2, 3), limits=(0, 5))])
    >>> [place.get_title() for place in made.axes]
    ['Ramp']
    """
    if not panels:
        raise ParameterError("there is no panel to draw", field="panels")
    panels = [checked(panel) for panel in panels]
    rows = math.ceil(len(panels) / max(columns, 1))
    columns = math.ceil(len(panels) / rows)
    below, above = _CAPTION * bool(caption), _TITLE * bool(title)
    high = _PANEL[1] + _NOTE * any(panel.note for panel in panels)
    size = (_PANEL[0] * columns, high * rows + above + below)
    made = new_figure(size)
    letters = [*string.ascii_lowercase] if len(panels) > 1 else []
    for i, panel in enumerate(panels):
        left, bottom = _PANEL[0] * (i % columns), high * (rows - 1 - i // columns) + below
        place = made.add_axes(_inner(left, bottom + high - _PANEL[1], panel, size))
        _draw_panel(place, panel, letters[i] if i < len(letters) else "")
        if panel.note:
            lines = wrap(printable(panel.note, LINE), _NOTE_WIDTH, max_lines=2, placeholder=" …")
            x, y = (left + _PICTURE[0]) / size[0], (bottom + 0.36) / size[1]
            made.text(x, y, "\n".join(lines), fontsize=8, color="#444444", va="top", **_AS_IT_IS)
    if title:
        y = 1 - 0.1 / size[1]
        made.suptitle(printable(title, _LONGEST_TITLE), y=y, fontsize=13, fontweight="bold", **_AS_IT_IS)
    if caption:
        made.supxlabel(printable(caption, LINE), y=0.08 / size[1], fontsize=8.5, color="#444444", **_AS_IT_IS)
    return made


def norm_of(scale: str, limits: tuple[float, float]) -> Normalize:
    """Give what matplotlib brings numbers to colours with."""
    from matplotlib.colors import LogNorm, Normalize

    low, high = limits
    return LogNorm(low, high, clip=True) if scale == "log" and low > 0 else Normalize(low, high)


def _is_plot(panel: Panel) -> bool:
    """Tell whether the axes of a panel have ticks."""
    return panel.kind == "curve" or (panel.kind != "table" and not square(data_axes(panel)))


def _inner(left: float, bottom: float, panel: Panel, size: tuple[float, float]) -> tuple[float, float, float, float]:
    """Give left, bottom, width and height of the axes of a panel at a place [inches], in parts of the figure's size.

    The layouts of matplotlib draw a figure several times, which takes longer than everything else.
    """
    before, behind, below, above = _PLOT if _is_plot(panel) else _PICTURE
    behind = _PICTURE[1] if panel.kind == "image" else behind
    width, height = _PANEL[0] - before - behind, _PANEL[1] - below - above
    return (left + before) / size[0], (bottom + below) / size[1], width / size[0], height / size[1]


def _draw_panel(place: Axes, panel: Panel, letter: str) -> None:
    name = printable(panel.title, _LONGEST_TITLE)
    place.set_title(name, fontsize=11, y=1, **_AS_IT_IS)  # at a place of its own, it is not looked for
    if letter:
        left = -_PLOT[0] / (_PANEL[0] - _PLOT[0]) if _is_plot(panel) else 0.0  # a factor may stand above an axis
        place.set_title(f"({letter})", loc="left", x=left, fontsize=11, fontweight="bold", y=1)
    if panel.kind == "table":
        _draw_table(place, panel)
    elif panel.kind == "curve":
        _draw_curve(place, panel)
    else:
        _draw_picture(place, panel)


def _draw_table(place: Axes, panel: Panel) -> None:
    place.set_axis_off()
    if panel.rows:
        count = max(map(len, panel.rows))
        cells = [[_cell(cell) for cell in row] + [""] * (count - len(row)) for row in panel.rows]
        table = place.table(cellText=cells, cellLoc="left", loc="upper left", edges="horizontal")
        table.auto_set_font_size(False)
        table.set_fontsize(8)
        for cell in table.get_celld().values():
            cell.get_text().set(**_AS_IT_IS)


def _cell(text: str) -> str:
    shown = printable(text)
    return shown if len(shown) <= _LONGEST_CELL else f"{shown[: _LONGEST_CELL - 1]}…"


def _draw_curve(place: Axes, panel: Panel) -> None:
    values = np.clip(np.asarray(panel.data, dtype=np.float64), -_LARGEST, _LARGEST)
    axis = panel.axes[0] if panel.axes else Axis("")
    places = np.linspace(*axis_limits(axis, len(values), edges=False), len(values))
    place.plot(places, values, linewidth=1.2, color="#0072b2")
    place.set_xlabel(axis_label(axis), **_AS_IT_IS)
    place.set_ylabel(printable(panel.label), **_AS_IT_IS)
    low, high = panel.limits
    if panel.scale == "log" and low > 0:
        place.set_yscale("log")
    else:
        place.ticklabel_format(axis="y", scilimits=_POWERS)
    if high > low:
        place.set_ylim(low, high)
    if len(values) > 1 and places[0] != places[-1]:
        place.set_xlim(places[0], places[-1])


def _draw_picture(place: Axes, panel: Panel) -> None:
    height, width = data_shape(panel)
    axes = data_axes(panel)
    if _is_plot(panel):
        (y0, y1), (x0, x1) = (axis_limits(axis, n, edges=True) for axis, n in zip(axes, (height, width), strict=True))
        x1, y1 = (last if last != first else first + 1.0 for first, last in ((x0, x1), (y0, y1)))
        look: dict[str, Any] = {"extent": (x0, x1, y1, y0), "aspect": "auto"}
        place.set_xlabel(axis_label(axes[1]), **_AS_IT_IS)
        place.set_ylabel(axis_label(axes[0]), **_AS_IT_IS)
    else:
        look = {"extent": (-0.5, width - 0.5, height - 0.5, -0.5), "aspect": pixel_ratio(axes)}
        place.set_xticks([])
        place.set_yticks([])
    few = smaller(panel, (_MOST_PIXELS, _MOST_PIXELS))
    if panel.kind == "image":
        shown = place.imshow(
            np.clip(np.asarray(few.data, dtype=np.float64), -_LARGEST, _LARGEST),
            cmap=_colour_map(panel.colours),
            norm=norm_of(panel.scale, panel.limits),
            interpolation="nearest",
            **look,
        )
        _draw_bar(place, shown, panel)
    else:
        place.imshow(opaque(rgba(few)), interpolation="nearest", **look)
    if panel.kind == "field":
        _draw_wheel(place, panel)
    if not _is_plot(panel):
        for mark in panel.marks:
            _draw_mark(place, mark)
        _draw_scale_bar(place, axes[1], (height, width))


def _colour_map(name: str) -> Colormap:
    from matplotlib.colors import ListedColormap

    colours = ListedColormap(colour_table(name) / 255, name)
    return colours.with_extremes(bad=np.array([*INVALID, 255]) / 255)  # type: ignore[arg-type]


def _draw_bar(place: Axes, shown: Any, panel: Panel) -> None:
    bar: Any = place.figure.colorbar(shown, cax=place.inset_axes((1.03, 0, 0.05, 1)))
    bar.ax.set_title("", y=1)
    bar.set_label(printable(panel.label), fontsize=9, **_AS_IT_IS)
    bar.ax.tick_params(labelsize=8)
    bar.outline.set_linewidth(0.6)
    if panel.scale != "log":
        bar.formatter.set_powerlimits(_POWERS)


def _draw_wheel(place: Axes, panel: Panel) -> None:
    legend = place.inset_axes((1.03, 0.8, 0.2, 0.2))
    legend.imshow(wheel(100))
    legend.set_axis_off()
    legend.set_title("", y=1)
    text = f"≤ {panel.limits[1]:.3g} {panel.unit}".rstrip()
    legend.text(50, 104, printable(text), ha="center", va="top", fontsize=8, **_AS_IT_IS)


def _draw_mark(place: Axes, mark: Mark) -> None:
    from matplotlib.patches import Circle as Ring

    if not isinstance(mark, Circle):
        place.plot(mark.x, mark.y, marker="+", markersize=11, markeredgewidth=3.2, color="black")
        place.plot(mark.x, mark.y, marker="+", markersize=10, markeredgewidth=1.6, color=_MARK)
        return
    for width, colour in ((2.6, "black"), (1.3, _MARK)):
        outline = Ring((mark.x, mark.y), mark.radius, fill=False, linewidth=width, edgecolor=colour)
        outline.set_linestyle(mark.style)
        place.add_patch(outline)


def _draw_scale_bar(place: Axes, axis: Axis, shape: tuple[int, int]) -> None:
    from matplotlib.patches import Rectangle
    from matplotlib.patheffects import withStroke

    height, width = shape
    pixels, text = scale_bar(axis, width)
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
        text,
        ha="center",
        va="bottom",
        fontsize=9,
        fontweight="bold",
        color=_MARK,
        path_effects=[withStroke(linewidth=2.0, foreground="black")],
        **_AS_IT_IS,
    )
