"""The Dockerfile of the documentation: its instructions are sound, and its commands make what its users then load."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = "/lamella"
"""Where the image has the clone."""


def instructions() -> list[tuple[str, str]]:
    text = (ROOT / "docs/how-to/install.md").read_text(encoding="utf-8")
    found = re.search(r"```dockerfile\n(.*?)```", text, re.DOTALL)
    assert found is not None
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in found[1].splitlines()]


def variables() -> dict[str, str]:
    return dict(pair.split("=", 1) for name, rest in instructions() if name == "ENV" for pair in shlex.split(rest))


def commands() -> Iterator[str]:
    for name, rest in instructions():
        if name == "RUN":
            yield rest


def test_the_image_is_built_from_what_there_is() -> None:
    names = [name for name, _ in instructions()]
    assert names[:2] == ["FROM", "COPY"]
    assert set(names) <= {"FROM", "COPY", "RUN", "ENV", "USER", "ENTRYPOINT"}
    assert dict(instructions())["COPY"] == f". {SOURCES}"
    for word in " ".join(commands()).split():
        if word.startswith(SOURCES):
            assert (ROOT / word.removeprefix(f"{SOURCES}/") / "pyproject.toml").is_file(), word


def test_kernels_of_the_image_are_compiled_by_who_installs_and_for_a_named_processor() -> None:
    lines = instructions()
    warm = lines.index(("RUN", "lamella warm"))
    assert [name for name, _ in lines[:warm]].count("ENV") == 1
    assert [name for name, _ in lines[warm:]].count("USER") == 1
    assert variables().keys() == {"NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES"}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="images are for Linux")
def test_users_of_an_image_load_what_it_holds_and_write_nothing(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH")}
    environment |= variables() | {"PATH": f"{tmp_path / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("LAMELLA_KERNEL_CACHE", None)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    for command in commands():
        line = command.replace(f"{SOURCES}/", f"{ROOT}/")
        done = subprocess.run(line, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    nobody = tmp_path / "no folder"
    nobody.touch()
    environment |= {"HOME": str(nobody), "XDG_CACHE_HOME": str(nobody)}
    asked = ["lamella", "doctor", "--json"]
    done = subprocess.run(asked, cwd=tmp_path, env=environment, capture_output=True, text=True)
    kernels = [one for one in json.loads(done.stdout)["findings"] if one["subject"].startswith("kernel ")]
    assert kernels
    assert [one for one in kernels if one["level"] != "ok"] == []
