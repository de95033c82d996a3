"""Whatever is named as a file, an error about it is of both families: Lamella's, and Python's own."""

from __future__ import annotations

import os
import pickle
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamella
from lamella.cli import main
from lamella.errors import LamellaError, PathError

BUILTIN = (FileNotFoundError, IsADirectoryError, PermissionError)
posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX")


def fifo(folder: Path) -> Path:
    os.mkfifo(folder / "scan.npy")
    return folder / "scan.npy"


def listening(folder: Path) -> str:
    path = os.path.relpath(folder / "scan.npy")  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
    return path


def loop(folder: Path) -> Path:
    (folder / "scan.npy").symlink_to("scan.npy")
    return folder / "scan.npy"


def folder_like_a_file(folder: Path) -> Path:
    (folder / "scan.npy").mkdir()
    return folder / "scan.npy"


def below_a_file(folder: Path) -> Path:
    (folder / "plain").touch()
    return folder / "plain" / "scan.npy"


MISSING: dict[str, Callable[[Path], Any]] = {
    "empty": lambda folder: "",
    "absent": lambda folder: folder / "scan.npy",
    "below a file": below_a_file,
    "long name": lambda folder: folder / ("x" * 5000 + ".npy"),
    "long path": lambda folder: str(folder) + "/x" * 5000 + ".npy",
    "null": lambda folder: f"{folder}/a\0b.npy",
    "null alone": lambda folder: "\0",
    "surrogate": lambda folder: f"{folder}/\ud800.npy",
    "file URL with null": lambda folder: f"file://{folder}/a%00b.npy",
    "broken file URL": lambda folder: "file://[/scan.npy",
}
if sys.platform != "win32":
    MISSING["loop"] = loop
FOLDERS = {"folder": lambda folder: folder, "folder like a file": folder_like_a_file, "dot": lambda folder: "."}
UNREADABLE: dict[str, Callable[[Path], Any]] = {}
if sys.platform != "win32":
    UNREADABLE = {
        "fifo": fifo,
        "socket": listening,
        "device": lambda folder: "/dev/null",
        "endless device": lambda folder: "/dev/zero",
    }
ODD = [
    *((make, FileNotFoundError) for make in MISSING.values()),
    *((make, IsADirectoryError) for make in FOLDERS.values()),
    *((make, PermissionError) for make in UNREADABLE.values()),
]
NAMES = [*MISSING, *FOLDERS, *UNREADABLE]


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.npy"
    np.save(path, np.ones((2, 3, 4, 5), np.uint16))
    return path


@pytest.mark.parametrize("format", ["auto", "raw", "memory"])
@pytest.mark.parametrize("place", ["alone", "list of one", "first", "second"])
@pytest.mark.parametrize(("make", "builtin"), ODD, ids=NAMES)
def test_an_odd_path_is_an_error_of_both_families(
    make: Callable[[Path], Any], builtin: type[OSError], place: str, format: str, good: Path, tmp_path: Path
) -> None:
    (tmp_path / "odd").mkdir()
    odd = make(tmp_path / "odd")
    target = {"alone": odd, "list of one": [odd], "first": [odd, good], "second": [good, odd]}[place]
    begin = time.monotonic()
    with pytest.raises(LamellaError) as caught:
        lamella.open(target, format)
    assert time.monotonic() - begin < 5
    error = caught.value
    assert isinstance(error, builtin), repr(error)
    assert isinstance(error, PathError)
    assert "report" not in str(error)
    assert str(error).strip(": ")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize(("make", "builtin"), ODD, ids=NAMES)
def test_commands_tell_it_in_words(
    make: Callable[[Path], Any], builtin: type[OSError], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["info", str(make(tmp_path))]) == 1
    assert "--traceback" not in capsys.readouterr().err


def test_a_url_that_is_none_is_an_error_of_both_families() -> None:
    with pytest.raises(PathError, match="no file has such a URL") as caught:
        lamella.open("https://[/scan.npy")
    assert isinstance(caught.value, FileNotFoundError)


@posix
def test_a_relative_path_without_a_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    for target in ("scan.npy", ["scan.npy", "other.npy"]):
        with pytest.raises(PathError) as caught:
            lamella.open(target)
        assert isinstance(caught.value, FileNotFoundError)


def test_reports_and_errors_name_files_relative_to_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "a folder (1)"
    folder.mkdir()
    np.save(folder / "scan.npy", np.zeros((4, 4, 8, 8), "u1"))
    (folder / "cut.npy").write_bytes((folder / "scan.npy").read_bytes()[:100])
    (folder / "other").mkdir()
    report = lamella.detect(folder / "scan.npy")
    assert report.to_json(folder)["target"] == "scan.npy"
    assert report.to_json(tmp_path)["target"] == str(Path("a folder (1)") / "scan.npy")
    assert report.to_json() == report.to_json(folder / "other")
    found = lamella.check("npy", folder / "cut.npy").to_json(folder)
    assert str(folder) not in str(found)
    with pytest.raises(lamella.FormatError) as caught:
        lamella.open(folder / "cut.npy", format="npy")
    assert caught.value.relative_to(folder).startswith("cut.npy: ")
    assert str(caught.value).startswith(str(folder))
    with pytest.raises(lamella.LamellaError) as absent:
        lamella.open(folder / "none.npy")
    assert str(folder) not in absent.value.relative_to(folder)
