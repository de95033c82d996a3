"""Pictures of results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella.system.lazy import lazy_names

if TYPE_CHECKING:
    from lamella.plot.figures import figure as figure
    from lamella.plot.limits import choose_scale as choose_scale
    from lamella.plot.liveplot import LivePlot as LivePlot
    from lamella.plot.panels import Circle as Circle, Cross as Cross, Mark as Mark, Panel as Panel
    from lamella.plot.sheet import save_sheet as save_sheet, sheet_png as sheet_png

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "lamella.plot.figures": "figure",
        "lamella.plot.limits": "choose_scale",
        "lamella.plot.liveplot": "LivePlot",
        "lamella.plot.panels": "Circle Cross Mark Panel",
        "lamella.plot.sheet": "save_sheet sheet_png",
    },
)
