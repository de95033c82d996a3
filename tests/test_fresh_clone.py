"""The commands of the README work in a fresh clone."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*command: str, cwd: Path) -> str:
    outside = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH")}
    done = subprocess.run(command, cwd=cwd, env=outside, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.slow
def test_the_demonstration_runs_in_a_fresh_clone(tmp_path: Path) -> None:
    run("git", "clone", "--quiet", str(ROOT), "clone", cwd=tmp_path)
    clone = tmp_path / "clone"
    told = run("uv", "run", "lamella", "demo", "--size", "24,40,48", cwd=clone)
    assert "detected with confidence 100 of 100" in told
    assert (clone / "lamella-demo" / "demo.png").is_file()
    assert run("git", "status", "--porcelain", cwd=clone) == ""
