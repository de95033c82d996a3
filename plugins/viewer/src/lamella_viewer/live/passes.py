"""One pass over the data that serves all lanes whose requests are settled."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from lamella.errors import CancelledRun
from lamella_viewer.live.stagepictures import results_of

if TYPE_CHECKING:
    from lamella.udf import UDFResult
    from lamella_viewer.live.lane import Lane, Request
    from lamella_viewer.live.turns import Turns

__all__ = ["Pass"]

_BETWEEN = 0.060
"""Time between two partial pictures of a lane [s]."""


class ScanOfPass(Protocol):
    """What a pass needs of its scan."""

    context: Any
    stages: Any
    turns: Turns

    def failed(self, lane: Lane, request: Request, error: BaseException) -> None:
        """Say why a request gave nothing."""


class Pass:
    """A pass for some lanes; it ends within a tile when none of them needs it any more.

    Parameters
    ----------
    scan
        The scan.
    members
        Lanes and their requests, all with the same region.
    """

    def __init__(self, scan: ScanOfPass, members: Sequence[tuple[Lane, Request]]) -> None:
        self._scan = scan
        self._members = list(members)
        self._left: set[int] = set()
        self._cancel = threading.Event()

    def leave(self, lane: Lane) -> None:
        """Let a lane go; called with the lock of the scan."""
        self._left |= {id(lane) for member, _ in self._members if member is lane}
        if len(self._left) == len(self._members):
            self._cancel.set()

    def _staying(self) -> list[tuple[int, Lane, Request]]:
        return [
            (i, lane, request)
            for i, (lane, request) in enumerate(self._members)
            if id(lane) not in self._left and not lane.closed
        ]

    def run(self) -> None:
        """Run to the end, or until nobody needs it."""
        for _, lane, request in self._staying():
            lane.tell("refining", request)
        try:
            self._iterate()
        except CancelledRun:
            return
        except BaseException as error:
            self._failed(error)

    def _failed(self, error: BaseException) -> None:
        """Say what went wrong; where several shared the pass, each runs alone, so that others get their pictures."""
        staying = self._staying()
        if len(self._members) == 1:
            for _, lane, request in staying:
                self._scan.failed(lane, request, error)
            return
        for _, lane, request in staying:
            if not self._cancel.is_set():
                alone = Pass(self._scan, [(lane, request)])
                alone._cancel = self._cancel
                alone.run()

    def _iterate(self) -> None:
        scan, began, shown = self._scan, time.perf_counter(), time.monotonic()
        analyses = [request.analysis for _, request in self._members if request.analysis is not None]
        mask = self._members[0][1].mask
        partials = scan.context.run_udf_iter(
            analyses[0].dataset,
            [analysis.udf() for analysis in analyses],
            mask,
            progress=lambda done, total: self._progress(done, total, began),
            cancel=self._cancel,
        )
        last = None
        try:
            for last in scan.turns.give_way(partials):
                if time.monotonic() - shown >= _BETWEEN:
                    self._show(last, began)
                    shown = time.monotonic()
                self._wait_for_a_page()
        finally:
            partials.close()
        if last is not None:
            self._finish(last.buffers, began)

    def _wait_for_a_page(self) -> None:
        """Wait while none of the pages takes what it is sent: a cable was pulled, perhaps, and nobody said so.

        Raises
        ------
        CancelledRun
            If nobody needs the pass any more, or another page waits; the pass is made anew once a page answers.
        """
        turns = self._scan.turns
        with turns.change:
            while all(lane.listener.silent for _, lane, _ in self._staying()):
                if self._cancel.is_set() or turns.closed:
                    raise CancelledRun("no page needs this pass any more")
                if turns.due():
                    for _, lane, _ in self._staying():
                        lane.refine_at = 0.0
                    raise CancelledRun("another page waits")
                turns.change.wait(0.1)

    def _progress(self, done: int, total: int, began: float) -> None:
        took = time.perf_counter() - began
        rate = done / took if took > 0 else 0.0
        left = (total - done) / rate if rate else None
        for _, lane, request in self._staying():
            share = done / max(1, total)
            told = {"type": "progress", "lane": lane.name, "id": request.ask.id, "done": share}
            lane.listener.tell({**told, "rate": round(rate, 1), "left": None if left is None else round(left, 2)})

    def _show(self, partial: Any, began: float) -> None:
        buffers: Sequence[UDFResult] = partial.buffers
        damage = partial.damage.data
        for i, lane, request in self._staying():
            lane.show(request, self._scan.stages.pictures.partial(request, buffers[i], damage, began))

    def _finish(self, buffers: Sequence[UDFResult], began: float) -> None:
        stages = self._scan.stages
        for i, (lane, request) in enumerate(self._members):
            assert request.analysis is not None
            results = results_of(request.analysis, buffers[i])
            results.calibrate(buffers[i])
            stages.memo.put(stages.key(request), results)
            if id(lane) not in self._left:
                lane.show(request, stages.pictures.exact(request, results, began, buffers[i]))
                lane.tell("exact", request)
