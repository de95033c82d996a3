"""What a command computes in one pass: with progress, and the arrays in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.cli.folder import save_summary
from lamella.export.atomic import written_at_once
from lamella.firstlook.computing import computed, words_of_facts
from lamella.firstlook.outputs import facts_of, names_of

if TYPE_CHECKING:
    from lamella.api import Context
    from lamella.cli.console import Console
    from lamella.dataset.dataset import DataSet
    from lamella.firstlook.computing import Pass
    from lamella.firstlook.outputs import Output
    from lamella.firstlook.plan import Plan

__all__ = ["save_arrays", "stream", "told_of"]


def told_of(plan: Plan) -> list[tuple[str, object]]:
    """Give what will be computed and why, for `Console.facts`."""
    beam = plan.beam
    told: list[tuple[str, object]] = [] if plan.is_chosen else [("kind", plan.words)]
    if beam is not None:
        told.append(("beam", f"({beam.cy:g}, {beam.cx:g}), radius {beam.radius:g} px: {beam.origin}"))
    names = zip(plan.analyses, names_of(plan.analyses), strict=True)
    told += [("compute", words_of_facts(facts_of(analysis, name))) for analysis, name in names]
    return told + [("note", note) for note in plan.notes]


def stream(context: Context, plan: Plan, console: Console) -> Pass:
    """Run all analyses of a plan in one pass, showing progress."""
    dataset = plan.dataset
    frame_nbytes = dataset.shape.sig.size * dataset.dtype.itemsize
    with console.progress("computing", frame_nbytes) as progress:
        return computed(
            dataset,
            plan.analyses,
            lambda udfs, roi: context.run_udf(dataset, udfs, roi, progress=progress),
            plan.roi,
        )


def save_arrays(folder: Path, dataset: DataSet, outputs: Sequence[Output], summary: dict[str, Any]) -> list[Path]:
    """Write arrays as ``.npy``, a mask where some are not valid everywhere, and what was done as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {output.name: output.values for output in outputs}
    along_scan = [output for output in outputs if output.kind == "nav" and output.valid is not None]
    masks = [output.valid for output in along_scan if output.valid is not None and not output.valid.all()]
    if masks:
        arrays["valid"] = masks[0]
    written = []
    for name, values in arrays.items():
        path = folder / f"{name}.npy"
        with written_at_once(path) as partial, partial.open("wb") as file:
            np.save(file, values)
        written.append(path)
    listed = summary | {"arrays": [file.name for file in written]}
    return [*written, save_summary(folder, listed)]
