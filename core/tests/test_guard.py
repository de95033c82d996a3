"""The handler for mappings of files that are cut: what it mends, what it leaves to others, and its table."""

from __future__ import annotations

import gc
import mmap
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lamella.errors import FormatError, ParameterError, TruncatedError
from lamella.io.choose import choose_backend
from lamella.io.mmap import MmapBackend, forget_mappings
from lamella.kernels import guard
from lamella.kernels.compilequeue import CompileQueue
from lamella.reader.resource import Resource

pytestmark = pytest.mark.skipif(not guard.install(), reason="no handler for this system")

PAGE = mmap.PAGESIZE
CONTENT = np.random.default_rng(3).integers(1, 256, 8 * PAGE, dtype="u1")


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    forget_mappings()
    yield
    forget_mappings()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "data"
    path.write_bytes(CONTENT.tobytes())
    return path


def watched() -> int:
    gc.collect()  # errors of other tests hold frames
    return sum(word != 0 for word in guard._words)


# What it mends


def test_zeros_stand_behind_the_page_in_which_the_file_ends(file: Path) -> None:
    view = MmapBackend().open([Resource.of(file)]).view(0, 0, CONTENT.size)
    os.truncate(file, 3 * PAGE - 5)
    assert view[-1] == 0
    np.testing.assert_array_equal(view[: 3 * PAGE - 5], CONTENT[: 3 * PAGE - 5])
    assert not view[3 * PAGE - 5 :].any()


def test_a_file_that_is_cut_twice_is_mended_twice(file: Path) -> None:
    view = MmapBackend().open([Resource.of(file)]).view(0, 0, CONTENT.size)
    for size in (5 * PAGE, 2 * PAGE):
        os.truncate(file, size)
        assert not view[size:].any()
        np.testing.assert_array_equal(view[:size], CONTENT[:size])


def test_only_the_file_that_was_cut_is_refused(tmp_path: Path) -> None:
    paths = [tmp_path / str(i) for i in range(5)]
    for path in paths:
        path.write_bytes(CONTENT.tobytes())
    sessions = [MmapBackend().open([Resource.of(path)]) for path in paths]
    views = [session.view(0, 0, CONTENT.size) for session in sessions]
    os.truncate(paths[2], 0)
    assert [bool(view.any()) for view in views] == [True, True, False, True, True]
    for i, session in enumerate(sessions):
        if i == 2:
            with pytest.raises(TruncatedError, match="the file shrank"):
                session.confirm()
        else:
            session.confirm()


def test_threads_may_meet_the_end_of_a_file_at_the_same_time(file: Path) -> None:
    view = MmapBackend().open([Resource.of(file)]).view(0, 0, CONTENT.size)
    os.truncate(file, 0)
    start = threading.Barrier(8)
    sums: list[int] = []

    def read(part: NDArray[np.uint8]) -> None:
        start.wait()
        sums.append(int(part.sum()))

    threads = [threading.Thread(target=read, args=(part,)) for part in np.split(view, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sums == [0] * 8


def test_a_file_that_is_whole_again_is_refused_where_it_was_read_meanwhile(file: Path) -> None:
    resource = Resource.of(file)
    session, other = MmapBackend().open([resource]), MmapBackend().open([resource])
    view = session.view(0, 0, CONTENT.size)
    os.truncate(file, PAGE)
    assert view[-1] == 0
    file.write_bytes(CONTENT.tobytes())
    assert resource.mtime_ns is not None
    os.utime(file, ns=(resource.mtime_ns, resource.mtime_ns))
    for ask in (session.confirm, lambda: session.view(0, 0, 1), session.confirm):
        with pytest.raises(FormatError, match="part of the file was not there while it was read") as caught:
            ask()
        assert caught.value.path == str(file)
    again = other.view(0, 0, CONTENT.size)
    np.testing.assert_array_equal(again, CONTENT)
    other.confirm()
    assert not np.shares_memory(again, view)


def test_what_was_cut_within_a_page_or_not_read_at_all_is_found_as_well(file: Path) -> None:
    session = MmapBackend().open([Resource.of(file)])
    session.view(0, 0, 10)
    session.confirm()
    os.truncate(file, CONTENT.size - 1)
    with pytest.raises(TruncatedError, match="the file shrank"):
        session.confirm()


def test_a_file_whose_mapping_went_meanwhile_is_looked_at_by_name(file: Path) -> None:
    session = MmapBackend().open([Resource.of(file)])
    view = session.view(0, 0, CONTENT.size)
    forget_mappings()
    session.confirm()
    os.truncate(file, 0)
    assert not view.any()
    with pytest.raises(TruncatedError, match="the file shrank"):
        session.confirm()


# The table


def test_mappings_leave_the_table_and_what_was_noted_does_not_stay_with_their_place(tmp_path: Path) -> None:
    before, view = watched(), None
    for i in range(300):
        path = tmp_path / str(i)
        path.write_bytes(CONTENT[:PAGE].tobytes())
        session = MmapBackend().open([Resource.of(path)])
        view = session.view(0, 0, PAGE)
        assert view.any()
        if i % 3 == 0:
            os.truncate(path, 0)
            assert not view.any()
        else:
            session.confirm()
        assert sum(word != 0 for word in guard._words) <= before + 130
    del view
    forget_mappings()
    assert watched() == before


def test_a_view_keeps_its_mapping_in_the_table(file: Path) -> None:
    before = watched()
    view = MmapBackend().open([Resource.of(file)]).view(0, 0, CONTENT.size)
    forget_mappings()
    assert watched() == before + 1
    os.truncate(file, 0)
    assert not view.any()
    del view
    assert watched() == before


def test_what_the_table_cannot_hold_is_not_mapped(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    huge = Resource(str(file), 1 << 41, 0)
    assert choose_backend("auto", [huge]).name == "buffered"
    with pytest.raises(ParameterError, match="2048 GiB are too much to be mapped"):
        choose_backend("mmap", [huge])
    with pytest.raises(ValueError, match="cannot be watched"):
        guard.Watch(1 << 50, PAGE)
    monkeypatch.setattr(guard, "_free", type(guard._free)())
    with pytest.raises(FormatError, match=r"cannot be mapped into memory .*mappings are watched already"):
        MmapBackend().open([Resource.of(file)]).view(0, 0, 1)


# Where it is, and where it is not


def test_files_are_mapped_by_default_only_where_the_handler_is(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert guard.is_installed()
    assert choose_backend("auto", [Resource.of(file)]).name == "mmap"
    monkeypatch.setattr(guard, "_handler", 0)
    assert not guard.is_installed()
    assert choose_backend("auto", [Resource.of(file)]).name == "buffered"


@pytest.mark.parametrize(
    ("platform", "machine", "known"),
    [
        ("linux", "x86_64", True),
        ("linux", "aarch64", True),
        ("linux", "riscv64", False),
        ("darwin", "arm64", True),
        ("freebsd14", "amd64", False),
        ("win32", "AMD64", False),
    ],
)
def test_systems_whose_layout_is_not_known_get_none(
    monkeypatch: pytest.MonkeyPatch, platform: str, machine: str, known: bool
) -> None:
    facts = os.uname_result(("", "", "", "", machine))
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(os, "uname", lambda: facts)
    assert (guard._system() is not None) == known


def test_there_is_none_where_the_compiler_has_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_handler", 0)
    monkeypatch.setattr("lamella.kernels.compilequeue.address_space_left", lambda: 1 << 20)
    assert not CompileQueue().guard_mappings()


SITUATIONS = """
import faulthandler, mmap, os, signal, sys
import numpy as np
from lamella.io import MmapBackend, choose_backend
from lamella.kernels import guard
from lamella.reader import Resource

os.chdir(sys.argv[1])
PAGE = mmap.PAGESIZE

def write(name):
    with open(name, "wb") as file:
        file.write(b"x" * 4 * PAGE)
    return Resource.of(name)

def our_own():
    resource = write("ours")
    view = MmapBackend().open([resource]).view(0, 0, resource.size)
    os.truncate("ours", 0)
    assert not view.any()

def somebody_elses():
    write("theirs")
    with open("theirs", "rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    os.truncate("theirs", 0)
    mapped[PAGE]

def sent():
    os.kill(os.getpid(), signal.SIGBUS)

def python_handler():
    heard = []
    signal.signal(signal.SIGBUS, lambda number, frame: heard.append(number))
    assert guard.install()
    our_own()
    sent()
    assert heard == [signal.SIGBUS]
    our_own()

def fault_handler_before():
    faulthandler.enable(open("dump", "w"))
    assert guard.install()
    our_own()
    somebody_elses()

def fault_handler_later():
    assert guard.install()
    auto = lambda: choose_backend("auto", [resource]).name
    resource = write("ours")
    assert auto() == "mmap"
    faulthandler.enable(open("nothing", "w"))
    assert auto() == "buffered" and not guard.install()
    faulthandler.disable()
    assert auto() == "mmap"
    our_own()

def default_again():
    faulthandler.enable(open("nothing", "w"))
    assert guard.install()
    faulthandler.disable()
    assert guard.is_installed()
    our_own()
    somebody_elses()

def mapped_before():
    "The mapping is older than the handler."
    resource = write("ours")
    queue = sys.modules["lamella.kernels.compilequeue"].compile_queue
    with queue.paused():
        view = MmapBackend().open([resource]).view(0, 0, resource.size)
    assert not guard.is_installed()
    assert guard.install()
    os.truncate("ours", 0)
    assert not view.any()

def forked_after():
    resource = write("ours")
    session = MmapBackend().open([resource])
    view = session.view(0, 0, resource.size)
    def below():
        os.truncate("ours", PAGE)
        assert not view[PAGE:].any() and view[0]
        our_own()
    assert in_a_fork(below) == 0
    os.truncate("ours", 0)
    assert not view.any()

def in_a_fork(situation):
    pid = os.fork()
    if pid == 0:
        try:
            situation()
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def after_installing(situation):
    def both():
        assert guard.install()
        situation()
    return both

for name in sys.argv[2:]:
    installed, _, situation = name.rpartition(" ")
    run = globals()[situation]
    print(in_a_fork(after_installing(run) if installed else run), name, flush=True)
"""

ENDINGS = {
    "installed our_own": 0,
    "our_own": 0,
    "installed somebody_elses": -7,
    "installed sent": -7,
    "python_handler": 0,
    "fault_handler_before": -7,
    "fault_handler_later": 0,
    "default_again": -7,
    "mapped_before": 0,
    "forked_after": 0,
}


def test_it_gets_along_with_other_handlers_and_with_forks(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-c", SITUATIONS, str(tmp_path), *ENDINGS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = {name: int(code) for code, name in (line.split(" ", 1) for line in done.stdout.splitlines())}
    bus = -7 if sys.platform == "linux" else -10
    assert found == {name: bus if code else 0 for name, code in ENDINGS.items()}, done.stderr
    assert "Fatal Python error: Bus error" in (tmp_path / "dump").read_text()
