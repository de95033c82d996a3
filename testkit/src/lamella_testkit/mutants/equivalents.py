"""Changes that no check can tell from the original, and why: a table that an author keeps beside the tests."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lamella.errors import ParameterError
from lamella_testkit.mutants.changes import Mutant

__all__ = ["Equivalent", "read_table", "reason"]


@dataclass(frozen=True, kw_only=True)
class Equivalent:
    """A row of the table: changes of a module that behave like the original wherever behaviour is promised.

    Parameters
    ----------
    module
        The name of the module.
    why
        The reason.
    code, changes
        A line of the source, and what is done to it, both as ``lamella mutants`` shows them.
    part
        Instead of these, a function, class or constant of which every change counts, such as one that makes texts.
    """

    module: str
    why: str
    code: str = ""
    changes: Sequence[str] = ()
    part: str = ""

    def __post_init__(self) -> None:
        if bool(self.part) == bool(self.code and self.changes):
            raise ValueError(f"a row about {self.module} needs either `part`, or `code` and `changes`")
        if not self.why.strip():
            raise ValueError(f"the row about {self.part or self.code} gives no reason")

    def covers(self, mutant: Mutant) -> bool:
        """Whether the row is about a change."""
        if mutant.module != self.module:
            return False
        if self.part:
            return mutant.part == self.part or mutant.part.startswith(f"{self.part}.")
        return mutant.code == self.code and mutant.text in self.changes


def read_table(path: Path, name: str) -> list[Equivalent]:
    """Give the rows about a format, which are the array of tables of its name in a TOML file.

    Raises
    ------
    ParameterError
        If it cannot be read, or a row says too little or too much.
    """
    try:
        return [Equivalent(**row) for row in tomllib.loads(path.read_text(encoding="utf-8")).get(name, [])]
    except (OSError, ValueError) as error:
        raise ParameterError(f"{path}: {error}", field="equivalents") from error
    except TypeError as error:
        raise ParameterError(f"{path}: a row of {name!r} has other keys ({error})", field="equivalents") from error


def reason(mutant: Mutant, known: Iterable[Equivalent]) -> str | None:
    """Say why a change counts as equivalent, None if it does not."""
    return next((one.why for one in known if one.covers(mutant)), None)
