"""The tables of the reference are made from what plugins and commands declare, and miss none."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from lamella.cli.app import BUILTIN
from lamella.params.fields import describe
from lamella.params.validate import common_names
from lamella.plugins.registry import default_registry

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"


@pytest.fixture(scope="module")
def generated() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs" / "_ext")  # as the site's configuration does
        yield loaded()


def loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generated", ROOT / "docs" / "_ext" / "generated.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def page(generated: ModuleType, name: str) -> str:
    text: str = generated.filled((REFERENCE / name).read_text(encoding="utf-8"))
    return text


def test_every_format_has_a_row_and_a_section_with_its_parameters(generated: ModuleType) -> None:
    text = page(generated, "formats.md")
    for plugin in default_registry().usable():
        assert plugin.spec is not None
        assert f"### {plugin.name}: {plugin.spec.title}" in text
        assert [info.name for info in describe(plugin.params_class()) if f"| `{info.name}` |" not in text] == []


def test_the_common_parameters_are_listed(generated: ModuleType) -> None:
    text = page(generated, "formats.md")
    assert [name for name in common_names if f"| `{name}` |" not in text] == []


def test_every_command_is_described(generated: ModuleType) -> None:
    text = page(generated, "command-line.md")
    assert [command.name for command in BUILTIN if f"## lamella {command.name}\n" not in text] == []


def test_no_mark_stays_unfilled(generated: ModuleType) -> None:
    for file in REFERENCE.glob("*.md"):
        assert "<!-- generated:" not in page(generated, file.name)
