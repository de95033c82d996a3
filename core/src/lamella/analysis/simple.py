"""Analyses that show one result of one UDF: sums, standard deviation, one frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from lamella.analysis.analysis import Analysis
from lamella.analysis.channels import Channel, axes_of, complex_channels, complex_values, kind_along
from lamella.analysis.masks import counts_unit
from lamella.errors import ParameterError
from lamella.format import Param
from lamella.udf.builtin.raw import PickUDF
from lamella.udf.builtin.stddev import StdDevUDF
from lamella.udf.builtin.sum import SumUDF
from lamella.udf.builtin.sumsig import SumSigUDF

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.analysis.results import AnalysisResultSet
    from lamella.udf.results import UDFResult

__all__ = ["FramesAnalysis", "PickAnalysis", "StdAnalysis", "SumAnalysis", "SumSigAnalysis"]


Region = Annotated[object | None, Param(doc="Scan positions to use; all by default.", kind="object", cli=False)]


@dataclass(frozen=True, slots=True)
class RegionParams:
    """Which frames."""

    roi: Region = None


@dataclass(frozen=True, slots=True)
class NoParams:
    """Nothing to choose."""


class _FrameAnalysis(Analysis):
    """Something with the shape of a frame; channels ``intensity`` (logarithmic picture) and ``intensity_lin``."""

    params: ClassVar[type] = RegionParams
    desc = "frame"

    def channels(self) -> tuple[Channel, ...]:
        shared: dict[str, Any] = {
            "kind": kind_along(self.dataset, "sig"),
            "span": "sig",
            "axes": axes_of(self.dataset, "sig"),
        }
        if self.dataset.dtype.kind == "c" and not self.is_real:
            return tuple(complex_channels("intensity", "intensity", self.desc, log_first=True, **shared))
        shared |= {"unit": counts_unit(self.dataset)}
        log = Channel(key="intensity", title="intensity [log]", desc=f"{self.desc}, log-scaled", scale="log", **shared)
        linear = Channel(key="intensity_lin", title="intensity [lin]", desc=f"{self.desc}, lin-scaled", **shared)
        return log, linear

    is_real = False
    """Whether numbers are real also for complex data."""

    def _shown(self, data: NDArray[Any]) -> AnalysisResultSet:
        if self.dataset.dtype.kind == "c" and not self.is_real:
            return self.filled(complex_values("intensity", data, log_first=True))
        return self.filled({"intensity": data, "intensity_lin": data})


class SumAnalysis(_FrameAnalysis):
    """Sum of all frames; channels ``intensity`` (logarithmic picture) and ``intensity_lin``."""

    name = "sum"
    title = "Sum of frames"
    desc = "sum of frames"

    def udf(self) -> SumUDF:
        return SumUDF()

    def results(self, result: UDFResult) -> AnalysisResultSet:
        return self._shown(result["intensity"].data)


class StdAnalysis(_FrameAnalysis):
    """Standard deviation over the scan; channels ``intensity`` (logarithmic picture) and ``intensity_lin``."""

    name = "std"
    title = "Standard deviation"
    desc = "standard deviation of frames"
    is_real = True

    def udf(self) -> StdDevUDF:
        return StdDevUDF()

    def results(self, result: UDFResult) -> AnalysisResultSet:
        return self._shown(result["std"].data)


class SumSigAnalysis(Analysis):
    """Sum over the detector; channel ``intensity``."""

    name = "sumsig"
    title = "Sum over the detector"
    params = NoParams

    def channels(self) -> tuple[Channel, ...]:
        shared: dict[str, Any] = {"kind": kind_along(self.dataset, "nav"), "axes": axes_of(self.dataset, "nav")}
        desc = "sum over the detector"
        if self.dataset.dtype.kind == "c":
            return tuple(complex_channels("intensity", "intensity", desc, **shared))
        unit = counts_unit(self.dataset)
        return (Channel(key="intensity", title="intensity", desc=desc, unit=unit, **shared),)

    def udf(self) -> SumSigUDF:
        return SumSigUDF()

    def results(self, result: UDFResult) -> AnalysisResultSet:
        data = result["intensity"].data
        return self.filled(complex_values("intensity", data) if self.dataset.dtype.kind == "c" else {"intensity": data})


class FramesAnalysis(Analysis):
    """All frames that the region of interest selects; channel ``frames``, shape ``(number of frames, *detector)``."""

    name = "frames"
    title = "Frames"
    params = RegionParams

    def channels(self) -> tuple[Channel, ...]:
        desc, unit = "frames, one after the other", counts_unit(self.dataset)
        return (Channel(key="frames", title="frames", desc=desc, kind="frames", span="frames", unit=unit),)

    def udf(self) -> PickUDF:
        return PickUDF()

    def results(self, result: UDFResult) -> AnalysisResultSet:
        return self.filled({"frames": result["intensity"].data})


@dataclass(frozen=True, slots=True)
class PickParams:
    """Which frame: as many numbers as the scan has axes, x along the fastest."""

    x: Annotated[int, Param(doc="Position along the fastest axis of the scan.", place="nav-x")]
    y: Annotated[int | None, Param(doc="Position along the next axis.", place="nav-y")] = None
    z: Annotated[int | None, Param(doc="Position along the slowest of three axes.", place="nav-z")] = None


class PickAnalysis(_FrameAnalysis):
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

    name = "pick"
    title = "Frame"
    params = PickParams

    def completed(self, given: dict[str, Any]) -> dict[str, Any]:
        position, nav = _position(given), self.dataset.shape.nav
        if len(position) != len(nav) or (given["z"] is not None and given["y"] is None):
            raise ParameterError(f"the scan has {len(nav)} axes, {len(position)} coordinates were given")
        if not all(0 <= i < n for i, n in zip(position, nav, strict=True)):
            raise ParameterError(f"position {position} lies outside the scan of {tuple(nav)}")
        return given

    @property
    def desc(self) -> str:  # type: ignore[override]
        where = " ".join(f"{name}={self.parameters[name]}" for name in "xyz" if self.parameters[name] is not None)
        return f"the frame at {where}"

    @property
    def roi(self) -> object:
        return _position(self.parameters)

    def udf(self) -> PickUDF:
        return PickUDF()

    def results(self, result: UDFResult) -> AnalysisResultSet:
        return self._shown(result["intensity"].data[0])


def _position(given: dict[str, Any]) -> tuple[int, ...]:
    return tuple(given[name] for name in "zyx" if given[name] is not None)
