"""A reader does dangerous work in a child process."""

from __future__ import annotations

import importlib
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from math import gcd
from pathlib import Path
from types import ModuleType

import pytest

from lamella.errors import ChildError
from lamella.reader import in_child
from lamella.reader.warmchild import WarmChild

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX")

TASKS = """
import os, sys, time
state = []
def crash(): os.abort()
def leave(): os._exit(3)
def hang(): time.sleep(600)
def fail(): raise KeyError("gone")
def say(text): print("this is not an answer"); return {"said": text, "n": [1, 2.5, None, True]}
def take(n): return len(bytearray(n))
def keep(n): state.append(bytearray(n))
def array(): import numpy; return numpy.zeros(3)
def remember(): state.append(1); return len(state)
def pid(): return os.getpid()
def server(): return os.getppid() if sys.platform == "linux" else os.getpid()
def pid_after(seconds): time.sleep(seconds); return os.getpid()
def pid_and_text(path):
    with open(path) as file: return [os.getpid(), file.read()]
def stay(path):
    with open(path, "w") as file: file.write(f"{server()} {os.getpid()}")
    os.replace(path, path + ".done")
    time.sleep(600)
def poison(): state.append(1)
def pid_unless_poisoned():
    if state: os._exit(4)
    return os.getpid()
def leave_in_a_moment():
    import threading
    threading.Timer(0.05, os._exit, [5]).start()
def forge():
    import json, gc
    from lamella.system.spawn import Pipes
    gc.unfreeze()
    (pipes,) = [one for one in gc.get_objects() if isinstance(one, Pipes)]
    for number in range(3): pipes.send(json.dumps({"number": number, "result": "forged"}).encode())
def nest():
    import gc
    from lamella.system.spawn import Pipes
    gc.unfreeze()
    (pipes,) = [one for one in gc.get_objects() if isinstance(one, Pipes)]
    pipes.send(b"[" * 100000)
def write_everywhere():
    for descriptor in range(3, 200):
        try: os.write(descriptor, b"[" * 100000)
        except OSError: pass
    os._exit(0)
def daemon():
    if os.fork() == 0: time.sleep(600)
    return os.getpid()
def litter():
    class Loop: pass
    loop = Loop(); loop.itself = loop; loop.file = open(os.devnull)
    return os.getpid()
def open_files():
    paths = ["/proc/self/fd/" + name for name in os.listdir("/proc/self/fd")]
    return [os.getpid(), [os.readlink(path) for path in paths if os.path.exists(path)].count("/dev/null")]
"""


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    (tmp_path / "tasks_of_child.py").write_text(TASKS)
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop("tasks_of_child", None)
    return importlib.import_module("tasks_of_child")


def test_the_result_comes_back_and_prints_do_not_disturb(tasks: ModuleType) -> None:
    assert in_child(gcd, 12, 18) == 6
    assert in_child(tasks.say, "Ångström\ud800") == {"said": "Ångström\ud800", "n": [1, 2.5, None, True]}


def test_the_child_shares_no_state(tasks: ModuleType) -> None:
    tasks.remember()
    assert in_child(tasks.remember) == 1
    assert len(tasks.state) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_crash_is_named(tasks: ModuleType) -> None:
    with pytest.raises(ChildError, match=r"crash, in a child process: it ended by signal 6 \(SIGABRT\)"):
        in_child(tasks.crash)


def test_an_end_without_a_result_is_an_error(tasks: ModuleType) -> None:
    with pytest.raises(ChildError, match="exit code 3"):
        in_child(tasks.leave)


def test_a_child_that_hangs_is_ended(tasks: ModuleType) -> None:
    with pytest.raises(ChildError, match=r"no answer within 0\.1 s"):
        in_child(tasks.hang, seconds=0.1)


def test_an_exception_is_told_as_text(tasks: ModuleType) -> None:
    with pytest.raises(ChildError, match="KeyError: 'gone'"):
        in_child(tasks.fail)


def test_an_answer_that_is_too_large_is_not_read(tasks: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lamella.reader.childprocess.LARGEST_ANSWER", 1000)
    with pytest.raises(ChildError, match="in a child process"):
        in_child(tasks.say, 2000 * "x")
    with pytest.raises(ChildError, match="in a child process"):
        in_child(tasks.say, (17 << 20) * "x", seconds=60)


def test_results_are_plain_values(tasks: ModuleType) -> None:
    with pytest.raises(ChildError, match="not JSON serializable"):
        in_child(tasks.array)


@pytest.mark.skipif(sys.platform != "linux", reason="no limit here")
def test_memory_is_limited(tasks: ModuleType) -> None:
    assert in_child(tasks.take, 1 << 20, memory=64 << 20) == 1 << 20
    with pytest.raises(ChildError, match="MemoryError"):
        in_child(tasks.take, 256 << 20, memory=64 << 20)


@pytest.fixture
def warm(monkeypatch: pytest.MonkeyPatch) -> Iterator[WarmChild]:
    """One of its own for the test, that does calls itself, as everywhere but on Linux."""
    warm = WarmChild(idle_seconds=60, forks=False)
    monkeypatch.setattr("lamella.reader.inchild.warm_child", warm)
    yield warm
    warm.close()


@pytest.fixture
def forking(monkeypatch: pytest.MonkeyPatch) -> Iterator[WarmChild]:
    """One of its own for the test, that forks a process for each call."""
    if sys.platform != "linux":
        pytest.skip("only Linux forks safely")
    forking = WarmChild(idle_seconds=60)
    assert forking.forks
    monkeypatch.setattr("lamella.reader.inchild.warm_child", forking)
    yield forking
    forking.close()


def runs(pid: int) -> bool:
    """Whether a process of another parent runs."""
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or ") Z " not in status.read_text(encoding="utf-8")


def gone(pid: int, seconds: float = 20) -> bool:
    """Wait until a process is gone."""
    end = time.monotonic() + seconds
    while runs(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not runs(pid)


# A child that forks a process for each call.


def test_each_call_has_a_process_of_its_own_and_all_share_the_child(tasks: ModuleType, forking: WarmChild) -> None:
    server = in_child(tasks.server)
    assert in_child(tasks.server, group="a", memory=1 << 30) == server
    pids = [in_child(tasks.pid, group=group) for group in ("a", "a", "b", None)]
    assert len({server, *pids}) == 5
    assert all(gone(pid) for pid in pids)
    assert [in_child(tasks.remember, group="a") for _ in range(2)] == [1, 1]


@pytest.mark.parametrize("refusal", ["crash", "leave", "fail", "hang", "array", "write_everywhere", "forge", "nest"])
def test_a_call_without_a_result_costs_no_other_call_anything(
    tasks: ModuleType, forking: WarmChild, refusal: str
) -> None:
    server = in_child(tasks.server)
    with pytest.raises(ChildError) as caught:
        in_child(getattr(tasks, refusal), seconds=0.5)
    assert caught.value.raised == (refusal in ("fail", "forge", "nest"))
    assert in_child(tasks.server) == server


def test_what_a_call_leaves_behind_does_not_hold_the_child(tasks: ModuleType, forking: WarmChild) -> None:
    server = in_child(tasks.server)
    with pytest.raises(ChildError, match=r"no answer within 0\.5 s"):  # the pipe is still open in a grandchild
        in_child(tasks.daemon, seconds=0.5)
    assert in_child(tasks.server) == server


def test_a_child_that_was_killed_is_replaced(tasks: ModuleType, forking: WarmChild) -> None:
    server = in_child(tasks.server)
    os.kill(server, signal.SIGKILL)
    assert in_child(tasks.server) != server


def test_a_process_of_a_call_ends_with_the_child(tasks: ModuleType, forking: WarmChild, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    failed: list[ChildError] = []

    def call() -> None:
        with pytest.raises(ChildError) as caught:
            in_child(tasks.stay, str(note), seconds=600)
        failed.append(caught.value)

    in_child(tasks.server)
    thread = threading.Thread(target=call)
    thread.start()
    server, pid = noted(note)
    note.with_name(note.name + ".done").unlink()
    os.kill(server, signal.SIGKILL)
    assert gone(pid)
    server, pid = noted(note)  # a fresh child was asked
    os.kill(server, signal.SIGKILL)
    thread.join(20)
    assert "SIGKILL" in failed[0].found


def test_a_function_that_cannot_be_imported_in_the_child_is_an_error(
    tasks: ModuleType, forking: WarmChild, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_child(tasks.pid)
    monkeypatch.setattr(tasks.pid, "__module__", "module_that_is_nowhere")
    with pytest.raises(ChildError, match="ModuleNotFoundError") as caught:
        in_child(tasks.pid)
    assert not caught.value.raised


# A child that does calls itself, and is kept.


def test_calls_of_a_group_share_a_child_and_others_do_not(tasks: ModuleType, warm: WarmChild) -> None:
    first = in_child(tasks.pid, group="a")
    assert in_child(tasks.pid, group="a") == first
    alone = in_child(tasks.pid)
    assert in_child(tasks.pid, group="a") == first
    assert in_child(tasks.pid) not in (first, alone)
    other = in_child(tasks.pid, group="b")
    assert in_child(tasks.pid, group="b") == other
    assert in_child(tasks.pid, group="a") not in (first, alone, other)
    if os.name == "posix":
        assert gone(first)
        assert gone(other)


def test_a_group_does_not_share_a_child_of_another_surrounding(
    tasks: ModuleType, warm: WarmChild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids = [in_child(tasks.pid, group="a"), in_child(tasks.pid, group="a", memory=1 << 30)]
    pids.append(in_child(tasks.pid, group="a", memory=1 << 29))
    monkeypatch.setenv("VARIABLE_OF_TEST_IN_CHILD", "1")
    pids.append(in_child(tasks.pid, group="a", memory=1 << 29))
    monkeypatch.chdir(tmp_path)
    pids.append(in_child(tasks.pid, group="a", memory=1 << 29))
    monkeypatch.syspath_prepend(tmp_path / "more")
    pids.append(in_child(tasks.pid, group="a", memory=1 << 29))
    assert len(set(pids)) == len(pids)
    assert in_child(tasks.pid, group="a", memory=1 << 29) == pids[-1]


@pytest.mark.parametrize("refusal", ["crash", "leave", "fail", "hang", "array", "say"])
def test_a_child_that_refused_is_not_asked_again(
    tasks: ModuleType, warm: WarmChild, monkeypatch: pytest.MonkeyPatch, refusal: str
) -> None:
    first = in_child(tasks.pid, group="a")
    monkeypatch.setattr("lamella.reader.childprocess.LARGEST_ANSWER", 1000)
    with pytest.raises(ChildError) as caught:
        in_child(getattr(tasks, refusal), *(["x" * 2000] if refusal == "say" else []), seconds=0.5, group="a")
    assert caught.value.raised == (refusal == "fail")
    assert in_child(tasks.pid, group="a") != first
    if os.name == "posix":
        assert gone(first)


def test_what_an_earlier_call_left_refuses_no_later_one(tasks: ModuleType, warm: WarmChild) -> None:
    in_child(tasks.poison, group="a")
    assert in_child(tasks.remember, group="a") == 2  # so it was the same child
    assert isinstance(in_child(tasks.pid_unless_poisoned, group="a"), int)


@pytest.mark.skipif(sys.platform != "linux", reason="no limit here")
def test_memory_that_an_earlier_call_took_refuses_no_later_one(tasks: ModuleType, warm: WarmChild) -> None:
    first = in_child(tasks.pid, memory=64 << 20, group="a")
    in_child(tasks.keep, 48 << 20, memory=64 << 20, group="a")
    assert in_child(tasks.pid, memory=64 << 20, group="a") == first
    assert in_child(tasks.take, 48 << 20, memory=64 << 20, group="a") == 48 << 20
    with pytest.raises(ChildError, match="MemoryError"):
        in_child(tasks.take, 256 << 20, memory=64 << 20, group="a")


def test_a_child_that_ended_between_two_calls_is_replaced(tasks: ModuleType, warm: WarmChild) -> None:
    in_child(tasks.leave_in_a_moment, group="a")
    time.sleep(0.3)
    assert isinstance(in_child(tasks.pid, group="a"), int)


def test_an_answer_that_was_not_asked_for_counts_as_a_crash(tasks: ModuleType, warm: WarmChild) -> None:
    with pytest.raises(ChildError, match="makes no sense"):
        in_child(tasks.forge, group="a")
    with pytest.raises(ChildError, match="makes no sense"):
        in_child(tasks.nest, group="a")
    assert isinstance(in_child(tasks.pid, group="a"), int)


def test_a_child_answers_a_number_of_calls(tasks: ModuleType, warm: WarmChild) -> None:
    assert warm.most_calls == 100
    warm.most_calls = 3
    pids = [in_child(tasks.pid, group="a") for _ in range(7)]
    assert [pids.index(pid) for pid in pids] == [0, 0, 0, 3, 3, 3, 6]


@posix
def test_an_idle_child_is_ended(tasks: ModuleType, warm: WarmChild) -> None:
    warm.idle_seconds = 0.3
    first = in_child(tasks.pid, group="a")
    assert gone(first)
    second = in_child(tasks.pid, group="a")
    assert second != first
    warm.idle_seconds = 60
    while in_child(tasks.pid, group="a") != second:  # asked again, it no longer counts as idle since the first call
        second = in_child(tasks.pid, group="a")
    time.sleep(0.6)
    assert in_child(tasks.pid, group="a") == second


def test_two_threads_at_once_do_not_share_a_child(tasks: ModuleType, warm: WarmChild) -> None:
    in_child(tasks.pid, group="a")
    pids: list[int] = []

    def call() -> None:
        pids.append(in_child(tasks.pid_after, 1.5, group="a"))

    threads = [threading.Thread(target=call) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(pids)) == 2
    assert in_child(tasks.pid, group="a") in pids
    if os.name == "posix":
        assert sum(runs(pid) for pid in pids) == 1


def test_a_child_sees_what_a_file_holds_now(tasks: ModuleType, warm: WarmChild, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    first = in_child(tasks.pid_and_text, str(path), group="a")
    path.write_text("two")
    assert in_child(tasks.pid_and_text, str(path), group="a") == [first[0], "two"]
    path.unlink()
    with pytest.raises(ChildError, match="FileNotFoundError"):
        in_child(tasks.pid_and_text, str(path), group="a")


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks at descriptors in /proc")
def test_files_that_only_the_collector_closes_are_closed(tasks: ModuleType, warm: WarmChild) -> None:
    before = in_child(tasks.open_files, group="a")
    assert in_child(tasks.litter, group="a") == before[0]
    assert in_child(tasks.open_files, group="a") == before


# Ends of the parent.


def script(tasks: ModuleType, text: str) -> subprocess.Popen[str]:
    """Start a Python that has the tasks, and calls them."""
    head = f"import sys; sys.path.insert(0, {str(Path(str(tasks.__file__)).parent)!r})\n"
    head += "import os, signal, threading, time\nimport tasks_of_child as tasks\nfrom lamella.reader import in_child\n"
    command = [sys.executable, "-Wdefault", "-c", head + text]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@posix
@pytest.mark.parametrize("way", ["", "time.sleep(600)"])
def test_no_child_outlives_its_parent(tasks: ModuleType, way: str) -> None:
    with script(tasks, f"print(in_child(tasks.server, group='a'), flush=True)\n{way}") as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        if way:
            assert runs(pid)
            parent.kill()
        else:
            assert parent.wait(8) == 0  # sooner than the child would be idle for too long
            assert not runs(pid)
            assert parent.stderr is not None
            assert parent.stderr.read() == ""  # no warning of a process that runs on
        assert gone(pid, 5)


@posix
def test_a_child_that_works_when_its_parent_is_killed_ends(tasks: ModuleType, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    with script(tasks, f"in_child(tasks.stay, {str(note)!r}, seconds=600, group='a')") as parent:
        server, pid = noted(note)
        parent.kill()
        assert gone(pid)
        assert gone(server)


def noted(note: Path) -> tuple[int, int]:
    """Wait for the numbers that `stay` writes: the child that is kept, and the process of the call."""
    done = note.with_name(note.name + ".done")
    end = time.monotonic() + 60
    while not done.exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    server, pid = map(int, done.read_text().split())
    return server, pid


@posix
def test_ctrl_c_ends_the_call_and_the_child(tasks: ModuleType, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    text = f"""
signal.signal(signal.SIGINT, signal.default_int_handler)
before = in_child(tasks.server, group="a")
try:
    in_child(tasks.stay, {str(note)!r}, seconds=600, group="a")
except KeyboardInterrupt:
    print(before, in_child(tasks.server, group="a"), flush=True)
"""
    with script(tasks, text) as parent:
        server, pid = noted(note)
        for each in (server, pid):
            os.kill(each, signal.SIGINT)  # the terminal sends it to all processes; the parent decides
        time.sleep(0.2)
        assert runs(pid)
        parent.send_signal(signal.SIGINT)
        assert parent.stdout is not None
        before, after = map(int, parent.stdout.readline().split())
        assert before == server != after
        assert gone(pid)
        assert parent.wait(20) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_process_that_was_forked_has_a_child_of_its_own(tasks: ModuleType) -> None:
    text = """
import warnings
warnings.simplefilter("ignore", DeprecationWarning)  # the timer is a thread
first = in_child(tasks.server, group="a")
new = os.fork()
if new == 0:
    second = in_child(tasks.server, group="a")
    again = in_child(tasks.server, group="a")
    print(first != second == again, flush=True)
    time.sleep(600)
print(first == in_child(tasks.server, group="a"), first, new, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    with script(tasks, text) as parent:
        assert parent.stdout is not None
        told = {
            line.split()[0] + str(len(line.split())): line.split() for line in [parent.stdout.readline() for _ in "ab"]
        }
        _, first, new = map(str, told.pop("True3"))
        try:
            assert list(told) == ["True1"]
            assert gone(int(first), 5)  # the new process does not hold its pipe
        finally:
            os.kill(int(new), signal.SIGKILL)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_during_a_call_holds_neither_the_child_nor_a_lock(tasks: ModuleType, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    text = f"""
import warnings
from lamella.reader.warmchild import warm_child
warnings.simplefilter("ignore", DeprecationWarning)  # there are threads
call = dict(seconds=600, group="a")
threading.Thread(target=in_child, args=(tasks.stay, {str(note)!r}), kwargs=call, daemon=True).start()
while not os.path.exists({str(note)!r} + ".done"):
    time.sleep(0.02)
signal.alarm(60)
held = threading.Event()
hold = lambda: (warm_child._lock.acquire(), held.set(), time.sleep(600))
threading.Thread(target=hold, daemon=True).start()
held.wait()
new = os.fork()
if new == 0:
    signal.alarm(60)
    print(in_child(tasks.server, group="a"), os.getpid(), flush=True)
    time.sleep(600)
time.sleep(600)
"""
    with script(tasks, text) as parent:
        pid, _ = noted(note)
        assert parent.stdout is not None
        other, new = map(int, parent.stdout.readline().split())
        try:
            parent.kill()
            assert gone(pid, 5)
            assert pid != other
        finally:
            os.kill(new, signal.SIGKILL)


def local() -> Callable[[], None]:
    return lambda: None


def test_a_function_that_no_other_process_finds_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be imported by another process"):
        in_child(local())


def test_without_a_python_nothing_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    with pytest.raises(ChildError, match="is not a Python executable") as caught:
        in_child(os.getpid)
    assert not caught.value.started
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.started, again.found, str(again)) == (False, caught.value.found, str(caught.value))
