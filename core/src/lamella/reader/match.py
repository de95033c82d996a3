"""How sure a reader is that it can open a target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

__all__ = ["Confidence", "Match"]


class Confidence(IntEnum):
    """How sure a reader is; any number from 1 to 100 can stand between these."""

    EXTENSION = 20
    """The file name fits."""
    HEURISTIC = 40
    """Something in the content looks right."""
    SIZE = 60
    """Sizes are consistent with what the file says."""
    SIGNATURE = 70
    """The bytes that mark the format are there, but what follows was not checked, or makes no sense."""
    MAGIC = 80
    """The bytes that mark the format are there, and the header makes sense."""
    VERIFIED = 100
    """The structure of the file was checked."""


@dataclass(frozen=True, slots=True)
class Match:
    """What a reader says about a target that it can probably open.

    Parameters
    ----------
    confidence
        From 1 to 100; see `Confidence`.
    reason
        What was recognised, in one clause.
    params
        Parameters that were found in the target, ready to open it with.
    missing
        Names of parameters that the user still has to give.
    origin
        Where each value of ``params`` came from.
    """

    confidence: int
    reason: str
    params: Mapping[str, object] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    origin: Mapping[str, str] = field(default_factory=dict)
