"""The guide to adding a command is right: its modules are written, announced and run."""

import importlib
import re
from pathlib import Path

import pytest

from lamella.cli import main
from lamella.plugins.hooks import hooks


def test_a_command_as_the_guide_shows_it_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    guide = Path(__file__).parents[1] / "docs" / "how-to" / "add-a-command.md"
    command, hook = re.findall(r"```python\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL)
    package = tmp_path / "lamella_hello"
    package.mkdir()
    (package / "command.py").write_text(command)
    (package / "hooks.py").write_text(hook)
    (tmp_path / "scan.raw").write_bytes(bytes(12))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    announced = importlib.import_module("lamella_hello.hooks")
    hooks().register(announced)
    try:
        arguments = ["scan.raw", "--format", "raw", "--dtype", "u1", "--sig-shape", "2,2", "--times", "2"]
        assert main(["hello", *arguments]) == 0
    finally:
        hooks().unregister(announced)
    assert capsys.readouterr().out == "Hello, scan.raw\n" * 2
