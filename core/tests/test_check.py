"""What a form is told while somebody types: problems at their fields, counts and other shapes; nothing is opened."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import lamella
from lamella.corrections.corrections import Corrections
from lamella.errors import LamellaWarning, ParameterError
from lamella.format import FormatSpec, Param
from lamella.opening.check import CheckReport
from lamella.opening.open import open_dataset
from lamella.plugins.registry import Registry
from lamella.reader.match import Match
from lamella.reader.probe import Probe
from lamella.reader.source import LinearSource


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("check") / "scan.npy"
    np.save(path, np.zeros((12, 8, 6), dtype=np.uint16))
    return path


def test_a_target_that_opens_is_described(scan: Path) -> None:
    report = lamella.check("auto", scan, {})
    assert report.ok
    assert (report.format, report.title) == ("npy", "NumPy array file")
    assert (report.nav_shape, report.sig_shape, report.dtype) == ((12,), (8, 6), "uint16")
    assert report.counts is not None
    assert (report.counts.frames, report.counts.shown, report.counts.missing) == (12, 12, 0)
    assert report.alternatives == (((3, 4), "shows all 12 frames"), ((2, 6), "shows all 12 frames"))
    assert report.missing == ()


def test_counts_say_what_is_skipped_inserted_and_ignored(scan: Path) -> None:
    skipped = lamella.check("npy", scan, {"nav_shape": "2x4", "sync_offset": "3"}).counts
    assert skipped is not None
    assert (skipped.frames, skipped.skipped_start, skipped.shown, skipped.ignored_end) == (12, 3, 8, 1)
    inserted = lamella.check("npy", scan, {"nav_shape": "3x5", "sync_offset": "-2"}).counts
    assert inserted is not None
    assert (inserted.missing_start, inserted.shown, inserted.missing_end) == (2, 12, 1)


@pytest.mark.parametrize("values", [{}, {"nav_shape": (2, 4), "sync_offset": 3}, {"nav_shape": (4, 4)}])
@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_the_scan_is_the_one_that_would_be_opened(scan: Path, values: Mapping[str, Any]) -> None:
    report, ds = lamella.check("auto", scan, values), open_dataset("auto", scan, values)
    assert report.counts == ds.frame_map.counts
    assert (report.nav_shape, report.sync_offset) == (tuple(ds.shape.nav), ds.frame_map.sync_offset)
    assert (report.sig_shape, report.dtype) == (tuple(ds.shape.sig), str(ds.dtype))
    assert report.nav_origin == ds.nav_origin
    for name, value in ds.provenance.parameters.items():
        assert report.values[name] == value
        assert report.origins[name] == ds.provenance.origins.get(name, "default")


def test_values_come_in_their_types_with_their_origins(tmp_path: Path) -> None:
    (tmp_path / "scan.raw").write_bytes(bytes(1000))
    (tmp_path / "scan.raw.toml").write_text('[params]\nfiletype = "raw"\ndtype = "u1"\nsig_shape = [5, 5]\n')
    report = lamella.check("auto", tmp_path / "scan.raw", {"nav_shape": "8 5", "sig_shape": "10, 5"})
    assert report.ok, report.problems
    told = {name: (report.values[name], report.origins[name]) for name in report.values}
    assert told["dtype"] == ("|u1", "sidecar scan.raw.toml")
    assert told["sig_shape"] == ((10, 5), "user")
    assert told["nav_shape"] == ((8, 5), "user")
    assert told["file_header"] == (0, "default")
    assert told["missing"] == ("skip", "default")


def test_what_has_to_be_given_is_named(tmp_path: Path) -> None:
    path = tmp_path / "scan.raw"
    path.write_bytes(bytes(1000))
    report = lamella.check("auto", path, {"dtype": "u1"})
    assert report.format == "raw"
    assert report.missing == ("sig_shape",)
    assert [field for field, _ in report.problems] == ["sig_shape"]
    assert report.at("sig_shape")[0].startswith("required")
    assert lamella.check("auto", path, {"dtype": "u1", "sig_shape": "what"}).missing == ()


def fields(report: CheckReport) -> list[str | None]:
    return [field for field, _ in report.problems]


def test_every_wrong_value_is_told_at_its_field(scan: Path) -> None:
    report = lamella.check("npy", scan, {"nav_shape": "0 5", "sig_dims": "two", "missing": "skp", "nav_shap": 3})
    assert sorted(map(str, fields(report))) == ["missing", "nav_shap", "nav_shape", "sig_dims"]
    assert report.at("nav_shape") == ("must be >= 1, found 0 at index 0",)
    assert "did you mean 'nav_shape'?" in report.at("nav_shap")[0]
    assert not {"nav_shape", "sig_dims", "missing"} & report.values.keys()
    assert report.counts is None


def test_a_wrong_scan_shape_leaves_counts_and_shapes_to_choose_from(scan: Path) -> None:
    report = lamella.check("npy", scan, {"nav_shape": "3 0", "num_partitions": "many", "sync_offset": 2})
    assert sorted(map(str, fields(report))) == ["nav_shape", "num_partitions"]
    assert report.counts is not None
    assert (report.counts.frames, report.counts.skipped_start) == (12, 2)
    assert (report.nav_shape, report.nav_origin) == ((12,), "header")
    assert report.alternatives[0][0] == (3, 4)


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"sig_shape": (50, 70)}, "sig_shape", "pixels"),
        ({"sync_offset": 12}, "sync_offset", "no frame is visible"),
        ({"nav_shape": (10**9, 10**9)}, "nav_shape", "absurd"),
        ({"nav_shape": (4, 4), "missing": "error"}, "nav_shape", "4 of 16 scan positions have no frame"),
        ({"corrections": 7}, "corrections", "expected True, False or Corrections"),
        ({"corrections": Corrections.of((3, 3), dark=np.ones((3, 3)))}, "corrections", "do not fit"),
        ({"io_backend": "tape"}, "io_backend", "no I/O backend is called 'tape'"),
        ({"sig_dims": 1, "sig_shape": (8, 6)}, "sig_dims", "another number of axes"),
    ],
)
def test_what_only_the_file_can_tell_stands_at_its_field(
    scan: Path, values: Mapping[str, Any], field: str, words: str
) -> None:
    report = lamella.check("npy", scan, values)
    assert fields(report) == [field]
    assert words in report.problems[0].text


def damaged(folder: Path) -> Path:
    path = folder / "damaged.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00\x10\x00what is this\n")
    return path


@pytest.mark.parametrize(
    ("format", "target", "field", "words"),
    [
        ("auto", "nowhere.npy", "target", "nowhere.npy"),
        ("npy", "nowhere.npy", "target", "nowhere.npy"),
        ("auto", ".", "target", ""),
        ("auto", "", "target", ""),
        ("auto", "a\0b", "target", "null"),
        ("auto", None, "target", "no installed format"),
        ("nyp", "nowhere.npy", "format", "no format is called 'nyp'; did you mean"),
        ("npy", ["a.npy", "b.npy"], "target", "a.npy"),
    ],
)
def test_a_target_that_does_not_open_is_a_problem_and_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str, target: Any, field: str, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    report = lamella.check(format, target, {})
    assert not report.ok
    assert field in fields(report)
    assert words in " ".join(text for _, text in report.problems)


def test_a_damaged_file_is_a_problem_of_no_parameter(tmp_path: Path) -> None:
    report = lamella.check("npy", damaged(tmp_path), {})
    assert fields(report) == [None]
    assert "damaged.npy" in report.problems[0].text


def test_values_are_checked_without_the_file(tmp_path: Path) -> None:
    report = lamella.check("raw", tmp_path / "later.raw", {"dtype": "u1", "sig_shape": "x"})
    assert fields(report) == ["target", "sig_shape"]
    assert report.values["dtype"] == "|u1"


def test_several_files_for_a_format_that_opens_one(scan: Path) -> None:
    report = lamella.check("npy", [scan, scan], {})
    assert fields(report) == ["target"]
    assert "opens one file, found a list of 2" in report.problems[0].text


def test_a_report_becomes_json(scan: Path) -> None:
    told = lamella.check("npy", scan, {"nav_shape": (3, 5), "corrections": Corrections()}).to_json()
    facts = json.loads(json.dumps(told))
    assert facts["ok"] is True
    assert facts["nav_shape"] == [3, 5]
    assert facts["counts"]["missing"] == 3
    assert facts["alternatives"][0] == {"nav_shape": [3, 4], "why": "shows all 12 frames"}
    assert facts["origins"]["nav_shape"] == "user"
    wrong = json.loads(json.dumps(lamella.check("npy", scan, {"nav_shape": "a"}).to_json()))
    assert wrong["problems"][0]["field"] == "nav_shape"


# Nothing is opened


@dataclass(frozen=True, slots=True, kw_only=True)
class LoudParams:
    """Parameters of a format that warns."""

    sig_dims: Annotated[int, Param(doc="Detector axes.")] = 2


class LoudReader:
    """Opens .npy files with warnings and a count."""

    opened: ClassVar[int] = 0

    def detect(self, probe: Probe) -> Match | None:
        warnings.warn("looking", stacklevel=2)
        return Match(60, "loud", missing=("gain",))

    def open(self, params: LoudParams, probe: Probe) -> LinearSource:
        warnings.warn("opening", stacklevel=2)
        LoudReader.opened += 1
        source = open_dataset("npy", probe.path, {}).source
        assert isinstance(source, LinearSource)
        return source


@pytest.fixture
def loud() -> Registry:
    registry = Registry(entry_points=lambda **_: ())
    registry.register(
        FormatSpec(
            name="loud",
            title="Loud",
            api=(1, 0),
            reader=f"{__name__}:LoudReader",
            params=f"{__name__}:LoudParams",
        )
    )
    return registry


def test_no_warning_comes_through(scan: Path, loud: Registry) -> None:
    from lamella.opening.check import check

    before, filters = LoudReader.opened, list(warnings.filters)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        report = check("auto", scan, {"nav_shape": (4, 5)}, registry=loud)
    assert caught == []
    assert warnings.filters == filters
    assert LoudReader.opened == before + 1
    assert report.ok
    assert report.counts is not None
    assert report.counts.missing == 8
    assert report.missing == ("gain",)


def test_no_hook_is_called_and_no_data_set_is_made(scan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*args: object, **keywords: object) -> None:
        raise AssertionError("nobody is to be told")

    monkeypatch.setattr("lamella.opening.open.hooks", forbidden)
    monkeypatch.setattr("lamella.plugins.hooks.hooks", forbidden)
    monkeypatch.setattr("lamella.dataset.dataset.DataSet.__init__", forbidden)
    assert lamella.check("auto", scan, {"nav_shape": (4, 5)}).ok
    (scan.parent / "strange.xyz").write_bytes(b"%PDF-1.4 strange")
    assert fields(lamella.check("auto", scan.parent / "strange.xyz", {})) == ["target"]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files of the process")
def test_nothing_stays_open(scan: Path) -> None:
    lamella.check("auto", scan, {})
    before = len(list(Path("/proc/self/fd").iterdir()))
    reports = [lamella.check("auto", scan, {"nav_shape": (3, 4)}) for _ in range(20)]
    assert all(report.ok for report in reports)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


_texts = st.text(max_size=12) | st.none() | st.integers() | st.floats() | st.lists(st.integers(), max_size=3)


@settings(max_examples=3 * settings().max_examples // 2, deadline=None)
@given(
    values=st.dictionaries(
        st.sampled_from(["nav_shape", "sig_shape", "sync_offset", "sig_dims", "missing", "num_partitions", "oops"]),
        _texts,
    )
)
def test_whatever_is_typed_the_report_says_what_open_would(scan: Path, values: dict[str, Any]) -> None:
    report = lamella.check("npy", scan, values)
    json.dumps(report.to_json())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LamellaWarning)
        error = failure_of(scan, values)
    assert report.ok == (error is None), report.problems
    if isinstance(error, ParameterError):
        assert set(error.problems) <= set(report.problems)


def failure_of(scan: Path, values: dict[str, Any]) -> lamella.LamellaError | None:
    try:
        open_dataset("npy", scan, values)
    except lamella.LamellaError as error:
        return error
    return None


def test_a_single_frame_has_no_other_scan(tmp_path: Path) -> None:
    np.save(tmp_path / "frame.npy", np.zeros((8, 6), dtype=np.uint16))
    assert lamella.check("auto", tmp_path / "frame.npy", {}).alternatives == ()
