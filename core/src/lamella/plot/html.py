"""Panels as HTML: pictures as PNG inside of the page, with axes, marks and texts as SVG, which print sharp."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lamella.plot.colours import colour_table, rgba, wheel
from lamella.plot.curves import curve_points
from lamella.plot.measures import (
    axis_label,
    axis_limits,
    checked,
    data_axes,
    data_shape,
    picture_size,
    scale_bar,
    smaller,
    square,
)
from lamella.plot.panels import Circle
from lamella.plot.png import png_bytes
from lamella.plot.ticks import position, ticks, unit_text
from lamella.reader.metadata import Axis
from lamella.system.text import LINE, html_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.plot.panels import Mark, Panel, Scale
    from lamella.plot.ticks import Ticks

__all__ = ["PANEL_STYLE", "panel_html", "thumbnail_html"]

PANEL_STYLE = """
figure.panel { margin: 0; break-inside: avoid; }
figure.panel h3 { font-size: 1rem; font-weight: normal; margin: 0 0 .3rem; overflow-wrap: anywhere; }
figure.panel figcaption { color: #444; font-size: .85rem; max-width: 30rem; overflow-wrap: anywhere; }
figure.panel svg { max-width: 100%; height: auto; font: 12px sans-serif; }
figure.panel svg image { image-rendering: pixelated; }
figure.panel svg .on { fill: #fff; stroke: #111; stroke-width: 3px; paint-order: stroke; font-weight: bold; }
figure.panel table, table.facts { border-collapse: collapse; font-size: .9rem; }
figure.panel td, figure.panel th { text-align: left; padding: .15rem .8rem .15rem 0; border-bottom: 1px solid #ccc; }
""".strip()
"""Style sheet for `panel_html`."""

_BOX = 300
"""Longer side of a picture [px]."""
_THINNEST = 44
_LEFT, _RIGHT, _BELOW, _EDGE = 74, 100, 46, 8
"""Room left of a plot, right of a picture for the colour bar, below a plot, and around all [px]."""
_BAR, _WHEEL = 14, 70
_MOST_PIXELS = 512
_GREY, _DARK, _CURVE = "#8c8c8c", "#111", "#0072b2"


def panel_html(panel: Panel, letter: str = "") -> str:
    """Give a panel as a ``figure`` element; all texts in it are escaped.

    Parameters
    ----------
    panel
        What to show.
    letter
        What it is called beside others, such as ``"a"``.

    Raises
    ------
    ParameterError
        If the numbers of the panel have another shape than its kind.
    """
    panel = checked(panel)
    name = html_text(panel.title)
    heading = f"<h3>{f'<b>({html_text(letter)})</b> ' if letter else ''}{name}</h3>"
    body = _table(panel) if panel.kind == "table" else _svg(panel)
    note = f"<figcaption>{html_text(panel.note, LINE)}</figcaption>" if panel.note else ""
    return f'<figure class="panel">{heading}{body}{note}</figure>'


def thumbnail_html(panel: Panel, size: int = 96) -> str:
    """Give a panel as a small picture without axes and texts, at most so large [px]."""
    panel = checked(panel)
    if panel.kind == "table":
        return ""
    name = html_text(panel.title)
    if panel.kind == "curve":
        body = _curve(panel, 0, 0, size, size * 2 // 3)
        return f'<svg width="{size}" height="{size * 2 // 3}" role="img" aria-label="{name}">{body}</svg>'
    height, width = _size(panel, size, size, size // 8)
    few = smaller(panel, (2 * size, 2 * size))
    return f'<img src="{_data_uri(rgba(few))}" width="{width}" height="{height}" alt="{name}">'


def _data_uri(colours: NDArray[np.uint8]) -> str:
    """Give a picture as an address that holds it."""
    return f"data:image/png;base64,{b64encode(png_bytes(colours)).decode('ascii')}"


def _table(panel: Panel) -> str:
    rows = []
    for i, row in enumerate(panel.rows):
        tag = "th" if i == 0 else "td"
        cells = "".join(f'<{tag} dir="auto">{html_text(cell)}</{tag}>' for cell in row)
        rows.append(f"<tr>{cells}</tr>")
    return f"<table>{''.join(rows)}</table>"


def _size(panel: Panel, high: int, wide: int, thinnest: int) -> tuple[int, int]:
    """Give height and width of a picture [px]."""
    if not square(data_axes(panel)):
        return round(high * 0.8), wide
    return picture_size(panel, (high, wide), thinnest)


def _svg(panel: Panel) -> str:
    is_curve = panel.kind == "curve"
    is_plot = is_curve or not square(data_axes(panel))
    height, width = (round(_BOX * 0.6), _BOX) if is_curve else _size(panel, _BOX, _BOX, _THINNEST)
    left, top = (_LEFT if is_plot else 1), _EDGE
    right = _EDGE * 2 if is_curve or panel.kind == "rgba" else _RIGHT
    below = _BELOW if is_plot else 6
    high = max(height, 0 if is_curve else _WHEEL + 30) + top + below
    parts = [_curve_plot(panel, left, top, width, height)] if is_curve else _picture(panel, left, top, width, height)
    whole = f'viewBox="0 0 {left + width + right} {high}" width="{left + width + right}" height="{high}"'
    return f'<svg {whole} role="img" aria-label="{html_text(panel.title)}">{"".join(parts)}</svg>'


def _picture(panel: Panel, left: int, top: int, width: int, height: int) -> list[str]:
    shape, axes = data_shape(panel), data_axes(panel)
    parts = [f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="{_GREY}"/>']
    if min(shape) > 0:
        address = _data_uri(rgba(smaller(panel, (_MOST_PIXELS, _MOST_PIXELS))))
        place = f'x="{left}" y="{top}" width="{width}" height="{height}"'
        parts.append(f'<image {place} preserveAspectRatio="none" href="{address}"/>')
        marks = "".join(_mark(mark, height / shape[0], width / shape[1]) for mark in panel.marks)
        parts.append(f"<svg {place}>{marks}{_scale_bar(axes, shape, height, width) if square(axes) else ''}</svg>")
    if square(axes):
        outline = f'x="{left - 0.5}" y="{top - 0.5}" width="{width + 1}" height="{height + 1}"'
        parts.append(f'<rect {outline} fill="none" stroke="#555"/>')
    else:
        (y0, y1), x_limits = (axis_limits(axis, n, edges=True) for axis, n in zip(axes, shape, strict=True))
        box = (top, left, height, width)
        parts.append(_axes(box, (axis_label(axes[1]), x_limits), (axis_label(axes[0]), (y1, y0), "linear")))
    if panel.kind == "image":
        parts.append(_colour_bar(panel, left + width + 10, top, max(height, 90)))
    elif panel.kind == "field":
        parts.append(_legend(panel, left + width + 12, top))
    return parts


def _mark(mark: Mark, sy: float, sx: float) -> str:
    y, x = (mark.y + 0.5) * sy, (mark.x + 0.5) * sx
    if not (math.isfinite(y) and math.isfinite(x)):
        return ""
    if isinstance(mark, Circle):
        dashes = ' stroke-dasharray="7 5"' if mark.style == "--" else ""
        place = f'cx="{x:.2f}" cy="{y:.2f}" rx="{mark.radius * sx:.2f}" ry="{mark.radius * sy:.2f}" fill="none"{dashes}'
        return "".join(
            f'<ellipse {place} stroke="{colour}" stroke-width="{wide}"/>'
            for wide, colour in ((3.4, _DARK), (1.5, "#fff"))
        )
    lines = f"M{x - 8:.2f} {y:.2f}h16M{x:.2f} {y - 8:.2f}v16"
    return "".join(
        f'<path d="{lines}" stroke="{colour}" stroke-width="{wide}" fill="none"/>'
        for wide, colour in ((4.5, _DARK), (2, "#fff"))
    )


def _scale_bar(axes: Sequence[Axis], shape: tuple[int, int], height: int, width: int) -> str:
    bar = 'fill="#fff" stroke="#111" stroke-width="1"'
    if width >= min(height, 120):
        pixels, text = scale_bar(axes[1], shape[1])
        long = pixels * width / shape[1]
        if long > width - 12:
            return ""
        middle = max(10 + long / 2, 10 + 3.6 * len(text))
        label = f'<text class="on" x="{middle:.1f}" y="{height - 17}" text-anchor="middle">{html_text(text)}</text>'
        return f'<rect x="{middle - long / 2:.1f}" y="{height - 13}" width="{long:.2f}" height="5" {bar}/>{label}'
    pixels, text = scale_bar(axes[0], shape[0])
    long = pixels * height / shape[0]
    if long > height - 12:
        return ""
    y = height - 10 - long / 2
    turned = f'transform="translate(26 {min(y, height - 10 - 3.6 * len(text)):.1f}) rotate(-90)"'
    label = f'<text class="on" {turned} text-anchor="middle">{html_text(text)}</text>'
    return f'<rect x="8" y="{height - 10 - long:.1f}" width="5" height="{long:.2f}" {bar}/>{label}'


def _colour_bar(panel: Panel, x: int, y: int, height: int) -> str:
    column = colour_table(panel.colours)[::-1, np.newaxis]
    place = f'x="{x}" y="{y}" width="{_BAR}" height="{height}"'
    found = ticks(panel.limits, panel.scale, most=max(2, min(6, height // 40)))
    parts = [
        f'<image {place} preserveAspectRatio="none" href="{_data_uri(column)}"/>',
        f'<rect {place} fill="none" stroke="{_DARK}" stroke-width=".8"/>',
    ]
    parts += _right_ticks(found, x + _BAR, y, height, panel.scale, panel.limits)
    label = _with_note(panel.label, found)
    at = f"translate({x + _BAR + 64} {y + height / 2:.1f}) rotate(-90)"
    parts.append(f'<text transform="{at}" text-anchor="middle">{html_text(label, 60)}</text>')
    return "".join(parts)


def _right_ticks(found: Ticks, x: int, y: int, height: int, scale: Scale, limits: tuple[float, float]) -> list[str]:
    parts = []
    for value, text in zip(found.values, found.texts, strict=True):
        at = y + (1 - position(value, scale, limits)) * height
        parts.append(f'<path d="M{x} {at:.2f}h4" stroke="{_DARK}"/>')
        parts.append(f'<text x="{x + 7}" y="{at + 4:.2f}">{html_text(text)}</text>')
    return parts


def _legend(panel: Panel, x: int, y: int) -> str:
    middle = x + _WHEEL / 2
    largest = f"≤ {panel.limits[1]:.3g} {unit_text(panel.unit)}".rstrip()
    return (
        f'<image x="{x}" y="{y}" width="{_WHEEL}" height="{_WHEEL}" href="{_data_uri(wheel(2 * _WHEEL))}"/>'
        f'<text x="{middle}" y="{y + _WHEEL + 14}" text-anchor="middle">{html_text(panel.quantity, 16)}</text>'
        f'<text x="{middle}" y="{y + _WHEEL + 29}" text-anchor="middle">{html_text(largest, 16)}</text>'
    )


def _with_note(label: str, found: Ticks) -> str:
    return f"{label} ({found.note})".lstrip() if found.note else label


def _axes(
    box: tuple[int, int, int, int],
    horizontal: tuple[str, tuple[float, float]],
    vertical: tuple[str, tuple[float, float], Scale],
) -> str:
    top, left, height, width = box
    frame = f'x="{left}" y="{top}" width="{width}" height="{height}"'
    parts = [f'<rect {frame} fill="none" stroke="{_DARK}" stroke-width="1"/>']
    label, limits = horizontal
    found = ticks(limits, most=max(2, min(7, width // 60)))
    for value, text in zip(found.values, found.texts, strict=True):
        at = left + position(value, "linear", limits) * width
        parts.append(f'<path d="M{at:.2f} {top + height}v4" stroke="{_DARK}"/>')
        parts.append(f'<text x="{at:.2f}" y="{top + height + 17}" text-anchor="middle">{html_text(text)}</text>')
    middle = f'x="{left + width / 2:.1f}" y="{top + height + 36}" text-anchor="middle"'
    parts.append(f"<text {middle}>{html_text(_with_note(label, found), 60)}</text>")
    label, limits, scale = vertical
    found = ticks(limits, scale, most=max(2, min(7, height // 40)))
    for value, text in zip(found.values, found.texts, strict=True):
        at = top + (1 - position(value, scale, limits)) * height
        parts.append(f'<path d="M{left} {at:.2f}h-4" stroke="{_DARK}"/>')
        parts.append(f'<text x="{left - 7}" y="{at + 4:.2f}" text-anchor="end">{html_text(text)}</text>')
    turned = f'transform="translate({left - _LEFT + 14} {top + height / 2:.1f}) rotate(-90)" text-anchor="middle"'
    parts.append(f"<text {turned}>{html_text(_with_note(label, found), 50)}</text>")
    return "".join(parts)


def _curve_plot(panel: Panel, left: int, top: int, width: int, height: int) -> str:
    low, high = panel.limits
    scale = panel.scale if low > 0 else "linear"
    axis = panel.axes[0] if panel.axes else Axis("x")
    length = max(np.asarray(panel.data).size, 2)
    box = (top, left, height, width)
    horizontal = (axis_label(axis), axis_limits(axis, length, edges=False))
    return _axes(box, horizontal, (panel.label, (low, high), scale)) + _curve(panel, left, top, width, height)


def _curve(panel: Panel, left: int, top: int, width: int, height: int) -> str:
    """Give the line of a curve, cut off at the edges of its box."""
    y, x = curve_points(panel, (height, width))
    known = np.isfinite(y)
    y = np.clip(np.where(known, y, 0), -10 * height, 10 * height)
    steps = []
    before = False
    for now, across, up in zip(known, x, y, strict=True):
        if now:
            steps.append(f"{'L' if before else 'M'}{across:.1f} {up:.1f}")
        before = bool(now)
    path = f'<path d="{"".join(steps)}" fill="none" stroke="{_CURVE}" stroke-width="1.5" stroke-linejoin="round"/>'
    return f'<svg x="{left}" y="{top}" width="{width}" height="{height}">{path}</svg>'
