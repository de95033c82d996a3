"""Which of our plugins are mutated, and which of their mutants no check can tell from the original."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lamella_testkit.mutants.changes import Mutant

TABLE = Path(__file__).with_name("equivalents.toml")


@dataclass(frozen=True)
class Subject:
    """A plugin: its modules, and the functions and constants in them that make nothing but texts for people."""

    format: str
    modules: tuple[str, ...]
    texts: frozenset[str] = frozenset()
    only_by_hand: bool = False
    """Whether there are too many mutants, or they take too long, for a test of all of them."""


@dataclass(frozen=True)
class Equivalent:
    """Mutants that behave like the original wherever behaviour is promised, and the reason."""

    module: str
    code: str
    changes: tuple[str, ...]
    why: str

    def covers(self, mutant: Mutant) -> bool:
        return mutant.module == self.module and mutant.code == self.code and mutant.text in self.changes


SUBJECTS = {
    "raw": Subject(
        "raw",
        ("lamella_raw.reader", "lamella_raw.params", "lamella_raw.sidecar"),
        frozenset({"_suggestion", "_frame_text", "_USUAL_SIDES"}),
    ),
    "npy": Subject(
        "npy",
        ("lamella_npy.reader", "lamella_npy.header", "lamella_npy.params"),
        frozenset({"_too_few_axes", "_details", "_refusal"}),
    ),
    "blo": Subject(
        "blo",
        ("lamella_blo.reader", "lamella_blo.header", "lamella_blo.params"),
        frozenset({"_marker_text"}),
    ),
    "dask": Subject(
        "dask",
        tuple(f"lamella_dask.{name}" for name in ("formatreader", "formatparams", "source", "sourceblocks")),
        frozenset({"_kind", "_told"}),
        only_by_hand=True,
    ),
}


def equivalents(name: str) -> list[Equivalent]:
    """Give the rows of the table for one plugin."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return [Equivalent(**row | {"changes": tuple(row["changes"])}) for row in table.get(name, [])]


def reason(mutant: Mutant, known: Iterable[Equivalent]) -> str | None:
    """Say why a mutant counts as equivalent, None if it does not."""
    return next((one.why for one in known if one.covers(mutant)), None)
