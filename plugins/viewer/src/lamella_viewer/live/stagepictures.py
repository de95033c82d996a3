"""The pictures of the stages of a request: from the preview, of a coarse grid, of a part of the scan, and exact."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_viewer.live.pictures import Picture, channel_of, make_picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella import DataSet
    from lamella.analysis import Analysis, AnalysisResult, AnalysisResultSet
    from lamella.reader import Axis
    from lamella.udf import UDFResult
    from lamella_viewer.live.lane import Request

__all__ = ["StagePictures", "analysis_of", "count_of", "results_of"]


class StagePictures:
    """Makes pictures of results, with the facts that say how good they are.

    Parameters
    ----------
    dataset
        The data; only their shape is used, which a scan that grows keeps.
    """

    def __init__(self, dataset: DataSet) -> None:
        self._nav = tuple(dataset.shape.nav)
        self._sig = tuple(dataset.shape.sig)

    def preview(
        self,
        request: Request,
        result: UDFResult,
        roi: NDArray[np.bool_] | None,
        step: tuple[int, ...],
        frames: float,
        began: float,
    ) -> Picture:
        """Make the picture of the binned detector, on a grid of positions."""
        label = "preview" if math.prod(step) == 1 else f"preview, 1/{math.prod(step)}"
        results = results_of(analysis_of(request), result)
        facts = self._facts(request, results, "nav", "preview", label, began)
        facts |= {"done": 1 / math.prod(step), "frames": int(frames / math.prod(step)), **_blocks("nav", step)}
        request.first_step = step
        return make_picture(
            channel_of(results, request.ask.channel),
            facts,
            self._axes(request, results[0], "nav"),
            size=self._nav,
            valid=roi,
            where=request.ask.slice,
        )

    def coarse(
        self, request: Request, result: UDFResult, roi: NDArray[np.bool_], step: tuple[int, ...], began: float
    ) -> Picture:
        """Make the picture of a grid of positions of the file."""
        analysis = analysis_of(request)
        results, frames = results_of(analysis, result), int(np.count_nonzero(roi))
        channel = channel_of(results, request.ask.channel)
        span = self._span(channel, result, analysis)
        valid: NDArray[np.bool_] | None = None
        size = None
        if span == "nav":
            slices = tuple(slice(None, None, n) for n in step)
            size = tuple(_shape_of(channel))
            channel = _with_data(channel, lambda data: data[slices])
            valid = None if roi[slices].all() else roi[slices]
        request.first_step = step
        facts = self._facts(request, results, span, "coarse", f"1/{math.prod(step)}", began) | {
            "done": frames / max(1, math.prod(self._nav)),
            "frames": frames,
            **_blocks(span, step),
        }
        return make_picture(
            channel, facts, self._axes(request, channel, span), size=size, valid=valid, where=request.ask.slice
        )

    def partial(self, request: Request, result: UDFResult, damage: NDArray[np.bool_], began: float) -> Picture:
        """Make the picture of what a pass knows so far; gaps show the first picture."""
        analysis = analysis_of(request)
        results = results_of(analysis, result)
        channel = channel_of(results, request.ask.channel)
        span = self._span(channel, result, analysis)
        known = int(np.count_nonzero(damage))
        wanted = count_of(analysis, request.mask)
        share = min(1.0, known / max(1, wanted))
        label = f"{min(99, math.floor(100 * share))} %"
        facts = self._facts(request, results, span, "partial", label, began) | {"done": share, "frames": known}
        kept: Mapping[str, Any] | None = None
        valid = None
        if span == "nav":
            kept = request.first.kept if request.first is not None else None
            valid = damage if request.mask is None else damage & request.mask
            channel, valid = self._filled(request, channel, valid)
        return make_picture(
            channel, facts, self._axes(request, channel, span), valid=valid, where=request.ask.slice, kept=kept
        )

    def exact(
        self, request: Request, results: AnalysisResultSet, began: float, result: UDFResult | None = None
    ) -> Picture:
        """Make the picture of a complete result."""
        analysis = analysis_of(request)
        channel = channel_of(results, request.ask.channel)
        span = self._span(channel, result, analysis)
        roi = request.mask if analysis.roi is None else analysis.roi
        facts = self._facts(request, results, span, "exact", "exact", began) | {
            "done": 1.0,
            "frames": count_of(analysis, roi),
        }
        kept = request.first.kept if span == "nav" and request.first is not None else None
        valid = request.mask if span == "nav" else None
        frame = analysis.roi is not None  # frames are looked through one after the other
        return make_picture(
            channel,
            facts,
            self._axes(request, channel, span),
            valid=valid,
            where=request.ask.slice,
            kept=kept,
            quick=frame,
        )

    def _filled(
        self, request: Request, channel: AnalysisResult, valid: NDArray[np.bool_]
    ) -> tuple[AnalysisResult, NDArray[np.bool_]]:
        """Put the first picture, as blocks, where a pass has not been."""
        first = request.first
        plain = len(self._nav) == 2 and bool(request.first_step) and not isinstance(channel.raw_data, tuple)
        if first is None or not plain or first.facts["kind"] != "image" or first.pixels.ndim != 2:
            return channel, valid
        blocks = first.pixels
        for axis, n in enumerate(request.first_step):
            blocks = np.repeat(blocks, n, axis=axis)
        blocks = blocks[tuple(slice(0, n) for n in self._nav)]
        data = np.where(valid, np.asarray(channel.raw_data), blocks)
        everywhere = np.ones(self._nav, dtype=np.bool_) if request.mask is None else request.mask
        return _with_data(channel, lambda _: data), everywhere

    def _span(self, channel: AnalysisResult, result: UDFResult | None, analysis: Analysis) -> str:
        """Give what the axes of a channel are: those of the scan, of the detector, or of neither."""
        declared = getattr(channel, "span", None)
        if declared:
            return str(declared)
        shape, nav, sig = _shape_of(channel), self._nav, self._sig
        kinds = {buffer.kind for buffer in result.values()} if result is not None else set()
        if shape == sig and (shape != nav or analysis.roi is not None or kinds == {"sig"}):
            return "sig"
        return "nav" if shape == nav else "single"

    def _axes(self, request: Request, channel: AnalysisResult, span: str) -> tuple[Axis, ...]:
        axes = tuple(analysis_of(request).dataset.axes)
        cut = len(self._nav)
        return {"nav": axes[:cut], "sig": axes[cut:]}.get(span, tuple(getattr(channel, "axes", ())))[-2:]

    def _facts(
        self, request: Request, results: AnalysisResultSet, span: str, stage: str, label: str, began: float
    ) -> dict[str, Any]:
        analysis = analysis_of(request)
        channel = channel_of(results, request.ask.channel)
        return {
            "lane": "",
            "id": request.ask.id,
            "analysis": request.ask.analysis,
            "channel": channel.key,
            "channels": [{"key": one.key, "title": one.title} for one in results],
            "parameters": {name: value for name, value in analysis.parameters.items() if _is_plain(value)},
            "stage": stage,
            "label": label,
            "span": span,
            "took": round(request.computing + time.perf_counter() - began, 6),
        }


def _blocks(span: str, step: tuple[int, ...]) -> dict[str, Any]:
    """Give the size of the blocks that a coarse picture is drawn as."""
    return {"step": list(step)} if span == "nav" and len(step) == 2 and max(step) > 1 else {}


def results_of(analysis: Analysis, result: UDFResult) -> AnalysisResultSet:
    """Give the channels of a result, in which positions may be absent: these are NaN, and no reason to warn."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        return analysis.results(result)


def count_of(analysis: Analysis, roi: object) -> int:
    """Give the number of frames that a region of the data selects."""
    if roi is None:
        return int(analysis.dataset.frame_map.counts.shown)
    return int(np.count_nonzero(roi)) if isinstance(roi, np.ndarray) else 1


def _shape_of(channel: AnalysisResult) -> tuple[int, ...]:
    """Give the shape of the numbers of a channel; of one component of a vector field."""
    raw = channel.raw_data
    return tuple(np.shape(raw[0] if isinstance(raw, tuple) else raw))


def _with_data(channel: AnalysisResult, change: Callable[[NDArray[Any]], NDArray[Any]]) -> AnalysisResult:
    raw = channel.raw_data
    changed = tuple(change(np.asarray(part)) for part in raw) if isinstance(raw, tuple) else change(np.asarray(raw))
    return replace(channel, raw_data=changed)


def analysis_of(request: Request) -> Analysis:
    """Give the analysis of a request that was prepared."""
    assert request.analysis is not None
    return request.analysis


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float | str | np.number)
