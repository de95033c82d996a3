"""`lamella formats search WORD` finds formats by the words that users know, installed or not."""

import json

import pytest

from lamella.cli import main
from lamella.format import API_VERSION, RESERVED_NAMES, FormatSpec
from lamella.plugins.registry import Registry
from lamella.plugins.search import search

NOTHING_INSTALLED = Registry(environ={}, entry_points=lambda *, group: ())


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("merlin", "mib"),
        ("MIB", "mib"),
        (".dm4", "dm"),
        ("scan_01.DM4", "dm"),
        ("velox", "hdf5"),
        ("py4DSTEM", "hdf5"),
        ("astar topspin", "blo"),
        ("lamella-tvips", "tvips"),
        ("hdr", "frms6"),
    ],
)
def test_what_users_call_a_format_finds_it(words: str, first: str) -> None:
    assert next(found.name for found in search(words.split(), NOTHING_INSTALLED)) == first


def test_all_words_must_fit() -> None:
    names = {found.name for found in search(["direct", "electron"], NOTHING_INSTALLED)}
    assert {"mrc", "seq"} <= names
    assert {found.name for found in search(["direct", "electron", "streampix"], NOTHING_INSTALLED)} == {"seq"}


def test_an_extension_comes_before_a_part_of_a_title() -> None:
    assert [found.name for found in search(["raw"], NOTHING_INSTALLED)][:2] == ["empad", "raw"]
    assert search(["raw"], NOTHING_INSTALLED)[-1].name in ("k2is", "raw_csr")


def test_a_plugin_that_is_installed_and_not_in_the_catalogue_is_found() -> None:
    registry = Registry(environ={}, entry_points=lambda *, group: ())
    registry.register(FormatSpec(name="tern", title="Tern detector scans", api=API_VERSION, reader="a:B", params="a:B"))
    (found,) = search(["detector", "scans"], registry)
    assert (found.name, found.known) == ("tern", None)


def test_formats_search_says_how_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lamella.cli.formats.default_registry", lambda: NOTHING_INSTALLED)
    assert main(["formats", "search", "merlin"]) == 0
    assert "pip install lamella-mib" in capsys.readouterr().out
    assert main(["formats", "search", "merlin", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["found"]
    assert (found["name"], found["status"], found["install"]) == ("mib", None, "pip install lamella-mib")
    assert found["homepage"] == "https://pypi.org/project/lamella-mib/"


def test_formats_search_tells_installed_formats_and_what_is_not_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["formats", "search", "merlin"]) == 0
    assert capsys.readouterr().out.rstrip().endswith("installed")
    assert main(["formats", "search", "gramophone"]) == 0
    assert "no known format fits 'gramophone'" in capsys.readouterr().out


def test_formats_search_wants_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["formats", "search"]) == 2
    assert "search for what?" in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(RESERVED_NAMES))
def test_words_of_the_command_cannot_be_names_of_formats(name: str) -> None:
    declared = FormatSpec(name=name, title="Made", api=API_VERSION, reader="a:B", params="a:B")
    assert list(declared.problems()) == [f"name {name!r} has a meaning for `lamella formats`; choose another one"]
