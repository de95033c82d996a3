"""`lamella info`, `probe`, `formats` and `doctor`: what they say about files and the installation."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Annotated

import numpy as np
import pytest

from lamella.cli import main
from lamella.demo import DemoScan, write_scan
from lamella.format import FormatSpec, Param
from lamella.plugins.hooks import hookimpl, hooks
from lamella.plugins.hookspecs import Finding
from lamella.plugins.registry import default_registry

pytest.importorskip("lamella_raw")
pytest.importorskip("lamella_blo")

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def blo(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("cli") / "scan.blo"
    write_scan(path, DemoScan((4, 6), detector=16))
    return str(path)


@pytest.fixture
def raw(tmp_path: Path) -> str:
    path = tmp_path / "scan.xyz"
    np.arange(6 * 8 * 8, dtype=">u2").tofile(path)
    return str(path)


def answer(arguments: list[str], capsys: Capture, code: int = 0) -> dict[str, object]:
    assert main([*arguments, "--json"]) == code
    parsed: dict[str, object] = json.loads(capsys.readouterr().out)
    return parsed


def test_info_says_shape_axes_and_where_they_come_from(blo: str, capsys: Capture) -> None:
    assert main(["info", blo]) == 0
    text = capsys.readouterr().out
    assert "scan      4 x 6, from header" in text
    assert "detected with confidence 100 of 100" in text
    assert "y   4, step 66.67 nm" in text
    assert "beam energy           200 kV" in text


def test_info_gives_everything_as_json(blo: str, capsys: Capture) -> None:
    data = answer(["info", blo], capsys)
    assert data["shape"] == {"nav": [4, 6], "sig": [16, 16]}
    assert data["dtype"] == "uint8"
    assert data["provenance"]["format"] == "blo"  # type: ignore[index]
    assert [axis["units"] for axis in data["axes"]] == ["nm", "nm", "1/nm", "1/nm"]  # type: ignore[attr-defined]


def test_common_parameters_are_options_of_every_format(blo: str, capsys: Capture) -> None:
    assert answer(["info", blo, "--nav-shape", "2,12"], capsys)["shape"] == {"nav": [2, 12], "sig": [16, 16]}


def test_a_scan_that_does_not_fit_is_a_warning_on_standard_error(blo: str, capsys: Capture) -> None:
    assert main(["info", blo, "--nav-shape", "5,6", "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.err.startswith("lamella: warning: ")
    assert json.loads(captured.out)["missing_frames"] == 6


@pytest.mark.parametrize("order", ["format first", "file first", "file in the middle"])
def test_parameters_of_a_format_are_options_wherever_they_stand(order: str, raw: str, capsys: Capture) -> None:
    choice, parameters = ["--format", "raw"], ["--dtype", ">u2", "--sig-shape", "8,8"]
    arguments = {
        "format first": [*choice, *parameters, raw],
        "file first": [raw, *choice, *parameters],
        "file in the middle": [*parameters, raw, *choice],
    }[order]
    data = answer(["info", *arguments], capsys)
    assert data["shape"] == {"nav": [6], "sig": [8, 8]}
    assert data["dtype"] == "uint16"


def test_parameters_of_the_detected_format_are_options(blo: str, capsys: Capture) -> None:
    assert answer(["info", "--bit-depth", "8", blo], capsys)["diagnostics"]["bit depth decided by"] == "bit_depth"  # type: ignore[index]


def test_help_shows_the_parameters_of_the_format_once_it_is_known(blo: str, capsys: Capture) -> None:
    assert main(["info", blo, "--help"]) == 0
    assert "parameters of format blo:" in capsys.readouterr().out
    assert main(["info", "--format", "raw", "--help"]) == 0
    assert "--frame-header" in capsys.readouterr().out


def test_a_parameter_of_another_format_says_whose_it_is(blo: str, capsys: Capture) -> None:
    assert main(["info", blo, "--frame-header", "6"]) == 2
    assert "--frame-header is a parameter of format 'raw', and not of 'blo'" in capsys.readouterr().err


def test_a_parameter_without_a_known_format_asks_for_the_format(raw: str, capsys: Capture) -> None:
    assert main(["info", raw, "--frame-header", "6"]) == 2
    assert "could not be determined: name it by --format" in capsys.readouterr().err


def test_a_mistyped_parameter_names_the_nearest(raw: str, capsys: Capture) -> None:
    assert main(["info", raw, "--format", "raw", "--frame-heeder", "6"]) == 2
    assert "did you mean --frame-header?" in capsys.readouterr().err
    assert main(["info", raw, "--frame-heeder", "6"]) == 2
    assert "did you mean --frame-header, a parameter of format 'raw'?" in capsys.readouterr().err


def test_a_value_of_the_wrong_type_is_wrong_usage(raw: str, capsys: Capture) -> None:
    assert main(["info", raw, "--format", "raw", "--frame-header", "six"]) == 2
    assert "expected an integer" in capsys.readouterr().err


def test_all_missing_parameters_are_told_at_once(raw: str, capsys: Capture) -> None:
    error = answer(["info", raw, "--format", "raw"], capsys, code=1)["error"]
    assert {problem["field"] for problem in error["problems"]} == {"dtype", "sig_shape"}  # type: ignore[index]


def test_a_format_that_is_not_installed_says_so(raw: str, capsys: Capture) -> None:
    assert main(["info", raw, "--format", "rav"]) == 1
    assert "did you mean raw" in capsys.readouterr().err


@dataclass(frozen=True, kw_only=True)
class OddParams:
    """Parameters one of which is named like an option of `lamella run`."""

    out: Annotated[int, Param(doc="How far out.")] = 0


def test_a_parameter_named_like_an_option_of_the_command_gets_the_format_in_front(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("odd_format_for_tests")
    module.OddParams = OddParams  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    params = f"{module.__name__}:OddParams"
    registry = default_registry()
    registry.register(FormatSpec(name="odd", title="Odd", api=(1, 0), reader=params, params=params))
    try:
        assert main(["run", "--odd-out", "3", "--format", "odd", "--help"]) == 0
        assert main(["run", "--odd-out", "3", "nowhere.odd", "--format", "odd"]) == 1
    finally:
        registry._registered.clear()
        registry.refresh()
    captured = capsys.readouterr()
    assert "--odd-out INT" in captured.out
    assert "nowhere.odd: No such file" in captured.err


def test_probe_lists_candidates_and_names_the_winner(blo: str, capsys: Capture) -> None:
    assert main(["probe", blo]) == 0
    text = capsys.readouterr().out
    assert "blo        confidence 100" in text
    assert "Opens as blo, by lamella-blo" in text
    assert answer(["probe", blo], capsys)["winner"] == "blo"


def test_probe_fails_where_nothing_fits_and_still_reports(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Sir or Madam, this is no scan.")
    assert answer(["probe", str(path)], capsys, code=1)["winner"] is None


def test_formats_lists_status_and_what_is_not_installed(capsys: Capture) -> None:
    assert main(["formats"]) == 0
    text = capsys.readouterr().out
    assert "NanoMEGAS ASTAR block file" in text
    listed = answer(["formats", "list"], capsys)
    assert {"blo", "raw"} <= {entry["name"] for entry in listed["formats"]}  # type: ignore[attr-defined]


def test_formats_show_prints_every_parameter(capsys: Capture) -> None:
    assert main(["formats", "show", "raw"]) == 0
    text = capsys.readouterr().out
    assert "--frame-header" in text
    assert "sync_offset" in text


def test_formats_show_gives_a_json_schema(capsys: Capture) -> None:
    schema = answer(["formats", "show", "RAW"], capsys)["parameters"]
    assert "dtype" in schema["required"]  # type: ignore[index]


def test_formats_show_wants_a_name(capsys: Capture) -> None:
    assert main(["formats", "show"]) == 2
    assert "which format?" in capsys.readouterr().err


def test_doctor_finds_a_good_installation_well(capsys: Capture) -> None:
    findings = answer(["doctor"], capsys)["findings"]
    subjects = {finding["subject"] for finding in findings}  # type: ignore[attr-defined]
    assert {"lamella", "numpy", "format blo", "I/O mmap", "cores", "compiled kernels"} <= subjects


class Worried:
    """A package that has found something."""

    @hookimpl
    def lamella_doctor(self) -> list[Finding]:
        return [Finding("gpu", "error", "it is on fire", "put it out")]


def test_doctor_fails_when_a_package_finds_an_error(capsys: Capture) -> None:
    package = Worried()
    hooks().register(package)
    try:
        assert main(["doctor"]) == 1
    finally:
        hooks().unregister(package)
    text = capsys.readouterr().out
    assert "it is on fire" in text
    assert "put it out" in text


def test_doctor_fails_when_a_plugin_cannot_be_used(capsys: Capture) -> None:
    registry = default_registry()
    future = FormatSpec(name="future", title="From the future", api=(9, 0), reader="a:B", params="a:C")
    registry.register(future, distribution="lamella-future")
    try:
        assert main(["doctor"]) == 1
        assert "needs plugin API 9.0" in capsys.readouterr().out
    finally:
        registry._registered.clear()
        registry.refresh()


def test_doctor_fails_when_a_reader_cannot_be_imported(capsys: Capture) -> None:
    registry = default_registry()
    hollow = FormatSpec(name="hollow", title="Hollow", api=(1, 0), reader="json:NoSuchReader", params="json:NoParams")
    registry.register(hollow, distribution="lamella-hollow")
    try:
        assert main(["doctor"]) == 1
        text = " ".join(capsys.readouterr().out.split())
        assert "broken: the reader of format 'hollow' cannot be loaded" in text
    finally:
        registry._registered.clear()
        registry.refresh()


def test_a_table_names_a_file_once(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "scan.npy", np.zeros((2, 2, 4, 4), np.uint8))
    np.save(tmp_path / "empty.npy", np.zeros((0, 4, 4), np.uint8))
    monkeypatch.chdir(tmp_path)
    for target in (".", str(tmp_path)):
        assert main(["info", target]) == 1
        assert "  empty.npy  the array is empty; found" in capsys.readouterr().out
