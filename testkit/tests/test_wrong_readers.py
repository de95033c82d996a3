"""Each wrong reader is caught by the check that is named for its mistake; the right ones pass all checks."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # where the child process finds the wrong readers

from wrong_readers.catalogue import Mistake, all_mistakes
from wrong_readers.rich_format import RichSampler
from wrong_readers.rich_reader import RICH
from wrong_readers.toy_format import LinearSampler, ProceduralSampler, ToySampler
from wrong_readers.toy_reader import PROCEDURAL, RIGHT, ToyFrames, ToyProceduralReader, ToyReader

from lamella.errors import FormatError
from lamella.format import FormatSpec
from lamella_testkit import SampleData
from lamella_testkit.catalogue import all_checks, named
from lamella_testkit.checking import Check
from lamella_testkit.isolation import Child, Worker
from lamella_testkit.profiles import PROFILES
from lamella_testkit.report import summary
from lamella_testkit.results import Status
from lamella_testkit.runner import run

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.reader import IOSession

MISTAKES = all_mistakes()
NOT_INSTALLED = "distribution_is_complete"


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker() as child:
        yield child


class Hasty(Worker):
    """Gives up earlier on a case that goes on for ever."""

    def __init__(self) -> None:
        Child.__init__(self, "wrong_readers.hasty:main")


ENDLESS = {"LoopsUnchecked", "ZeroLengthTag"}
"""Readers that never come back."""


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
@pytest.mark.parametrize("profile", ["brief", pytest.param("dev", marks=pytest.mark.slow)])
@pytest.mark.parametrize("one", checks())
def test_a_right_reader_passes(
    one: Check, spec: FormatSpec, sampler: type[ToySampler], profile: str, worker: Worker
) -> None:
    result = worker.carry_out(spec, sampler, one, PROFILES[profile])
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
    if wrong.name in ENDLESS:
        with Hasty() as hasty:
            result = hasty.carry_out(wrong.spec, wrong.sampler, one, PROFILES["dev"])
        assert "it hangs" in (result.reason or ""), str(result)
    else:
        result = worker.carry_out(wrong.spec, wrong.sampler, one, PROFILES["dev"])
    if result.status is Status.skipped and one.level == 4:
        pytest.skip(result.reason or "")
    assert result.status is Status.failed, f"{wrong.text}: {result}"
    assert result.reason
    assert result.hint is not None


def test_failures_with_the_reason_of_an_earlier_one_say_so() -> None:
    wrong = next(one for one in MISTAKES if one.text == "the byte order is ignored")
    names = ["every_shape_is_read", "full_read_equals_what_was_written", "metadata_is_json", "single_frames_are_read"]
    results = run(wrong.spec, wrong.sampler, checks=names, profile="brief", isolate=False)
    assert [one.follows for one in results if one.status is Status.failed] == [None, names[0], names[0]]
    assert "Begin with: every_shape_is_read; the other failures have the same reasons" in summary(results)


class StumblingSampler(ToySampler):
    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        raise KeyError("tags")


class StumblingReader(ToyReader):
    def tags(self, header: Any, probe: Any) -> dict[int, bytes]:
        raise KeyError("tags")


class RefusingReader(ToyReader):
    def version(self, version: int, probe: Any) -> None:
        raise FormatError("unknown version")


@pytest.mark.parametrize(
    ("reader", "sampler", "hint"),
    [
        (
            next(one.spec.reader for one in MISTAKES if one.text == "the byte order is ignored"),
            ToySampler,
            "byte order",
        ),
        (RIGHT.reader, StumblingSampler, "repair the sampler"),
        ("test_wrong_readers:StumblingReader", ToySampler, "begin with the line that is named"),
        ("test_wrong_readers:RefusingReader", ToySampler, "refuses a right file"),
    ],
    ids=["byte order", "sampler", "reader", "refused"],
)
def test_the_hint_fits_the_cause(reader: str, sampler: type[ToySampler], hint: str) -> None:
    spec = replace(RIGHT, reader=reader)
    (result,) = run(spec, sampler, checks=["every_shape_is_read"], profile="brief", isolate=False)
    assert result.hint is not None
    assert hint in result.hint


class ThreeFramesSampler(ProceduralSampler):
    def fit(self, data: SampleData) -> SampleData:
        return data.but(nav_shape=(3, 1), sig_shape=(64, 64)) if data.n_frames > 3 else data


class SlowReader(ToyProceduralReader):
    class frames(ToyFrames):
        def frame(self, io: IOSession, frame: int) -> NDArray[Any]:
            time.sleep(0.03)  # as a decoder does that leaves the interpreter to other threads
            return super().frame(io, frame)


@pytest.mark.benchmark
def test_two_threads_share_three_frames_fairly() -> None:
    spec = replace(PROCEDURAL, reader="test_wrong_readers:SlowReader")
    names = ["two_workers_are_faster_than_one"]
    (result,) = run(spec, ThreeFramesSampler, checks=names, profile="brief", isolate=False)
    if result.status is Status.skipped:
        pytest.skip(result.reason or "")
    assert result.status is Status.passed, str(result)


def test_a_plugin_that_the_core_does_not_use_is_told_so_once() -> None:
    spec = replace(RIGHT, name="unusable", params="")
    results = run(spec, ToySampler, checks=["spec_is_valid", "every_shape_is_read"], profile="brief", isolate=False)
    assert [one.follows for one in results] == [None, "spec_is_valid"]
    assert "begin with spec_is_valid" in str(results[1].hint)


def test_pixels_come_before_everything_that_depends_on_them() -> None:
    names = [one.name for one in all_checks() if one.level == 1]
    assert names[:2] == ["shape_and_dtype_are_right", "full_read_equals_what_was_written"]


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
