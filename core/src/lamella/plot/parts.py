"""Parts of a drawn panel: scale bars, colour bars, axes with ticks, outlines and tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lamella.plot.canvas import BLACK, GREY, WHITE
from lamella.plot.colours import colour_table, wheel
from lamella.plot.glyphs import ascent, cut, line_height, text_width, wrapped
from lamella.plot.measures import scale_bar
from lamella.plot.panels import Circle
from lamella.plot.ticks import position, ticks, unit_text
from lamella.system.text import printable

if TYPE_CHECKING:
    from lamella.plot.canvas import Canvas
    from lamella.plot.glyphs import Style
    from lamella.plot.panels import Mark, Panel, Scale
    from lamella.plot.ticks import Ticks
    from lamella.reader.metadata import Axis

__all__ = [
    "BAR_ROOM",
    "BELOW_ROOM",
    "LEFT_ROOM",
    "draw_axes",
    "draw_bar",
    "draw_legend",
    "draw_marks",
    "draw_scale_bar",
    "draw_table",
]

BAR_ROOM, LEFT_ROOM, BELOW_ROOM = 112, 98, 52
"""Room of a colour bar, of the texts left of an axis, and of those below one [px]."""
_BAR_GAP, _BAR, _TICK = 12, 16, 5
_SHORTEST_BAR = 96
_WHEEL = 84
_ROW = 26
"""Height of a row of a table [px]."""
_RULE = (200, 200, 200)


def draw_scale_bar(picture: Canvas, axes: Sequence[Axis], shape: tuple[int, int]) -> None:
    """Draw a scale bar on a picture, along its longer side where the other one is short.

    Parameters
    ----------
    picture
        The part of a canvas that the picture fills.
    axes
        Of y and x.
    shape
        Rows and columns of the data.
    """
    height, width = picture.pixels.shape[:2]
    if width >= min(height, 150):
        length, text = scale_bar(axes[1], shape[1])
        long, room = max(1, round(length * width / shape[1])), text_width(text, "bold")
        if height < 44 or max(long, room) > width - 16:
            return
        y, x = height - 18, 12 + max(0, (room - long) // 2)
        picture.fill(y - 1, x - 1, 7, long + 2, BLACK)
        picture.fill(y, x, 5, long, WHITE)
        picture.text(y - 6, x + long // 2, text, "bold", WHITE, anchor="centre", outline=BLACK)
        return
    length, text = scale_bar(axes[0], shape[0])
    long = max(1, round(length * height / shape[0]))
    if width < 30 or long > height - 16:
        return
    y, x = height - 12 - long, 8
    picture.fill(y - 1, x - 1, long + 2, 7, BLACK)
    picture.fill(y, x, long, 5, WHITE)
    half = text_width(text, "bold") // 2 + 3
    middle = min(max(y + long // 2, half), height - half)
    picture.text_upwards(middle, x + 10, text, "bold", WHITE, outline=BLACK)


def draw_marks(picture: Canvas, marks: Sequence[Mark], shape: tuple[int, int]) -> None:
    """Draw outlines and crosses in white with a dark edge, at their places on the data."""
    height, width = picture.pixels.shape[:2]
    sy, sx = height / shape[0], width / shape[1]
    for mark in marks:
        y, x = (mark.y + 0.5) * sy, (mark.x + 0.5) * sx
        if not (math.isfinite(y) and math.isfinite(x)):
            continue
        if isinstance(mark, Circle):
            radii = (mark.radius * sy, mark.radius * sx)
            picture.circle((y, x), radii, 1.8, WHITE, dashed=mark.style == "--", outline=(4.2, BLACK))
            continue
        if -9 < y < height + 9 and -9 < x < width + 9:
            top, left = math.floor(y), math.floor(x)
            for wide, long, colour in ((2, 10, BLACK), (1, 9, WHITE)):
                picture.fill(top - long, left - wide, 2 * long + 1, 2 * wide + 1, colour)
                picture.fill(top - wide, left - long, 2 * wide + 1, 2 * long + 1, colour)
            picture.fill(top - 9, left - 1, 19, 3, WHITE)


def draw_bar(canvas: Canvas, y: int, x: int, height: int, panel: Panel) -> None:
    """Draw a colour bar right of a picture whose upper right corner is (y, x), with ticks and the label."""
    height = max(height, _SHORTEST_BAR)
    left = x + _BAR_GAP
    places = np.clip(255 - np.arange(height) * 256 // height, 0, 255)
    column = colour_table(panel.colours)[places]
    canvas.part(y, left, height, _BAR).pixels[:] = column[:, np.newaxis]
    canvas.frame(y, left, height, _BAR)
    found = ticks(panel.limits, panel.scale, most=max(2, min(6, height // 40)))
    widest = _ticks_right(canvas, y, left + _BAR, height, found, panel.scale, panel.limits)
    label = cut(_with_note(printable(panel.label), found), "regular", height)
    at = min(left + _BAR + _TICK + 5 + widest + 6, x + BAR_ROOM - line_height("regular"))
    if at >= left + _BAR + _TICK + 5 + widest:
        canvas.text_upwards(y + height // 2, at, label)


def _ticks_right(
    canvas: Canvas, y: int, x: int, height: int, found: Ticks, scale: Scale, limits: tuple[float, float]
) -> int:
    """Draw ticks on the right of a line, and give the width of the widest text."""
    for value in found.minor:
        canvas.fill(y + round((1 - position(value, scale, limits)) * (height - 1)), x + 1, 1, 3, GREY)
    for value, text in zip(found.values, found.texts, strict=True):
        at = y + round((1 - position(value, scale, limits)) * (height - 1))
        canvas.fill(at, x + 1, 1, _TICK, BLACK)
        canvas.text(at + ascent("small") // 2 - 1, x + _TICK + 5, text, "small")
    return max((text_width(text, "small") for text in found.texts), default=0)


def draw_legend(canvas: Canvas, y: int, x: int, panel: Panel) -> None:
    """Draw the wheel of directions right of a field, with the length that is fully bright."""
    left = x + _BAR_GAP + 4
    canvas.paste(y, left, wheel(_WHEEL))
    middle, below = left + _WHEEL // 2, y + _WHEEL + 18
    room = BAR_ROOM - _BAR_GAP
    lines = wrapped(printable(panel.quantity), "small", room, 2)
    largest = f"≤ {panel.limits[1]:.3g} {unit_text(panel.unit)}".rstrip()
    for i, line in enumerate([*lines, cut(largest, "small", room)]):
        canvas.text(below + i * 18, middle, line, "small", anchor="centre")


def draw_axes(
    canvas: Canvas,
    box: tuple[int, int, int, int],
    horizontal: tuple[str, tuple[float, float]],
    vertical: tuple[str, tuple[float, float], Scale],
) -> None:
    """Draw ticks and labels below and left of a box.

    Parameters
    ----------
    canvas
        Where to draw.
    box
        Top, left, height and width [px].
    horizontal
        Label, and the values at the left and at the right.
    vertical
        Label, the values at the bottom and at the top, and the scale.
    """
    top, left, height, width = box
    canvas.frame(top, left, height, width)
    label, limits = horizontal
    found = ticks(limits, most=max(2, min(7, width // 70)))
    end = left + width
    for value, text in zip(found.values, found.texts, strict=True):
        at = left + round(position(value, "linear", limits) * (width - 1))
        canvas.fill(top + height + 1, at, _TICK, 1, BLACK)
        half = text_width(text, "small") // 2
        canvas.text(top + height + 20, min(at, end + 20 - half), text, "small", anchor="centre")
    label = cut(_with_note(label, found), "regular", width)
    canvas.text(top + height + 42, left + width // 2, label, anchor="centre")
    label, limits, scale = vertical
    found = ticks(limits, scale, most=max(2, min(7, height // 44)))
    for value in found.minor:
        canvas.fill(top + round((1 - position(value, scale, limits)) * (height - 1)), left - 4, 1, 3, GREY)
    for value, text in zip(found.values, found.texts, strict=True):
        at = top + round((1 - position(value, scale, limits)) * (height - 1))
        canvas.fill(at, left - 1 - _TICK, 1, _TICK, BLACK)
        text = cut(text, "small", LEFT_ROOM - 34)
        canvas.text(at + ascent("small") // 2 - 1, left - _TICK - 5, text, "small", anchor="right")
    widest = max((text_width(text, "small") for text in found.texts), default=0)
    at = max(left - _TICK - 5 - widest - 8 - line_height("regular"), left - LEFT_ROOM)
    canvas.text_upwards(top + height // 2, at, cut(_with_note(label, found), "regular", height))


def _with_note(label: str, found: Ticks) -> str:
    return f"{label} ({found.note})".lstrip() if found.note else label


def draw_table(canvas: Canvas, box: tuple[int, int, int, int], panel: Panel) -> int:
    """Draw a table at the top of a box, with rules, and give its height [px]; rows that do not fit are counted."""
    top, left, height, width = box
    room = max(1, height // _ROW)
    rows = [[printable(cell) for cell in row] for row in panel.rows[:room]]
    if room < len(panel.rows):
        rows[-1] = [f"… and {len(panel.rows) - room + 1} more rows"]
    if not rows:
        return 0
    widths = _column_widths(rows, width)
    for i, row in enumerate(rows):
        style: Style = "bold" if i == 0 else "regular"
        x, foot = left, top + i * _ROW + 18
        spans = widths if len(row) > 1 else [width]
        for cell, wide in zip(row, spans, strict=False):
            canvas.text(foot, x, cut(cell, style, wide - 14), style)
            x += wide
        thickness, colour = (2, BLACK) if i == 0 else (1, _RULE)
        canvas.fill(top + (i + 1) * _ROW - 2, left, thickness, min(sum(widths), width), colour)
    return len(rows) * _ROW


def _column_widths(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """Give the width of each column: as wide as its texts, or less where the table would be too wide."""
    count = max(len(row) for row in rows)
    wanted = [0] * count
    for i, row in enumerate(rows):
        if len(row) == 1 < count:
            continue
        for j, cell in enumerate(row):
            wanted[j] = max(wanted[j], text_width(cell, "bold" if i == 0 else "regular") + 18)
    free, fair = width, [0] * count
    for left, j in zip(range(count, 0, -1), sorted(range(count), key=wanted.__getitem__), strict=True):
        fair[j] = min(wanted[j], free // left)
        free -= fair[j]
    return fair
