"""A search finds everything that a reader must not do, says so, and can be repeated and continued."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # where the child process finds the readers

from wrong_readers.careless import CARELESS, THINGS
from wrong_readers.toy_format import ToySampler
from wrong_readers.toy_reader import RIGHT

from lamella.cli import main
from lamella_testkit.fuzz import Base, Limits, Outcome, Recipe, Step, Subject, Trial, reduced, search
from lamella_testkit.fuzz.exercise import Exercise
from lamella_testkit.kit import Kit
from lamella_testkit.profiles import PROFILES
from lamella_testkit.sample import SampleData

LINUX = sys.platform == "linux"
QUICK = Limits(seconds=1.0, cpu_seconds=5.0)
BASE = Base(SampleData((2, 3), (4, 5), "<u2", variant="sidecar"))
KINDS = {"unseen": "outside", "pipe": "hang", "leaves": "exception"}
"""What a thing is called, where that is not its own name."""
ELSEWHERE = ("memory", "outside", "unseen", "open", "output")
"""What only Linux lets the kit see."""


def version(number: int) -> Step:
    return Step("replace", "scan.toy", 4, 6, new=number.to_bytes(2, "little"))


def careless(*steps: Step) -> Recipe:
    return Recipe("toy", BASE, steps)


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    """What comes of a file for each thing that the careless reader does."""
    things = [thing for thing in THINGS if LINUX or thing not in ELSEWHERE]
    pipe = (Step("fifo", "scan.json"),)
    recipes = [careless(version(2 + THINGS.index(one)), *(pipe if one == "pipe" else ())) for one in things]
    with Trial(Subject(CARELESS, ToySampler), QUICK) as trial:
        found = trial.recipes([careless(), *recipes, careless()])
    return dict(zip(("before", *things, "after"), found, strict=True))


@pytest.mark.parametrize("thing", THINGS)
def test_each_thing_that_a_reader_must_not_do_is_found(thing: str, outcomes: dict[str, Outcome]) -> None:
    if thing not in outcomes:
        pytest.skip("this system does not show it")
    found = outcomes[thing]
    assert found.kind == KINDS.get(thing, thing), found
    assert found.text


def test_a_file_is_read_before_and_after_the_process_was_lost(outcomes: dict[str, Outcome]) -> None:
    assert outcomes["before"].kind == outcomes["after"].kind == "read"


def test_a_right_reader_has_no_faults_and_inputs_are_found_again() -> None:
    made: list[tuple[int, dict[str, object], str]] = []

    def told(number: int, outcome: Outcome, recipe: dict[str, object]) -> None:
        assert not outcome.is_fault, (outcome, recipe)
        made.append((number, recipe, outcome.kind))

    with Trial(Subject(RIGHT, ToySampler), QUICK) as trial:
        after = trial.numbers(7, 0, seconds=600, count=40, told=told)
        trial.close()  # the next one is another process
        trial.numbers(7, 24, seconds=600, count=16, told=told)
        trial.numbers(8, 0, seconds=600, count=1, told=told)
    first, again, other = made[:40], made[40:56], made[56]
    assert after == 40
    assert first[24:] == again
    assert other[1] != first[0][1]
    assert {kind for _, _, kind in first} == {"read", "refused"}
    assert len({json.dumps(recipe) for _, recipe, _ in first}) > 30


def test_a_search_shares_its_time_and_counts() -> None:
    told: list[str] = []
    subjects = [Subject(CARELESS, ToySampler)]
    (tally,) = search(
        subjects,
        seconds=600,
        inputs=25,
        jobs=2,
        limits=QUICK,
        progress=lambda tally, fault: told.append(tally.format if fault is None else fault.outcome.kind),
    )
    facts = tally.to_json()
    assert facts["inputs"] == 25
    assert facts["inputs"] == sum(int(str(facts[key])) for key in ("read", "refused", "faults"))
    assert tally.rate > 0
    assert "toy" in told


def test_a_recipe_is_reduced_to_what_is_needed(outcomes: dict[str, Outcome]) -> None:
    wanted = version(2 + THINGS.index("exception"))
    more = (Step("replace", "scan.toy", 90, 94, new=b"\0\1\2\3"), wanted, Step("cut", "scan.toy", end=200))
    signature = outcomes["exception"].signature
    assert reduced(Subject(CARELESS, ToySampler), careless(*more), signature, limits=QUICK).steps == (wanted,)


class CarefulSampler(ToySampler):
    careful: ClassVar[Mapping[str, Any]] = {"first_part_only": True}


@pytest.mark.parametrize(("careful", "kind"), [(True, "refused"), (False, "read")])
def test_files_are_opened_as_files_from_strangers(careful: bool, kind: str, tmp_path: Path) -> None:
    kit = Kit(CARELESS, CarefulSampler(), profile=PROFILES["dev"], workdir=tmp_path)
    assert Exercise(kit, Limits(careful=careful)).run(kit.written()).kind == kind


def test_recipes_survive_as_json() -> None:
    other = Base(recorded="ser/x/y.ser")
    steps = (version(3), Step("splice", "scan.toy", 3, at=9, other=other), Step("name", "a", 1, 2, name="../é\0\0"))
    recipe = Recipe("toy", BASE, steps)
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe


def test_the_command_says_what_it_tried(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "report.json"
    asked = ["fuzz", "npy", "--inputs", "5", "--start", "3", "--seconds", "600", "--report", str(report), "--json"]
    assert main(asked) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts == json.loads(report.read_text())
    (row,) = facts["formats"]
    assert (row["format"], row["inputs"], row["faults"], row["next"]) == ("npy", 5, 0, 8)
    assert main(["fuzz", "memory"]) == 1
    assert "has no files" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_a_step_on_a_file_that_is_a_link_to_itself_does_nothing(tmp_path: Path) -> None:
    """An input may make a file a link to itself, and then put a name into it."""
    from lamella_testkit.fuzz.recipe import OUTSIDE
    from lamella_testkit.fuzz.steps import apply

    (tmp_path / "input").mkdir()
    for step in (Step("link", "scan.emi", name="scan.emi"), Step("name", "scan.emi", name=OUTSIDE)):
        apply(tmp_path / "input", step, None)  # type: ignore[arg-type]
    assert (tmp_path / "input" / "scan.emi").is_symlink()
