"""Errors about parameters say which one is to blame, so that a form can show the sentence at its field."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLUGINS = [path for path in ROOT.glob("plugins/*/src/*/*.py") if path.relative_to(ROOT).parts[1] != "gui"]
SOURCES = sorted([*PLUGINS, *ROOT.glob("core/src/lamella/opening/*.py")])


def without_field(source: str) -> Iterator[int]:
    """Give the lines in which an error about parameters is made of a mere sentence."""
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "ParameterError"):
            continue
        is_sentence = isinstance(node.args[0], ast.JoinedStr | ast.Constant | ast.BinOp)
        if is_sentence and "field" not in {keyword.arg for keyword in node.keywords}:
            yield node.lineno


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_error_about_a_parameter_of_a_format_names_it(path: Path) -> None:
    assert list(without_field(path.read_text(encoding="utf-8"))) == []


def test_a_mere_sentence_would_be_found() -> None:
    assert list(without_field("raise ParameterError(f'{x} is wrong')\nraise ParameterError('y', field='y')")) == [1]
