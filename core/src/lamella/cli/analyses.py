"""What `lamella run` computes: detectors, centre of mass and sums, as UDFs that share one pass over the data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lamella.plot.pictures import Circle

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.cli.beam import Beam
    from lamella.dataset.dataset import DataSet
    from lamella.plot.pictures import Mark
    from lamella.udf.base import UDF
    from lamella.udf.results import ResultBuffer, UDFResult

__all__ = ["Analysis", "Output", "centre_of_mass", "detectors", "numbered", "scan_std", "scan_sum", "sig_sum"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One array of the result and how to show it.

    Parameters
    ----------
    name
        Stem of its file.
    kind
        Whether its axes are those of the scan or those of the detector.
    values
        The array.
    valid
        Where it is valid; None for everywhere.
    title, label, colours, scale
        For the picture; see `lamella.plot.pictures.Panel`.
    """

    name: str
    kind: Literal["nav", "sig"]
    values: NDArray[Any]
    valid: NDArray[np.bool_] | None = None
    title: str
    label: str
    colours: str = "gray"
    scale: Literal["linear", "log", "balanced"] = "linear"


@dataclass(frozen=True, slots=True)
class Analysis:
    """A UDF, what to make of its result and the number of frames, what it is in words, and outlines to draw."""

    udf: UDF
    outputs: Callable[[UDFResult, int], list[Output]]
    facts: tuple[dict[str, Any], ...]
    marks: tuple[Mark, ...] = ()


def detectors(dataset: DataSet, disks: Sequence[tuple[float, ...]], rings: Sequence[tuple[float, ...]]) -> Analysis:
    """Counts in disks (cy, cx, radius) and rings (cy, cx, inner, outer) [px], all in one UDF."""
    from lamella import masks
    from lamella.udf.builtin.masks import ApplyMasksUDF

    height, width = dataset.shape.sig
    factories: list[Any] = []
    facts: list[dict[str, Any]] = []
    marks: list[Mark] = []
    for name, (cy, cx, radius) in zip(numbered("disk", len(disks)), disks, strict=True):
        factories.append(partial(masks.circular, cx, cy, width, height, radius))
        facts.append({"analysis": name, "cy": cy, "cx": cx, "radius": radius})
        marks.append(Circle(cy, cx, radius))
    for name, (cy, cx, inner, outer) in zip(numbered("ring", len(rings)), rings, strict=True):
        factories.append(partial(masks.ring, cx, cy, width, height, outer, inner))
        facts.append({"analysis": name, "cy": cy, "cx": cx, "inner": inner, "outer": outer})
        marks += [Circle(cy, cx, inner, "--"), Circle(cy, cx, outer, "--")]

    def outputs(result: UDFResult, n_frames: int) -> list[Output]:
        return [_detector_output(str(fact["analysis"]), result["intensity"], i) for i, fact in enumerate(facts)]

    return Analysis(ApplyMasksUDF(mask_factories=factories), outputs, tuple(facts), tuple(marks))


def _detector_output(name: str, intensity: ResultBuffer, index: int) -> Output:
    is_ring = name.startswith("ring")
    number = name.partition("_")[2]
    return Output(
        name=name,
        kind="nav",
        values=np.ascontiguousarray(intensity.data[..., index]),
        valid=intensity.valid_mask[..., index],
        title=f"{'Annular dark field' if is_ring else 'Bright field'} {number}".rstrip(),
        label="counts in the ring" if is_ring else "counts in the disk",
        colours="inferno" if is_ring else "gray",
    )


def numbered(stem: str, count: int) -> list[str]:
    """Give the names of several detectors of a kind."""
    return [stem] if count == 1 else [f"{stem}_{i + 1}" for i in range(count)]


def centre_of_mass(beam: Beam) -> Analysis:
    """Shift of the centre of mass of each frame from the direct beam [px]."""
    from lamella.udf.builtin.com import CoMUDF

    def outputs(result: UDFResult, n_frames: int) -> list[Output]:
        return [_shift_output(axis, result[f"field_{axis}"]) for axis in ("x", "y")]

    return Analysis(CoMUDF(cy=beam.cy, cx=beam.cx), outputs, ({"analysis": "com", "cy": beam.cy, "cx": beam.cx},))


def _shift_output(axis: str, shift: ResultBuffer) -> Output:
    return Output(
        name=f"com_{axis}",
        kind="nav",
        values=shift.data,
        valid=shift.valid_mask,
        title=f"Centre of mass, {axis}",
        label="shift [px]",
        colours="RdBu_r",
        scale="balanced",
    )


def scan_sum() -> Analysis:
    """Sum of all frames, and their mean."""
    from lamella.udf.builtin.sum import SumUDF

    def outputs(result: UDFResult, n_frames: int) -> list[Output]:
        total = result["intensity"].data
        mean = total / max(n_frames, 1)
        look: dict[str, Any] = {"kind": "sig", "colours": "viridis", "scale": "log"}
        return [
            Output(name="mean", values=mean, title="Mean pattern", label="counts per frame", **look),
            Output(name="sum", values=total, title="Sum of all patterns", label="counts", **look),
        ]

    return Analysis(SumUDF(), outputs, ({"analysis": "sum"},))


def scan_std() -> Analysis:
    """Standard deviation of each pixel over the scan."""
    from lamella.udf.builtin.stddev import StdDevUDF

    def outputs(result: UDFResult, n_frames: int) -> list[Output]:
        return [
            Output(
                name="std",
                kind="sig",
                values=result["std"].data,
                title="Standard deviation",
                label="counts",
                colours="viridis",
                scale="log",
            )
        ]

    return Analysis(StdDevUDF(), outputs, ({"analysis": "std"},))


def sig_sum() -> Analysis:
    """Sum of all pixels of each frame."""
    from lamella.udf.builtin.sumsig import SumSigUDF

    def outputs(result: UDFResult, n_frames: int) -> list[Output]:
        total = result["intensity"]
        return [
            Output(
                name="sumsig",
                kind="nav",
                values=total.data,
                valid=total.valid_mask,
                title="All counts",
                label="counts in the frame",
            )
        ]

    return Analysis(SumSigUDF(), outputs, ({"analysis": "sumsig"},))
