"""The public module for authors of exporters: writing data sets and results to files that are complete or absent.

A plugin declares a class of exporters in the entry-point group ``lamella.exporters``::

    [project.entry-points."lamella.exporters"]
    zarr = "my_package.zarr:ZarrExporter"

The name on the left is what users type, in any case of letters. The class may state the plugin API that it was written
for, as the class attribute ``api = (1, 0)``; without it, ``(1, 0)`` is assumed. A class for a plugin API that Lamella
does not understand is reported as incompatible, one that fails while it is imported as broken; neither is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella.system.lazy import lazy_names

if TYPE_CHECKING:
    from lamella.export.atomic import written_at_once as written_at_once
    from lamella.export.dataset import export_dataset as export_dataset, find_exporter as find_exporter
    from lamella.export.exporter import Exporter as Exporter, ExportReport as ExportReport
    from lamella.export.results import save_results as save_results
    from lamella.progress import ProgressOption as ProgressOption, make_progress as make_progress

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "lamella.export.exporter": "ExportReport Exporter",
        "lamella.export.dataset": "export_dataset find_exporter",
        "lamella.export.results": "save_results",
        "lamella.export.atomic": "written_at_once",
        "lamella.progress": "ProgressOption make_progress",
    },
)
