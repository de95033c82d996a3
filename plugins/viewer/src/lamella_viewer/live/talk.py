"""One page that is connected to a scan: its lanes, and its outbox."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from lamella.errors import ParameterError
from lamella_viewer.live.lane import Lane
from lamella_viewer.live.messages import MAX_LANES, Ack, Ask, Hello, Stop, View, parse
from lamella_viewer.live.outbox import Outbox
from lamella_viewer.live.pictures import Picture, cut

__all__ = ["Talk"]

_PIXELS = (2048, 2048)


class ScanOfTalk(Protocol):
    """What a page needs of its scan."""

    def ask(self, lane: Lane, ask: Ask) -> None:
        """Take a request."""

    def stop(self, lane: Lane) -> None:
        """Refine a lane no further."""

    def leave(self, talk: Talk) -> None:
        """Forget a page."""

    def wake(self) -> None:
        """Look again for work: a page that was silent takes pictures."""


class Talk:
    """Made by `Scan.connect`.

    Parameters
    ----------
    scan
        The scan.
    send
        Takes bytes and text, from any thread; must not block.
    ended
        Called when the talk is closed, from any thread; must not block.
    """

    def __init__(
        self, scan: ScanOfTalk, send: Callable[[bytes | str], None], ended: Callable[[], None] | None = None
    ) -> None:
        self._scan = scan
        self._send = send
        self._ended = ended
        self._pixels = _PIXELS
        self.lanes: dict[str, Lane] = {}
        self.outbox = Outbox(send)
        self.outbox.start()
        self.closed = False

    @property
    def silent(self) -> bool:
        """Whether pictures that were sent have not been drawn for so long that nobody may be there."""
        return self.outbox.silent

    def receive(self, text: str) -> None:
        """Take a message of the page; what is wrong with it is told to the page."""
        if self.closed:
            return
        try:
            message = parse(text)
            self._handle(message)
        except ParameterError as error:
            lane, number = _named(text)
            self.problem(lane, number, [(one.field, one.text) for one in error.problems])

    def _handle(self, message: object) -> None:
        if isinstance(message, Ask):
            self._scan.ask(self._lane(message.lane), message)
        elif isinstance(message, Ack):
            was_silent = self.silent
            self.outbox.ack(message.bytes)
            if was_silent:
                self._scan.wake()
        elif isinstance(message, Stop):
            if message.lane in self.lanes:
                self._scan.stop(self.lanes[message.lane])
        elif isinstance(message, View):
            self._look_at(message)
        elif isinstance(message, Hello) and message.pixels is not None:
            self._pixels = message.pixels

    def _lane(self, name: str) -> Lane:
        if name not in self.lanes:
            if len(self.lanes) >= MAX_LANES:
                raise ParameterError(f"a page has at most {MAX_LANES} lanes", field="lane")
            self.lanes[name] = Lane(name, self)
        return self.lanes[name]

    def _look_at(self, view: View) -> None:
        lane = self.lanes.get(view.lane)
        if lane is None:
            raise ParameterError("there is no such lane", field="lane")
        lane.view = (view.box, view.size)
        if lane.shown is not None:
            self.show(lane.name, lane.shown)

    def show(self, lane: str, picture: Picture) -> None:
        """Send a picture, cut to what the page looks at."""
        view = self.lanes[lane].view
        shown = picture
        if view is not None:
            shown = cut(picture, *view)
        elif len(picture.facts["size"]) == 2:
            shown = cut(picture, (0, 0, *picture.facts["size"]), self._pixels)
        self.outbox.put(lane, Picture({**shown.facts, "lane": lane}, shown.pixels, shown.valid, shown.kept))

    def tell(self, message: Mapping[str, Any]) -> None:
        """Send a message."""
        if not self.closed:
            self._send(json.dumps(message, allow_nan=False))

    def problem(self, lane: str | None, number: int | None, problems: list[tuple[str | None, str]]) -> None:
        """Say what is wrong with a request, or what went wrong."""
        listed = [{"field": field, "text": text} for field, text in problems]
        self.tell({"type": "problem", "lane": lane, "id": number, "problems": listed})

    def close(self) -> None:
        """End all runs of the page within a tile."""
        self.closed = True
        self.outbox.close()
        self._scan.leave(self)
        if self._ended is not None:
            self._ended()


def _named(text: str) -> tuple[str | None, int | None]:
    """Give lane and id of a message that could not be understood, as far as they can be."""
    try:
        given = json.loads(text) if len(text) <= 1 << 16 else {}
    except (ValueError, RecursionError, TypeError):
        return None, None
    if not isinstance(given, dict):
        return None, None
    lane, number = given.get("lane"), given.get("id")
    known = isinstance(number, int) and not isinstance(number, bool)
    return (lane[:40] if isinstance(lane, str) else None), (number if known else None)
