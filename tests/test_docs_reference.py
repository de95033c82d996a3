"""The tables of the reference are made from what plugins and commands declare, and miss none."""

import importlib
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from lamella.cli.app import BUILTIN
from lamella.params.fields import describe
from lamella.params.validate import common_names
from lamella.plugins.plugin import Plugin
from lamella.plugins.registry import default_registry
from lamella_testkit.checking import LEVELS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


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
    text: str = generated.filled((DOCS / name).read_text(encoding="utf-8"))
    return text


def formats() -> list[Plugin]:
    return list(default_registry().usable())


def extensions() -> ModuleType:
    return importlib.import_module("format_pages")


def test_every_format_has_a_row_and_a_page_with_its_parameters(generated: ModuleType) -> None:
    overview = page(generated, "formats/index.md")
    for plugin in formats():
        assert plugin.spec is not None
        assert f"| [{plugin.spec.title}]({plugin.name}.md) |" in overview
        text = page(generated, f"formats/{plugin.name}.md")
        assert f"# {plugin.spec.title}\n" in text
        assert [info.name for info in describe(plugin.params_class()) if f"| `{info.name}` |" not in text] == []
        assert [one for one in plugin.spec.capabilities if extensions().CAPABILITIES[one] not in text] == []


def test_no_page_is_about_a_format_that_does_not_exist() -> None:
    names = {page.stem for page in (DOCS / "formats").glob("*.md")} - {"index"}
    assert names == {plugin.name for plugin in formats()}


@pytest.mark.parametrize("plugin", formats(), ids=lambda plugin: plugin.name)
def test_the_readme_of_a_format_has_the_sections_of_its_page(generated: ModuleType, plugin: Plugin) -> None:
    found = extensions().sections(extensions().readme_of(plugin))
    assert [title for title in extensions().SECTIONS if not found.get(title)] == []
    assert extensions().written_by(plugin)


def test_the_page_of_a_format_says_how_it_was_tested(generated: ModuleType) -> None:
    for plugin in formats():
        text = page(generated, f"formats/{plugin.name}.md").partition("## How it was tested")[2]
        said = f"[level {extensions().level(plugin)}]" in text
        assert said or "The plugin contains no conformance report" in text, plugin.name


def test_the_table_of_formats_in_the_readme_is_the_one_that_is_made(generated: ModuleType) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.partition("<!-- made from: formats -->\n")[2].partition("\n<!-- end -->")[0]
    assert table == extensions().overview("docs/formats/")


def test_every_level_has_a_meaning_for_users(generated: ModuleType) -> None:
    text = page(generated, "how-to/check-a-plugin.md")
    assert [level for level in LEVELS if f"| {level} |" not in text] == []


def test_the_chart_of_speed_is_made_from_the_tables_of_the_performance_page(generated: ModuleType) -> None:
    chart = importlib.import_module("speed_chart")
    text = chart.PAGE.read_text(encoding="utf-8")
    assert chart.CHART.read_text(encoding="utf-8") == chart.svg(text)


def test_the_chart_shows_every_file_also_those_that_are_slower(generated: ModuleType) -> None:
    chart = importlib.import_module("speed_chart")
    text = """<!-- figures: conditions -->
| measured | today |
| machine | a machine |
| system | Linux-6 |
| versions | numpy 2 |
| workers | 2 |
| files | 1 MB |
<!-- end -->
<!-- figures: field -->
| job | raw_u1 | mib_u2 |
| --- | --- | --- |
| sum | 2 (4 / 3) | 0.5 (0.5 / 1) |
| mask | 2 (9 / 3) |  |
<!-- end -->
"""
    assert chart.ratios(text) == {"sum": [4, 0.5], "mask": [9]}
    drawn = chart.svg(text)
    places = [float(one) for one in re.findall(r"circle cx='([\d.]+)'", drawn)]
    (equal,) = re.findall(r"M([\d.]+) [^']+' stroke='#444'", drawn)
    assert [place > float(equal) for place in places] == [True, False, True]


def test_the_common_parameters_are_listed(generated: ModuleType) -> None:
    text = page(generated, "formats/index.md")
    assert [name for name in common_names if f"| `{name}` |" not in text] == []


def test_every_command_is_described(generated: ModuleType) -> None:
    text = page(generated, "reference/command-line.md")
    assert [command.name for command in BUILTIN if f"## lamella {command.name}\n" not in text] == []


def test_no_mark_stays_unfilled(generated: ModuleType) -> None:
    for file in DOCS.glob("**/*.md"):
        if "<!-- generated: look at" not in file.read_text(encoding="utf-8"):  # pictures take long
            assert "<!-- generated:" not in page(generated, str(file.relative_to(DOCS)))
