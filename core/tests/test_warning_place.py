"""A warning about data points at the line of the user's program, wherever that calls from."""

from __future__ import annotations

import ast
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import lamella
from lamella.errors import LamellaWarning
from lamella.system.warn import quiet, warn_user

CALLS = {
    "open": "ds = lamella.open(path, nav_shape=(4, 4))",
    "open_again": "ds = lamella.Context('inline').load('npy', path, nav_shape=(4, 4))",
    "function": "ds = (lambda: lamella.open(path, nav_shape=(4, 4)))()",
    "thread": "with ThreadPoolExecutor() as pool: pool.submit(lambda: lamella.open(path, nav_shape=(4, 4))).result()",
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_script_is_told_its_own_line(tmp_path: Path, call: str) -> None:
    np.save(tmp_path / "scan.npy", np.zeros((12, 2, 2), dtype=np.uint8))
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nfrom concurrent.futures import ThreadPoolExecutor\nimport lamella\n"
        f"path = sys.argv[1]\n\n{call}\nprint('done')\n"
    )
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "scan.npy")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "done\n"
    assert done.stderr.startswith(f"{script}:6: LamellaWarning: ")
    assert "4 of 16 scan positions have no frame" in done.stderr
    assert call in done.stderr


def test_a_cell_of_a_notebook_is_told_its_own_line(tmp_path: Path) -> None:
    np.save(tmp_path / "scan.npy", np.zeros((12, 2, 2), dtype=np.uint8))
    cell = compile("import lamella\n\nds = lamella.open(path, nav_shape=(4, 4))", "<ipython-input-7>", "exec")
    with pytest.warns(LamellaWarning) as caught:
        exec(cell, {"__name__": "__main__", "path": tmp_path / "scan.npy"})
    assert [(one.filename, one.lineno) for one in caught] == [("<ipython-input-7>", 3)]


def test_a_program_that_wraps_lamella_is_told_its_own_line(tmp_path: Path) -> None:
    np.save(tmp_path / "scan.npy", np.zeros((12, 2, 2), dtype=np.uint8))
    cell = compile("def load(path):\n    return lamella.open(path, nav_shape=(4, 4))", "viewer.py", "exec")
    names = {"__name__": "lamella_viewer.load", "lamella": lamella}
    exec(cell, names)
    with pytest.warns(LamellaWarning) as caught:
        names["load"](tmp_path / "scan.npy")  # type: ignore[operator]
    assert [(one.filename, one.lineno) for one in caught] == [("viewer.py", 2)]


def test_a_function_of_the_core_is_passed_over() -> None:
    names = {"__name__": "lamella.inside", "warn_user": warn_user, "category": LamellaWarning}
    with pytest.warns(LamellaWarning, match="careful") as caught:
        exec(compile("\nwarn_user('careful', category)", "inside.py", "exec"), names)
    assert caught[0].filename == __file__


def test_an_executor_of_somebody_else_is_passed_over() -> None:
    """Its package is, and no other one whose name only begins alike."""
    code = "def run(act):\n    act()\n\ndef act():\n    warn_user('careful', category)\n"
    names = {"__name__": "ray_executor.run", "warn_user": warn_user, "category": LamellaWarning}
    exec(compile(code, "ray_executor.py", "exec"), names)
    user = {"__name__": "ray_executor_user", "names": names}
    with pytest.warns(LamellaWarning, match="careful") as caught:
        exec(compile("\n\nnames['run'](names['act'])", "user.py", "exec"), user)
    assert [(one.filename, one.lineno) for one in caught] == [("user.py", 3)]


def test_the_core_warns_in_one_place_only() -> None:
    root = Path(lamella.__file__).parent
    calls = [
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr in ("warn", "warn_explicit")
        and ast.unparse(node).startswith("warnings.")
    ]
    assert calls == ["system/warn.py"]


def test_a_thread_that_is_quiet_leaves_others_alone(tmp_path: Path) -> None:
    """A file that never answers keeps nobody else from checking one, and from being warned."""
    np.save(tmp_path / "scan.npy", np.zeros((12, 2, 2), dtype=np.uint8))
    inside, goes_on = threading.Event(), threading.Event()

    def hang() -> None:
        with quiet():
            inside.set()
            goes_on.wait(20)

    with ThreadPoolExecutor() as pool, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        hanging = pool.submit(hang)
        try:
            assert inside.wait(20)
            checked = pool.submit(lamella.check, "npy", tmp_path / "scan.npy", {"nav_shape": (4, 4)})
            assert checked.result(20).counts.missing == 4  # type: ignore[union-attr]
            assert not caught
            lamella.open(tmp_path / "scan.npy", nav_shape=(4, 4))
        finally:
            goes_on.set()
        hanging.result(20)
    assert [one.category for one in caught] == [LamellaWarning]


def test_what_is_quiet_inside_of_what_is_quiet_ends_first() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with quiet(LamellaWarning):
            with quiet():
                warnings.warn("first", UserWarning, stacklevel=1)
            warnings.warn("second", LamellaWarning, stacklevel=1)
            warnings.warn("third", UserWarning, stacklevel=1)
        warnings.warn("fourth", LamellaWarning, stacklevel=1)
    assert [str(one.message) for one in caught] == ["third", "fourth"]
