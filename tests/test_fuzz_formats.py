"""No installed format does what it must not with damaged files: those that once were found, and a search for more.

``LAMELLA_FUZZ_SECONDS`` is the time of the search, and ``LAMELLA_FUZZ_SEED`` its seed.
"""

from __future__ import annotations

import json
import os
from itertools import groupby
from pathlib import Path

import pytest

from lamella_testkit.commands.fuzz import subjects
from lamella_testkit.fuzz import Recipe, Trial, search

CORPUS = Path(__file__).parent / "fuzz_corpus"


def test_inputs_of_the_corpus_do_no_harm() -> None:
    found = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(CORPUS.glob("*.json"))}
    known = {one.name: one for one in subjects()}
    recipes = sorted(((name, Recipe.from_json(facts["recipe"])) for name, facts in found.items()), key=_format)
    assert recipes
    wrong = []
    with Trial(next(iter(known.values()))) as trial:
        for name, some in groupby(recipes, key=_format):
            files, made = zip(*some, strict=True)
            outcomes = trial.turned_to(known[name]).recipes(made)
            wrong += [f"{file}: {one}" for file, one in zip(files, outcomes, strict=True) if one.is_fault]
    assert not wrong


def _format(one: tuple[str, Recipe]) -> str:
    return one[1].format


@pytest.mark.fuzz
def test_no_format_has_faults() -> None:
    seconds = float(os.environ.get("LAMELLA_FUZZ_SECONDS", "600"))
    seed = int(os.environ.get("LAMELLA_FUZZ_SEED", "0"))
    tallies = search(subjects(), seed=seed, seconds=seconds, jobs=os.cpu_count() or 1)
    faults = [json.dumps(fault.to_json()) for tally in tallies for fault in tally.faults.values()]
    assert not faults
    assert all(tally.inputs for tally in tallies)
