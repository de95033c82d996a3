"""What to compute for a first look: it depends on what the file is, and on whether a direct beam was found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from lamella.analysis.beam import Beam, NoBeam, corrected, find_beam
from lamella.analysis.com import CoMAnalysis
from lamella.analysis.masks import DiskAnalysis, RingAnalysis
from lamella.analysis.simple import FramesAnalysis, PickAnalysis, StdAnalysis, SumAnalysis, SumSigAnalysis
from lamella.errors import ParameterError
from lamella.firstlook.grid import grid_mask, grid_step, grid_words
from lamella.firstlook.kinds import kind_of, shows_diffraction, words_of
from lamella.geometry.roi import region_of
from lamella.plot.limits import choose_scale, real_numbers
from lamella.system.text import printable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.analysis.analysis import Analysis
    from lamella.dataset.dataset import DataSet
    from lamella.firstlook.kinds import KindOfData

__all__ = ["MOST_NBYTES", "BeamChoice", "Plan", "beam_at", "make_plan", "own_plan"]

MOST_NBYTES = 2 << 30
"""Size up to which all data are read [bytes]."""
_MOST_SPECTRA = 64 << 20
"""Size of the largest image of all spectra along a line [bytes]."""
_GUESS = 0.1
"""Radius of a direct beam that could not be measured, in parts of the shorter side of the frame."""
_LONGEST_NAME = 30

BeamChoice: TypeAlias = "Beam | Sequence[float] | bool | None"
"""A direct beam, its centre (cy, cx), None to look for it, False for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to compute and why.

    Parameters
    ----------
    dataset
        The data.
    kind, words
        What it was taken for.
    analyses
        What to compute.
    roi
        The scan positions to use, in the shape of the scan; None for all.
    step
        Every how many positions in each direction are used.
    grid
        That in words; empty for all.
    beam
        The direct beam, where it was needed and found.
    is_image
        Whether frames are images of the specimen.
    is_chosen
        Whether a user chose the analyses.
    notes
        What was left out, and what was not found.
    """

    dataset: DataSet
    kind: KindOfData
    words: str
    analyses: tuple[Analysis, ...]
    roi: NDArray[Any] | None = None
    step: int = 1
    grid: str = ""
    beam: Beam | None = None
    is_image: bool = False
    is_chosen: bool = False
    notes: tuple[str, ...] = ()


def make_plan(
    dataset: DataSet, *, roi: object = None, most_nbytes: float = MOST_NBYTES, beam: BeamChoice = None
) -> Plan:
    """Choose what shows a data set; see `lamella.first_look` for the parameters."""
    kind = kind_of(dataset)
    plan = _limited(_bare(dataset, kind, roi), most_nbytes if kind != "line of spectra" else _MOST_SPECTRA)
    diffraction = shows_diffraction(dataset)
    if kind == "frame":
        if diffraction is None:
            diffraction = _looks_like_pattern(dataset)
        plan = replace(plan, words=words_of(kind, dataset, diffraction=diffraction))
        return replace(plan, analyses=(_single(dataset),), is_image=not diffraction)
    if kind == "scan" and len(dataset.shape.sig) == 2:
        plan = _with_beam(plan, beam)
    plan = replace(plan, is_image=diffraction is False)
    return replace(plan, analyses=tuple(make(dataset) for make in _COMPUTATIONS[kind])) if not plan.beam else plan


def own_plan(dataset: DataSet, analyses: Sequence[Analysis], *, roi: object = None, beam: Beam | None = None) -> Plan:
    """Give the plan for analyses that a user chose."""
    plan = _bare(dataset, kind_of(dataset), roi)
    is_image = shows_diffraction(dataset) is False
    return replace(plan, analyses=tuple(analyses), beam=beam, is_chosen=True, is_image=is_image)


def beam_at(dataset: DataSet, centre: tuple[float, float], found: Beam | NoBeam) -> Beam:
    """Give the direct beam at a centre that a user named; its radius is that of the beam that was found there."""
    height, width = dataset.shape.sig
    cy, cx = (float(number) for number in centre)
    if not (-0.5 <= cy <= height - 0.5 and -0.5 <= cx <= width - 0.5):
        raise ParameterError(
            f"the direct beam ({cy:g}, {cx:g}) lies outside of the frame of {height} x {width} pixels", field="beam"
        )
    if found and (found.cy - cy) ** 2 + (found.cx - cx) ** 2 <= found.radius**2:
        return replace(found, cy=cy, cx=cx, origin="centre as you said")
    radius = round(_GUESS * min(height, width), 2)
    return Beam(cy, cx, radius, "centre as you said, radius guessed", (height, width))


def _single(dataset: DataSet) -> Analysis:
    """Give the analysis that loads the only frame."""
    dims = dataset.shape.nav.dims
    return PickAnalysis(dataset, *(0,) * dims) if 1 <= dims <= 3 else FramesAnalysis(dataset)


_COMPUTATIONS: dict[str, tuple[Callable[[DataSet], Analysis], ...]] = {
    "spectrum": (_single,),
    "line of spectra": (FramesAnalysis, SumAnalysis, SumSigAnalysis),
    "spectrum image": (SumSigAnalysis, SumAnalysis),
    "line scan": (SumSigAnalysis, SumAnalysis),
    "scan": (SumSigAnalysis, SumAnalysis, StdAnalysis),
    "series": (SumAnalysis, StdAnalysis, SumSigAnalysis),
    "map": (SumSigAnalysis,),
}


def _bare(dataset: DataSet, kind: KindOfData, roi: object) -> Plan:
    mask = region_of(roi, dataset.shape.nav).mask
    words = words_of(kind, dataset, diffraction=shows_diffraction(dataset))
    shaped = None if mask is None else mask.reshape(tuple(dataset.shape.nav))
    return Plan(dataset=dataset, kind=kind, words=words, analyses=(), roi=shaped)


def _limited(plan: Plan, most_nbytes: float) -> Plan:
    """Give a plan with a coarse grid of scan positions where there are too many."""
    dataset = plan.dataset
    step = grid_step(dataset, most_nbytes)
    if step == 1:
        return plan
    mask = grid_mask(dataset, step)
    if plan.roi is not None:
        mask &= plan.roi
    nav = tuple(dataset.shape.nav)
    names = [printable(axis.name, _LONGEST_NAME) for axis, n in zip(dataset.axes, nav, strict=False) if n > 1]
    grid = grid_words(step, names)
    note = f"looked at {grid} only, for speed; most_nbytes says how much is read"
    return replace(plan, roi=mask, step=step, grid=grid, notes=(*plan.notes, note))


def _with_beam(plan: Plan, choice: BeamChoice) -> Plan:
    """Give a plan with detectors around the direct beam, or with a note that none was found."""
    dataset = plan.dataset
    found: Beam | NoBeam
    if choice is False:
        found = NoBeam("not looked for")
    elif isinstance(choice, Beam):
        found = choice
    else:
        centre = _centre(choice)
        found = find_beam(dataset, plan.roi)
        if centre is not None:
            found = beam_at(dataset, centre, found)
    if not found:
        why = "the direct beam was not looked for" if choice is False else str(found)
        text = f"{why}; there are no virtual detectors and no centre of mass"
        return replace(plan, notes=(*plan.notes, text))
    (cy, cx, radius), (*_, inner, outer) = found.disk, found.ring
    detectors = (
        DiskAnalysis(dataset, cx=cx, cy=cy, r=radius),
        RingAnalysis(dataset, cx=cx, cy=cy, ri=inner, ro=outer),
        CoMAnalysis(dataset, cx=cx, cy=cy),
        SumAnalysis(dataset),
    )
    return replace(plan, beam=found, analyses=detectors)


def _centre(choice: Sequence[float] | bool | None) -> tuple[float, float] | None:
    """Give the centre that a user named; None to look for it."""
    if choice is None or choice is True:
        return None
    try:
        cy, cx = map(float, choice)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise ParameterError(
            f"expected the centre (cy, cx) of the direct beam, found {choice!r}", field="beam"
        ) from None
    return cy, cx


def _looks_like_pattern(dataset: DataSet) -> bool:
    """Whether a frame of which the file says nothing has a direct beam and a large range."""
    if len(dataset.shape.sig) != 2 or not dataset.frame_map.counts.shown:
        return False
    frame = real_numbers(corrected(dataset.read((0,) * dataset.shape.nav.dims, fill=0), dataset))
    return choose_scale(frame)[0] == "log" and bool(find_beam(dataset))
