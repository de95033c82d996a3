"""The same checks from the command line, from pytest without a test file, and as a test class."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lamella.cli import main
from lamella_testkit import SampleData
from lamella_testkit.catalogue import all_checks
from lamella_testkit.samplers import sampler_named

Capture = pytest.CaptureFixture[str]


def outside(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=cwd, capture_output=True, text=True)


def test_conformance_says_the_level(capsys: Capture) -> None:
    assert main(["conformance", "memory", "--level", "0"]) == 0
    told = capsys.readouterr().out
    assert "Level 0, declared" in told
    assert "FAILED" not in told


def test_conformance_writes_report_and_badge(tmp_path: Path, capsys: Capture) -> None:
    report, badge = tmp_path / "r.json", tmp_path / "b.svg"
    asked = ["conformance", "raw", "--level", "0", "--report", str(report), "--badge", str(badge)]
    assert main(asked) == 0
    assert json.loads(report.read_text())["level"] == 0
    assert "level 0, declared" in badge.read_text()


def test_conformance_speaks_json(capsys: Capture) -> None:
    assert main(["conformance", "raw", "--check", "spec_is_valid", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert [check["check"] for check in facts["checks"]] == ["spec_is_valid"]


def test_a_file_is_enough_for_many_checks(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "scan.npy"
    np.save(file, np.arange(2 * 3 * 4 * 5, dtype="<u2").reshape(2, 3, 4, 5))
    assert main(["conformance", "npy", "--file", str(file), "--level", "1"]) == 0
    told = capsys.readouterr().out
    assert "checks need no more than a file, 0 failed" in told
    assert "Level" not in told
    assert file.stat().st_size == 128 + 240


def test_a_file_with_missing_frames_is_not_enough(tmp_path: Path, capsys: Capture) -> None:
    sampler = sampler_named("mrc")()
    data = SampleData((3, 4), (5, 6), "<u2", variant="direct-electron")
    special = next(one for one in sampler.write_special(tmp_path, data) if one.text.startswith("positions, and"))
    assert main(["conformance", "mrc", "--file", str(special.keywords["path"])]) == 1
    assert "every scan position has a frame" in capsys.readouterr().err


def test_conformance_lists_its_rules(capsys: Capture) -> None:
    assert main(["conformance", "--list"]) == 0
    told = capsys.readouterr().out
    assert all(one.name in told for one in all_checks())


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        (["conformance"], "which format?", 2),
        (["conformance", "raw", "--check", "spec_load"], "did you mean spec_loads", 2),
        (["conformance", "rawr"], "did you mean raw", 1),
        (["conformance", "raw", "--level", "9"], "invalid choice", 2),
    ],
)
def test_mistakes_on_the_command_line_are_told(arguments: list[str], message: str, code: int, capsys: Capture) -> None:
    assert main(arguments) == code
    assert message in capsys.readouterr().err


def test_the_module_is_the_command(tmp_path: Path) -> None:
    done = outside("-m", "lamella_testkit", "conformance", "raw", "--level", "0", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Level 0, declared" in done.stdout
    wrong = outside("-m", "lamella_testkit", "nonsense", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "usage" in wrong.stderr


def test_pytest_checks_a_format_in_an_empty_directory(tmp_path: Path) -> None:
    done = outside("-m", "pytest", "--lamella", "npy", "--lamella-level", "0", "-p", "no:cacheprovider", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "conformance of npy" in done.stdout
    assert "Level 0, declared" in done.stdout


def test_pytest_says_what_is_not_installed(tmp_path: Path) -> None:
    done = outside("-m", "pytest", "--lamella", "nonsense", cwd=tmp_path)
    assert done.returncode == 4
    assert "no format is called 'nonsense'" in done.stderr


SUITE = """
from pathlib import Path
from lamella_npy.conformance import NpySampler
from lamella_testkit import FormatConformance

class BrokenSampler(NpySampler):
    known_failures = {"spec_is_valid": "issue 1"}

    def write(self, directory, data):
        answer = super().write(directory, data)
        Path(answer["path"]).write_bytes(Path(answer["path"]).read_bytes()[:-1] + b"x")
        return answer

class TestBroken(FormatConformance):
    sampler = BrokenSampler
    level = 1
"""


def test_a_suite_fails_with_rule_example_and_hint(tmp_path: Path) -> None:
    (tmp_path / "test_broken.py").write_text(SUITE)
    chosen = "full_read_equals_what_was_written or spec_is_valid or spec_loads"
    done = outside("-m", "pytest", "-q", "-k", chosen, "-p", "no:cacheprovider", cwd=tmp_path)
    assert done.returncode == 1
    assert "2 failed, 1 passed" in done.stdout
    for word in ("rule", "found", "example", "hint", "known_failures; take it out"):
        assert word in done.stdout


def test_the_command_line_starts_without_the_kit(tmp_path: Path) -> None:
    """Hooks of installed packages are loaded by everybody; ours must not bring NumPy and hypothesis."""
    look = (
        "import sys, lamella_testkit.hooks; print([m for m in ('numpy', 'hypothesis', 'pytest') if m in sys.modules])"
    )
    assert outside("-c", look, cwd=tmp_path).stdout == "[]\n"
