"""The stages of a request: from the memo, from the preview, from a coarse grid, or exact at once."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.analysis import make_analysis
from lamella_viewer.live.budget import Budget, ladder
from lamella_viewer.live.memo import ResultMemo
from lamella_viewer.live.pictures import Picture, channel_of, make_picture
from lamella_viewer.live.regions import region_mask

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella import Context, DataSet
    from lamella.analysis import Analysis, AnalysisResult, AnalysisResultSet
    from lamella.reader import Axis
    from lamella.udf import UDFResult
    from lamella_viewer.live.lane import Request
    from lamella_viewer.live.preview import Preview

__all__ = ["Stages", "results_of"]


class Stages:
    """Makes pictures of requests over one data set.

    Parameters
    ----------
    dataset
        The data.
    context
        Where first pictures are computed.
    budget
        How much fits into the time for them.
    memo
        Exact results.
    preview
        The scan with a binned detector, where it exists.
    """

    def __init__(
        self, dataset: DataSet, context: Context, budget: Budget, memo: ResultMemo, preview: Preview | None = None
    ) -> None:
        self.dataset = dataset
        self.context = context
        self.budget = budget
        self.memo = memo
        self.preview = preview
        self._nav = tuple(dataset.shape.nav)
        self._frame_nbytes = dataset.shape.sig.size * dataset.dtype.itemsize
        self._grids: dict[tuple[int, ...], NDArray[np.bool_]] = {}

    def prepare(self, request: Request) -> None:
        """Make the analysis and the region of a request.

        Raises
        ------
        ParameterError
            If they are wrong.
        """
        if request.analysis is None:
            request.mask = region_mask(request.ask.region, self._nav)
            request.analysis = make_analysis(request.ask.analysis, self.dataset, **request.ask.parameters)

    def key(self, request: Request) -> str:
        """Give what the exact result of a request is kept by."""
        analysis = _made(request)
        numbers = {name: value for name, value in analysis.parameters.items() if name != "roi"}
        return json.dumps(
            [analysis.dataset.fingerprint, request.ask.analysis, numbers, request.ask.region],
            sort_keys=True,
            default=repr,
        )

    def first(self, request: Request) -> Picture:
        """Give the first picture of a request, as good as it can be in the time."""
        began = time.perf_counter()
        self.prepare(request)
        analysis = _made(request)
        if (known := self.memo.get(self.key(request))) is not None:
            return self.exact_picture(request, known, began)
        if analysis.roi is not None:
            return self._all(request, analysis.roi, began)
        levels = ladder(self._nav)
        selected = 1.0 if request.mask is None else float(np.count_nonzero(request.mask)) / max(1, request.mask.size)
        frames = math.prod(self._nav) * selected
        kind = request.ask.analysis
        sizes = [frames / math.prod(step) * self._frame_nbytes for step in levels]
        at = self.budget.level(kind, sizes) if frames > math.prod(levels[-1]) else 0
        if at and (made := self._from_preview(request, frames, levels, at, began)) is not None:
            return made
        if not at:
            return self._all(request, request.mask, began)
        return self._coarse(request, kind, levels[at], sizes[at], began)

    def _all(self, request: Request, roi: object, began: float) -> Picture:
        analysis = _made(request)
        size = self._frame_nbytes * _count(analysis, roi)
        ran = time.perf_counter()
        result = self.context.run_udf(analysis.dataset, analysis.udf(), roi, cancel=request.cancel)
        self.budget.record(request.ask.analysis, size, time.perf_counter() - ran)
        results = results_of(analysis, result)
        self.memo.put(self.key(request), results)
        return self.exact_picture(request, results, began, result)

    def _coarse(self, request: Request, kind: str, step: tuple[int, ...], size: float, began: float) -> Picture:
        analysis, grid = _made(request), self._grid(step)
        roi = grid if request.mask is None else grid & request.mask
        if not roi.any():  # the region lies between the positions of the grid
            return self._all(request, request.mask, began)
        ran = time.perf_counter()
        result = self.context.run_udf(analysis.dataset, analysis.udf(), roi, cancel=request.cancel)
        self.budget.record(kind, size, time.perf_counter() - ran)
        label = f"1/{math.prod(step)}"
        frames = int(np.count_nonzero(roi))
        picture = self._sampled(request, analysis, result, roi, step, ("coarse", label, frames, began))
        return picture if picture.shows_something else self._blank(request, picture)

    def _blank(self, request: Request, picture: Picture) -> Picture:
        """Take a picture without numbers, of what needs neighbours, as it is: later stages do not keep its colours."""
        request.first_step = ()
        return replace(picture, kept={})

    def _from_preview(
        self,
        request: Request,
        frames: float,
        levels: Sequence[tuple[int, ...]],
        at: int,
        began: float,
    ) -> Picture | None:
        """Give a picture from the binned detector if it has more positions than the coarse grid; else None."""
        preview = self.preview
        analysis = _made(request)
        udf = None if preview is None else preview.udf(analysis)
        if preview is None or udf is None or preview.finest is None:
            return None
        kind = ("preview", request.ask.analysis)
        sizes = [frames / math.prod(step) * preview.frame_nbytes for step in levels]
        level = self.budget.level(kind, sizes, levels.index(preview.finest))
        if level > at:
            return None
        step = levels[level]
        roi = None if request.mask is None else request.mask[tuple(slice(None, None, n) for n in step)]
        if roi is not None and not roi.any():
            return None
        ran = time.perf_counter()
        result = self.context.run_udf(preview.at(step), udf, roi, cancel=request.cancel)
        self.budget.record(kind, sizes[level], time.perf_counter() - ran)
        label = "preview" if level == 0 else f"preview, 1/{math.prod(step)}"
        results = results_of(analysis, result)
        facts = self._facts(request, results, "nav", "preview", label, began)
        facts |= {"done": 1 / math.prod(step), "frames": int(frames / math.prod(step)), **self._blocks("nav", step)}
        request.first_step = step
        return make_picture(
            channel_of(results, request.ask.channel),
            facts,
            self._axes(results[0], "nav"),
            size=self._nav,
            valid=roi,
            where=request.ask.slice,
        )

    def _sampled(
        self,
        request: Request,
        analysis: Analysis,
        result: UDFResult,
        roi: NDArray[np.bool_] | None,
        step: tuple[int, ...],
        told: tuple[str, str, int, float],
    ) -> Picture:
        """Make the picture of a grid of positions."""
        stage, label, frames, began = told
        results = results_of(analysis, result)
        channel = channel_of(results, request.ask.channel)
        span = self.span(channel, result, analysis)
        valid = roi
        size = None
        if span == "nav":
            slices = tuple(slice(None, None, n) for n in step)
            size = tuple(channel_shape(channel))
            channel = _with_data(channel, lambda data: data[slices])
            valid = None if roi is None else roi[slices]
            valid = None if valid is None or valid.all() else valid
        request.first_step = step
        facts = self._facts(request, results, span, stage, label, began) | {
            "done": frames / max(1, math.prod(self._nav)),
            "frames": frames,
            **self._blocks(span, step),
        }
        return make_picture(
            channel,
            facts,
            self._axes(channel, span),
            size=size,
            valid=valid if span == "nav" else None,
            where=request.ask.slice,
        )

    def partial_picture(self, request: Request, result: UDFResult, damage: NDArray[np.bool_], began: float) -> Picture:
        """Make the picture of what a pass knows so far; gaps show the first picture."""
        analysis = _made(request)
        results = results_of(analysis, result)
        channel = channel_of(results, request.ask.channel)
        span = self.span(channel, result, analysis)
        known = int(np.count_nonzero(damage))
        wanted = _count(analysis, request.mask)
        share = min(1.0, known / max(1, wanted))
        label = f"{min(99, math.floor(100 * share))} %"
        facts = self._facts(request, results, span, "partial", label, began) | {"done": share, "frames": known}
        kept: Mapping[str, Any] | None = None
        valid = None
        if span == "nav":
            kept = request.first.kept if request.first is not None else None
            valid = damage if request.mask is None else damage & request.mask
            channel, valid = self._filled(request, channel, valid)
        return make_picture(channel, facts, self._axes(channel, span), valid=valid, where=request.ask.slice, kept=kept)

    def exact_picture(
        self, request: Request, results: AnalysisResultSet, began: float, result: UDFResult | None = None
    ) -> Picture:
        """Make the picture of a complete result."""
        analysis = _made(request)
        channel = channel_of(results, request.ask.channel)
        span = self.span(channel, result, analysis)
        roi = request.mask if analysis.roi is None else analysis.roi
        facts = self._facts(request, results, span, "exact", "exact", began) | {
            "done": 1.0,
            "frames": _count(analysis, roi),
        }
        kept = request.first.kept if span == "nav" and request.first is not None else None
        valid = request.mask if span == "nav" else None
        frame = analysis.roi is not None  # frames are looked through one after the other
        return make_picture(
            channel, facts, self._axes(channel, span), valid=valid, where=request.ask.slice, kept=kept, quick=frame
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

    def span(self, channel: AnalysisResult, result: UDFResult | None, analysis: Analysis) -> str:
        """Give what the axes of a channel are: those of the scan, of the detector, or of neither."""
        declared = getattr(channel, "span", None)
        if declared:
            return str(declared)
        shape, nav, sig = channel_shape(channel), self._nav, tuple(self.dataset.shape.sig)
        kinds = {buffer.kind for buffer in result.values()} if result is not None else set()
        if shape == sig and (shape != nav or analysis.roi is not None or kinds == {"sig"}):
            return "sig"
        return "nav" if shape == nav else "single"

    def _axes(self, channel: AnalysisResult, span: str) -> tuple[Axis, ...]:
        axes = tuple(self.dataset.axes)
        cut = len(self._nav)
        return {"nav": axes[:cut], "sig": axes[cut:]}.get(span, tuple(getattr(channel, "axes", ())))[-2:]

    def _facts(
        self, request: Request, results: AnalysisResultSet, span: str, stage: str, label: str, began: float
    ) -> dict[str, Any]:
        analysis = _made(request)
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

    def _blocks(self, span: str, step: tuple[int, ...]) -> dict[str, Any]:
        """Give the size of the blocks that a coarse picture is drawn as."""
        return {"step": list(step)} if span == "nav" and len(step) == 2 and max(step) > 1 else {}

    def _grid(self, step: tuple[int, ...]) -> NDArray[np.bool_]:
        if step not in self._grids:
            mask = np.zeros(self._nav, dtype=np.bool_)
            mask[tuple(slice(None, None, n) for n in step)] = True
            self._grids[step] = mask
        return self._grids[step]


def results_of(analysis: Analysis, result: UDFResult) -> AnalysisResultSet:
    """Give the channels of a result, in which positions may be absent: these are NaN, and no reason to warn."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        return analysis.results(result)


def _count(analysis: Analysis, roi: object) -> int:
    if roi is None:
        return int(analysis.dataset.frame_map.counts.shown)
    return int(np.count_nonzero(roi)) if isinstance(roi, np.ndarray) else 1


def channel_shape(channel: AnalysisResult) -> tuple[int, ...]:
    """Give the shape of the numbers of a channel; of one component of a vector field."""
    raw = channel.raw_data
    return tuple(np.shape(raw[0] if isinstance(raw, tuple) else raw))


def _with_data(channel: AnalysisResult, change: Callable[[NDArray[Any]], NDArray[Any]]) -> AnalysisResult:
    raw = channel.raw_data
    changed = tuple(change(np.asarray(part)) for part in raw) if isinstance(raw, tuple) else change(np.asarray(raw))
    return replace(channel, raw_data=changed)


def _made(request: Request) -> Analysis:
    assert request.analysis is not None
    return request.analysis


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float | str | np.number)
