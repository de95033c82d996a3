"""The public module for authors of analyses: what microscopists compute every day, with pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella.system.lazy import lazy_names

if TYPE_CHECKING:
    from lamella.analysis.analysis import Analysis as Analysis, image_size as image_size
    from lamella.analysis.results import AnalysisResult as AnalysisResult, AnalysisResultSet as AnalysisResultSet

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "lamella.analysis.analysis": "Analysis image_size",
        "lamella.analysis.results": "AnalysisResult AnalysisResultSet",
    },
)
