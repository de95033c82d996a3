"""A reader does dangerous work in a child process."""

from __future__ import annotations

import importlib
import os
import pickle
import sys
from collections.abc import Callable
from math import gcd
from pathlib import Path
from types import ModuleType

import pytest

from lamella.errors import ChildError
from lamella.reader import in_child

TASKS = """
import os, sys, time
state = []
def crash(): os.abort()
def leave(): os._exit(3)
def hang(): time.sleep(600)
def fail(): raise KeyError("gone")
def say(text): print("this is not an answer"); return {"said": text, "n": [1, 2.5, None, True]}
def take(n): return len(bytearray(n))
def array(): import numpy; return numpy.zeros(3)
def remember(): state.append(1); return len(state)
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
    monkeypatch.setattr("lamella.reader.childprocess._LARGEST_ANSWER", 1000)
    with pytest.raises(ChildError, match="in a child process"):
        in_child(tasks.say, 2000 * "x")


def test_results_are_plain_values(tasks: ModuleType) -> None:
    with pytest.raises(ChildError, match="not JSON serializable"):
        in_child(tasks.array)


@pytest.mark.skipif(sys.platform != "linux", reason="no limit here")
def test_memory_is_limited(tasks: ModuleType) -> None:
    assert in_child(tasks.take, 1 << 20, memory=64 << 20) == 1 << 20
    with pytest.raises(ChildError, match="MemoryError"):
        in_child(tasks.take, 256 << 20, memory=64 << 20)


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
