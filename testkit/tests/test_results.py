"""Levels follow from results; excuses are strict; what is newer than the plugin is advisory."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from lamella.plugins.registry import default_registry
from lamella_testkit import Result, Status, level_of
from lamella_testkit.carryout import judged
from lamella_testkit.catalogue import all_checks, named
from lamella_testkit.checking import LEVELS, Check
from lamella_testkit.report import Report, summary
from lamella_testkit.results import failures
from lamella_testkit.runner import chosen
from lamella_testkit.sampler import Sampler


def result(level: int, status: Status = Status.passed, *, advisory: bool = False) -> Result:
    return Result(check=f"check_{level}", level=level, since="2026.1", rule="A rule.", status=status, advisory=advisory)


def complete() -> list[Result]:
    return [result(level) for level in range(len(LEVELS))]


def test_all_passed_is_the_highest_level() -> None:
    assert level_of(complete()) == 4


def test_nothing_is_no_level() -> None:
    assert level_of([]) is None


@pytest.mark.parametrize("status", [Status.failed, Status.skipped, Status.excused])
@pytest.mark.parametrize("level", range(5))
def test_what_did_not_pass_keeps_the_level_below(level: int, status: Status) -> None:
    made = [*complete(), result(level, status)]
    assert level_of(made) == (level - 1 if level else None)


def test_what_is_not_applicable_does_not_matter() -> None:
    assert level_of([*complete(), result(2, Status.not_applicable)]) == 4


def test_a_level_without_checks_is_not_reached() -> None:
    assert level_of([result(0), result(1), result(3)]) == 1


def test_advisory_checks_do_not_count() -> None:
    made = [*complete(), result(1, Status.failed, advisory=True)]
    assert level_of(made) == 4
    assert failures(made) == []


class Excusing(Sampler):
    format = "raw"
    dtypes = ("u1",)
    known_failures = {"full_read_equals_what_was_written": "issue 7"}  # noqa: RUF012

    def write(self, directory: Path, data: object) -> dict[str, object]:
        return {}


def judge(status: Status, check: str = "full_read_equals_what_was_written", edition: str = "2026.1") -> Result:
    return judged(named(check), Excusing, edition, status, "found", "example", 0.1)


def test_a_known_failure_is_excused_and_says_why() -> None:
    outcome = judge(Status.failed)
    assert outcome.status is Status.excused
    assert outcome.reason is not None
    assert "issue 7" in outcome.reason
    assert not outcome.counts_as_failure


def test_a_known_failure_that_passes_is_a_failure() -> None:
    outcome = judge(Status.passed)
    assert outcome.counts_as_failure
    assert "take it out" in str(outcome)


def test_a_check_newer_than_the_plugin_is_advisory() -> None:
    assert judge(Status.failed, "extreme_values_survive", edition="2025.2").advisory
    assert not judge(Status.failed, "extreme_values_survive", edition="2026.1").advisory


def test_a_failure_prints_rule_example_and_hint() -> None:
    text = str(judge(Status.failed, "single_frames_are_read"))
    for part in ("rule", "found", "example", "hint"):
        assert part in text


def test_every_check_has_a_rule_of_one_sentence() -> None:
    for one in all_checks():
        assert one.rule.endswith("."), one.name
        assert 20 < len(one.rule) < 160, one.name


def test_each_level_has_checks() -> None:
    assert {one.level for one in all_checks()} == set(range(len(LEVELS)))


def test_names_are_chosen_or_levels() -> None:
    assert [one.name for one in chosen(4, ["spec_loads"])] == ["spec_loads"]
    assert {one.level for one in chosen(1)} == {0, 1}
    with pytest.raises(KeyError, match="did you mean spec_loads"):
        named("spec_load")


def test_a_report_survives_being_saved(tmp_path: Path) -> None:
    plugin = default_registry().get("raw")
    report = Report.of(plugin, complete(), profile="dev")
    report.save(tmp_path / "r.json")
    again = Report.load(tmp_path / "r.json")
    assert again.level == 4
    facts = json.loads((tmp_path / "r.json").read_text())
    assert facts["level_name"] == "fast"
    assert facts["platform"]["limits"].keys() == {"address space", "wall clock", "bytes read", "descriptors"}
    assert all("rule" in check for check in facts["checks"])
    assert str(tmp_path) not in (tmp_path / "r.json").read_text()


@pytest.mark.parametrize(("level", "text"), [(None, "no level"), (0, "level 0, declared"), (3, "level 3, robust")])
def test_the_badge_shows_the_level(level: int | None, text: str) -> None:
    made = [] if level is None else [result(i) for i in range(level + 1)]
    badge = Report.of(default_registry().get("raw"), made, profile="dev").badge()
    assert badge.startswith("<svg")
    assert text in badge


def test_the_summary_says_what_the_next_level_wants() -> None:
    lines = summary([result(0), result(1), result(2, Status.skipped)])
    assert "Level 1, readable" in lines
    assert "Level 2 wants: check_2" in lines


def test_checks_are_plain_records() -> None:
    assert isinstance(named("spec_loads"), Check)


def test_a_summary_says_what_the_sampler_leaves_open_the_most_valuable_first() -> None:
    silent = {"recorded_files_are_read": "the sampler has no recorded files"}
    silent["special_files_are_read_as_stated"] = "the sampler writes no special files"
    made = [replace(result(3, Status.not_applicable), check=name, reason=reason) for name, reason in silent.items()]
    lines = "8 statements are reached by no right file:\nreader:3: return None"
    made.append(replace(result(3, Status.failed), check="right_files_reach_the_reader", reason=lines))
    told = summary(made)
    assert told[told.index("What the sampler leaves open, the most valuable first:") + 1 :] == [
        "  right_files_reach_the_reader: 8 statements are reached by no right file",
        "  special_files_are_read_as_stated: the sampler writes no special files",
        "  recorded_files_are_read: the sampler has no recorded files",
    ]
    assert not any("leaves open" in line for line in summary(complete()))
