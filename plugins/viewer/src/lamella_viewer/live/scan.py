"""One open data set that pages look at: who computes what, and when."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import lamella
from lamella.errors import CancelledRun, ParameterError
from lamella_viewer.live.budget import Budget
from lamella_viewer.live.firsts import FirstPictures
from lamella_viewer.live.lane import REST, Lane, Request
from lamella_viewer.live.memo import ResultMemo
from lamella_viewer.live.messages import Ask
from lamella_viewer.live.preview import Preview
from lamella_viewer.live.refining import Refiner
from lamella_viewer.live.regions import checked_region
from lamella_viewer.live.stagepictures import results_of
from lamella_viewer.live.stages import Stages
from lamella_viewer.live.talk import Talk
from lamella_viewer.live.turns import Turns

if TYPE_CHECKING:
    from lamella import Context, DataSet
    from lamella.analysis import AnalysisResultSet

__all__ = ["Scan"]


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

    Attributes
    ----------
    turns : Turns
        Whose turn it is; work of others waits there until no lane is active.
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
        self.turns = Turns(rest)
        self._refiner = Refiner(self)
        self._threads = [
            threading.Thread(target=work, name=f"lamella-{name}", daemon=True)
            for name, work in (("first", FirstPictures(self).work), ("refine", self._refiner.work))
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
        with self.turns.change:
            self.dataset = self.stages.dataset = dataset
            if self.preview is not None:
                self.preview = self.stages.preview = Preview(dataset)

    def connect(self, send: Callable[[bytes | str], None], ended: Callable[[], None] | None = None) -> Talk:
        """Connect a page.

        Parameters
        ----------
        send
            Takes binary frames and JSON text; called from several threads, and must not block.
        ended
            Called when the talk is closed, also with the scan; from any thread, and must not block.
        """
        talk = Talk(self, send, ended)
        with self.turns.change:
            self.turns.talks.append(talk)
            closed = self.turns.closed
        if closed:
            talk.close()
        return talk

    # What talks call; none of it blocks.

    def ask(self, lane: Lane, ask: Ask) -> None:
        """Take a request in the place of what the lane waits for."""
        request, turns = Request(ask, time.monotonic()), self.turns
        with turns.change:
            if turns.closed or not lane.ask(request):
                lane.tell("refused", request)
                return
            if ask.live:
                turns.moving_until = max(turns.moving_until, request.arrived + turns.rest)
            self._refiner.forsake(lane)
            turns.change.notify_all()

    def stop(self, lane: Lane) -> None:
        """Refine a lane no further, and forget what it waits for."""
        with self.turns.change:
            request = lane.waiting or lane.current
            lane.waiting, lane.refine_at = None, None
            if lane.current is not None and lane.current.first is None:
                lane.current.cancel.set()
            self._refiner.forsake(lane)
            self.turns.change.notify_all()
        lane.tell("stopped", request)

    def leave(self, talk: Talk) -> None:
        """Forget a page."""
        for lane in talk.lanes.values():
            lane.closed = True
            self.stop(lane)
        with self.turns.change:
            if talk in self.turns.talks:
                self.turns.talks.remove(talk)

    def wake(self) -> None:
        """Look again for work: a page that was silent takes pictures."""
        self.turns.wake()

    # When something went wrong.

    def failed(self, lane: Lane, request: Request, error: BaseException) -> None:
        """Say why a request gave nothing; the lane keeps what it shows."""
        with self.turns.change:
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
        last = deque(self.turns.give_way(partials), maxlen=1)
        if not last:
            raise ParameterError("the region holds no scan position with a frame", field="region")
        (buffers,) = last[0].buffers
        results = results_of(request.analysis, buffers)
        results.calibrate(buffers)
        self.memo.put(key, results)
        return results

    def close(self) -> None:
        """Close all talks, and end both threads."""
        with self.turns.change:
            self.turns.closed = True
            self.turns.change.notify_all()
        for talk in list(self.turns.talks):
            talk.close()
        self._first_context.close()
        for thread in self._threads:
            thread.join(3.0)
        self.memo.clear()
