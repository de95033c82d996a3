"""The workflow files are right as far as that can be known without running them: jobs, commands, files, groups."""

import os
import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CORE = tomllib.loads((ROOT / "core" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MARKS = {mark.partition(":")[0] for mark in PYPROJECT["tool"]["pytest"]["ini_options"]["markers"]}
PROGRAMS = ("uv", "pip", "pytest", ".ci/lowest")

workflow = pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)


def jobs(file: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))["jobs"]
    return found


def commands(file: Path) -> Iterator[list[str]]:
    for job in jobs(file).values():
        for step in job["steps"]:
            yield from (shlex.split(line) for line in step.get("run", "").splitlines())


def test_there_are_workflows_for_tests_packages_and_the_site() -> None:
    assert {file.stem for file in WORKFLOWS} == {"docs", "nightly", "publish", "test"}


@workflow
def test_every_command_names_programs_files_groups_and_marks_that_exist(file: Path) -> None:
    for words in commands(file):
        assert words[0] in PROGRAMS, words
        assert os.access(ROOT / words[0], os.X_OK) or not words[0].startswith(".")
        for word, value in zip(words, [*words[1:], ""], strict=True):
            if word == "--group":
                assert value in PYPROJECT["dependency-groups"], words
            if word == "-m":
                assert value in MARKS, words
            if re.match(r"@?\.?/?(tests|core|plugins|testkit|docs|\.ci)\b", word) and word != "docs/_build":
                path = word.removeprefix("@").partition("[")[0]
                assert (ROOT / path).exists(), words


@workflow
def test_actions_have_versions_and_jobs_few_rights(file: Path) -> None:
    assert yaml.safe_load(file.read_text(encoding="utf-8"))["permissions"] == {"contents": "read"}
    for name, job in jobs(file).items():
        used = [step["uses"] for step in job["steps"] if "uses" in step]
        assert [one for one in used if not re.fullmatch(r"[\w-]+/[\w-]+@(v\d+|release/v1)", one)] == []
        assert ("id-token" in job.get("permissions", {})) == (name in ("publish", "deploy"))


def test_tests_run_on_three_systems_and_every_python_that_is_announced() -> None:
    matrix = jobs(ROOT / ".github" / "workflows" / "test.yml")["tests"]["strategy"]["matrix"]
    assert {name.partition("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}
    announced = [c.rpartition(" ")[2] for c in CORE["classifiers"] if re.search(r"Python :: 3\.\d+$", c)]
    assert matrix["python"] == announced
    assert CORE["requires-python"] == f">={announced[0]}"


def test_the_fast_part_names_files_that_exist() -> None:
    for name in (ROOT / ".ci" / "fast.txt").read_text(encoding="utf-8").split():
        assert (ROOT / name).is_file(), name
