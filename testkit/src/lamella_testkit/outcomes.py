"""How a check ends that does not pass: a rule is broken, there is nothing to check, or no way to check it here."""

from __future__ import annotations

__all__ = ["Broken", "NotHere", "NotNeeded"]


class Broken(AssertionError):
    """A rule is broken.

    Parameters
    ----------
    what
        What was expected and what was found.
    example
        The smallest case in which it happens; the case that the kit was working on if None.
    hint
        Where to look, if what was found says more than the rule; the hint of the check if None.
    """

    def __init__(self, what: str, *, example: str | None = None, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.example = example
        self.hint = hint


class NotNeeded(Exception):
    """The check does not apply: the plugin declares nothing, or the sampler writes nothing, that it could check."""


class NotHere(Exception):
    """The check cannot be made here, for instance because the platform has no such limit; the level stays below it."""
