"""Analyses that show one result of one UDF: sums, standard deviation, one frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.analysis.analysis import Analysis
from lamella.analysis.results import AnalysisResult, AnalysisResultSet, complex_channels
from lamella.errors import ParameterError
from lamella.udf.builtin.raw import PickUDF
from lamella.udf.builtin.stddev import StdDevUDF
from lamella.udf.builtin.sum import SumUDF
from lamella.udf.builtin.sumsig import SumSigUDF

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.dataset.dataset import DataSet
    from lamella.udf.results import UDFResult

__all__ = ["FramesAnalysis", "PickAnalysis", "StdAnalysis", "SumAnalysis", "SumSigAnalysis"]


class SumAnalysis(Analysis):
    """Sum of all frames; channels ``intensity`` (logarithmic picture) and ``intensity_lin``."""

    def udf(self) -> SumUDF:
        return SumUDF()

    def results(self, result: UDFResult) -> AnalysisResultSet:
        return _frame_channels(result["intensity"].data, "sum of frames")


class StdAnalysis(Analysis):
    """Standard deviation over the scan; channels ``intensity`` (logarithmic picture) and ``intensity_lin``."""

    def udf(self) -> StdDevUDF:
        return StdDevUDF()

    def results(self, result: UDFResult) -> AnalysisResultSet:
        return _frame_channels(result["std"].data, "standard deviation of frames")


class SumSigAnalysis(Analysis):
    """Sum over the detector; channel ``intensity``."""

    def udf(self) -> SumSigUDF:
        return SumSigUDF()

    def results(self, result: UDFResult) -> AnalysisResultSet:
        data, desc = result["intensity"].data, "sum over the detector"
        if np.iscomplexobj(data):
            return AnalysisResultSet(complex_channels("intensity", "intensity", desc, data))
        return AnalysisResultSet([AnalysisResult(key="intensity", title="intensity", desc=desc, raw_data=data)])


class FramesAnalysis(Analysis):
    """All frames that the region of interest selects; channel ``frames``, shape ``(number of frames, *detector)``."""

    def udf(self) -> PickUDF:
        return PickUDF()

    def results(self, result: UDFResult) -> AnalysisResultSet:
        data, desc = result["intensity"].data, "frames, one after the other"
        return AnalysisResultSet([AnalysisResult(key="frames", title="frames", desc=desc, raw_data=data)])


class PickAnalysis(Analysis):
    """One frame; channels ``intensity`` (logarithmic picture) and ``intensity_lin``, in the stored dtype.

    Parameters
    ----------
    dataset
        The data.
    x, y, z
        Scan position: x along the fastest axis; as many as the scan has axes.

    Raises
    ------
    ParameterError
        If their number differs, or the position lies outside.
    """

    def __init__(self, dataset: DataSet, x: int, y: int | None = None, z: int | None = None) -> None:
        given = [i for i in (z, y, x) if i is not None]
        nav = dataset.shape.nav
        if len(given) != len(nav) or (z is not None and y is None):
            raise ParameterError(f"the scan has {len(nav)} axes, {len(given)} coordinates were given")
        if not all(0 <= i < n for i, n in zip(given, nav, strict=True)):
            raise ParameterError(f"position {tuple(given)} lies outside the scan of {tuple(nav)}")
        super().__init__(dataset, x=x, y=y, z=z)
        self._position = tuple(int(i) for i in given)

    @property
    def roi(self) -> object:
        return self._position

    def udf(self) -> PickUDF:
        return PickUDF()

    def results(self, result: UDFResult) -> AnalysisResultSet:
        where = " ".join(f"{name}={self.parameters[name]}" for name in "xyz" if self.parameters[name] is not None)
        return _frame_channels(result["intensity"].data[0], f"the frame at {where}")


def _frame_channels(data: NDArray[Any], desc: str) -> AnalysisResultSet:
    if np.iscomplexobj(data):
        return AnalysisResultSet(complex_channels("intensity", "intensity", desc, data, log_first=True))
    return AnalysisResultSet(
        [
            AnalysisResult(
                key="intensity", title="intensity [log]", desc=f"{desc}, log-scaled", raw_data=data, scale="log"
            ),
            AnalysisResult(key="intensity_lin", title="intensity [lin]", desc=f"{desc}, lin-scaled", raw_data=data),
        ]
    )
