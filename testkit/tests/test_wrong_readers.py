"""Each wrong reader is caught by the check that is named for its mistake; the right ones pass all checks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # where the child process finds the wrong readers

from wrong_readers.catalogue import Mistake, all_mistakes
from wrong_readers.rich_format import RichSampler
from wrong_readers.rich_reader import RICH
from wrong_readers.toy_format import LinearSampler, ProceduralSampler, ToySampler
from wrong_readers.toy_reader import PROCEDURAL, RIGHT

from lamella.format import FormatSpec
from lamella_testkit.catalogue import all_checks, named
from lamella_testkit.checking import Check
from lamella_testkit.isolation import Worker
from lamella_testkit.profiles import PROFILES
from lamella_testkit.results import Status

MISTAKES = all_mistakes()
NOT_INSTALLED = "distribution_is_complete"


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker() as child:
        yield child


def checks() -> list[pytest.param]:  # type: ignore[valid-type]
    return [
        pytest.param(one, id=one.name, marks=[pytest.mark.benchmark] if one.level == 4 else [])
        for one in all_checks()
        if one.name != NOT_INSTALLED
    ]


@pytest.mark.parametrize(
    ("spec", "sampler"),
    [(RIGHT, LinearSampler), (PROCEDURAL, ProceduralSampler)],
    ids=["linear", "procedural"],
)
@pytest.mark.parametrize("one", checks())
def test_a_right_reader_passes(one: Check, spec: FormatSpec, sampler: type[ToySampler], worker: Worker) -> None:
    result = worker.carry_out(spec, sampler, one, PROFILES["dev"])
    if result.status is Status.skipped and one.level == 4:
        pytest.skip(result.reason or "")
    assert result.status in (Status.passed, Status.not_applicable), str(result)


@pytest.mark.parametrize("check", sorted({one.check for one in MISTAKES if one.spec.name == "rich"}))
def test_the_right_reader_of_the_second_format_passes(check: str, worker: Worker) -> None:
    result = worker.carry_out(RICH, RichSampler, named(check), PROFILES["brief"])
    assert result.status is Status.passed, str(result)


@pytest.mark.parametrize(
    "wrong",
    [pytest.param(one, id=one.name, marks=[pytest.mark.benchmark] if one.level == 4 else []) for one in MISTAKES],
)
def test_a_mistake_is_caught_by_the_check_named_for_it(wrong: Mistake, worker: Worker) -> None:
    one = named(wrong.check)
    assert one.level == wrong.level
    result = worker.carry_out(wrong.spec, wrong.sampler, one, PROFILES["dev"])
    if result.status is Status.skipped and one.level == 4:
        pytest.skip(result.reason or "")
    assert result.status is Status.failed, f"{wrong.text}: {result}"
    assert result.reason
    assert result.hint is not None


def test_names_are_distinct() -> None:
    names = [one.name for one in MISTAKES]
    assert len(set(names)) == len(names) >= 30


def test_every_check_but_few_has_a_wrong_reader() -> None:
    """A check that catches no mistake may be empty."""
    without = {one.name for one in all_checks()} - {one.check for one in MISTAKES}
    assert without <= {
        NOT_INSTALLED,
        "known_failures_name_checks",  # a mistake of the sampler; see test_conformance_results
        "missing_file_is_not_found",  # the core's part
        "wrong_parameters_are_refused",  # the core's part
        "data_sets_pickle",  # the core's part, for formats of files
    }
