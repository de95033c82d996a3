"""``lamella mutants`` tries changes of an installed reader."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lamella.cli import main
from lamella_testkit import carryout
from lamella_testkit.carryout import judged as judged_check
from lamella_testkit.checking import Check
from lamella_testkit.kit import Kit
from lamella_testkit.mutants import trial
from lamella_testkit.mutants.trial import Outcome, Verdict, judged, mutants_of, sampled
from lamella_testkit.results import Result, Status


def test_the_seed_says_which_changes_are_tried() -> None:
    made = mutants_of("blo")
    assert {one.module for one in made} >= {"lamella_blo.reader", "lamella_blo.header"}
    first = list(map(str, sampled(made, 10, 1)))
    assert first == list(map(str, sampled(made, 10, 1))) != list(map(str, sampled(made, 10, 2)))
    assert len(sampled(made, 10**6, 0)) == len(made)


@pytest.mark.parametrize(("outcome", "code"), [(Outcome.killed, 0), (Outcome.survived, 1), (Outcome.timed_out, 1)])
def test_the_report_holds_survivors_as_lines_of_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outcome: Outcome, code: int
) -> None:
    monkeypatch.setattr(trial, "judged", lambda name, some, **rest: [Verdict(one, outcome, "a check") for one in some])
    report = tmp_path / "report.json"
    assert main(["mutants", "blo", "--sample", "2", "--report", str(report)]) == code
    facts = json.loads(report.read_text())
    assert facts["tried"] == 2
    assert facts["killed"] == (2 if outcome is Outcome.killed else 0)
    known = {(one.module, one.line, one.code, one.text) for one in mutants_of("blo")}
    for survivor in facts["survivors"]:
        assert survivor["outcome"] == outcome
        assert tuple(survivor[key] for key in ("module", "line", "code", "change")) in known
    assert len(facts["survivors"]) == 2 - facts["killed"]


def test_running_out_of_time_is_no_kill() -> None:
    (verdict,) = judged("blo", mutants_of("blo")[:1], profile="brief", seconds=0.05, workers=1)
    assert verdict.outcome is Outcome.timed_out


def test_a_change_that_hangs_everywhere_is_left_soon_and_is_no_kill(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def carry_out(one: Check, kit: Kit) -> Result:
        tried.append(one.name)
        return judged_check(one, kit.sampler, kit.spec.edition, Status.failed, "it hangs: for ever", None, 0.0)

    monkeypatch.setattr(carryout, "carry_out", carry_out)
    assert trial.tried("blo", "brief") == (Outcome.timed_out, None)
    assert len(tried) < 10


PART = 'part = "MARKER"'
LINE = 'code = "MARKER = 0x55AA"\nchanges = ["21930 becomes 21931", "21930 becomes 21929"]'


@pytest.mark.parametrize(
    ("row", "outcome", "code"),
    [
        (LINE, Outcome.survived, 0),
        (LINE, Outcome.killed, 1),
        (PART, Outcome.survived, 0),
        (PART, Outcome.killed, 0),  # what makes texts may also fail
    ],
)
def test_what_cannot_be_noticed_does_not_count_and_has_to_survive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, row: str, outcome: Outcome, code: int
) -> None:
    table = tmp_path / "equivalents.toml"
    table.write_text(f'[[blo]]\nmodule = "lamella_blo.header"\n{row}\nwhy = "nobody looks"\n', encoding="utf-8")
    verdicts = {True: outcome, False: Outcome.killed}
    monkeypatch.setattr(
        trial, "judged", lambda name, some, **rest: [Verdict(one, verdicts[one.part == "MARKER"], "a") for one in some]
    )
    report = tmp_path / "report.json"
    assert main(["mutants", "blo", "--all", "--equivalents", str(table), "--report", str(report)]) == code
    facts = json.loads(report.read_text())
    assert not facts["survivors"]
    assert bool(facts["equivalent"]) == (outcome is Outcome.survived)
    assert bool(facts["stale"]) == bool(code)
