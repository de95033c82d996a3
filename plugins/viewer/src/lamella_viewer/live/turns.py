"""Whose turn it is: first pictures come before refinement, and both before work that nobody waits for."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from lamella_viewer.live.lane import Lane, Request
    from lamella_viewer.live.talk import Talk

__all__ = ["Turns"]

_LONGEST = 0.5
"""How long whoever looks for work waits at most before looking again [s]."""
T = TypeVar("T")


class Turns:
    """The lanes of all pages of a scan, what they wait for, and who waits for them.

    Parameters
    ----------
    rest
        How long nothing is refined after a request while the hand may still move [s].

    Attributes
    ----------
    change : threading.Condition
        Is held while a lane is changed, and told of each change.
    talks : list of Talk
        The pages.
    serving : int
        First pictures that are computed now.
    moving_until : float
        Until when a hand may still move [s].
    closed : bool
        Whether everything ends.
    """

    def __init__(self, rest: float) -> None:
        self.rest = rest
        self.change = threading.Condition()
        self.talks: list[Talk] = []
        self.serving = 0
        self.moving_until = 0.0
        self.closed = False

    def lanes(self) -> list[Lane]:
        """Give the lanes of all pages."""
        return [lane for talk in self.talks for lane in talk.lanes.values()]

    def heard(self) -> bool:
        """Whether there is a page that takes what it is sent."""
        return any(not lane.listener.silent for lane in self.lanes())

    def wake(self) -> None:
        """Let everybody who waits look again."""
        with self.change:
            self.change.notify_all()

    # First pictures.

    def next_lane(self) -> Lane | None:
        """Give the lane that has waited longest for a first picture."""
        waiting = [lane for lane in self.lanes() if lane.waiting is not None]
        return min(waiting, key=lambda lane: lane.waits_since, default=None)

    # Refinement.

    def due(self) -> list[tuple[Lane, Request]]:
        """Give the lanes to refine in the next pass: those that are due, and have the region of the longest waiting."""
        now = time.monotonic()
        ready = [
            (lane.refine_at, lane, lane.current)
            for lane in self._to_refine()
            if lane.refine_at is not None and lane.refine_at <= now and lane.current is not None
        ]
        if not ready:
            return []
        group = min(ready, key=lambda item: item[0])[2].group
        return [(lane, request) for _, lane, request in ready if request.group == group]

    def until_due(self) -> float:
        """Give how long to wait before looking again [s]."""
        now = time.monotonic()
        times = [lane.refine_at - now for lane in self._to_refine() if lane.refine_at is not None]
        return min([max(0.001, left) for left in times] + [_LONGEST])

    def _to_refine(self) -> list[Lane]:
        return [lane for lane in self.lanes() if lane.refine_at is not None and not lane.listener.silent]

    # Giving way.

    def quiet_in(self, longer: float = 0.0) -> float | None:
        """Give after what time all is quiet, or ``longer`` [s]; None while a first picture is computed or waits."""
        if self.serving or any(lane.waiting for lane in self.lanes()):
            return None
        return max(0.0, self.moving_until + longer - time.monotonic())

    def wait_quiet(self, timeout: float | None = None, *, longer: float = 0.0) -> bool:
        """Wait until no hand moves and no first picture is computed; gives whether that is so.

        Parameters
        ----------
        timeout
            How long to wait at most [s].
        longer
            How much longer than for refining a hand has to rest [s].
        """
        end = None if timeout is None else time.monotonic() + timeout
        with self.change:
            while not self.closed:
                left = self.quiet_in(longer)
                if left == 0.0:
                    return True
                over = None if end is None else end - time.monotonic()
                if over is not None and over <= 0:
                    return False
                self.change.wait(min(value for value in (left, over, 1.0) if value is not None))
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
