"""Panels on one sheet, as a PNG file, with NumPy alone: fast, and the same on every computer."""

from __future__ import annotations

import math
import os
import string
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lamella.errors import ParameterError
from lamella.plot.canvas import GREY, Canvas, line_mask
from lamella.plot.colours import INVALID, opaque, rgba
from lamella.plot.curves import curve_points
from lamella.plot.glyphs import cut, text_width, wrapped
from lamella.plot.measures import axis_label, axis_limits, checked, data_axes, data_shape, picture_size, smaller, square
from lamella.plot.parts import (
    BAR_ROOM,
    BELOW_ROOM,
    LEFT_ROOM,
    draw_axes,
    draw_bar,
    draw_legend,
    draw_marks,
    draw_scale_bar,
    draw_table,
)
from lamella.plot.png import png_bytes
from lamella.plot.resample import enlarged
from lamella.reader.metadata import Axis
from lamella.system.text import LINE, printable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.plot.panels import Panel

__all__ = ["save_sheet", "sheet_pixels", "sheet_png"]

_MARGIN, _GAP = 24, 30
"""Around the sheet, and between panels [px]."""
_BOX = (440, 440)
_LARGE_BOX = (820, 900)
"""Height and width of a picture at most, on a sheet of several panels and of one [px]."""
_THINNEST = 56
"""Shorter side of a picture at least [px], whatever its shape."""
_TITLE, _HEADING, _NOTE = 34, 44, 19
"""Height of the title of a panel, of that of the sheet, and of a line of a note [px]."""
_MOST_NOTES, _MOST_CAPTIONS = 3, 3
_LEGEND = 130
"""Height of colour bars and wheels with their texts at least [px]."""
_FLATTEST_CURVE = 0.6
"""Height of a curve in parts of its width, where other panels of the row are less high."""
_LINE = (0, 114, 178)
_LINE_WIDTH = 1.6
_LETTERS = string.ascii_lowercase


@dataclass(frozen=True, slots=True)
class _Cell:
    """A panel with the place of its picture: room on the left, height and width, and room below [px]."""

    panel: Panel
    left: int
    height: int
    width: int
    below: int

    @property
    def is_plot(self) -> bool:
        """Whether it fills the row."""
        return self.left > 0


def save_sheet(
    panels: Sequence[Panel],
    path: str | os.PathLike[str],
    *,
    title: str = "",
    caption: str = "",
    columns: int = 3,
) -> None:
    """Write what `sheet_png` gives to a file.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    Path(path).write_bytes(sheet_png(panels, title=title, caption=caption, columns=columns))


def sheet_png(panels: Sequence[Panel], *, title: str = "", caption: str = "", columns: int = 3) -> bytes:
    """Draw panels on one sheet.

    Parameters
    ----------
    panels
        What to show, row by row; several have letters, and a single one becomes a large picture.
    title, caption
        Text above and below all panels; may be empty.
    columns
        Panels in a row at most.

    Returns
    -------
    bytes
        A PNG file.

    Raises
    ------
    ParameterError
        If there is no panel, or a panel has no numbers or another number of axes than its kind.

    Examples
    --------
    >>> from lamella.plot import Panel
    >>> from lamella.reader import Axis
    >>> axes = (Axis("y", 2.0, units="nm"), Axis("x", 2.0, units="nm"))
    >>> ramp = Panel(kind="image", title="Ramp", data=np.ones((3, 4)), axes=axes, limits=(0, 2))
    >>> sheet_png([ramp])[1:4]
    b'PNG'
    """
    return png_bytes(sheet_pixels(panels, title=title, caption=caption, columns=columns))


def sheet_pixels(panels: Sequence[Panel], *, title: str = "", caption: str = "", columns: int = 3) -> NDArray[np.uint8]:
    """Draw panels on one sheet, as `sheet_png` does; give red, green and blue, shape ``(height, width, 3)``."""
    if not panels:
        raise ParameterError("there is no panel to draw", field="panels")
    panels = [checked(panel) for panel in panels]
    rows = math.ceil(len(panels) / max(columns, 1))
    columns = math.ceil(len(panels) / rows)
    box = _LARGE_BOX if len(panels) == 1 else _BOX
    inner = box[1] + BAR_ROOM
    width = 2 * _MARGIN + columns * inner + (columns - 1) * _GAP
    lines = wrapped(printable(caption, LINE), "small", width - 2 * _MARGIN, _MOST_CAPTIONS)
    cells = [_cell(panel, box) for panel in panels]
    in_rows = [_levelled(cells[i : i + columns], inner) for i in range(0, len(cells), columns)]
    heights = [max(_height(cell, inner) for cell in row) for row in in_rows]
    above = _MARGIN + (_HEADING if title else 0)
    height = above + sum(heights) + _GAP * (rows - 1) + _MARGIN + (_NOTE * len(lines) + 12 if lines else 0)
    canvas = Canvas(height, width)
    if title:
        text = cut(printable(title, LINE), "title", width - 2 * _MARGIN)
        canvas.text(_MARGIN + 22, width // 2, text, "title", anchor="centre")
    y = above
    letters = iter(_LETTERS if len(panels) > 1 else "")
    for row, high in zip(in_rows, heights, strict=True):
        for i, cell in enumerate(row):
            _draw(canvas, y, _MARGIN + i * (inner + _GAP), inner, cell, next(letters, ""))
        y += high + _GAP
    for i, line in enumerate(lines):
        canvas.text(height - _MARGIN - _NOTE * (len(lines) - 1 - i), _MARGIN, line, "small", GREY)
    return canvas.pixels


def _cell(panel: Panel, box: tuple[int, int]) -> _Cell:
    """Give the place of the picture of a panel in a box of this height and width."""
    high, wide = box
    if panel.kind == "table":
        return _Cell(panel, 0, min(high, 26 * max(len(panel.rows), 1)), wide + BAR_ROOM, 0)
    if panel.kind == "curve":
        wide = wide + BAR_ROOM - LEFT_ROOM - 12
        return _Cell(panel, LEFT_ROOM, min(high, round(wide * _FLATTEST_CURVE)), wide, BELOW_ROOM)
    if not square(data_axes(panel)):
        return _Cell(panel, LEFT_ROOM, round(0.8 * high), wide - LEFT_ROOM, BELOW_ROOM)
    return _Cell(panel, 0, *picture_size(panel, box, _THINNEST), 0)


def _levelled(cells: Sequence[_Cell], inner: int) -> list[_Cell]:
    """Give the panels of a row, of which plots are as high as the highest other one."""
    pictures = [cell.height for cell in cells if not cell.is_plot]
    plots = [cell.height for cell in cells if cell.is_plot]
    highest = max([*plots, *(height - BELOW_ROOM for height in pictures)], default=0)
    return [replace(cell, height=highest) if cell.is_plot else cell for cell in cells]


def _notes(panel: Panel, inner: int) -> list[str]:
    return wrapped(printable(panel.note, LINE), "small", inner, _MOST_NOTES)


def _height(cell: _Cell, inner: int) -> int:
    notes = _notes(cell.panel, inner)
    return _TITLE + _picture_height(cell) + (_NOTE * len(notes) + 6 if notes else 0)


def _picture_height(cell: _Cell) -> int:
    """Give the height of a picture with what belongs to it; a colour bar may be higher."""
    return max(cell.height + cell.below, _LEGEND if cell.panel.kind in ("image", "field") else 0)


def _draw(canvas: Canvas, y: int, x: int, inner: int, cell: _Cell, letter: str) -> None:
    panel = cell.panel
    at = x
    if letter:
        canvas.text(y + 18, at, f"({letter})", "bold")
        at += text_width(f"({letter})", "bold") + 8
    canvas.text(y + 18, at, cut(printable(panel.title), "regular", x + inner - at))
    top = y + _TITLE
    if panel.kind == "table":
        draw_table(canvas, (top, x, cell.height, cell.width), panel)
    elif panel.kind == "curve":
        _draw_curve(canvas, (top, x + cell.left, cell.height, cell.width), panel)
    else:
        _draw_picture(canvas, (top, x + cell.left, cell.height, cell.width), panel)
    for i, line in enumerate(_notes(panel, inner)):
        canvas.text(top + _picture_height(cell) + 18 + i * _NOTE, x, line, "small", GREY)


def _draw_picture(canvas: Canvas, box: tuple[int, int, int, int], panel: Panel) -> None:
    top, left, height, width = box
    part = canvas.part(top, left, height, width)
    shape, axes = data_shape(panel), data_axes(panel)
    if min(shape) == 0:
        part.fill(0, 0, height, width, INVALID)
    else:
        part.paste(0, 0, enlarged(opaque(rgba(smaller(panel, (height, width)))), (height, width)))
        draw_marks(part, panel.marks, shape)
    if square(axes):
        canvas.frame(top, left, height, width, GREY)
        if min(shape) > 0:
            draw_scale_bar(part, axes, shape)
    else:
        (y0, y1), x_limits = (axis_limits(axis, n, edges=True) for axis, n in zip(axes, shape, strict=True))
        draw_axes(canvas, box, (axis_label(axes[1]), x_limits), (axis_label(axes[0]), (y1, y0), "linear"))
    if panel.kind == "image":
        draw_bar(canvas, top, left + width, height, panel)
    elif panel.kind == "field":
        draw_legend(canvas, top, left + width, panel)


def _draw_curve(canvas: Canvas, box: tuple[int, int, int, int], panel: Panel) -> None:
    top, left, height, width = box
    values = np.asarray(panel.data, dtype=np.float64)
    axis = panel.axes[0] if panel.axes else Axis("x")
    low, high = panel.limits
    scale = panel.scale if low > 0 else "linear"
    first, last = axis_limits(axis, max(len(values), 2), edges=False)
    draw_axes(canvas, box, (axis_label(axis), (first, last)), (printable(panel.label), (low, high), scale))
    if not len(values) or not high > low:
        return
    mask = line_mask((height, width), *curve_points(panel, (height, width)), _LINE_WIDTH)
    canvas.part(top, left, height, width).blend(0, 0, mask, _LINE)
