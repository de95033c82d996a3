"""The public module for authors of exporters: writing data sets and results to files that are complete or absent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella.system.lazy import lazy_names

if TYPE_CHECKING:
    from lamella.export.dataset import export_dataset as export_dataset, find_exporter as find_exporter
    from lamella.export.exporter import Exporter as Exporter, ExportReport as ExportReport
    from lamella.export.results import save_results as save_results

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "lamella.export.exporter": "ExportReport Exporter",
        "lamella.export.dataset": "export_dataset find_exporter",
        "lamella.export.results": "save_results",
    },
)
