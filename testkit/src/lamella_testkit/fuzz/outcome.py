"""What came of an input: it was read, refused as it should be, or something happened that must not."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["READ", "REFUSED", "Fault", "Outcome"]

READ, REFUSED = "read", "refused"
_VALUES = re.compile(r"0x[0-9a-f]+|\d+|'[^']*'|\"[^\"]*\"|/[^\s:]+")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one input.

    Parameters
    ----------
    kind
        ``"read"`` or ``"refused"``, or a kind of fault: ``"crash"``, ``"hang"``, ``"memory"``, ``"exception"``,
        ``"claim"`` (what is told about the file cannot be, or is no JSON), ``"warning"``, ``"output"``,
        ``"outside"``, ``"writes"``, ``"open"`` (a file that is left open).
    stage
        What was being done: ``"detect"``, ``"reader"``, ``"open"``, ``"show"``, ``"frames"``, ``"mask"``, ``"sum"``.
    text
        What happened.
    place
        The innermost place in the code that is named.
    seconds
        Time of the processor [s].
    """

    kind: str
    stage: str = ""
    text: str = ""
    place: str = ""
    seconds: float = 0.0

    @property
    def is_fault(self) -> bool:
        """Whether this must not happen."""
        return self.kind not in (READ, REFUSED)

    @property
    def signature(self) -> str:
        """What two occurrences of one fault have in common."""
        text = "" if self.place else _VALUES.sub("#", self.text.splitlines()[0] if self.text else "")[:120]
        return f"{self.kind} {self.stage} {self.place} {text}".strip()


@dataclass(frozen=True, slots=True)
class Fault:
    """An input that must not do what it does.

    Parameters
    ----------
    format
        Name of the format.
    seed, number
        By which it is found again.
    outcome
        What happened.
    recipe
        How it is made, as plain values.
    count
        How many inputs of the search have the same signature.
    """

    format: str
    seed: int
    number: int
    outcome: Outcome
    recipe: dict[str, object]
    count: int = 1

    def to_json(self) -> dict[str, object]:
        """Give plain values."""
        outcome = self.outcome
        return {
            "format": self.format,
            "seed": self.seed,
            "number": self.number,
            "kind": outcome.kind,
            "stage": outcome.stage,
            "found": outcome.text,
            "count": self.count,
            "recipe": self.recipe,
        }
