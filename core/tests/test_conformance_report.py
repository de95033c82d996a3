"""A plugin ships the report of the conformance kit, and users see its level."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from lamella.cli import main
from lamella.plugins.conformance import FILE_NAME, report_of
from lamella.plugins.plugin import Plugin, Status
from lamella.plugins.registry import default_registry

REPORT = {"level": 3, "level_name": "robust", "version": "1.2", "checks": []}


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plugin:
    package = tmp_path / "lamella_shipping"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('nobody needs to import this')")
    (package / FILE_NAME).write_text(json.dumps(REPORT))
    monkeypatch.syspath_prepend(tmp_path)
    spec = default_registry().get("raw").spec
    assert spec is not None
    return Plugin("raw", Status.ok, replace(spec, reader="lamella_shipping.reader:Reader"), version="1.2")


def test_the_level_is_read_without_importing_the_plugin(plugin: Plugin) -> None:
    report = report_of(plugin)
    assert report is not None
    assert (report.level, report.text("1.2")) == (3, "3 robust")


def test_the_version_is_named_if_another_one_is_installed(plugin: Plugin) -> None:
    report = report_of(plugin)
    assert report is not None
    assert report.text("1.3") == "3 robust (version 1.2)"


@pytest.mark.parametrize("content", ["", "[]", "{}", "{" * 5000, "null"])
def test_rubbish_is_no_report(content: str, plugin: Plugin, tmp_path: Path) -> None:
    (tmp_path / "lamella_shipping" / FILE_NAME).write_text(content)
    assert report_of(plugin) is None


def test_a_plugin_without_a_report_has_no_report(plugin: Plugin, tmp_path: Path) -> None:
    (tmp_path / "lamella_shipping" / FILE_NAME).unlink()
    assert report_of(plugin) is None
    assert report_of(replace(plugin, declared=None)) is None


def test_formats_shows_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["formats", "list"]) == 0
    assert "conformance" in capsys.readouterr().out
