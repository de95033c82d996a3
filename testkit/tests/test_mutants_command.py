"""``lamella mutants`` tries changes of an installed reader."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lamella.cli import main
from lamella_testkit.mutants.trial import Outcome, judged, mutants_of, sampled


def test_the_seed_says_which_changes_are_tried() -> None:
    made = mutants_of("blo")
    assert {one.module for one in made} >= {"lamella_blo.reader", "lamella_blo.header"}
    first = list(map(str, sampled(made, 10, 1)))
    assert first == list(map(str, sampled(made, 10, 1))) != list(map(str, sampled(made, 10, 2)))
    assert len(sampled(made, 10**6, 0)) == len(made)


def test_a_change_is_noticed_and_reported(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    only = "lamella_blo.header"
    code = main(["mutants", "blo", "--only", only, "--sample", "1", "--seed", "0", "--report", str(report)])
    facts = json.loads(report.read_text())
    assert facts["tried"] == 1
    assert code == (0 if facts["killed"] == 1 else 1)
    assert len(facts["survivors"]) == 1 - facts["killed"]


def test_running_out_of_time_is_no_kill() -> None:
    (verdict,) = judged("blo", mutants_of("blo")[:1], profile="brief", seconds=0.05, workers=1)
    assert verdict.outcome is Outcome.timed_out


@pytest.mark.slow
def test_most_changes_of_a_reader_are_noticed() -> None:
    made = sampled(mutants_of("blo"), 20, 3)
    verdicts = list(judged("blo", made, profile="dev", seconds=180, workers=2))
    assert sum(one.outcome is Outcome.killed for one in verdicts) >= 17
