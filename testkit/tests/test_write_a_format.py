"""`docs/how-to/write-a-format.md` does what it says: every file is written and every command run as it is printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "write-a-format.md"

_BLOCK = re.compile(
    r"^```\{code-block\} python\n:caption: (?P<file>\S+)\n\n(?P<code>.*?)^```\n|^```console\n(?P<console>.*?)^```\n",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Command:
    """A command and what it is said to print."""

    text: str
    prints: tuple[str, ...]


@dataclass(frozen=True)
class File:
    """A file and its content."""

    name: str
    code: str


def steps() -> Iterator[Command | File]:
    for block in _BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
        if block["file"]:
            yield File(block["file"], block["code"])
            continue
        lines: list[str] = []
        for line in [*block["console"].splitlines(), "$ "]:
            if line.startswith("$ ") and lines:
                yield Command(lines[0].removeprefix("$ "), tuple(lines[1:]))
                lines = []
            lines.append(line)


def squeezed(text: str) -> str:
    return " ".join(text.split())


def test_the_page_has_files_and_commands() -> None:
    kinds = [type(step) for step in steps()]
    assert kinds.count(File) >= 5
    assert kinds.count(Command) >= 10


def test_python_code_compiles() -> None:
    for step in steps():
        if isinstance(step, File):
            compile(step.code, step.name, "exec")


@pytest.mark.parametrize("recipe", ["an_index", "a_lead_in", "corrections"])
def test_recipes_do_what_they_say(recipe: str, tmp_path: Path) -> None:
    found = list(steps())
    for step in found:
        if isinstance(step, File) and step.name in ("plover.py", f"{recipe}.py"):
            (tmp_path / step.name).write_text(step.code, encoding="utf-8")
    (command,) = (step for step in found if isinstance(step, Command) and step.text == f"python {recipe}.py")
    done = subprocess.run([sys.executable, f"{recipe}.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "failed" not in done.stdout
    for line in command.prints:
        assert line in done.stdout


@pytest.mark.slow
def test_the_page_does_what_it_says(tmp_path: Path) -> None:
    dist = tmp_path / "dist"
    for member in ("core", "testkit"):
        subprocess.run(["uv", "build", "-q", "--wheel", "--out-dir", dist, ROOT / member], check=True)
    subprocess.run(["uv", "venv", "-q", "--seed", "--python", sys.executable, tmp_path / "venv"], check=True)
    environment = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH")}
    environment |= {
        "PATH": f"{tmp_path / 'venv' / 'bin'}{os.pathsep}{environment['PATH']}",
        "PIP_FIND_LINKS": str(dist),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    here = tmp_path / "work"
    here.mkdir()
    for step in steps():
        if isinstance(step, File):
            (here / step.name).write_text(step.code, encoding="utf-8")
            continue
        if step.text.startswith("cd "):
            here /= step.text.removeprefix("cd ")
            continue
        done = subprocess.run(step.text, shell=True, cwd=here, env=environment, capture_output=True, text=True)
        told = done.stdout + done.stderr
        assert done.returncode == 0, f"$ {step.text}\n{told}"
        for line in step.prints:
            assert squeezed(line) in squeezed(told), f"$ {step.text}\n{told}"
