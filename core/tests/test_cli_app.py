"""The command line as a whole: exit codes, errors, help, commands of plugins."""

import errno
import io
import json
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import lamella
from lamella.cli import main
from lamella.cli.app import BUILTIN
from lamella.cli.commands import Commands
from lamella.errors import CorruptError, LamellaWarning
from lamella.plugins.hooks import hookimpl, hooks


class Extra:
    """A package that adds the command `extra`, whose behaviour a test sets."""

    @hookimpl
    def lamella_cli_commands(self, registry_of_commands: Commands) -> None:
        registry_of_commands.add("extra", "something of a plugin", "extra_command_for_tests")


@pytest.fixture
def extra(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    module = ModuleType("extra_command_for_tests", "Something of a plugin.")
    module.configure = lambda parser: parser.add_argument("--many", type=int, default=1)  # type: ignore[attr-defined]
    module.run = lambda args, console: args.many - 1  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    package = Extra()
    hooks().register(package)
    yield module
    hooks().unregister(package)


def raising(error: BaseException) -> Any:
    def run(args: Any, console: Any) -> int:
        raise error

    return run


def test_no_arguments_give_the_list_of_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert re.search(r"^  doctor +check the installation and its plugins$", capsys.readouterr().out, re.MULTILINE)


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"lamella {lamella.__version__}\n"


@pytest.mark.parametrize("name", [command.name for command in BUILTIN])
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"usage: lamella {name}")


def test_an_unknown_command_is_wrong_usage_and_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inf"]) == 2
    assert "no command is called 'inf'; did you mean 'info'?" in capsys.readouterr().err


def test_a_missing_argument_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info"]) == 2
    error = capsys.readouterr().err
    assert "required: FILE" in error
    assert "lamella info --help says more" in error


def test_options_cannot_be_abbreviated() -> None:
    assert main(["doctor", "--js"]) == 2


def test_a_missing_file_is_one_clear_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", "nowhere.blo"]) == 1
    captured = capsys.readouterr()
    assert captured.err.endswith("nowhere.blo: No such file or directory\n")
    assert captured.out == ""


def test_a_missing_file_is_json_for_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", "nowhere.blo", "--json"]) == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out)["error"]["type"] == "MissingPathError"
    assert captured.err == ""


def test_wrong_usage_is_json_for_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "--json"]) == 2
    assert "FILE" in json.loads(capsys.readouterr().out)["error"]["message"]


def test_a_plugin_adds_a_command(extra: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert re.search(r"^  extra +something of a plugin$", capsys.readouterr().out, re.MULTILINE)
    assert main(["extra"]) == 0
    assert main(["extra", "--many", "8"]) == 7


def test_a_plugin_cannot_take_over_a_command() -> None:
    with pytest.raises(ValueError, match="there is a command 'info' already"):
        Commands(BUILTIN).add("info", "mine", "mine")


def test_an_error_of_the_data_is_one_message_and_exit_code_1(
    extra: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    extra.run = raising(CorruptError("it is damaged", path="a.blo", expected=1, found=2, remedy="Copy it again"))  # type: ignore[attr-defined]
    assert main(["extra"]) == 1
    assert capsys.readouterr().err == "lamella: a.blo: it is damaged; expected 1; found 2. Copy it again\n"


def test_an_error_of_the_data_is_json_with_its_parts(extra: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    extra.run = raising(CorruptError("it is damaged", path="a.blo", expected=1, found=2))  # type: ignore[attr-defined]
    assert main(["extra", "--json"]) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["type"], error["path"], error["expected"], error["found"]) == ("CorruptError", "a.blo", 1, 2)


def test_a_defect_is_told_without_a_traceback(extra: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    extra.run = raising(ZeroDivisionError("oh"))  # type: ignore[attr-defined]
    assert main(["extra"]) == 1
    error = capsys.readouterr().err
    assert "Traceback" not in error
    assert "ZeroDivisionError: oh (--traceback shows where)" in error


def test_a_traceback_can_be_asked_for(extra: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    extra.run = raising(ZeroDivisionError("oh"))  # type: ignore[attr-defined]
    assert main(["extra", "--traceback"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_an_interrupt_gives_130(extra: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    extra.run = raising(KeyboardInterrupt())  # type: ignore[attr-defined]
    assert main(["extra"]) == 130
    assert capsys.readouterr().err == "lamella: interrupted\n"


def test_a_warning_about_data_is_one_line_on_standard_error(
    extra: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(args: Any, console: Any) -> int:
        warnings.warn("two frames are missing", LamellaWarning, stacklevel=1)
        return 0

    extra.run = run  # type: ignore[attr-defined]
    assert main(["extra"]) == 0
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "lamella: warning: two frames are missing\n")


def test_python_m_lamella_is_the_same_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lamella", "probe", "nowhere"], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("lamella: ")
    assert done.stderr.endswith("nowhere: No such file or directory\n")


def test_a_terminal_without_unicode_gets_question_marks() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lamella", "formats"],
        env={**os.environ, "PYTHONIOENCODING": "ascii:strict"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_that_stops_reading_is_no_error() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; from lamella.cli import main; sys.exit(main(['formats']))"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""


class _FullDisk(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_disk_without_room_for_the_output_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", _FullDisk())
    assert main(["formats", *options]) == 1
    assert capsys.readouterr().err == "lamella: standard output: No space left on device\n"


def test_a_program_without_standard_output_does_its_work(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    np.save(tmp_path / "scan.npy", np.zeros((2, 3, 4, 4), np.uint8))
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["export", str(tmp_path / "scan.npy"), str(tmp_path / "copy.npy"), "--executor", "inline"]) == 0
    assert np.load(tmp_path / "copy.npy").shape == (2, 3, 4, 4)
    assert capsys.readouterr().err == ""
