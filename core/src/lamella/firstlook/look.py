"""`first_look`: one pass over the data, and its results as panels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lamella.analysis.beam import corrected
from lamella.engine.arguments import check_dataset
from lamella.firstlook.computing import computed
from lamella.firstlook.kinds import frame_word
from lamella.firstlook.panels import Drawing, marks_of, panel_of
from lamella.firstlook.plan import MOST_NBYTES, make_plan
from lamella.firstlook.script import script_of
from lamella.plot.limits import real_numbers
from lamella.plot.panels import Cross, Panel

if TYPE_CHECKING:
    from lamella.analysis.analysis import Analysis
    from lamella.analysis.beam import Beam
    from lamella.dataset.dataset import DataSet
    from lamella.firstlook.computing import Pass
    from lamella.firstlook.outputs import Output
    from lamella.firstlook.plan import BeamChoice, Plan
    from lamella.firstlook.script import Script
    from lamella.progress import ProgressOption
    from lamella.udf.base import UDF
    from lamella.udf.results import UDFResult

__all__ = ["FirstLook", "first_look", "look_at"]


class Runner(Protocol):
    """What runs UDFs: a `lamella.Context`."""

    def run_udf(self, dataset: DataSet, udf: Any, roi: object, *, progress: ProgressOption) -> Any: ...


class FirstLook(list[Panel]):
    """Panels that show a data set, and how they were made.

    Attributes
    ----------
    kind : str
        What the data were taken for, in words, such as ``"4D scan"``.
    notes : tuple of str
        What was left out for speed, what was not found, what is odd.
    beam : Beam or None
        The direct beam, where detectors need it and it was found.
    analyses : tuple of Analysis
        What was computed.
    facts : tuple of dict
        The analyses with their numbers, as JSON can hold them.
    script : Script
        The Python and the command line that compute the same.
    """

    def __init__(self, panels: Iterable[Panel], plan: Plan, done: Pass, notes: tuple[str, ...]) -> None:
        super().__init__(panels)
        self.kind: str = plan.words
        self.notes = notes
        self.beam: Beam | None = plan.beam
        self.analyses: tuple[Analysis, ...] = plan.analyses
        self.facts: tuple[Mapping[str, Any], ...] = done.facts
        self.script: Script = script_of(plan.dataset, plan.analyses, roi=plan.roi)

    def __repr__(self) -> str:
        article = "an" if self.kind[0] in "aeiou" and not self.kind.startswith("one") else "a"
        return f"<FirstLook of {article} {self.kind}: {', '.join(panel.title for panel in self)}>"


def first_look(
    dataset: DataSet,
    *,
    context: Runner | None = None,
    roi: object = None,
    most_nbytes: float = MOST_NBYTES,
    beam: BeamChoice = None,
    progress: ProgressOption = False,
) -> FirstLook:
    """Give the pictures that show a data set best, ready to be drawn.

    What they are depends on what the file is: an image, a diffraction pattern, a spectrum, a line scan, a spectrum
    image, a 4D scan or a series. Virtual detectors and the centre of mass are shown where there is more than one
    position and a direct beam was found.

    The data are read once at most, besides up to 64 frames for the direct beam and the one that is shown.

    Parameters
    ----------
    dataset
        The data.
    context
        A `lamella.Context` to compute with; threads by default.
    roi
        Scan positions to use, as for `lamella.Context.run_udf`.
    most_nbytes
        Of more data than this [bytes], only every n-th scan position in each direction is read.
    beam
        The centre (cy, cx) [px] of the direct beam, or a `lamella.analysis.Beam`; looked for by default. False for
        none.
    progress
        As for `lamella.Context.run_udf`.

    Returns
    -------
    FirstLook
        A list of panels; see `lamella.plot.panels`.

    Examples
    --------
    >>> import numpy as np, lamella
    >>> y, x = np.mgrid[:32, :32]
    >>> frame = np.where(np.hypot(y - 15, x - 16) < 4, 200, 1).astype("u2")
    >>> look = lamella.first_look(lamella.open(np.broadcast_to(frame, (4, 5, 32, 32))))
    >>> look.kind, [panel.title for panel in look][:2]
    ('4D scan', ['Bright field', 'Annular dark field'])
    """
    check_dataset(dataset, "first_look(dataset)")
    plan = make_plan(dataset, roi=roi, most_nbytes=most_nbytes, beam=beam)
    if context is not None:
        runner = context
        done = computed(
            dataset,
            plan.analyses,
            lambda udfs, region: runner.run_udf(dataset, udfs, region, progress=progress),
            plan.roi,
        )
    else:
        done = _computed_here(plan, progress)
    return look_at(plan, done)


def _computed_here(plan: Plan, progress: ProgressOption) -> Pass:
    """Compute in threads of its own."""
    from lamella.engine.runner import Run
    from lamella.executors.make import make_executor

    executor = make_executor("threads")

    def run(udfs: Sequence[UDF], roi: object) -> tuple[UDFResult, ...]:
        return Run(plan.dataset, udfs, executor=executor, roi=roi, progress=progress).finish()

    try:
        return computed(plan.dataset, plan.analyses, run, plan.roi)
    finally:
        executor.close()


def look_at(plan: Plan, done: Pass) -> FirstLook:
    """Give the panels for what was computed."""
    drawing = Drawing(plan.dataset, plan.step, plan.grid, marks_of(plan.analyses), plan.is_image)
    outputs = {output.name: output for output in done.outputs}
    if plan.is_chosen:
        panels = [panel_of(output, drawing) for name, output in outputs.items() if not _is_sum(name, outputs)]
    else:
        panels = _LAYOUTS[plan.kind](plan, outputs, drawing)
    return FirstLook(panels, plan, done, (*plan.notes, *_oddities(plan, done, panels)))


def _is_sum(name: str, outputs: Mapping[str, Output]) -> bool:
    """Whether an output looks like the mean that is shown as well."""
    return name.startswith("sum") and name.replace("sum", "mean", 1) in outputs


def _oddities(plan: Plan, done: Pass, panels: Sequence[Panel]) -> list[str]:
    notes = []
    if done.n_frames == 0:
        notes.append("no frame was there to compute with")
    missing = plan.dataset.missing_count
    if missing:
        notes.append(f"{missing} of {plan.dataset.shape.nav.size} scan positions have no frame")
    shown = {panel.name for panel in panels}
    lost = [text for output in done.outputs if output.name in shown and (text := _not_finite(output))]
    if lost:
        notes.append(f"grey is what is not finite: {', '.join(lost)}")
    planes = {part for panel in panels for part in panel.title.split(", ") if " = " in part}
    if planes:
        notes.append(f"of more than two axes, one plane is shown: {', '.join(sorted(planes))}")
    return notes


def _not_finite(output: Output) -> str:
    """Say how many of the computed values are no finite numbers; nothing if all are."""
    values = output.values if output.valid is None else output.values[output.valid]
    count = values.size - int(np.count_nonzero(np.isfinite(values)))
    return f"{count} of {values.size} values of {output.title[0].lower()}{output.title[1:]}" if count else ""


# What is shown of each kind.


def _single_frame(plan: Plan, outputs: Mapping[str, Output], drawing: Drawing) -> list[Panel]:
    (output,) = outputs.values()
    title = plan.words.capitalize()
    if output.kind == "frames":
        output = replace(output, kind="sig", values=output.values[0], valid=None)
    colours = "gray" if drawing.is_image else "viridis"
    return [panel_of(output, drawing, title=title, colours=colours, name=title.lower().replace(" ", "_"))]


def _line_of_spectra(plan: Plan, outputs: Mapping[str, Output], drawing: Drawing) -> list[Panel]:
    frames, mean, total = outputs["frames"], outputs["mean"], outputs["sumsig"]
    panels = [panel_of(mean, drawing), panel_of(total, drawing)]
    if frames.values.shape[0]:
        panels.insert(0, panel_of(replace(_spread(frames, plan), colours="viridis"), drawing, name="spectra"))
    return panels


def _spread(frames: Output, plan: Plan) -> Output:
    """Give frames at their positions, not a number where no frame was selected."""
    if plan.roi is None:
        return frames
    selected = plan.roi.reshape(-1)[:: plan.step]
    if selected.all():
        return frames
    values = np.full((len(selected), *frames.values.shape[1:]), np.nan, np.result_type(frames.values, np.float32))
    values[selected] = frames.values if frames.valid is None else np.where(frames.valid, frames.values, np.nan)
    return replace(frames, values=values, valid=None)


def _in_order(*names: str) -> Any:
    def layout(plan: Plan, outputs: Mapping[str, Output], drawing: Drawing) -> list[Panel]:
        return [panel_of(outputs[name], drawing) for name in names]

    return layout


def _line_scan(plan: Plan, outputs: Mapping[str, Output], drawing: Drawing) -> list[Panel]:
    place = _brightest(plan, outputs["sumsig"])
    panels = [panel_of(outputs["sumsig"], drawing), panel_of(outputs["mean"], drawing)]
    return panels + _one_frame(plan, outputs["mean"], drawing, place)


def _scan(plan: Plan, outputs: Mapping[str, Output], drawing: Drawing) -> list[Panel]:
    if plan.beam is None:
        place = _brightest(plan, outputs["sumsig"])
        panels = [panel_of(outputs[name], drawing) for name in ("sumsig", "mean", "std")]
        panels[0] = _marked(panels[0], plan, place)
        return panels + _one_frame(plan, outputs["mean"], drawing, place)
    place = _brightest(plan, outputs["ring"])
    disk, ring, com_x, mean, com_y = (
        panel_of(outputs[name], drawing) for name in ("disk", "ring", "com_x", "mean", "com_y")
    )
    single = _one_frame(plan, outputs["mean"], drawing, place)
    return [disk, _marked(ring, plan, place), com_x, mean, *single, com_y]


def _brightest(plan: Plan, output: Output) -> tuple[int, ...] | None:
    """Give the scan position with the highest value, away from the edges; None where nothing is known.

    Of more than two scan axes, that is in the plane that is shown.
    """
    step, values = plan.step, real_numbers(output.values).astype(np.float64)
    if output.valid is not None:
        values[~output.valid] = np.nan
    longer = [i for i, n in enumerate(values.shape) if n > 1]
    inner: list[slice] = []
    for i, n in enumerate(values.shape):
        if i in longer[:-2]:
            middle = -(-n // step) // 2 * step
            inner.append(slice(middle, middle + 1))
        else:
            inner.append(slice(n // 8 // step * step, max(n // 8 + 1, n - n // 8), step))
    for part in (inner, [slice(None)] * values.ndim):
        chosen = values[tuple(part)]
        if np.isfinite(chosen).any():
            where = np.unravel_index(int(np.nanargmax(np.where(np.isfinite(chosen), chosen, np.nan))), chosen.shape)
            return tuple(int(i) * (s.step or 1) + (s.start or 0) for i, s in zip(where, part, strict=True))
    return None


def _marked(panel: Panel, plan: Plan, place: tuple[int, ...] | None) -> Panel:
    """Give a picture of the scan with a mark at a position; a curve has none."""
    if place is None or panel.kind != "image":
        return panel
    longer = [i for i, n in enumerate(plan.dataset.shape.nav) if n > 1][-2:]
    y, x = (place[i] / plan.step for i in longer)
    return replace(panel, marks=(*panel.marks, Cross(y, x)))


def _one_frame(plan: Plan, like: Output, drawing: Drawing, place: tuple[int, ...] | None) -> list[Panel]:
    """Give the panel of a frame at a position."""
    if place is None:
        return []
    word, dataset = frame_word(plan.dataset), plan.dataset
    nav = [i for i, n in enumerate(dataset.shape.nav) if n > 1]
    where = "+" if len(nav) > 1 else f"position {place[nav[0]]}"
    title = f"{word.capitalize()} at {where}"
    frame = corrected(dataset.read(place, fill=0), dataset)
    quantity = like.quantity.partition(" ")[0]
    single = replace(like, title=title, values=frame, valid=None, quantity=quantity, name=word)
    return [panel_of(single, replace(drawing, marks=(), grid=""))]


_LAYOUTS: Mapping[str, Any] = {
    "frame": _single_frame,
    "spectrum": _single_frame,
    "line of spectra": _line_of_spectra,
    "spectrum image": _in_order("sumsig", "mean"),
    "line scan": _line_scan,
    "scan": _scan,
    "series": _in_order("mean", "std", "sumsig"),
    "map": _in_order("sumsig"),
}
