"""Options of `lamella run` that make no sense are errors in words of the command line, before any work."""

import re
from pathlib import Path

import numpy as np
import pytest

from lamella.cli import main

pytest.importorskip("lamella_raw")

Capture = pytest.CaptureFixture[str]
SCAN = ["scan.raw", "--format", "raw", "--dtype", "u2", "--sig-shape", "12,14", "--nav-shape", "4,6"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a scan of 4 x 6 frames of 12 x 14 pixels."""
    np.random.default_rng(3).integers(0, 900, (24, 12, 14), dtype=np.uint16).tofile(tmp_path / "scan.raw")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    # Modules that take it from there come first: importing them later would keep what stands there now.
    for name in ("lamella.firstlook.plan.find_beam", "lamella.cli.run.stream", "lamella.analysis.beam.find_beam"):
        monkeypatch.setattr(name, lambda *_: pytest.fail("it began to work"))


def refused(capsys: Capture, *options: str) -> str:
    """Give what is told; the exit code says wrong usage, and nothing was written."""
    before = sorted(Path().iterdir())
    assert main(["run", *SCAN, *options]) == 2
    assert sorted(Path().iterdir()) == before
    told = capsys.readouterr().err
    assert not re.search(r"invalid literal|Error\b|cpus|Traceback|make_with", told)
    return told


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(
    ("roi", "why"),
    [
        ("abc", "expected slices of the scan axes such as 10:20,:"),
        ("", "expected slices"),
        ("1:2,", "expected slices"),
        ("1:2:3:4", "expected slices"),
        ("::0", "expected slices"),
        ("1.5", "expected slices"),
        ("9" * 5000, "expected slices"),
        ("2:2,:", "part 1 selects none of the 4 positions"),
        ("3:1", "part 1 selects none"),
        (":,70:90", "part 2 selects none of the 6 positions"),
        ("9,9", "axis 1 of the scan has 4 positions, and no position 9"),
        ("1:2,3:4,5:6", "it has 3 parts, and the scan (4, 6) has 2 axes"),
        ("absent.npy", "there is no such file"),
    ],
)
def test_a_region_that_selects_nothing_or_is_none(roi: str, why: str, capsys: Capture) -> None:
    told = refused(capsys, f"--roi={roi}")
    assert "--roi" in told
    assert why in told


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("kind", ["false", "shape", "numbers", "text", "empty", "objects", "many", "huge", "folder"])
def test_a_file_that_is_no_region(kind: str, capsys: Capture) -> None:
    path = Path("mask.npy")
    arrays = {
        "false": np.zeros((4, 6), bool),
        "shape": np.ones((6, 4), bool),
        "numbers": np.ones((4, 6)),
        "objects": np.full((4, 6), None),
    }
    if kind in arrays:
        np.save(path, arrays[kind])
    elif kind == "many":
        np.savez("mask.npz", np.ones((4, 6), bool))
        Path("mask.npz").rename(path)
    elif kind == "huge":
        np.save(path, np.ones((4, 6), bool))
        path.write_bytes(path.read_bytes().replace(b"(4, 6), }", b"(99999999999, 6), }"))
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_text("text" if kind == "text" else "", encoding="utf-8")
    assert "--roi mask.npy: " in refused(capsys, "--roi", "mask.npy")


def test_a_region_without_a_frame(capsys: Capture) -> None:
    missing = ["--sync-offset", "-12"]
    assert "no position that it selects has a frame" in refused(capsys, *missing, "--roi", "0:2")
    assert main(["run", *SCAN, *missing, "--sum", "--no-pictures", "--roi", "1:3"]) == 0


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--disk", "500,500,3"], "--disk 500,500,3: no pixel of the frame of 12 x 14 pixels is in it"),
        (["--disk=-9,3,2"], "no pixel"),
        (["--disk", "5.5,5.5,0.1"], "no pixel"),
        (["--disk", "3,3,2", "--disk", "50,3,2"], "--disk 50,3,2"),
        (["--ring", "5,5,400,500"], "--ring 5,5,400,500: no pixel"),
        (["--ring", "500,5,4,10"], "no pixel"),
        (["--ring", "5,5,2.3,2.4"], "no pixel"),
        (["--beam", "5,5", "--ring", "100,200"], "--ring 5,5,100,200: no pixel"),
        (["--beam", "500,5", "--com"], "--beam 500,5 lies outside of the frame"),
        (["--beam", "5,-20"], "lies outside"),
        (["--ring", "5,5,6,4"], "must be smaller than the outer one, found 6,4"),
        (["--ring", "4,4"], "must be smaller"),
        (["--ring=-4,4"], "must not be negative"),
        (["--disk=-4"], "must not be negative"),
        (["--disk", "nan"], "finite"),
        (["--disk", "5,5,inf"], "finite"),
        (["--ring", "2,1e999"], "finite"),
        (["--beam", "nan,5"], "finite"),
    ],
)
def test_a_detector_that_holds_no_pixel(options: list[str], why: str, capsys: Capture) -> None:
    told = refused(capsys, *options)
    assert why in told
    assert options[-2 if len(options) > 1 and options[-1][0] != "-" else -1].partition("=")[0] in told or "beam" in told


def test_a_ring_around_the_beam_that_was_found_holds_pixels_or_is_refused(capsys: Capture) -> None:
    assert "no pixel of the frame" in refused(capsys, "--ring", "100,200")


@pytest.mark.parametrize(
    "options",
    [["--disk=-3,5,4"], ["--disk", "3,4,0"], ["--ring", "5,5,0,1"], ["--ring=-2,-2,3,90"], ["--disk", "11,13,0"]],
)
def test_detectors_that_hold_a_pixel_at_least_are_taken(options: list[str]) -> None:
    assert main(["run", *SCAN, *options, "--no-pictures", "--executor", "inline", "--out", "r"]) == 0
    assert any(np.load(path).any() for path in Path("r").glob("*.npy"))


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--workers", "0"], "argument --workers: expected a number of workers, at least 1, found '0'"),
        (["--workers=-3"], "at least 1"),
        (["--workers", "two"], "at least 1, found 'two'"),
        (["--workers", "9" * 5000], "at least 1"),
        (["--executor", "inline", "--workers", "2"], "--workers 2: the executor 'inline' runs in the calling thread"),
        (["--executor", "treads"], "--executor treads: no executor is called 'treads'"),
        (["--executor", ""], "--executor"),
        (["--executor", "pipelined"], "called 'processes' here: --executor processes"),
    ],
)
def test_workers_that_there_are_not(
    options: list[str], why: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lamella.cli.run.open_data", lambda *_: pytest.fail("it opened the file"))
    assert why in refused(capsys, *options)


def test_export_says_the_same_of_workers(capsys: Capture) -> None:
    assert main(["export", *SCAN, "scan.npy", "--workers", "0"]) == 2
    assert main(["export", *SCAN, "scan.npy", "--executor", "treads"]) == 2
    assert "--executor treads: no executor" in capsys.readouterr().err


def test_values_may_begin_with_a_minus_sign(here: Path, capsys: Capture) -> None:
    assert main(["run", *SCAN, "--sum", "--no-pictures", "--roi", "-2:,-1"]) == 0
    frames = np.fromfile(here / "scan.raw", np.uint16).reshape(4, 6, 12, 14)
    np.testing.assert_array_equal(np.load("scan-results/sum.npy"), frames[-2:, -1].sum(axis=0))
    assert main(["info", *SCAN[:-1], "-4,6"]) == 2
    assert "--nav-shape: must be >= 1, found -4" in capsys.readouterr().err
