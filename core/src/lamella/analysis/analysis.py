"""The contract of analyses: a UDF with parameters that were checked or guessed, and channels to show."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from lamella.errors import ParameterError

if TYPE_CHECKING:
    from lamella.analysis.results import AnalysisResultSet
    from lamella.dataset.dataset import DataSet
    from lamella.udf.base import UDF
    from lamella.udf.results import UDFResult

__all__ = ["Analysis", "image_size"]


class Analysis(ABC):
    """Something to compute with `lamella.Context.run`.

    A class of a plugin is declared in the entry-point group ``lamella.analyses``, and found by `make_analysis`. Its
    class attribute ``api``, such as ``(1, 0)``, is the plugin API that it was written for; ``(1, 0)`` if it has none.

    Parameters
    ----------
    dataset
        The data.
    **parameters
        What was chosen; at hand as ``self.parameters``.
    """

    def __init__(self, dataset: DataSet, **parameters: Any) -> None:
        self.dataset = dataset
        self.parameters = parameters

    @property
    def roi(self) -> object:
        """The scan positions that it needs; all by default."""
        return self.parameters.get("roi")

    @abstractmethod
    def udf(self) -> UDF:
        """Give the UDF to run."""

    @abstractmethod
    def results(self, result: UDFResult) -> AnalysisResultSet:
        """Make channels from the result of the UDF."""


def image_size(dataset: DataSet) -> tuple[int, int]:
    """Give width and height of the detector.

    Raises
    ------
    ParameterError
        If it does not have two axes.
    """
    if len(dataset.shape.sig) != 2:
        raise ParameterError(f"a detector with two axes is needed, this one has {dataset.shape.sig.dims}")
    height, width = dataset.shape.sig
    return width, height
