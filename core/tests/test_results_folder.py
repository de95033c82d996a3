"""The folder of `lamella run` belongs to one file and one run; what else lies in it, and what others have, stays."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamella.cli import main
from lamella.cli.folder import ScanFile, results_folder
from lamella.cli.parser import UsageError

pytest.importorskip("lamella_raw")

Capture = pytest.CaptureFixture[str]
FORMAT = ["--format", "raw", "--dtype", "u2", "--sig-shape", "6,7", "--nav-shape", "2,3", "--no-pictures"]
FIRST, SECOND = Path("default-results"), Path("default-results-2")

RUN = """
import sys, time
import lamella.cli.run as run
from lamella.cli import main

compute = run.stream

def stream(*arguments):
    print("computing", flush=True)
    sys.stdin.readline()
    return compute(*arguments)

run.stream = stream
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in; what is kept for the user lies elsewhere."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def scan(tmp_path: Path) -> Callable[[str], str]:
    """Makes a scan called default.raw in a folder of a name; each has other pixels."""

    def make(name: str) -> str:
        path = tmp_path / name / "default.raw"
        path.parent.mkdir(exist_ok=True)
        np.full(2 * 3 * 6 * 7, ord(name[0]), dtype="u2").tofile(path)
        return str(path)

    return make


@pytest.fixture
def started() -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Starts runs that wait for a line before they compute, and ends those that are left."""
    running: list[subprocess.Popen[str]] = []

    def start(file: str) -> subprocess.Popen[str]:
        pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        child = subprocess.Popen([sys.executable, "-c", RUN, "run", file, *FORMAT, "--sum"], text=True, **pipes)
        running.append(child)
        assert child.stdout is not None
        assert "computing\n" in iter(child.stdout.readline, "")
        return child

    yield start
    for child in running:
        child.kill()
        child.communicate()


def run(file: str, *options: str) -> int:
    return main(["run", file, *FORMAT, "--executor", "inline", *(options or ["--sum"])])


def content(folder: Path) -> dict[str, bytes | None]:
    """Give all that lies in a folder; None for what is no file, or leads elsewhere."""
    return {
        path.name: path.read_bytes() if path.is_file() and not path.is_symlink() else None for path in folder.iterdir()
    }


def summary(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return found


def forge(folder: Path, **changes: Any) -> None:
    """Change what a summary says."""
    (folder / "summary.json").write_text(json.dumps(summary(folder) | changes))


# One folder for one file.


def test_the_summary_names_the_file_and_what_was_written(scan: Callable[[str], str], here: Path) -> None:
    file = scan("a")
    assert run(file) == 0
    facts = summary(FIRST)
    found = Path(file).stat()
    assert facts["file"]["path"] == os.path.realpath(file)
    assert facts["file"]["size"] == found.st_size
    assert facts["file"]["mtime"] == pytest.approx(found.st_mtime, abs=1e-6)
    assert facts["files"] == sorted(content(FIRST)) == ["mean.npy", "sum.npy", "summary.json"]
    assert [path.name for path in here.iterdir()] == [FIRST.name]


def test_files_of_one_name_have_folders_of_their_own(scan: Callable[[str], str], capsys: Capture) -> None:
    a, b = scan("a"), scan("b")
    assert run(a, "--std") == 0
    before = content(FIRST)
    capsys.readouterr()
    assert run(b, "--sum") == 0
    told = capsys.readouterr()
    assert content(FIRST) == before
    assert set(content(SECOND)) == {"mean.npy", "sum.npy", "summary.json"}
    assert "default-results belongs to another file" in told.err
    assert f"{SECOND}: mean.npy" in told.out
    assert run(b, "--std") == 0
    assert run(a, "--sumsig") == 0
    assert set(content(FIRST)) == {"sumsig.npy", "summary.json"}
    assert set(content(SECOND)) == {"std.npy", "summary.json"}


def test_a_later_run_removes_what_the_earlier_one_wrote_and_nothing_else(scan: Callable[[str], str]) -> None:
    file = scan("a")
    assert run(file, "--sum", "--std") == 0
    (FIRST / "notes.txt").write_text("mine")
    (FIRST / "other.npy").write_text("mine")
    (FIRST / "std").mkdir()
    assert run(file, "--sumsig") == 0
    assert content(FIRST).keys() == {"sumsig.npy", "summary.json", "notes.txt", "other.npy", "std"}
    assert summary(FIRST)["files"] == ["summary.json", "sumsig.npy"]


def test_a_file_that_was_recorded_again_is_another_file(scan: Callable[[str], str], capsys: Capture) -> None:
    file = scan("a")
    assert run(file) == 0
    before = content(FIRST)
    os.utime(file, ns=(1, Path(file).stat().st_mtime_ns + 10**9))
    assert run(file) == 0
    assert content(FIRST) == before
    assert "as it was before it was changed" in capsys.readouterr().err
    assert SECOND.is_dir()


def test_one_file_by_several_paths_is_one_file(scan: Callable[[str], str], tmp_path: Path) -> None:
    file = scan("a")
    assert run(file, "--sum") == 0
    assert run(os.path.relpath(file), "--std") == 0
    (tmp_path / "link").mkdir()
    (tmp_path / "link" / "default.raw").symlink_to(file)
    assert run(str(tmp_path / "link" / "default.raw"), "--sumsig") == 0
    assert content(FIRST).keys() == {"sumsig.npy", "summary.json"}
    assert not SECOND.exists()


@pytest.mark.parametrize("kind", ["files", "file", "own summary", "other's summary", "written name"])
def test_what_is_not_of_this_file_is_left_alone(kind: str, scan: Callable[[str], str]) -> None:
    file = scan("a")
    if kind == "file":
        FIRST.write_text("mine", encoding="utf-8")
    else:
        FIRST.mkdir()
        (FIRST / "sum.npy").write_text("mine")
    if kind == "own summary":
        (FIRST / "summary.json").write_text('{"frames": 24, "arrays": ["sum.npy"]}')
    if kind == "other's summary":
        facts = {"path": os.path.realpath(file), "size": 1, "mtime": 0}
        (FIRST / "summary.json").write_text(json.dumps({"file": facts, "files": ["sum.npy"]}))
    if kind == "written name":
        (FIRST / "sum.npy").unlink()
        assert run(file, "--std") == 0
        (FIRST / "sum.npy").write_text("mine")
    before = FIRST.read_text(encoding="utf-8") if kind == "file" else content(FIRST)
    assert run(file) == 0
    assert (FIRST.read_text(encoding="utf-8") if kind == "file" else content(FIRST)) == before
    assert content(SECOND).keys() == {"mean.npy", "sum.npy", "summary.json"}


# Summaries come from disk.


@pytest.mark.parametrize(
    "where", ["../mine.npy", "{here}/mine.npy", "sub/mine.npy", "..", ".", "", "notes.txt", "link.npy"]
)
def test_a_summary_removes_nothing_but_results_in_its_folder(
    where: str, scan: Callable[[str], str], here: Path
) -> None:
    file = scan("a")
    assert run(file) == 0
    kept = [here / "mine.npy", FIRST / "sub" / "mine.npy", FIRST / "notes.txt"]
    (FIRST / "sub").mkdir()
    for path in kept:
        path.write_text("mine")
    (FIRST / "link.npy").symlink_to(here / "mine.npy")
    forge(FIRST, files=[where.format(here=here), where.format(here=here).replace("/", "\\"), 5, None, ["x"], "a\0.npy"])
    for name in ("mean.npy", "sum.npy"):  # not listed now
        (FIRST / name).unlink()
    assert run(file, "--std") == 0
    assert [path.read_text() for path in kept] == ["mine"] * 3
    assert (FIRST / "link.npy").is_symlink()
    assert (FIRST / "std.npy").exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "nonsense",
        "[" * 100_000,
        '{"file": 3, "files": {}}',
        '{"file": {"path": "x"}, "files": ["a.npy"]}',
        "9" * 9000,
    ],
)
def test_a_summary_that_is_none_makes_a_folder_foreign(text: str, scan: Callable[[str], str]) -> None:
    FIRST.mkdir()
    (FIRST / "summary.json").write_text(text)
    assert run(scan("a")) == 0
    assert (FIRST / "summary.json").read_text() == text
    assert SECOND.is_dir()


@pytest.mark.parametrize("kind", ["huge", "many", "link", "pipe", "folder"])
def test_a_summary_that_is_no_file_of_ours_makes_a_folder_foreign(
    kind: str, scan: Callable[[str], str], here: Path
) -> None:
    file = scan("a")
    assert run(file) == 0
    path = FIRST / "summary.json"
    if kind == "many":
        forge(FIRST, files=["sum.npy"] * 20_000)
    elif kind == "huge":
        path.write_text(path.read_text() + " " * (9 << 20))
    else:
        path.rename(here / "elsewhere.json")
    if kind == "link":
        path.symlink_to(here / "elsewhere.json")
    if kind == "folder":
        path.mkdir()
    if kind == "pipe":
        if not hasattr(os, "mkfifo"):
            pytest.skip("no pipes with a name here")
        os.mkfifo(path)
    assert run(file, "--std") == 0
    assert {"sum.npy", "mean.npy", "summary.json"} == content(FIRST).keys()
    assert (SECOND / "std.npy").exists()


def test_a_link_in_place_of_the_folder_is_not_followed(scan: Callable[[str], str], here: Path) -> None:
    (here / "elsewhere").mkdir()
    FIRST.symlink_to(here / "elsewhere")
    assert run(scan("a")) == 0
    assert content(here / "elsewhere") == {}
    assert SECOND.is_dir()


def test_what_a_file_says_of_itself_does_not_make_its_summary_too_long(here: Path) -> None:
    from lamella.cli.folder import save_summary

    said = {"dataset": {"raw_metadata": {"text": "x" * (9 << 20)}, "name": "scan"}, "files": ["sum.npy"]}
    save_summary(here, said)
    assert summary(here)["dataset"]["name"] == "scan"
    assert (here / "summary.json").stat().st_size < 1000


# The option --out.


@pytest.mark.parametrize("state", ["absent", "empty", "own", "in an absent folder"])
def test_out_takes_an_absent_an_empty_and_an_own_folder(state: str, scan: Callable[[str], str]) -> None:
    file = scan("a")
    out = Path("some", "where") if state == "in an absent folder" else Path("r")
    if state == "empty":
        out.mkdir()
    if state == "own":
        assert run(file, "--std", "--out", str(out)) == 0
    assert run(file, "--sum", "--out", str(out)) == 0
    assert content(out).keys() == {"mean.npy", "sum.npy", "summary.json"}


@pytest.mark.parametrize("state", ["other", "notes", "file", "in a file", "dangling", "here"])
def test_out_that_cannot_be_used_is_an_error_before_any_work(
    state: str, scan: Callable[[str], str], capsys: Capture, monkeypatch: pytest.MonkeyPatch, here: Path
) -> None:
    out = {"in a file": Path("r", "s"), "here": Path()}.get(state, Path("r"))
    if state == "other":
        assert run(scan("b"), "--out", "r") == 0
    elif state == "dangling":
        Path("r").symlink_to("nowhere")
    elif state in ("file", "in a file"):
        Path("r").write_text("mine", encoding="utf-8")
    else:
        (here / "r").mkdir()
        (here / "r" / "notes.txt").write_text("mine")
    before = {path: path.read_bytes() for path in here.rglob("*") if path.is_file()}
    monkeypatch.setattr("lamella.cli.run.choose", lambda *_: pytest.fail("it began to work"))
    capsys.readouterr()
    assert run(scan("a"), "--out", str(out)) == 2
    assert capsys.readouterr().err.startswith("lamella: --out ")
    assert {path: path.read_bytes() for path in here.rglob("*") if path.is_file()} == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="everything may be written")
def test_a_working_directory_that_cannot_be_written_is_an_error(
    scan: Callable[[str], str], capsys: Capture, here: Path
) -> None:
    file = scan("a")
    here.chmod(0o500)
    try:
        assert run(file) == 2
    finally:
        here.chmod(0o700)
    assert "results cannot be written into default-results" in capsys.readouterr().err


def test_a_run_that_fails_leaves_no_folder_and_keeps_earlier_results(
    scan: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, here: Path
) -> None:
    file = scan("a")

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    assert run(file, "--std") == 0
    before = content(FIRST)
    monkeypatch.setattr("lamella.cli.run.stream", fail)
    assert run(file) == 130
    assert run(file, "--sum", "--out", "some/where") == 130
    assert content(FIRST) == before
    assert [path.name for path in here.iterdir()] == [FIRST.name]


def test_a_run_that_is_cut_while_it_writes_leaves_an_own_folder(
    scan: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = scan("a")

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    assert run(file, "--std", "--sum") == 0
    with monkeypatch.context() as patched:
        patched.setattr("lamella.cli.streaming.save_summary", fail)
        assert run(file, "--sum") == 130
    assert run(file, "--sumsig") == 0
    assert content(FIRST).keys() == {"sumsig.npy", "summary.json"}
    assert not SECOND.exists()


# Two runs at once.


def test_of_two_runs_at_once_the_second_takes_another_folder(
    scan: Callable[[str], str], started: Callable[[str], subprocess.Popen[str]], capsys: Capture
) -> None:
    file = scan("a")
    first = started(file)
    assert run(file, "--std") == 0
    assert "default-results is in use by another run" in capsys.readouterr().err
    assert run(file, "--std", "--out", str(FIRST)) == 2
    assert f"process {first.pid}" in capsys.readouterr().err
    first.communicate("go\n")
    assert first.returncode == 0
    assert content(FIRST).keys() == {"mean.npy", "sum.npy", "summary.json"}
    assert content(SECOND).keys() == {"std.npy", "summary.json"}


def test_the_folder_of_a_run_that_was_killed_is_free(
    scan: Callable[[str], str], started: Callable[[str], subprocess.Popen[str]]
) -> None:
    file = scan("a")
    first = started(file)
    assert content(FIRST)
    first.kill()
    first.communicate()
    assert run(file, "--std") == 0
    assert content(FIRST).keys() == {"std.npy", "summary.json"}
    assert not SECOND.exists()


@pytest.mark.skipif(os.name == "nt", reason="processes are ended without a signal here")
def test_a_run_that_is_told_to_end_gives_its_folder_back(
    scan: Callable[[str], str], started: Callable[[str], subprocess.Popen[str]]
) -> None:
    first = started(scan("a"))
    first.send_signal(signal.SIGTERM)
    first.communicate()
    assert content(FIRST) == {}


def claims(count: int, rounds: int) -> None:
    """Let threads take folders at once, again and again; no two may have one at a time."""
    scan = ScanFile("/a", 1, 1.0)
    for number in range(rounds):
        begin, done = threading.Barrier(count), threading.Barrier(count)
        taken: list[Path] = []

        def take(stem: str = f"r{number}", begin: Any = begin, done: Any = done, taken: list[Path] = taken) -> None:
            begin.wait()
            with results_folder(scan, None, stem, ["sum.npy"]) as folder:
                taken.append(folder.path)
                done.wait(timeout=60)

        threads = [threading.Thread(target=take) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(taken) == len(set(taken)) == count
    assert not any(any(path.iterdir()) for path in Path().iterdir())  # an empty folder is free for anybody


def test_no_two_runs_have_one_folder_at_a_time() -> None:
    claims(4, rounds=5)


@pytest.mark.slow
def test_no_two_runs_have_one_folder_at_a_time_in_many_rounds() -> None:
    claims(6, rounds=150)


def test_two_runs_do_not_share_a_named_folder(here: Path) -> None:
    scan = ScanFile("/a", 1, 1.0)
    with (
        results_folder(scan, here / "r", "", []),
        pytest.raises(UsageError, match="in use"),
        results_folder(scan, here / "r", "", []),
    ):
        pass
    assert not (here / "r").exists()
