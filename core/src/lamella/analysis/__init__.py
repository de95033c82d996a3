"""The public module for authors of analyses: what microscopists compute every day, with pictures.

A plugin declares a class of analyses in the entry-point group ``lamella.analyses``::

    [project.entry-points."lamella.analyses"]
    strain = "my_package.strain:StrainAnalysis"

The name on the left is what users type, in any case of letters. A class that declares its parameters by ``params`` gets
options of ``lamella run`` and forms from that. The class may state the plugin API that it was written
for, as the class attribute ``api = (1, 0)``; without it, ``(1, 0)`` is assumed. A class for a plugin API that Lamella
does not understand is reported as incompatible, one that fails while it is imported as broken; neither is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella.system.lazy import lazy_names

if TYPE_CHECKING:
    from lamella.analysis.analysis import Analysis as Analysis, image_size as image_size
    from lamella.analysis.beam import Beam as Beam, NoBeam as NoBeam, find_beam as find_beam
    from lamella.analysis.channels import Channel as Channel
    from lamella.analysis.make import (
        Declared as Declared,
        declared_analyses as declared_analyses,
        make_analysis as make_analysis,
    )
    from lamella.analysis.results import AnalysisResult as AnalysisResult, AnalysisResultSet as AnalysisResultSet

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "lamella.analysis.analysis": "Analysis image_size",
        "lamella.analysis.beam": "Beam NoBeam find_beam",
        "lamella.analysis.channels": "Channel",
        "lamella.analysis.make": "Declared declared_analyses make_analysis",
        "lamella.analysis.results": "AnalysisResult AnalysisResultSet",
    },
)
