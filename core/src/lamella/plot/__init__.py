"""Pictures of results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella.system.lazy import lazy_names

if TYPE_CHECKING:
    from lamella.plot.liveplot import LivePlot as LivePlot
    from lamella.plot.pictures import (
        Circle as Circle,
        Cross as Cross,
        Mark as Mark,
        Panel as Panel,
        draw as draw,
        save as save,
    )

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "lamella.plot.pictures": "Circle Cross Mark Panel draw save",
        "lamella.plot.liveplot": "LivePlot",
    },
)
