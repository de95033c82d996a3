"""Compiling ahead from the command line."""

from __future__ import annotations

import json

import pytest

from lamella.cli import main
from lamella.kernels import builtin
from lamella.kernels import warm as warming


def test_warm_makes_kernels_ready(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    calls = [call for call in warming.common_calls() if call[0] is builtin.add_pixels][:2]
    monkeypatch.setattr(warming, "common_calls", lambda: iter(calls))
    monkeypatch.setattr(builtin.add_pixels, "_ready", {})
    assert main(["warm", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kernels"] == 2
    assert len(builtin.add_pixels._ready) == 2


def test_common_calls_are_valid_for_the_numpy_versions_too() -> None:
    for kernel, arguments in warming.common_calls():
        kernel.fallback(*arguments)
