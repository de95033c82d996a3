"""`lamella new-format` makes a plugin that works at once: in a fresh environment, outside this workspace, level 3."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from lamella.cli import main
from lamella.cli.app import parser_of
from lamella.cli.commands import Commands
from lamella.plugins.hooks import hooks
from lamella_testkit.scaffold import KINDS, new_format

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, cwd: Path) -> str:
    """Run without the environment that the tests themselves run in."""
    outside = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH")}
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=outside, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_every_placeholder_is_filled(kind: str, tmp_path: Path) -> None:
    for path in new_format("owl_eye", tmp_path / "new", kind=kind, author="Ada"):
        text = path.read_text(encoding="utf-8")
        assert "@name@" not in text
        assert not any(f"@{word}@" in text + str(path) for word in ("Name", "MAGIC", "title", "author", "package"))


@pytest.mark.parametrize("kind", KINDS)
def test_the_code_is_clean(kind: str, tmp_path: Path) -> None:
    new_format("owl", tmp_path / "new", kind=kind)
    config = ["--config", str(ROOT / "pyproject.toml")]
    run(sys.executable, "-m", "ruff", "check", *config, "new/src", cwd=tmp_path)


@pytest.mark.parametrize("name", ["Owl", "owl-eye", "2owls", "", "öwl", "owl eye"])
def test_names_that_python_cannot_use_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a lower-case identifier"):
        new_format(name, tmp_path / "new")


@pytest.mark.parametrize("name", ["list", "show", "search"])
def test_words_of_the_command_formats_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has a meaning"):
        new_format(name, tmp_path / "new")


def test_workflows_are_yaml_and_their_commands_exist(tmp_path: Path) -> None:
    new_format("owl_eye", tmp_path)
    announced = Commands()
    hooks().lamella_cli_commands(announced)
    commands = {command.name: command for command in announced}
    project = tomllib.loads((tmp_path / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    seen = set()
    for file in (tmp_path / ".github" / "workflows").iterdir():
        for job in yaml.safe_load(file.read_text(encoding="utf-8"))["jobs"].values():
            assert job["runs-on"]
            for step in job["steps"]:
                words = shlex.split(step.get("run", ""))
                if words[:1] == ["lamella"]:
                    assert (
                        parser_of(commands[words[1]]).parse_args(words[2:]).name
                        in project["entry-points"]["lamella.formats"]
                    )
                elif words[:2] == ["pip", "install"]:
                    seen |= set(words[2:])
                elif words:
                    assert words in (["pytest"], ["python", "-m", "build"])
                else:
                    assert re.fullmatch(r"[\w-]+/[\w-]+@(v\d+|release/v1)", step["uses"])
    assert seen <= {"-e", ".[test]", "build", "dist/*.whl", "lamella-testkit[pytest]"}
    assert "test" in project["optional-dependencies"]


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    assert main(["new-format", "owl", "--directory", str(tmp_path)]) == 2
    assert "is not empty" in capsys.readouterr().err


def test_the_command_says_what_comes_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new-format", "owl_eye"]) == 0
    assert 'pip install -e "lamella-owl-eye[test]"' in capsys.readouterr().out
    assert (tmp_path / "lamella-owl-eye" / "src" / "lamella_owl_eye" / "reader.py").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_reaches_level_3_in_a_fresh_environment(kind: str, tmp_path: Path) -> None:
    dist = tmp_path / "dist"
    for member in ("core", "testkit"):
        run("uv", "build", "--wheel", "--out-dir", dist, ROOT / member, cwd=tmp_path)
    run("uv", "venv", "--python", sys.executable, "venv", cwd=tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    install: list[str | Path] = ["uv", "pip", "install", "--python", python]
    (core,), (kit,) = dist.glob("lamella-0*.whl"), dist.glob("lamella_testkit-*.whl")
    run(*install, core, f"lamella-testkit[pytest] @ {kit.as_uri()}", cwd=tmp_path)

    lamella = tmp_path / "venv" / "bin" / "lamella"
    run(lamella, "new-format", "owl", "--kind", kind, "--author", "Ada", cwd=tmp_path)
    project = tmp_path / "lamella-owl"
    run("uv", "build", "--wheel", "--out-dir", dist, project, cwd=tmp_path)
    run(*install, *dist.glob("lamella_owl-*.whl"), cwd=tmp_path)

    report = tmp_path / "report.json"
    told = run(lamella, "conformance", "owl", "--level", "3", "--report", report, cwd=tmp_path)
    assert "Level 3, robust" in told
    assert json.loads(report.read_text())["level"] == 3
    run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", project / "tests", cwd=project)
    assert "Level 3" in run(python, "-m", "pytest", "-q", "--lamella", "owl", "--lamella-level", "3", cwd=dist)
