"""One pass over the data for several analyses: how it ran, and what it gave, as arrays and pictures in a folder."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.cli.folder import save_summary
from lamella.dataset.repr import size_text
from lamella.export.atomic import written_at_once

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.api import Context
    from lamella.cli.analyses import Analysis, Output
    from lamella.cli.console import Console
    from lamella.dataset.dataset import DataSet
    from lamella.plot.pictures import Mark, Panel

__all__ = ["Pass", "panel_of", "save_arrays", "stream"]


@dataclass(frozen=True, slots=True)
class Pass:
    """What a pass gave, and how fast."""

    outputs: tuple[Output, ...]
    marks: tuple[Mark, ...]
    facts: tuple[dict[str, Any], ...]
    n_frames: int
    nbytes: int
    seconds: float

    @property
    def speed(self) -> str:
        """How much was read in which time."""
        rate = size_text(self.nbytes / max(self.seconds, 1e-9))
        return f"{self.n_frames} frames, {size_text(self.nbytes)} in {self.seconds:.2f} s: {rate}/s"

    def to_json(self) -> dict[str, Any]:
        """Give what a program wants to know."""
        return {
            "analyses": list(self.facts),
            "frames": self.n_frames,
            "bytes": self.nbytes,
            "seconds": round(self.seconds, 4),
            "bytes_per_second": round(self.nbytes / max(self.seconds, 1e-9)),
        }


def stream(
    context: Context,
    dataset: DataSet,
    analyses: Sequence[Analysis],
    console: Console,
    roi: NDArray[np.bool_] | None = None,
) -> Pass:
    """Run all analyses in one pass, showing progress."""
    n_frames = dataset.frame_map.counts.shown
    if roi is not None:
        filled = dataset.frame_map.filled
        shown = dataset.frame_map.shown(filled.start, filled.stop)
        n_frames = int(np.count_nonzero(roi.reshape(-1)[filled.start : filled.stop] & shown))
    frame_nbytes = dataset.shape.sig.size * dataset.dtype.itemsize
    udfs = [analysis.udf for analysis in analyses]
    began = time.perf_counter()
    with console.progress("computing", frame_nbytes) as progress:
        results = context.run_udf(dataset, udfs, roi, progress=progress)
    seconds = time.perf_counter() - began
    pairs = zip(analyses, results, strict=True)
    return Pass(
        outputs=tuple(output for analysis, result in pairs for output in analysis.outputs(result, n_frames)),
        marks=tuple(mark for analysis in analyses for mark in analysis.marks),
        facts=tuple(fact for analysis in analyses for fact in analysis.facts),
        n_frames=n_frames,
        nbytes=n_frames * frame_nbytes,
        seconds=seconds,
    )


def panel_of(output: Output, dataset: DataSet, marks: Sequence[Mark] = ()) -> Panel | None:
    """Give the picture of an output; None where it has more axes than a picture."""
    from lamella.plot.pictures import Panel

    nav_dims = dataset.shape.nav.dims
    axes = dataset.axes[:nav_dims] if output.kind == "nav" else dataset.axes[nav_dims:]
    if len(axes) > 2:
        return None
    values = np.abs(output.values) if np.iscomplexobj(output.values) else output.values
    values = values if output.valid is None else np.where(output.valid, values, np.nan)
    return Panel(
        title=output.title,
        values=values,
        axes=axes,
        label=output.label,
        colours=output.colours,
        scale=output.scale,
        marks=tuple(marks) if output.kind == "sig" else (),
    )


def save_arrays(folder: Path, dataset: DataSet, outputs: Sequence[Output], summary: dict[str, Any]) -> list[Path]:
    """Write arrays as ``.npy``, a mask where some are not valid everywhere, and what was done as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {output.name: output.values for output in outputs}
    masks = [output.valid for output in outputs if output.valid is not None and not output.valid.all()]
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
