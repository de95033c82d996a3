"""The kit tells mutants of our own readers from the originals."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from lamella.cli import main
from lamella.errors import ParameterError
from lamella_testkit.mutants.changes import mutants
from lamella_testkit.mutants.equivalents import Equivalent, read_table, reason
from lamella_testkit.mutants.trial import mutants_of

TABLE = Path(__file__).parent / "mutants" / "equivalents.toml"
NAMES = sorted(tomllib.loads(TABLE.read_text(encoding="utf-8")))

SOURCE = """
MOST = 7

def half(n, more=False):
    '''Not 2 of what people read.'''
    if n <= 0 and not more:
        raise ValueError(f"expected {1 + 1}")
    return [i * 2 for i in range(n) if i > 3]

class Pair:
    size = 2

    def sum(self, one, other):
        return one + other
"""


def test_operators_constants_and_branches_are_changed() -> None:
    assert [(one.part, one.line, one.text) for one in mutants("half", SOURCE)] == [
        ("MOST", 2, "7 becomes 8"),
        ("MOST", 2, "7 becomes 6"),
        ("half", 4, "False becomes True"),
        ("half", 6, "if n <= 0 and (not more): becomes True"),
        ("half", 6, "if n <= 0 and (not more): becomes False"),
        ("half", 6, "n <= 0 and (not more): and/or exchanged"),
        ("half", 6, "n <= 0: LtE becomes Lt"),
        ("half", 6, "0 becomes 1"),
        ("half", 6, "not more: not dropped"),
        ("half", 8, "i * 2: Mult becomes FloorDiv"),
        ("half", 8, "2 becomes 3"),
        ("half", 8, "2 becomes 1"),
        ("half", 8, "filter i > 3 dropped"),
        ("half", 8, "i > 3: Gt becomes GtE"),
        ("half", 8, "3 becomes 4"),
        ("half", 8, "3 becomes 2"),
        ("Pair.size", 11, "2 becomes 3"),
        ("Pair.size", 11, "2 becomes 1"),
        ("Pair.sum", 14, "one + other: Add becomes Sub"),
    ]


def test_a_row_is_about_changes_of_a_line_or_about_a_part() -> None:
    made = list(mutants("half", SOURCE))
    line = Equivalent(module="half", why="so", code="MOST = 7", changes=["7 becomes 8"])
    assert [one.text for one in made if line.covers(one)] == ["7 becomes 8"]
    part = Equivalent(module="half", why="so", part="Pair")
    assert [one.part for one in made if part.covers(one)] == ["Pair.size", "Pair.size", "Pair.sum"]
    assert not any(Equivalent(module="other", why="so", part="Pair").covers(one) for one in made)


@pytest.mark.parametrize(
    "row",
    [
        "why = 'so'",
        "code = 'x'\nwhy = 'so'",
        "code = 'x'\nchanges = ['y']\npart = 'z'\nwhy = 'so'",
        "part = 'z'\nwhy = ' '",
        "part = 'z'",
        "part = 'z'\nwhy = 'so'\nbecause = 'so'",
    ],
)
def test_a_row_that_says_too_little_or_too_much_is_refused(tmp_path: Path, row: str) -> None:
    table = tmp_path / "equivalents.toml"
    table.write_text(f"[[raw]]\nmodule = 'a'\n{row}\n", encoding="utf-8")
    assert read_table(table, "blo") == []
    with pytest.raises(ParameterError, match=r"equivalents.toml: .* row"):
        read_table(table, "raw")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_called_equivalent_can_be_made(name: str) -> None:
    """The table of equivalents moves with the code."""
    made = mutants_of(name)
    for row in read_table(TABLE, name):
        covered = [one for one in made if row.covers(one)]
        assert covered, f"{row.module}: {row.part or row.code}"
        if not row.part:
            assert {one.text for one in covered} == set(row.changes), f"{row.module}: {row.code}"


@pytest.mark.parametrize("name", NAMES)
def test_equivalents_are_the_exception(name: str) -> None:
    made = mutants_of(name)
    lines = [row for row in read_table(TABLE, name) if not row.part]  # what makes texts can be long
    assert sum(reason(one, lines) is not None for one in made) < len(made) / 5


@pytest.mark.slow
@pytest.mark.parametrize("name", ["raw", "npy", "blo"])
def test_the_kit_kills_mutants(name: str) -> None:
    assert main(["mutants", name, "--sample", "40", "--seed", "7", "--equivalents", str(TABLE)]) == 0
