"""The catalogue of format plugins: its schema, its order, and that entries say what the plugins declare.

Run this file after adding an entry: `uv run pytest tests/test_catalogue.py`.
"""

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from lamella.format import RESERVED_NAMES
from lamella.plugins.known import catalogue
from lamella.plugins.registry import default_registry
from lamella.reader import Probe

ROOT = Path(__file__).parents[1]
DATA = ROOT / "core" / "src" / "lamella" / "plugins" / "data"
LISTED: list[dict[str, Any]] = json.loads((DATA / "catalogue.json").read_text(encoding="utf-8"))["formats"]
SCHEMA: Mapping[str, Any] = json.loads((DATA / "catalogue.schema.json").read_text(encoding="utf-8"))
GOOD = {"name": "tern", "title": "Tern", "distribution": "lamella-tern", "authors": "Ada", "written_by": "Tern cameras"}


def problems(*entries: Mapping[str, Any]) -> list[str]:
    found = Draft202012Validator(SCHEMA).iter_errors({"formats": list(entries)})
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in found]


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_the_catalogue_follows_its_schema() -> None:
    assert problems(*LISTED) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Tern"},
        *({"name": name} for name in sorted(RESERVED_NAMES)),
        {"distribution": "Lamella_Tern"},
        {"homepage": "http://example.org"},
        {"extensions": [".tern"]},
        {"signatures": [{"hex": "54"}]},
        {"title": "two\nlines"},
        {"written_by": ""},
        {"colour": "red"},
    ],
    ids=str,
)
def test_the_schema_finds_what_is_wrong(wrong: Mapping[str, Any]) -> None:
    assert problems(GOOD) == []
    assert problems({**GOOD, **wrong})


@pytest.mark.parametrize("required", GOOD)
def test_the_schema_requires_what_a_search_shows(required: str) -> None:
    assert problems({key: value for key, value in GOOD.items() if key != required})


def test_entries_are_sorted_and_names_and_signatures_occur_once() -> None:
    names = [entry["name"] for entry in LISTED]
    assert names == sorted(set(names))
    signs = [(sign.magic, sign.offset) for known in catalogue().values() for sign in known.signatures]
    assert len(signs) == len(set(signs))
    assert all(offset + len(magic) <= len(Probe.of(sys.executable).head) for magic, offset in signs)


@pytest.mark.parametrize("name", default_registry().names())
def test_an_entry_says_what_the_installed_plugin_declares(name: str) -> None:
    plugin, known = default_registry().get(name), catalogue()[name]
    spec = plugin.spec
    assert spec is not None
    assert (known.title, known.extensions, known.signatures) == (spec.title, spec.extensions, spec.signatures)
    assert known.distribution == plugin.distribution
    readme = ROOT / "plugins" / name / "README.md"
    said = re.search(r"^Written by (?:the )?(.+)\.$", readme.read_text(encoding="utf-8"), re.MULTILINE)
    assert said is not None
    if not said[1].startswith("no program"):
        assert known.written_by.lower() == said[1].replace("`", "").lower()


def test_the_entry_in_the_guide_is_right() -> None:
    page = (ROOT / "docs" / "how-to" / "publish-a-plugin.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- catalogue entry -->\n```json\n(.*?)```", page, re.DOTALL)
    assert found is not None
    entry = json.loads(found[1])
    assert problems(entry) == []
    assert set(entry) == set(SCHEMA["$defs"]["format"]["properties"])
    for key in SCHEMA["$defs"]["format"]["properties"]:
        assert f"`{key}`" in page, key
