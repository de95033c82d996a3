"""Panels as PNG files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lamella.export.atomic import written_at_once
from lamella.plot.panels import Circle

if TYPE_CHECKING:
    from lamella.cli.console import Console
    from lamella.plot.panels import Panel
    from lamella.plot.pictures import Reduced

__all__ = ["save_picture"]


def save_picture(path: Path, panels: Sequence[Panel], console: Console, *, title: str = "", caption: str = "") -> bool:
    """Write one picture of some panels; complain and give False where that cannot be done."""
    from lamella.plot.pictures import draw, save

    try:
        figure = draw([_reduced(panel) for panel in panels], title=title, caption=caption)
        with written_at_once(path) as partial:
            save(figure, partial)
    except ModuleNotFoundError as error:
        console.complain(f'lamella: no pictures, for {error.name} is missing: pip install "lamella[plot]"')
        return False
    return True


def _reduced(panel: Panel) -> Reduced:
    from lamella.plot import pictures

    data = np.zeros(0) if panel.data is None else panel.data
    if panel.kind == "rgba":
        data = data / 255
    marks = [
        pictures.Circle(mark.y, mark.x, mark.radius, mark.style)
        if isinstance(mark, Circle)
        else pictures.Cross(mark.y, mark.x)
        for mark in panel.marks
    ]
    old = pictures.Panel(
        title=panel.title,
        values=data,
        axes=panel.axes,
        label=panel.label,
        colours=panel.colours,
        scale=panel.scale,
        marks=tuple(marks),
    )
    small = pictures.reduced(old)
    return replace(small, shape=small.shape[:2], limits=panel.limits)
