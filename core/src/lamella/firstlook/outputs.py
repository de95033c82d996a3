"""What analyses give, as arrays with names, and what they are in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lamella.analysis.com import CoMAnalysis
from lamella.analysis.masks import DiskAnalysis, RingAnalysis
from lamella.analysis.simple import FramesAnalysis, PickAnalysis, StdAnalysis, SumAnalysis, SumSigAnalysis
from lamella.firstlook.kinds import frame_word
from lamella.system.paths import name_of_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.analysis.analysis import Analysis
    from lamella.dataset.dataset import DataSet
    from lamella.udf.results import ResultBuffer, UDFResult

__all__ = ["Output", "facts_of", "name_of", "names_of", "outputs_of", "stems_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One array of a result and what it is.

    Parameters
    ----------
    name
        Stem of its file.
    kind
        Whether its axes are those of the scan, those of the detector, or one for frames and those of the detector.
    values
        The array.
    valid
        Where it is valid; None for everywhere.
    title, quantity, unit, colours
        See `lamella.plot.panels.Panel`.
    wish
        How it is shown: ``"linear"``, ``"balanced"`` around zero, or ``"counts"``, which may span decades.
    """

    name: str
    kind: Literal["nav", "sig", "frames"]
    values: NDArray[Any]
    valid: NDArray[np.bool_] | None = None
    title: str
    quantity: str = ""
    unit: str = ""
    colours: str = "gray"
    wish: Literal["linear", "balanced", "counts"] = "linear"


def name_of(analysis: Analysis) -> str:
    """Give the name of an analysis, such as ``"disk"``, as files may be called as well."""
    return name_of_file(analysis.name or type(analysis).__name__.removesuffix("Analysis").lower())


def names_of(analyses: Sequence[Analysis]) -> list[str]:
    """Give a name for each of several analyses; those of which there are several get numbers."""
    stems = [name_of(analysis) for analysis in analyses]
    return [stem if stems.count(stem) == 1 else f"{stem}_{stems[: i + 1].count(stem)}" for i, stem in enumerate(stems)]


def facts_of(analysis: Analysis, name: str) -> dict[str, Any]:
    """Give an analysis with its numbers, as JSON can hold them."""
    known = analysis.parameters
    if isinstance(analysis, DiskAnalysis):
        return {"analysis": name, "cy": known["cy"], "cx": known["cx"], "radius": known["r"]}
    if isinstance(analysis, RingAnalysis):
        return {"analysis": name, "cy": known["cy"], "cx": known["cx"], "inner": known["ri"], "outer": known["ro"]}
    if isinstance(analysis, CoMAnalysis):
        return {"analysis": name, "cy": known["cy"], "cx": known["cx"]}
    plain = {key: value for key, value in known.items() if isinstance(value, int | float | str)}
    return {"analysis": name, **plain}


def outputs_of(analysis: Analysis, name: str, result: UDFResult, n_frames: int, column: int = 0) -> list[Output]:
    """Give the arrays of an analysis.

    Parameters
    ----------
    analysis, name
        What was computed, and what it is called.
    result
        What its UDF gave.
    n_frames
        The number of frames that were computed with.
    column
        Which mask of the result, where several detectors share one.
    """
    if isinstance(analysis, DiskAnalysis | RingAnalysis):
        return [_detector(analysis, name, result["intensity"], column)]
    make = _MAKERS.get(type(analysis))
    return _of_channels(analysis, name, result) if make is None else make(analysis.dataset, name, result, n_frames)


def _counts(dataset: DataSet) -> str:
    """Give what pixels hold: counts, where these are integers."""
    return "counts" if dataset.dtype.kind in "uib" else "intensity"


def _detector(analysis: DiskAnalysis | RingAnalysis, name: str, buffer: ResultBuffer, column: int) -> Output:
    number, counts = name.partition("_")[2], _counts(analysis.dataset)
    is_ring = isinstance(analysis, RingAnalysis)
    return Output(
        name=name,
        kind="nav",
        values=np.ascontiguousarray(buffer.data[..., column]),
        valid=buffer.valid_mask[..., column],
        title=f"{'Annular dark field' if is_ring else 'Bright field'} {number}".rstrip(),
        quantity=f"{counts} in the {'ring' if is_ring else 'disk'}",
        colours="inferno" if is_ring else "gray",
    )


def _shifts(dataset: DataSet, name: str, result: UDFResult, n_frames: int) -> list[Output]:
    look: dict[str, Any] = {"quantity": "shift", "unit": "px", "colours": "RdBu_r", "wish": "balanced"}
    return [
        _along_scan(f"{name}_{axis}", result[f"field_{axis}"], title=f"Centre of mass, {axis}", **look)
        for axis in ("x", "y")
    ]


def _total(dataset: DataSet, name: str, result: UDFResult, n_frames: int) -> list[Output]:
    total = result["intensity"].data
    mean, stem = total / max(n_frames, 1), name.removeprefix("sum")
    look: dict[str, Any] = {"kind": "sig", "colours": "viridis", "wish": "counts"}
    counts, frame, frames = _counts(dataset), frame_word(dataset), frame_word(dataset, plural=True)
    return [
        Output(name=f"mean{stem}", values=mean, title=f"Mean {frame}", quantity=f"{counts} per {frame}", **look),
        Output(name=name, values=total, title=f"Sum of all {frames}", quantity=counts, **look),
    ]


def _deviation(dataset: DataSet, name: str, result: UDFResult, n_frames: int) -> list[Output]:
    look: dict[str, Any] = {"kind": "sig", "colours": "viridis", "wish": "counts"}
    values = result["std"].data
    return [Output(name=name, values=values, title="Standard deviation", quantity=_counts(dataset), **look)]


def _frame_totals(dataset: DataSet, name: str, result: UDFResult, n_frames: int) -> list[Output]:
    counts = _counts(dataset)
    title = "All counts" if counts == "counts" else "Total intensity"
    if dataset.shape.sig.size == 1:
        return [_along_scan(name, result["intensity"], title=counts.capitalize(), quantity=counts)]
    return [_along_scan(name, result["intensity"], title=title, quantity=f"{counts} per {frame_word(dataset)}")]


def _picked(dataset: DataSet, name: str, result: UDFResult, n_frames: int) -> list[Output]:
    frames = result["intensity"]
    valid = None if frames.valid_mask.all() else frames.valid_mask[0]
    look: dict[str, Any] = {
        "kind": "sig",
        "title": frame_word(dataset).capitalize(),
        "quantity": _counts(dataset),
        "wish": "counts",
    }
    return [Output(name=name.replace("pick", "frame"), values=frames.data[0], valid=valid, **look)]


def _all_frames(dataset: DataSet, name: str, result: UDFResult, n_frames: int) -> list[Output]:
    frames = result["intensity"]
    valid = None if frames.valid_mask.all() else frames.valid_mask
    title = frame_word(dataset, plural=True).capitalize()
    look: dict[str, Any] = {"kind": "frames", "title": title, "quantity": _counts(dataset), "wish": "counts"}
    return [Output(name=name, values=frames.data, valid=valid, **look)]


_MAKERS: Mapping[type[Analysis], Callable[[DataSet, str, UDFResult, int], list[Output]]] = {
    CoMAnalysis: _shifts,
    SumAnalysis: _total,
    StdAnalysis: _deviation,
    SumSigAnalysis: _frame_totals,
    PickAnalysis: _picked,
    FramesAnalysis: _all_frames,
}


def stems_of(analysis: Analysis, name: str) -> list[str]:
    """Give the names of the arrays of an analysis, before it is computed."""
    if isinstance(analysis, CoMAnalysis):
        return [f"{name}_x", f"{name}_y"]
    if isinstance(analysis, SumAnalysis):
        return [f"mean{name.removeprefix('sum')}", name]
    if isinstance(analysis, DiskAnalysis | RingAnalysis) or type(analysis) in _MAKERS:
        return [name.replace("pick", "frame")]
    return [f"{name}_{channel.key}" for channel in analysis.channels() if channel.span in ("nav", "sig")]


def _of_channels(analysis: Analysis, name: str, result: UDFResult) -> list[Output]:
    """Give the channels of any analysis that have the shape of the scan or of the detector."""
    shapes: dict[tuple[int, ...], Literal["nav", "sig"]] = {
        tuple(analysis.dataset.shape.sig): "sig",
        tuple(analysis.dataset.shape.nav): "nav",
    }
    outputs = []
    for channel in analysis.results(result):
        values = channel.raw_data
        kind = shapes.get(np.shape(values)) if not isinstance(values, tuple) else None
        if kind is not None:
            values = np.asarray(values)
            outputs.append(
                Output(
                    name=f"{name}_{channel.key}",
                    kind=kind,
                    values=values,
                    title=channel.title,
                    unit=channel.unit,
                    colours=channel.colours,
                    wish="balanced"
                    if channel.scale == "balanced"
                    else "counts"
                    if channel.scale == "log"
                    else "linear",
                )
            )
    return outputs


def _along_scan(name: str, buffer: ResultBuffer, **look: Any) -> Output:
    return Output(name=name, kind="nav", values=buffer.data, valid=buffer.valid_mask, **look)
