"""The stages of a request: which first picture fits into the time, from the memo, the preview, a grid, or exact."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lamella.analysis import make_analysis
from lamella_viewer.live.budget import Budget, ladder
from lamella_viewer.live.memo import ResultMemo
from lamella_viewer.live.regions import region_mask
from lamella_viewer.live.stagepictures import StagePictures, analysis_of, count_of, results_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella import Context, DataSet
    from lamella_viewer.live.lane import Request
    from lamella_viewer.live.pictures import Picture
    from lamella_viewer.live.preview import Preview

__all__ = ["Stages"]


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
        self.pictures = StagePictures(dataset)
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
        analysis = analysis_of(request)
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
        analysis = analysis_of(request)
        if (known := self.memo.get(self.key(request))) is not None:
            return self.pictures.exact(request, known, began)
        if analysis.roi is not None:
            return self._all(request, analysis.roi, began)
        levels = ladder(self._nav)
        selected = 1.0 if request.mask is None else float(np.count_nonzero(request.mask)) / max(1, request.mask.size)
        frames = math.prod(self._nav) * selected
        kind = request.ask.analysis
        sizes = [frames / math.prod(step) * self._frame_nbytes for step in levels]
        at = self.budget.level(kind, sizes) if frames > math.prod(levels[-1]) else 0
        if at and (picture := self._from_preview(request, frames, levels, at, began)) is not None:
            return picture
        if not at:
            return self._all(request, request.mask, began)
        return self._coarse(request, kind, levels[at], sizes[at], began)

    def _all(self, request: Request, roi: object, began: float) -> Picture:
        analysis = analysis_of(request)
        size = self._frame_nbytes * count_of(analysis, roi)
        ran = time.perf_counter()
        result = self.context.run_udf(analysis.dataset, analysis.udf(), roi, cancel=request.cancel)
        self.budget.record(request.ask.analysis, size, time.perf_counter() - ran)
        results = results_of(analysis, result)
        self.memo.put(self.key(request), results)
        return self.pictures.exact(request, results, began, result)

    def _coarse(self, request: Request, kind: str, step: tuple[int, ...], size: float, began: float) -> Picture:
        analysis, grid = analysis_of(request), self._grid(step)
        roi = grid if request.mask is None else grid & request.mask
        if not roi.any():  # the region lies between the positions of the grid
            return self._all(request, request.mask, began)
        ran = time.perf_counter()
        result = self.context.run_udf(analysis.dataset, analysis.udf(), roi, cancel=request.cancel)
        self.budget.record(kind, size, time.perf_counter() - ran)
        picture = self.pictures.coarse(request, result, roi, step, began)
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
        analysis = analysis_of(request)
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
        return self.pictures.preview(request, result, roi, step, frames, began)

    def _grid(self, step: tuple[int, ...]) -> NDArray[np.bool_]:
        if step not in self._grids:
            mask = np.zeros(self._nav, dtype=np.bool_)
            mask[tuple(slice(None, None, n) for n in step)] = True
            self._grids[step] = mask
        return self._grids[step]
