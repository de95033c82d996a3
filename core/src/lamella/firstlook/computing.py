"""One pass over the data for several analyses: what it gave, and how fast."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from lamella.analysis.masks import DiskAnalysis, RingAnalysis
from lamella.dataset.repr import size_text
from lamella.firstlook.outputs import facts_of, names_of, outputs_of
from lamella.geometry.roi import region_of
from lamella.system.words import counted
from lamella.udf.builtin.masks import ApplyMasksUDF

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.analysis.analysis import Analysis
    from lamella.dataset.dataset import DataSet
    from lamella.firstlook.outputs import Output
    from lamella.udf.base import UDF
    from lamella.udf.results import UDFResult

__all__ = ["Pass", "RunUDFs", "computed", "frames_in", "words_of_facts"]

RunUDFs: TypeAlias = Callable[["Sequence[UDF]", object], "tuple[UDFResult, ...]"]
"""Runs UDFs in one pass over a region of interest."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What a pass gave, and how fast."""

    outputs: tuple[Output, ...]
    facts: tuple[dict[str, Any], ...]
    n_frames: int
    nbytes: int
    seconds: float

    @property
    def speed(self) -> str:
        """How much was read in which time."""
        rate = size_text(self.nbytes / max(self.seconds, 1e-9))
        frames = counted(self.n_frames, "frame")
        return f"{frames}, {size_text(self.nbytes)} in {self.seconds:.2f} s: {rate}/s"

    def to_json(self) -> dict[str, Any]:
        """Give what a program wants to know."""
        return {
            "analyses": list(self.facts),
            "frames": self.n_frames,
            "bytes": self.nbytes,
            "seconds": round(self.seconds, 4),
            "bytes_per_second": round(self.nbytes / max(self.seconds, 1e-9)),
        }


def computed(
    dataset: DataSet, analyses: Sequence[Analysis], run: RunUDFs, roi: NDArray[np.bool_] | None = None
) -> Pass:
    """Run all analyses in one pass; one that has a region of interest of its own, such as a single frame, in another.

    Parameters
    ----------
    dataset
        The data.
    analyses
        What to compute.
    run
        Runs UDFs.
    roi
        Scan positions to use, in the shape of the scan.
    """
    names = names_of(analyses)
    shared = [analysis for analysis in analyses if analysis.roi is None]
    alone = [analysis for analysis in analyses if analysis.roi is not None]
    began = time.perf_counter()
    results = _together(shared, lambda udfs: run(udfs, roi)) if shared else {}
    results |= {id(analysis): (run([analysis.udf()], analysis.roi)[0], 0) for analysis in alone}
    seconds = time.perf_counter() - began
    n_shared = frames_in(dataset, roi) if shared else 0
    counts = {id(one): frames_in(dataset, region_of(one.roi, dataset.shape.nav).mask) for one in alone}
    outputs: list[Output] = []
    for analysis, name in zip(analyses, names, strict=True):
        result, column = results[id(analysis)]
        outputs += outputs_of(analysis, name, result, counts.get(id(analysis), n_shared), column)
    facts = tuple(facts_of(analysis, name) for analysis, name in zip(analyses, names, strict=True))
    n_frames = n_shared + sum(counts.values())
    nbytes = n_frames * dataset.shape.sig.size * dataset.dtype.itemsize
    return Pass(tuple(outputs), facts, n_frames, nbytes, seconds)


def frames_in(dataset: DataSet, roi: NDArray[np.bool_] | None) -> int:
    """Give the number of frames that lie in a region."""
    if roi is None:
        return dataset.frame_map.counts.shown
    filled = dataset.frame_map.filled
    shown = dataset.frame_map.shown(filled.start, filled.stop)
    return int(np.count_nonzero(roi.reshape(-1)[filled.start : filled.stop] & shown))


def _together(
    analyses: Sequence[Analysis], run: Callable[[list[UDF]], tuple[UDFResult, ...]]
) -> dict[int, tuple[UDFResult, int]]:
    """Run analyses in one pass. Give, by the identity of each, its result and which mask of it; detectors share one."""
    detectors = [analysis for analysis in analyses if isinstance(analysis, DiskAnalysis | RingAnalysis)]
    others = [analysis for analysis in analyses if not isinstance(analysis, DiskAnalysis | RingAnalysis)]
    udfs = [analysis.udf() for analysis in others]
    if detectors:
        factories = [detector.mask for detector in detectors]
        udfs.append(ApplyMasksUDF(mask_factories=factories, mask_count=len(factories)))
    found = run(udfs)
    results = {id(one): (result, 0) for one, result in zip(others, found, strict=False)}
    return results | {id(one): (found[-1], column) for column, one in enumerate(detectors)}


def words_of_facts(facts: Mapping[str, Any]) -> str:
    """Give an analysis with its numbers in words."""
    numbers = ", ".join(f"{key} {value:g}" for key, value in facts.items() if isinstance(value, int | float))
    return f"{facts['analysis']}: {numbers}" if numbers else str(facts["analysis"])
