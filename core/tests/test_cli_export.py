"""`lamella export`: the data set as an array file."""

import json
from pathlib import Path

import numpy as np
import pytest

from lamella.cli import main

pytest.importorskip("lamella_raw")

Capture = pytest.CaptureFixture[str]
FRAMES = np.arange(6 * 4 * 5, dtype=">u2").reshape(6, 4, 5)
RAW = ["scan.raw", "--format", "raw", "--dtype", ">u2", "--sig-shape", "4,5"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    FRAMES.tofile(tmp_path / "scan.raw")
    return tmp_path


def test_the_file_holds_the_data_set(capsys: Capture) -> None:
    assert main(["export", *RAW, "scan.npy", "--nav-shape", "2,3"]) == 0
    np.testing.assert_array_equal(np.load("scan.npy"), FRAMES.reshape(2, 3, 4, 5))
    assert "scan.npy: (2, 3, 4, 5) uint16" in capsys.readouterr().out


def test_parameters_may_stand_before_the_files() -> None:
    assert main(["export", *RAW[1:], "--frame-header", "0", "scan.raw", "scan.npy"]) == 0
    assert np.load("scan.npy").shape == (6, 4, 5)


def test_missing_frames_are_filled_and_told(capsys: Capture) -> None:
    assert main(["export", *RAW, "scan.npy", "--nav-shape", "7", "--fill", "9", "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["missing"] == 1
    assert (np.load("scan.npy")[6] == 9).all()


def test_a_file_that_exists_is_kept_unless_asked_otherwise(here: Path, capsys: Capture) -> None:
    (here / "scan.npy").write_bytes(b"precious")
    assert main(["export", *RAW, "scan.npy"]) == 2
    assert "scan.npy exists; --overwrite replaces it" in capsys.readouterr().err
    assert (here / "scan.npy").read_bytes() == b"precious"
    assert main(["export", *RAW, "scan.npy", "--overwrite"]) == 0
    np.testing.assert_array_equal(np.load("scan.npy"), FRAMES)


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (["scan.xyz"], "OUT: data sets cannot be written as .xyz files, only as .npy"),
        (["scan"], "OUT: data sets cannot be written to a file without an extension (scan), only as .npy"),
        (["scan.xyz", "--bins", "2"], "OUT: data sets cannot be written as .xyz files, only as .npy"),
        (["scan.npy", "--bins", "2,9"], "--bins: expected whole numbers from 1 to the length of the axis"),
        (["scan.npy", "--nav-shape", "7", "--fill", "nan"], "--fill: expected a value of dtype uint16, found nan"),
    ],
)
def test_what_cannot_be_written_is_told_by_the_options(
    here: Path, capsys: Capture, wrong: list[str], text: str
) -> None:
    assert main(["export", *RAW, *wrong]) == 2
    assert f"lamella: {text}" in capsys.readouterr().err
    assert [file.name for file in here.iterdir()] == ["scan.raw"]


def test_a_folder_that_does_not_exist_is_one_line(capsys: Capture) -> None:
    assert main(["export", *RAW, "nowhere/scan.npy"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "nowhere does not exist" in error
