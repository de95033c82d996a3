"""Notes that are warnings, too: what a file promises and does not hold."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["Caution", "cautions"]


class Caution(str):
    """A note that a user must not miss: opening the file issues it as a `lamella.errors.LamellaWarning`.

    It stands among `SourceInfo.notes`. Use it for what a file promises and does not hold: frames, files that it names,
    sections, dark frames, a sidecar that cannot be read. One sentence says what was promised, what was found, and what
    was done.

    Examples
    --------
    >>> notes = ("the gamma correction was on", Caution("the header counts 8 frames, the file holds 5; they are read"))
    >>> [isinstance(note, Caution) for note in notes]
    [False, True]
    """

    __slots__ = ()


def cautions(notes: Iterable[str]) -> list[str]:
    """Give the notes that are warnings, each once."""
    return list(dict.fromkeys(note for note in notes if isinstance(note, Caution)))
