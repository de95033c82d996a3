"""Panels as PNG files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lamella.export.atomic import written_at_once

if TYPE_CHECKING:
    from lamella.plot.panels import Panel

__all__ = ["save_picture"]


def save_picture(path: Path, panels: Sequence[Panel], *, title: str = "", caption: str = "") -> None:
    """Write one picture of some panels, as a file that is complete or absent."""
    from lamella.plot.sheet import save_sheet

    with written_at_once(path) as partial:
        save_sheet(panels, partial, title=title, caption=caption)
