"""The kit tells mutants of our own readers from the originals; ``python -m mutants`` in this folder says which."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from mutants.subjects import SUBJECTS, equivalents, reason
from mutants.trial import mutants_of

from lamella_testkit.mutants.changes import mutants

SOURCE = """
def half(n, more=False):
    '''Not 2 of what people read.'''
    if n <= 0 and not more:
        raise ValueError(f"expected {1 + 1}")
    return [i * 2 for i in range(n) if i > 3]
"""


def test_operators_constants_and_branches_are_changed() -> None:
    assert [(one.line, one.text) for one in mutants("half", SOURCE)] == [
        (2, "False becomes True"),
        (4, "if n <= 0 and (not more): becomes True"),
        (4, "if n <= 0 and (not more): becomes False"),
        (4, "n <= 0 and (not more): and/or exchanged"),
        (4, "n <= 0: LtE becomes Lt"),
        (4, "0 becomes 1"),
        (4, "not more: not dropped"),
        (6, "i * 2: Mult becomes FloorDiv"),
        (6, "2 becomes 3"),
        (6, "2 becomes 1"),
        (6, "filter i > 3 dropped"),
        (6, "i > 3: Gt becomes GtE"),
        (6, "3 becomes 4"),
        (6, "3 becomes 2"),
    ]


@pytest.mark.parametrize("name", SUBJECTS)
def test_what_is_called_equivalent_can_be_made(name: str) -> None:
    """The table of equivalents moves with the code."""
    made = mutants_of(SUBJECTS[name])
    for row in equivalents(name):
        texts = {one.text for one in made if row.covers(one)}
        assert texts == set(row.changes), f"{row.module}: {row.code}"
        assert row.why


@pytest.mark.parametrize("name", SUBJECTS)
def test_equivalents_are_the_exception(name: str) -> None:
    made = mutants_of(SUBJECTS[name])
    assert sum(reason(one, equivalents(name)) is not None for one in made) < len(made) / 5


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, subject in SUBJECTS.items() if not subject.only_by_hand])
def test_the_kit_kills_mutants(name: str) -> None:
    from mutants.__main__ import tally

    result = tally(name)
    assert not result.stale, "\n".join(result.stale)
    assert result.share >= 0.95, "\n".join(map(str, result.survived))
