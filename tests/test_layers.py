"""The structure of the code: modules import from lower layers only, and nothing imports itself through others."""

import importlib.util
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

_spec = importlib.util.spec_from_file_location("layers", ROOT / "docs" / "_ext" / "layers.py")
assert _spec is not None
assert _spec.loader is not None
layers = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(layers)

PACKAGES = [ROOT / "core", ROOT / "testkit", *sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))]
MOST_AT_THE_ROOT = 12


def graph_of(package: Path) -> dict[str, set[str]]:
    known = layers.modules_below(package / "src")
    return {name: layers.imports_of(name, path, known) for name, path in known.items()}


def circles(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Groups of nodes each of which leads to all others of its group."""
    reached = {start: reach(graph, start) for start in graph}
    found = {frozenset(b for b in reached[a] if a in reached.get(b, ())) for a in graph if a in reached[a]}
    return sorted(sorted(circle) for circle in found)


def reach(graph: Mapping[str, Iterable[str]], start: str) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for node in graph.get(waiting.pop(), ()):
            if node not in seen:
                seen.add(node)
                waiting.append(node)
    return seen


def between_folders(graph: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    folders: dict[str, set[str]] = {}
    for module, imported in graph.items():
        place = layers.place_of(module)
        folders.setdefault(place, set()).update({layers.place_of(other) for other in imported} - {place})
    return folders


def test_the_search_finds_circles_of_every_length() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": {"d"}, "f": {"a"}}
    assert circles(graph) == [["a", "b", "c"], ["d", "e"]]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_no_files_import_each_other_in_a_circle(package: Path) -> None:
    assert circles(graph_of(package)) == []


def test_no_folders_of_the_core_import_each_other_in_a_circle() -> None:
    assert circles(between_folders(graph_of(ROOT / "core"))) == []


def test_every_folder_and_every_file_at_the_root_has_its_layer() -> None:
    named = [place for _, places in layers.LAYERS for place in places]
    assert len(named) == len(set(named))
    assert set(named) == {layers.place_of(module) for module in layers.modules()}


def test_modules_import_from_lower_layers_only() -> None:
    level = {place: i for i, (_, places) in enumerate(reversed(layers.LAYERS)) for place in places}
    upwards = [
        f"{module} imports {other}"
        for module, imported in graph_of(ROOT / "core").items()
        for other in imported
        if layers.place_of(module) != layers.place_of(other)
        and level[layers.place_of(module)] <= level[layers.place_of(other)]
    ]
    assert upwards == []


def test_few_modules_lie_at_the_root() -> None:
    assert len(list(layers.SOURCE.glob("*.py"))) <= MOST_AT_THE_ROOT


@pytest.mark.parametrize("shown", ["picture", "table"])
def test_the_page_names_every_file_of_the_core(shown: str) -> None:
    words = set(re.findall(r"\w+", getattr(layers, shown)()))
    assert sorted({path.stem for path in layers.modules().values()} - {"__init__"} - words) == []
