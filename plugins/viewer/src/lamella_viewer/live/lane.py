"""What one lane wants and shows: the newest request wins, and one that has begun delivers its first picture."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.analysis import Analysis
    from lamella_viewer.live.messages import Ask
    from lamella_viewer.live.pictures import Picture

__all__ = ["REST", "Lane", "Listener", "Request"]

REST = 0.120
"""How long nothing is refined after a request while the hand may still move [s]."""


class Listener(Protocol):
    """Where pictures and messages of a lane go."""

    @property
    def silent(self) -> bool:
        """Whether pictures that were sent have not been drawn for so long that nobody may be there."""

    def show(self, lane: str, picture: Picture) -> None:
        """Take a picture."""

    def tell(self, message: Mapping[str, Any]) -> None:
        """Take a message."""


@dataclass(slots=True, eq=False)
class Request:
    """A request, and what became of it."""

    ask: Ask
    arrived: float
    analysis: Analysis | None = None
    mask: NDArray[Any] | None = None
    first: Picture | None = None
    first_step: tuple[int, ...] = ()
    computing: float = 0.0
    cancel: Event = field(default_factory=Event)

    @property
    def group(self) -> str:
        """Requests of the same group can share a pass: over the same data, with the same region."""
        data = "" if self.analysis is None else self.analysis.dataset.fingerprint
        return f"{data} {json.dumps(self.ask.region, sort_keys=True)}"


@dataclass(slots=True, eq=False)
class Lane:
    """A lane: what waits, what is shown, and what is to be refined."""

    name: str
    listener: Listener
    waiting: Request | None = None
    waits_since: float = 0.0
    current: Request | None = None
    refine_at: float | None = None
    """When `current` may be refined [s]; None if there is nothing to refine."""
    shown: Picture | None = None
    view: tuple[tuple[int, int, int, int], tuple[int, int]] | None = None
    newest: int = -1
    closed: bool = False

    def ask(self, request: Request) -> bool:
        """Take a request; gives whether it is newer than all before."""
        if request.ask.id <= self.newest:
            return False
        self.newest = request.ask.id
        if self.waiting is None:
            self.waits_since = request.arrived
        self.waiting = request
        self.refine_at = None
        return True

    def begin(self) -> Request:
        """Begin what waits: its first picture will be shown, whatever comes."""
        request, self.waiting = self.waiting, None
        assert request is not None
        self.current = request
        return request

    def tell(self, state: str, request: Request | None = None, **facts: Any) -> None:
        """Say what happens."""
        chosen = request or self.current
        if not self.closed and chosen is not None:
            self.listener.tell({"type": "state", "lane": self.name, "id": chosen.ask.id, "state": state, **facts})

    def show(self, request: Request, picture: Picture) -> None:
        """Show a picture of a request."""
        if self.closed:
            return
        if picture.exact or request.first is None or not request.first.exact:
            self.shown = picture
        self.listener.show(self.name, picture)
