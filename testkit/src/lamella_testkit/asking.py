"""Ask a reader whether it knows a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella.reader import Match
from lamella_testkit.outcomes import Broken

if TYPE_CHECKING:
    from lamella.reader import Probe
    from lamella_testkit.kit import Kit

__all__ = ["asked"]


def asked(kit: Kit, probe: Probe) -> Match | None:
    """Ask the reader whether it knows a file.

    Raises
    ------
    Broken
        If it raises anything, for detection never does; or if its answer is none.
    """
    try:
        match = kit.reader.detect(probe)
    except Exception as error:
        raise Broken("detection raises") from error
    if match is None:
        return None
    if not isinstance(match, Match):
        raise Broken(f"detection gives a {type(match).__name__}, expected Match or None")
    number = match.confidence
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= 100:
        raise Broken(f"the confidence is {number!r}, expected 1 to 100")
    if not isinstance(match.reason, str) or not match.reason.strip():
        raise Broken("the match gives no reason")
    return match
