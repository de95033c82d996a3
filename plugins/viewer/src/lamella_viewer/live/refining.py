"""What happens while no hand moves: coarse pictures become exact, and the preview of the scan is made."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol

from lamella_viewer.live.passes import Pass

if TYPE_CHECKING:
    from lamella_viewer.live.lane import Lane, Request
    from lamella_viewer.live.preview import Preview
    from lamella_viewer.live.turns import Turns

__all__ = ["Refiner"]

_IDLE = 0.5
"""How long nobody wants anything before finer grids of the preview are made [s]."""
_HEAD_START = 1.0
"""How long exact results wait at most for the coarsest grid of the preview, by which first pictures are quick [s]."""


class ScanOfRefiner(Protocol):
    """What refinement needs of its scan."""

    context: Any
    stages: Any
    preview: Preview | None
    turns: Turns

    def failed(self, lane: Lane, request: Request, error: BaseException) -> None:
        """Say why a request gave nothing."""


class Refiner:
    """Makes one pass after the other, each for all lanes that can share it.

    Parameters
    ----------
    scan
        The scan.
    """

    def __init__(self, scan: ScanOfRefiner) -> None:
        self._scan = scan
        self._turns = scan.turns
        self._pass: Pass | None = None

    def forsake(self, lane: Lane) -> None:
        """End the pass if no lane but this one needs it; called while `Turns.change` is held."""
        if self._pass is not None:
            self._pass.leave(lane)

    def work(self) -> None:
        """Work until everything ends."""
        turns, idle_since = self._turns, time.monotonic()
        while not turns.closed:
            if not turns.wait_quiet(0.05):
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
            with turns.change:
                if not turns.closed and not turns.due():
                    turns.change.wait(turns.until_due())

    def _refine_due(self) -> bool:
        """Refine what is due; gives whether there was something."""
        turns = self._turns
        if not turns.wait_quiet(0.05):
            return False
        with turns.change:
            members = turns.due()
            if not members or turns.closed:
                return False
            for lane, _ in members:
                lane.refine_at = None
            done = Pass(self._scan, members)
            self._pass = done
        try:
            done.run()
        finally:
            with turns.change:
                self._pass = None
        return True

    # The preview.

    def _begins_preview(self) -> bool:
        """Whether the coarsest grid of the preview is to be made: before anything is refined."""
        preview = self._scan.preview
        if preview is None or preview.finest is not None or not preview.wanted:
            return False
        with self._turns.change:
            return bool(self._turns.due())

    def _wants_preview(self, idle_since: float) -> bool:
        preview = self._scan.preview
        idle = time.monotonic() - idle_since > _IDLE
        return preview is not None and preview.wanted and idle and self._turns.heard()

    def _make_preview(self, head_start: float = 0.0) -> None:
        preview = self._scan.preview
        assert preview is not None
        end = time.monotonic() + head_start

        def before_each() -> bool:
            while time.monotonic() >= end and self._refine_due():
                pass
            return self._turns.wait_quiet() and self._turns.heard()

        try:
            preview.make(before_each)
        except Exception:  # a scan that cannot be read tells so when it is asked for; there is no preview then
            preview.give_up()
