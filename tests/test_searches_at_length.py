"""Searches for examples that break a rule find none where they are as long as Hypothesis makes them by itself.

The ordinary run makes four of ten examples.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_searches_find_nothing_with_all_their_examples(pytestconfig: pytest.Config) -> None:
    ordinary = pytestconfig.getini("addopts")
    ordinary = ordinary[ordinary.index("-m") + 1]
    options = [
        "-q",
        "-m",
        f"hypothesis and {ordinary}",
        "--hypothesis-profile=thorough",
        "-n",
        "auto",
        "--maxprocesses=8",
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
