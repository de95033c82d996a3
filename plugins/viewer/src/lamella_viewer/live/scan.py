"""One open data set that pages look at: who computes what, and when."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import lamella
from lamella.errors import CancelledRun, ParameterError
from lamella_viewer.live.budget import Budget
from lamella_viewer.live.lane import REST, Lane, Request
from lamella_viewer.live.memo import ResultMemo
from lamella_viewer.live.messages import Ask
from lamella_viewer.live.passes import Pass
from lamella_viewer.live.preview import Preview
from lamella_viewer.live.regions import checked_region
from lamella_viewer.live.stages import Stages, results_of
from lamella_viewer.live.talk import Talk

if TYPE_CHECKING:
    from lamella import Context, DataSet
    from lamella.analysis import AnalysisResultSet

__all__ = ["Scan"]

_IDLE = 0.5
"""How long nobody wants anything before finer grids of the preview are made [s]."""
_HEAD_START = 1.0
"""How long exact results wait at most for the coarsest grid of the preview, by which first pictures are quick [s]."""
T = TypeVar("T")


class Scan:
    """Serves first pictures in one thread and refines them in another; for any number of pages.

    Parameters
    ----------
    dataset
        The data.
    context
        Where exact results are computed.
    told
        Gives the sentence for an error; without paths, for instance.
    preview
        Whether to keep a binned copy of the scan in memory.
    rest
        How long nothing is refined after a request while the hand may still move [s].
    """

    def __init__(
        self,
        dataset: DataSet,
        context: Context,
        *,
        told: Callable[[BaseException], str] = str,
        preview: bool = True,
        rest: float = REST,
    ) -> None:
        self.dataset = dataset
        self.context = context
        self.memo = ResultMemo()
        self.preview = Preview(dataset) if preview else None
        self._first_context = lamella.Context()
        self.stages = Stages(dataset, self._first_context, Budget(), self.memo, self.preview)
        self._told = told
        self._rest = rest
        self._talks: list[Talk] = []
        self._change = threading.Condition()
        self._serving = 0
        self._moving_until = 0.0
        self._pass: Pass | None = None
        self._closed = False
        self._threads = [
            threading.Thread(target=work, name=f"lamella-{name}", daemon=True)
            for name, work in (("first", self._serve), ("refine", self._refine))
        ]
        for thread in self._threads:
            thread.start()

    def grow(self, dataset: DataSet) -> None:
        """Take what `lamella.DataSet.refresh` gave in the place of the data; what has begun goes on with the old.

        Parameters
        ----------
        dataset
            The same scan with more frames, in the same shape.
        """
        if tuple(dataset.shape) != tuple(self.dataset.shape) or dataset.dtype != self.dataset.dtype:
            raise ValueError(f"expected a scan of shape {tuple(self.dataset.shape)}, found {tuple(dataset.shape)}")
        with self._change:
            self.dataset = self.stages.dataset = dataset
            if self.preview is not None:
                self.preview = self.stages.preview = Preview(dataset)

    def connect(self, send: Callable[[bytes | str], None]) -> Talk:
        """Connect a page.

        Parameters
        ----------
        send
            Takes binary frames and JSON text; called from several threads, and must not block.
        """
        talk = Talk(self, send)
        with self._change:
            self._talks.append(talk)
        return talk

    # What talks call; none of it blocks.

    def ask(self, lane: Lane, ask: Ask) -> None:
        """Take a request in the place of what the lane waits for."""
        request = Request(ask, time.monotonic())
        with self._change:
            if self._closed or not lane.ask(request):
                lane.tell("refused", request)
                return
            if ask.live:
                self._moving_until = max(self._moving_until, request.arrived + self._rest)
            self._forsake(lane)
            self._change.notify_all()

    def stop(self, lane: Lane) -> None:
        """Refine a lane no further, and forget what it waits for."""
        with self._change:
            request = lane.waiting or lane.current
            lane.waiting, lane.refine_at = None, None
            if lane.current is not None and lane.current.first is None:
                lane.current.cancel.set()
            self._forsake(lane)
            self._change.notify_all()
        lane.tell("stopped", request)

    def leave(self, talk: Talk) -> None:
        """Forget a page."""
        for lane in talk.lanes.values():
            lane.closed = True
            self.stop(lane)
        with self._change:
            if talk in self._talks:
                self._talks.remove(talk)

    def _forsake(self, lane: Lane) -> None:
        """End the pass if no lane needs it any more."""
        if self._pass is not None:
            self._pass.leave(lane)

    # Giving way.

    def _quiet_in(self) -> float | None:
        """Give after what time all is quiet [s]; None while a first picture is computed or waits."""
        if self._serving or any(lane.waiting for lane in self._lanes()):
            return None
        return max(0.0, self._moving_until - time.monotonic())

    def wait_quiet(self, timeout: float | None = None) -> bool:
        """Wait until no hand moves and no first picture is computed; gives whether that is so."""
        end = None if timeout is None else time.monotonic() + timeout
        with self._change:
            while not self._closed:
                left = self._quiet_in()
                if left == 0.0:
                    return True
                over = None if end is None else end - time.monotonic()
                if over is not None and over <= 0:
                    return False
                self._change.wait(min(value for value in (left, over, 1.0) if value is not None))
        return False

    def give_way(self, work: Iterable[T]) -> Iterator[T]:
        """Give the items of some work; the next one is not asked for while a lane is active."""
        items = iter(work)
        while True:
            self.wait_quiet()
            try:
                item = next(items)
            except StopIteration:
                return
            yield item

    # First pictures.

    def _lanes(self) -> list[Lane]:
        return [lane for talk in self._talks for lane in talk.lanes.values()]

    def _next_lane(self) -> Lane | None:
        waiting = [lane for lane in self._lanes() if lane.waiting is not None]
        return min(waiting, key=lambda lane: lane.waits_since, default=None)

    def _serve(self) -> None:
        while True:
            with self._change:
                while not self._closed and (lane := self._next_lane()) is None:
                    self._change.wait()
                if self._closed:
                    return
                assert lane is not None
                request = lane.begin()
                self._serving += 1
            try:
                self._first(lane, request)
            finally:
                with self._change:
                    self._serving -= 1
                    self._change.notify_all()

    def _first(self, lane: Lane, request: Request) -> None:
        try:
            picture = self.stages.first(request)
            request.computing += float(picture.facts["took"])
            lane.show(request, picture)
        except BaseException as error:
            self.failed(lane, request, error)
            return
        with self._change:
            request.first = picture
            newest = lane.waiting is None and lane.current is request and not lane.closed
            if not picture.exact and newest and not request.cancel.is_set():
                lane.refine_at = request.arrived + self._rest if request.ask.live else 0.0
        lane.tell("exact" if picture.exact else "rest" if newest else "first", request)

    def failed(self, lane: Lane, request: Request, error: BaseException) -> None:
        """Say why a request gave nothing; the lane keeps what it shows."""
        with self._change:
            if lane.current is request:
                lane.refine_at = None
        if isinstance(error, CancelledRun) or lane.closed:
            return
        problems = [(one.field, one.text) for one in error.problems] if isinstance(error, ParameterError) else []
        about = "parameters" if problems else "data"
        problems = problems or [(None, self._sentence(error))]
        told = [{"field": field, "text": text} for field, text in problems]
        facts = {"type": "problem", "lane": lane.name, "id": request.ask.id, "about": about}
        lane.listener.tell({**facts, "problems": told})
        lane.tell("failed", request)

    def _sentence(self, error: BaseException) -> str:
        if isinstance(error, MemoryError) and not str(error):
            return "there is not enough memory for this"
        return self._told(error) or type(error).__name__

    # Refinement.

    def _due(self) -> list[tuple[Lane, Request]]:
        """Give the lanes to refine in the next pass: those that are due, and have the region of the longest waiting."""
        now = time.monotonic()
        ready = [
            (lane.refine_at, lane, lane.current)
            for lane in self._lanes()
            if lane.refine_at is not None and lane.refine_at <= now and lane.current is not None
        ]
        if not ready:
            return []
        group = min(ready, key=lambda item: item[0])[2].group
        return [(lane, request) for _, lane, request in ready if request.group == group]

    def _refine(self) -> None:
        idle_since = time.monotonic()
        while not self._closed:
            if not self.wait_quiet(0.05):
                continue
            if self._begins_preview():
                self._make_preview(_HEAD_START)
                continue
            if self._refine_due():
                idle_since = time.monotonic()
                continue
            if self._wants_preview(idle_since):
                self._make_preview()
                continue
            with self._change:
                if not self._closed and not self._due():
                    self._change.wait(self._until_due())

    def _until_due(self) -> float:
        now = time.monotonic()
        times = [lane.refine_at - now for lane in self._lanes() if lane.refine_at is not None]
        return min([max(0.001, left) for left in times] + [_IDLE])

    def _refine_due(self) -> bool:
        """Refine what is due; gives whether there was something."""
        if not self.wait_quiet(0.05):
            return False
        with self._change:
            members = self._due()
            if not members or self._closed:
                return False
            for lane, _ in members:
                lane.refine_at = None
            done = Pass(self, members)
            self._pass = done
        try:
            done.run()
        finally:
            with self._change:
                self._pass = None
        return True

    def _begins_preview(self) -> bool:
        """Whether the coarsest grid of the preview is to be made: before anything is refined."""
        preview = self.preview
        if preview is None or preview.finest is not None or not preview.wanted:
            return False
        with self._change:
            return bool(self._due())

    def _wants_preview(self, idle_since: float) -> bool:
        preview = self.preview
        idle = time.monotonic() - idle_since > _IDLE
        return preview is not None and preview.wanted and idle and bool(self._lanes())

    def _make_preview(self, head_start: float = 0.0) -> None:
        preview = self.preview
        assert preview is not None
        end = time.monotonic() + head_start

        def before_each() -> bool:
            while time.monotonic() >= end and self._refine_due():
                pass
            return self.wait_quiet()

        try:
            preview.make(before_each)
        except Exception:  # a scan that cannot be read tells so when it is asked for; there is no preview then
            preview.give_up()

    # Results for others.

    def exact(
        self,
        analysis: str,
        parameters: Mapping[str, Any],
        region: object = None,
        progress: Callable[[int, int], object] | None = None,
    ) -> AnalysisResultSet:
        """Give the exact result of an analysis, from the memo or computed now.

        Parameters
        ----------
        analysis, parameters
            Name and parameters, as for `lamella.analysis.make_analysis`.
        region
            As in messages; see `region_mask`.
        progress
            Called with numbers of frames: those done, and all.

        Raises
        ------
        LamellaError
            If parameters are wrong, or the data cannot be read.
        """
        request = Request(Ask("", 0, analysis, parameters, checked_region(region)), time.monotonic())
        self.stages.prepare(request)
        key = self.stages.key(request)
        if (known := self.memo.get(key)) is not None:
            return known
        assert request.analysis is not None
        roi = request.mask if request.analysis.roi is None else request.analysis.roi
        partials = self.context.run_udf_iter(
            request.analysis.dataset, request.analysis.udf(), roi, progress=progress or False
        )
        last = deque(self.give_way(partials), maxlen=1)
        if not last:
            raise ParameterError("the region holds no scan position with a frame", field="region")
        (buffers,) = last[0].buffers
        results = results_of(request.analysis, buffers)
        results.calibrate(buffers)
        self.memo.put(key, results)
        return results

    def close(self) -> None:
        """Close all talks, and end both threads."""
        for talk in list(self._talks):
            talk.close()
        with self._change:
            self._closed = True
            self._change.notify_all()
        self._first_context.close()
        for thread in self._threads:
            thread.join(3.0)
        self.memo.clear()
