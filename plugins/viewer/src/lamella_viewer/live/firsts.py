"""First pictures of requests, one after the other; a request that has begun always gets one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from lamella_viewer.live.lane import Lane, Request
    from lamella_viewer.live.turns import Turns

__all__ = ["FirstPictures"]


class ScanOfFirstPictures(Protocol):
    """What first pictures need of their scan."""

    stages: Any
    turns: Turns

    def failed(self, lane: Lane, request: Request, error: BaseException) -> None:
        """Say why a request gave nothing."""


class FirstPictures:
    """Serves the lane that has waited longest.

    Parameters
    ----------
    scan
        The scan.
    """

    def __init__(self, scan: ScanOfFirstPictures) -> None:
        self._scan = scan

    def work(self) -> None:
        """Work until everything ends."""
        turns = self._scan.turns
        while True:
            with turns.change:
                while not turns.closed and (lane := turns.next_lane()) is None:
                    turns.change.wait()
                if turns.closed:
                    return
                assert lane is not None
                request = lane.begin()
                turns.serving += 1
            try:
                self._first(lane, request)
            finally:
                with turns.change:
                    turns.serving -= 1
                    turns.change.notify_all()

    def _first(self, lane: Lane, request: Request) -> None:
        try:
            picture = self._scan.stages.first(request)
            request.computing += float(picture.facts["took"])
            lane.show(request, picture)
        except BaseException as error:
            self._scan.failed(lane, request, error)
            return
        with self._scan.turns.change:
            request.first = picture
            newest = lane.waiting is None and lane.current is request and not lane.closed
            if not picture.exact and newest and not request.cancel.is_set():
                lane.refine_at = request.arrived + self._scan.turns.rest if request.ask.live else 0.0
        lane.tell("exact" if picture.exact else "rest" if newest else "first", request)
