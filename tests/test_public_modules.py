"""Who imports what: plugins, the scaffold and the documentation use public modules of Lamella, and nothing else.

A plugin is judged by the entry-point groups that it declares, not by its name.
"""

import ast
import importlib
import re
import textwrap
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FunctionType

import pytest

from lamella.format import API_VERSION
from lamella_testkit.scaffold import new_format

ROOT = Path(__file__).parents[1]

FOR_FORMATS = frozenset({"lamella.format", "lamella.reader", "lamella.codecs", "lamella.errors"})
FOR_OTHER_PACKAGES = frozenset({"lamella.lazy", "lamella.rsciio", "lamella.contrib.daskadapter"})
FOR_USERS = FOR_OTHER_PACKAGES | {
    "lamella",
    "lamella.udf",
    "lamella.masks",
    "lamella.corrections",
    "lamella.errors",
    "lamella.plot",
    "lamella.cli",
    "lamella.analysis",
    "lamella.demo",
}
OF_THE_MACHINE = {
    "lamella.executors": "lamella.executors",
    "lamella.io_backends": "lamella.io",
    "lamella.exporters": "lamella.export",
    "lamella.analyses": "lamella.analysis",
}
"""The public module for authors of each kind of thing that is chosen by name, by its entry-point group."""

PUBLIC = FOR_FORMATS | FOR_USERS | frozenset(OF_THE_MACHINE.values())
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md")), *sorted(ROOT.glob("plugins/*/README.md"))]


def allowed(groups: Iterable[str]) -> frozenset[str]:
    """The modules that a plugin with these entry-point groups may import."""
    groups = list(groups)
    modules: set[str] = {"lamella.errors"} if groups else set(PUBLIC)  # without any, it is a program that uses Lamella
    for group in groups:
        if group == "lamella.formats":
            modules |= FOR_FORMATS
        elif group in OF_THE_MACHINE:
            modules |= {OF_THE_MACHINE[group], "lamella.format", "lamella.reader", "lamella.udf"}
            modules |= {"lamella.io"} if group == "lamella.executors" else set()  # they say how bytes come on a worker
        elif group == "lamella":
            modules |= FOR_USERS
    return frozenset(modules)


def imported(code: str) -> Iterator[tuple[str, str | None]]:
    """Every module of Lamella that a code imports, and each name that it takes from one."""
    tree = ast.parse(code)
    bound: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] == "lamella":
                    yield alias.name, None
                    bound[alias.asname or "lamella"] = alias.name if alias.asname else "lamella"
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "lamella":
            assert node.module is not None
            for alias in node.names:
                yield node.module, alias.name
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in bound:
            yield bound[node.value.id], node.attr


def faults(code: str, modules: Iterable[str]) -> list[str]:
    """What a code imports that is not public for it."""
    found = []
    for module, name in imported(code):
        inner = f"{module}.{name}"
        if module == "lamella" and inner in PUBLIC:
            module, name = inner, None  # `from lamella import udf`
        if module not in modules:
            found.append(f"imports {module}")
        elif name is not None and name not in public_names(module):
            found.append(f"takes {name} from {module}, where it is not public")
    return found


def public_names(module: str) -> set[str]:
    helpers = {"kept", "row", "wide", "wide_float"} if module == "lamella.udf" else set()  # they import numba
    return {*importlib.import_module(module).__all__, *helpers}


def groups_of(pyproject: Path) -> list[str]:
    return list(tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"].get("entry-points", {}))


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_a_shipped_plugin_imports_what_is_public_for_its_kind(plugin: Path) -> None:
    modules = allowed(groups_of(plugin / "pyproject.toml"))
    found = {
        path.relative_to(plugin).as_posix(): faults(path.read_text(encoding="utf-8"), modules)
        for path in plugin.glob("src/**/*.py")
    }
    assert {name: what for name, what in found.items() if what} == {}


FOR_AUTHORS: dict[str, set[str] | None] = {
    **dict.fromkeys(sorted({*FOR_FORMATS, *OF_THE_MACHINE.values(), "lamella.cli"})),
    "lamella": {"hookimpl"},
    "lamella.udf": {"Kernel", "ReducingUDF", "Reduction", "WeighingUDF", "kept", "row", "wide", "wide_float"},
}
"""The modules whose names the reference for plugin authors describes: all of them, or some."""

REFERENCE = ROOT / "docs" / "reference" / "plugin-authors.md"


def names_for_authors(module: str) -> set[str]:
    names = FOR_AUTHORS[module]
    return public_names(module) if names is None else names


def section_of(module: str) -> str:
    """The part of the reference that describes a module, up to the next part of the same level."""
    anchor = "module-cli" if module == "lamella" else f"module-{module.removeprefix('lamella.')}"
    text = REFERENCE.read_text(encoding="utf-8")
    assert f"({anchor})=\n" in text
    return re.split(r"^\(module-\w+\)=\n|^## All names\n", text.partition(f"({anchor})=\n")[2], flags=re.MULTILINE)[0]


@pytest.mark.parametrize("module", FOR_AUTHORS)
def test_the_reference_for_authors_says_what_each_name_is(module: str) -> None:
    described = dict(re.findall(r"^\| `(\w+)` \| (.+\.) \|$", section_of(module), re.MULTILINE))
    assert names_for_authors(module) - set(described) == set()
    assert [name for name, sentence in described.items() if len(sentence.split()) < 4] == []


@pytest.mark.parametrize("module", FOR_AUTHORS)
def test_the_reference_for_authors_describes_only_what_exists(module: str) -> None:
    described = set(re.findall(r"^\| `(\w+)` \| ", section_of(module), re.MULTILINE))
    shared = names_for_authors("lamella") | names_for_authors("lamella.cli")  # one section describes both
    assert described - (shared if module in ("lamella", "lamella.cli") else names_for_authors(module)) == set()


@pytest.mark.parametrize("module", FOR_AUTHORS)
def test_the_reference_for_authors_uses_each_name(module: str) -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))
    used = {name for where, name in imported(code) if name is not None and where == module}
    assert names_for_authors(module) - used == set()
    words = {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}
    assert names_for_authors(module) - words == set()


@pytest.mark.parametrize("module", sorted(FOR_USERS))
def test_the_reference_describes_each_name_for_users(module: str) -> None:
    text = REFERENCE.with_name("python.md").read_text(encoding="utf-8")
    if f"automodule:: {module}\n" in text:
        return
    described = set(re.findall(rf"(?:auto\w+:: |^\| `)(?:{re.escape(module)}|lamella)\.(\w+)", text, re.MULTILINE))
    elsewhere = names_for_authors(module) if module in FOR_AUTHORS else set()
    assert public_names(module) - described - elsewhere - public_names("lamella.errors") == set()


def test_the_table_of_all_names_is_complete() -> None:
    table = REFERENCE.read_text(encoding="utf-8").partition("## All names\n")[2]
    rows = re.findall(r"^\| `(\w+)` \| `([\w.]+)` \| (\d+\.\d+) \|$", table, re.MULTILINE)
    assert len(rows) == len(set(rows))
    listed = {(name, module) for name, module, _ in rows}
    assert listed == {(name, module) for module in PUBLIC for name in public_names(module)}
    versions = {(int(major), int(minor)) for _, _, since in rows for major, minor in [since.split(".")]}
    assert max(versions) <= API_VERSION


@pytest.mark.parametrize("kind", ["linear", "procedural"])
def test_the_scaffold_imports_what_is_public(kind: str, tmp_path: Path) -> None:
    new_format("made", tmp_path, kind=kind)
    (pyproject,) = tmp_path.rglob("pyproject.toml")
    modules = allowed(groups_of(pyproject))
    paths = list(pyproject.parent.glob("src/**/*.py"))
    assert paths
    assert {path.name: what for path in paths if (what := faults(path.read_text(encoding="utf-8"), modules))} == {}
    tests = list(pyproject.parent.glob("tests/**/*.py"))
    assert {path.name: what for path in tests if (what := faults(path.read_text(encoding="utf-8"), PUBLIC))} == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_page_shows_public_modules_only(page: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert [fault for block in blocks for fault in faults(textwrap.dedent(block), PUBLIC)] == []


@pytest.mark.parametrize("module", sorted(PUBLIC))
def test_every_public_name_exists_and_says_what_it_is(module: str) -> None:
    face = importlib.import_module(module)
    assert face.__doc__
    assert face.__all__
    undescribed = [
        name
        for name in face.__all__
        if isinstance(value := getattr(face, name), type | FunctionType)
        if not (value.__doc__ or "").strip()
    ]
    assert undescribed == []
    assert set(face.__all__) <= set(dir(face))


@pytest.mark.parametrize("module", sorted(PUBLIC))
def test_type_checkers_see_the_same_names_as_programs(module: str) -> None:
    face = importlib.import_module(module)
    assert face.__file__ is not None
    tree = ast.parse(Path(face.__file__).read_text(encoding="utf-8"))
    if not any(isinstance(node, ast.ImportFrom) and node.module == "lamella.system.lazy" for node in tree.body):
        pytest.skip("this module defines its names itself")
    given = {
        name: where
        for table in ast.walk(tree)
        if isinstance(table, ast.Dict)
        for where, names in ast.literal_eval(table).items()
        for name in names.split()
    }
    seen = {
        alias.asname: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node not in tree.body
        for alias in node.names
    }
    assert seen == given


def test_the_kind_of_a_plugin_follows_from_its_entry_points() -> None:
    assert "lamella.executors" in allowed(["lamella.executors"])
    assert "lamella" not in allowed(["lamella.formats"])
    assert allowed([]) == PUBLIC
    assert "lamella.reader" not in allowed(["lamella"])
    assert faults("from lamella.opening.open import open_dataset", allowed(["lamella.formats"])) != []
    assert faults("import lamella\nlamella.opening", PUBLIC) != []
    assert faults("from lamella.reader import Probe", allowed(["lamella"])) != []
    assert faults("from lamella.reader import Probe", allowed(["lamella.formats"])) == []
