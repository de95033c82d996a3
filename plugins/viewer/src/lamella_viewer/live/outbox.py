"""What waits to be sent to one page: the newest picture of each lane, and no more on the way than the page draws."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

from lamella_viewer.live.pictures import Picture

__all__ = ["Outbox"]

_WINDOW = 2
"""Frames on the way that were not acknowledged yet."""
_SLOW, _FAST = 0.080, 0.030
"""From when on an acknowledgement is late, so that frames get smaller; and early, so that they grow again [s]."""
_PATIENCE = 0.5
"""How long a frame is on the way until the page counts as silent [s]; on a slow link twice as long as the last one."""


class Outbox:
    """One waiting picture for each lane, the newest; a picture that is replaced is counted, and never sent.

    Parameters
    ----------
    send
        Sends bytes; called in the thread of the outbox, which `close` ends.
    clock
        Gives the time [s].

    Attributes
    ----------
    replaced : int
        Pictures that were replaced by newer ones before they were sent.
    slowness : int
        How slow the link is: 0, 1 or 2.
    """

    def __init__(self, send: Callable[[bytes], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._send = send
        self._clock = clock
        self._waiting: OrderedDict[str, Picture] = OrderedDict()
        self._on_the_way: deque[tuple[int, float]] = deque()
        self._change = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None
        self.replaced = 0
        self.slowness = 0
        self._last_took = 0.0

    def start(self) -> None:
        """Begin to send, in a thread."""
        self._thread = threading.Thread(target=self._work, name="lamella-outbox", daemon=True)
        self._thread.start()

    def put(self, lane: str, picture: Picture) -> None:
        """Let a picture wait in the place of an older one of its lane; lanes are served in turns."""
        with self._change:
            if lane in self._waiting:
                self.replaced += 1
            self._waiting[lane] = picture
            self._change.notify()

    def drop(self, lane: str) -> None:
        """Forget what waits for a lane."""
        with self._change:
            self._waiting.pop(lane, None)

    def ack(self, nbytes: int) -> bool:
        """Take note that a frame was drawn; gives whether such a frame was on the way."""
        with self._change:
            for frame in self._on_the_way:
                if frame[0] == nbytes:
                    self._on_the_way.remove(frame)
                    self._learn(self._clock() - frame[1])
                    self._change.notify()
                    return True
            return False

    @property
    def silent(self) -> bool:
        """Whether a frame is on the way for so long that nobody may be there to draw it."""
        with self._change:
            if not self._on_the_way:
                return False
            return self._clock() - self._on_the_way[0][1] > max(_PATIENCE, 2 * self._last_took)

    def _learn(self, seconds: float) -> None:
        self._last_took = seconds
        if seconds > _SLOW:
            self.slowness = min(2, self.slowness + 1)
        elif seconds < _FAST:
            self.slowness = max(0, self.slowness - 1)

    def take(self) -> Picture | None:
        """Give the next picture that may be sent now; the lane that has waited longest comes first."""
        with self._change:
            return self._next()

    def _next(self) -> Picture | None:
        if not self._waiting or len(self._on_the_way) >= _WINDOW:
            return None
        return self._waiting.popitem(last=False)[1]

    def sent(self, nbytes: int) -> None:
        """Take note that a frame is on the way."""
        with self._change:
            self._on_the_way.append((nbytes, self._clock()))

    def _work(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._closed or (self._waiting and len(self._on_the_way) < _WINDOW))
                if self._closed:
                    return
                picture = self._next()
            if picture is not None:
                try:
                    self.deliver(picture)
                except Exception:  # whoever carries the messages is gone
                    self.close()

    def deliver(self, picture: Picture) -> None:
        """Send a picture now."""
        data = picture.encode(self.slowness)
        self.sent(len(data))
        self._send(data)

    def close(self) -> None:
        """Send no more."""
        with self._change:
            self._closed = True
            self._waiting.clear()
            self._change.notify_all()
