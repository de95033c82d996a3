"""Files that a process did not finish: removed when it is told to end, or later, and nobody else's are."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamella.cli import main
from lamella.export import written_at_once
from lamella.export.parts import parts_in, parts_known, remove_abandoned
from lamella.system import process
from lamella.system.process import ProcessMark

WINDOWS = os.name == "nt"
ENDS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]

WRITE = """
import os, signal, sys, threading, time
from pathlib import Path
from lamella.export.atomic import written_at_once

def write(until=lambda: time.sleep(60)):
    with written_at_once(Path("scan.npy")) as part:
        part.write_bytes(b"some")
        print("writing", flush=True)
        until()
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
def started() -> Iterator[Any]:
    """Starts programs that write a file, and ends those that are left."""
    running: list[subprocess.Popen[str]] = []

    def start(then: str = "write()") -> subprocess.Popen[str]:
        child = subprocess.Popen([sys.executable, "-c", WRITE + then], stdout=subprocess.PIPE, text=True)
        running.append(child)
        assert child.stdout is not None
        assert child.stdout.readline() == "writing\n"
        return child

    yield start
    for child in running:
        child.kill()
        child.communicate()


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def write(name: str = "other.npy") -> None:
    with written_at_once(Path(name)) as part:
        part.write_bytes(b"all")


def left_behind(folder: Path, name: str = "scan.npy", **facts: Any) -> Path:
    """Make a part with a record, by default of a process that is gone."""
    part = folder / f".{name}.0123abcd.part"
    part.write_bytes(b"some")
    mark = ProcessMark.of_this_process().to_json() | {"pid": gone_pid(), "started": "1"} | facts
    part.with_name(f"{part.name}.writer").write_text(json.dumps(mark))
    return part


def gone_pid() -> int:
    child = subprocess.Popen([sys.executable, "-S", "-c", ""])
    child.wait()
    return child.pid


# While it is written, and afterwards.


def test_a_file_being_written_has_a_part_and_a_record_and_nothing_stays(here: Path) -> None:
    with written_at_once(Path("scan.npy")) as part:
        part.write_bytes(b"all")
        assert names(here) == [part.name, f"{part.name}.writer"]
        assert part.name.startswith(".scan.npy.")
        assert part.name.endswith(".part")
        facts = json.loads(part.with_name(f"{part.name}.writer").read_text())
        assert facts["pid"] == os.getpid()
        assert facts["host"]
        assert [known.name for known in parts_known()] == [part.name]
    assert names(here) == ["scan.npy"]
    assert list(parts_known()) == []


def test_a_target_is_whole_or_as_it_was(here: Path) -> None:
    (here / "scan.npy").write_bytes(b"old")

    def fail() -> None:
        with written_at_once(here / "scan.npy") as part:
            part.write_bytes(b"new")
            assert (here / "scan.npy").read_bytes() == b"old"
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert (here / "scan.npy").read_bytes() == b"old"
    with written_at_once(here / "scan.npy") as part:
        part.write_bytes(b"new")
    assert (here / "scan.npy").read_bytes() == b"new"
    assert names(here) == ["scan.npy"]


def test_a_long_name_has_a_part_too(here: Path) -> None:
    for name in ("n" * 250 + ".npy", "試" * 80 + ".npy"):
        write(name)
        assert (here / name).read_bytes() == b"all"


def test_a_forked_process_does_not_remove_the_part_of_its_parent(here: Path) -> None:
    if not hasattr(os, "fork"):
        pytest.skip("this system does not fork")
    code = """
import os, signal
def fork():
    for ends in (lambda: os.kill(os.getpid(), signal.SIGTERM), lambda: 1 / 0):
        child = os.fork()
        if not child:
            import sys
            sys.stderr = None
            ends()
            os._exit(0)
        os.waitpid(child, 0)
        assert len(os.listdir()) == 2
write(fork)
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", WRITE + code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert names(here) == ["scan.npy"]


def test_a_folder_that_is_not_there_is_told_with_the_name_that_was_asked_for(here: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        write("no/scan.npy")
    assert caught.value.filename == str(here / "no" / "scan.npy")


# Told to end.


@pytest.mark.skipif(WINDOWS, reason="Windows ends processes without telling them")
@pytest.mark.parametrize("number", ENDS)
def test_a_signal_to_end_removes_what_is_unfinished_and_ends_the_process(here: Path, number: int, started: Any) -> None:
    child = started()
    assert len(names(here)) == 2
    child.send_signal(number)
    assert child.wait() == -number
    assert names(here) == []
    assert list(parts_known()) == []


@pytest.mark.skipif(WINDOWS, reason="Windows ends processes without telling them")
@pytest.mark.parametrize("number", ENDS)
def test_a_handler_of_the_program_stays(here: Path, number: int, started: Any) -> None:
    child = started(f"""
signal.signal({int(number)}, lambda *_: sys.exit(7))
write()
""")
    child.send_signal(number)
    assert child.wait() == 7
    assert names(here) == []


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system has no SIGHUP")
def test_a_signal_that_the_program_ignores_stays_ignored(here: Path, started: Any) -> None:
    child = started("""
signal.signal(signal.SIGHUP, signal.SIG_IGN)
write(lambda: os.kill(os.getpid(), signal.SIGHUP))
""")
    assert child.wait() == 0
    assert names(here) == ["scan.npy"]


def test_handlers_are_as_before_afterwards(here: Path) -> None:
    before = [signal.getsignal(number) for number in ENDS]
    with written_at_once(here / "a") as first, written_at_once(here / "b") as second:
        first.touch()
        second.touch()
        write()
        assert all(signal.getsignal(number) is not signal.SIG_DFL for number in ENDS)
    assert [signal.getsignal(number) for number in ENDS] == before


def test_another_thread_sets_no_handler(here: Path) -> None:
    before = [signal.getsignal(number) for number in ENDS]
    seen: list[Any] = []

    def work() -> None:
        with written_at_once(here / "scan.npy") as part:
            part.touch()
            seen.extend(signal.getsignal(number) for number in ENDS)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == before
    assert names(here) == ["scan.npy"]


EXPORT = """
import sys, time, lamella
ctx = lamella.Context.make_with(sys.argv[1])
ds = lamella.open("scan.npy", num_partitions=6)
def slow(done, total):
    print(done, flush=True)
    time.sleep(60 if done else 0)
ctx.export_dataset(ds, "copy.npy", progress=slow)
"""


@pytest.mark.skipif(WINDOWS, reason="Windows ends processes without telling them")
@pytest.mark.parametrize(
    ("executor", "number"), [("inline", "SIGHUP"), pytest.param("processes", "SIGTERM", marks=pytest.mark.slow)]
)
def test_an_export_that_is_told_to_end_leaves_nothing(here: Path, executor: str, number: str) -> None:
    np.save("scan.npy", np.zeros((5, 6, 7, 8), np.uint16))
    command = [sys.executable, "-c", EXPORT, executor]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        while child.stdout.readline().strip() == "0":
            pass
        assert len(names(here)) == 3
        child.send_signal(getattr(signal, number))
        assert child.wait(20) == -getattr(signal, number)
    assert names(here) == ["scan.npy"]


# Killed.


@pytest.mark.parametrize("reaped", [True, False])
def test_the_next_file_in_the_folder_removes_what_a_killed_process_left(here: Path, started: Any, reaped: bool) -> None:
    child = started()
    child.kill()
    if reaped or process._start_of(os.getpid()) == "":
        child.wait()
    else:
        while process._start_of(child.pid) is not None:
            time.sleep(0.001)
    assert len(names(here)) == 2
    write()
    assert names(here) == ["other.npy"]
    assert list(parts_known()) == []


def test_what_a_living_process_writes_stays(here: Path, started: Any) -> None:
    started()
    before = names(here)
    write()
    assert set(before) < set(names(here))
    assert main(["doctor", "--json"]) in (0, 1)
    assert set(before) < set(names(here))


@pytest.mark.parametrize("elsewhere", [True, False])
def test_doctor_removes_what_killed_processes_left_wherever_it_lies(
    here: Path, started: Any, elsewhere: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    child = started()
    child.kill()
    child.wait()
    if elsewhere:
        monkeypatch.chdir(here.parent)
    main(["doctor", "--json"])
    told = [one for one in json.loads(capsys.readouterr().out)["findings"] if one["subject"] == "exports"]
    assert len(told) == 1
    assert f"left behind in {here}: .scan.npy." in told[0]["message"]
    assert names(here) == []
    assert list(parts_known()) == []


def test_doctor_tells_what_it_cannot_judge(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    part = left_behind(here, host="elsewhere")
    main(["doctor", "--json"])
    told = [one for one in json.loads(capsys.readouterr().out)["findings"] if one["subject"] == "exports"]
    assert f"{part} is being written by process " in told[0]["message"]
    assert "of elsewhere" in told[0]["message"]
    assert part.exists()


def test_a_record_without_a_part_goes(here: Path) -> None:
    left_behind(here).unlink()
    write()
    assert names(here) == ["other.npy"]


def test_a_record_that_was_begun_goes(here: Path) -> None:
    part = left_behind(here)
    part.unlink()
    part.with_name(f"{part.name}.writer").write_bytes(b"")
    write()
    assert names(here) == ["other.npy"]


def test_a_later_process_of_the_same_number_does_not_count(here: Path) -> None:
    if not ProcessMark.of_this_process().started:
        pytest.skip("this system does not say when processes were started")
    left_behind(here, pid=os.getpid(), started="1")
    write()
    assert names(here) == ["other.npy"]


def test_before_the_computer_was_started_again_processes_were_others(here: Path) -> None:
    mark = ProcessMark.of_this_process()
    if not (mark.boot and mark.machine):
        pytest.skip("this system does not say when it was started, or which it is")
    left_behind(here, boot="an earlier one", pid=os.getpid(), started=mark.started)
    write()
    assert names(here) == ["other.npy"]


def _name(facts: dict[str, Any]) -> str:
    """Name a case the same way in every process."""
    names = {os.getpid(): "its own", os.getppid(): "of its parent"}
    return repr({key: names.get(value, value) if key == "pid" else value for key, value in facts.items()})


@pytest.mark.parametrize(
    "facts",
    [
        {"host": "elsewhere"},
        {"machine": "another of that name"},
        {"host": "elsewhere", "boot": "another"},
        {"boot": ""},
        {"namespace": "that of a container"},
        {"pid": os.getpid(), "started": ""},
        {"pid": os.getppid(), "started": ""},
        {"pid": 0},
        {"pid": -1},
        {"pid": 1 << 70},
        {"pid": "1"},
        {"pid": True},
        {"pid": 1.5},
        {"host": None},
        {"more": 1},
    ],
    ids=_name,
)
def test_a_part_whose_writer_is_not_known_to_be_gone_stays(here: Path, facts: dict[str, Any]) -> None:
    if facts == {"boot": ""} and not ProcessMark.of_this_process().boot:
        pytest.skip("this system does not say when it was started")
    left_behind(here, **facts)
    before = names(here)
    write()
    assert set(before) < set(names(here))


@pytest.mark.parametrize("record", [None, b"", b"{}", b"[]", b"[" * 4000, b"\xff\xfe", b"1" * 5000, b"null"])
def test_a_file_of_somebody_else_stays(here: Path, record: bytes | None) -> None:
    part = left_behind(here)
    beside = part.with_name(f"{part.name}.writer")
    beside.unlink() if record is None else beside.write_bytes(record)
    before = names(here)
    write()
    assert set(before) < set(names(here))


@pytest.mark.parametrize(
    "name", ["movie.mkv.part", "scan.npy.0123abcd.part", ".scan.npy.part", ".scan.npy.0123ABCD.part"]
)
def test_a_name_that_merely_looks_alike_stays(here: Path, name: str) -> None:
    part = left_behind(here)
    part.with_name(f"{part.name}.writer").rename(here / f"{name}.writer")
    part.rename(here / name)
    write()
    assert (here / name).exists()


def test_a_part_with_a_journal_stays(here: Path) -> None:
    part = left_behind(here)
    (here / f"{part.name}.json").write_text("{}")
    write()
    assert part.exists()
    assert [left.abandoned for left in parts_in(here)] == [False]


def test_only_plain_files_are_removed(here: Path) -> None:
    if WINDOWS:
        pytest.skip("links need rights")
    precious = here / "precious"
    precious.write_bytes(b"x")
    part = left_behind(here)
    part.unlink()
    part.symlink_to(precious)
    write()
    assert precious.exists()
    assert part.is_symlink()
    record = part.with_name(f"{part.name}.writer")
    record.unlink()
    os.mkfifo(record)
    write()
    assert part.is_symlink()


def test_a_folder_that_cannot_be_read_is_no_failure(here: Path) -> None:
    assert remove_abandoned(here / "no") == []


def test_without_a_place_for_the_user_files_are_written_all_the_same(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = here.parent / "file"
    blocked.touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    monkeypatch.setenv("LOCALAPPDATA", str(blocked))
    write()
    assert names(here) == ["other.npy"]
    assert list(parts_known()) == []


def test_where_the_system_says_little_living_processes_count_as_writers(
    here: Path, monkeypatch: pytest.MonkeyPatch, started: Any
) -> None:
    if WINDOWS:
        pytest.skip("it is asked otherwise")
    monkeypatch.setattr(process, "_PROC", here.parent / "no")
    mark = ProcessMark.of_this_process()
    assert (mark.boot, mark.namespace, mark.started) == ("", "", "")
    assert not mark.is_gone()
    assert not replace(mark, pid=1).is_gone()
    assert replace(mark, pid=gone_pid()).is_gone()


# Many times.

LOOP = (
    WRITE.replace('print("writing", flush=True)', "pass")
    + """
print(1, flush=True)
while True:
    write(lambda: None)
"""
)


def end_at_random(here: Path, times: int, how: str) -> None:
    """End processes that write one file after the other; what they leave stays until the next file is written."""
    generator = np.random.default_rng(4)
    for _ in range(times):
        with subprocess.Popen([sys.executable, "-c", LOOP], stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(generator.uniform(0, 0.02))
            getattr(child, how)()
        if (here / "scan.npy").exists():
            assert (here / "scan.npy").read_bytes() == b"some"
        if how == "terminate" and not WINDOWS:
            assert set(names(here)) <= {"scan.npy"}
    write("scan.npy")
    assert names(here) == ["scan.npy"]
    assert list(parts_known()) == []


@pytest.mark.parametrize("how", ["kill", "terminate"])
def test_processes_that_end_at_any_moment_leave_nothing_for_long(here: Path, how: str) -> None:
    end_at_random(here, 4, how)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["kill", "terminate"])
def test_processes_that_end_at_hundreds_of_moments_leave_nothing_for_long(here: Path, how: str) -> None:
    end_at_random(here, 200, how)


def test_processes_in_one_folder_leave_each_other_alone(here: Path, started: Any) -> None:
    code = """
for i in range(40):
    with written_at_once(Path(f"{os.getpid()}-{i}")) as part:
        part.write_bytes(b"all")
"""
    children = [subprocess.Popen([sys.executable, "-c", WRITE + code]) for _ in range(3)]
    assert [child.wait() for child in children] == [0, 0, 0]
    assert len(names(here)) == 120
    assert not [name for name in names(here) if name.startswith(".")]
