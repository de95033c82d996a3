"""The kit knows which lines right files must reach, and which of them ran."""

from __future__ import annotations

import sys
import textwrap
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from lamella.plugins.registry import default_registry
from lamella_testkit.catalogue import named
from lamella_testkit.checks import level3_reached
from lamella_testkit.errorpaths import statements
from lamella_testkit.kit import Kit
from lamella_testkit.modules import modules_of
from lamella_testkit.outcomes import Broken
from lamella_testkit.profiles import PROFILES
from lamella_testkit.reached import forget_answers, recorded_lines
from lamella_testkit.samplers import sampler_named


def test_answers_that_were_remembered_are_worked_out_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    module = ModuleType("some_reader")
    module.answer = cache(lambda: asked.append(1))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "some_reader", module)
    for _ in range(2):
        module.answer()
    forget_answers(["some_reader", "not_imported"])
    module.answer()
    assert len(asked) == 2


def wanted(source: str) -> list[str]:
    return [one.code for one in statements(textwrap.dedent(source)) if not one.error]


def test_what_leads_to_an_error_need_not_be_reached() -> None:
    source = """
    def f(x):
        if x:
            text = str(x)
            for one in text:
                text += one
            raise ValueError(text)
        return 1
    """
    assert wanted(source) == ["if x:", "return 1"]


def test_a_warning_ends_a_path_as_an_error_does() -> None:
    source = """
    def f(x):
        if x:
            y = x + 1
            warnings.warn(str(y), LamellaWarning, stacklevel=2)
        return 1
    """
    assert wanted(source) == ["if x:", "return 1"]


def test_none_defaults_and_handlers_that_go_on_are_wanted() -> None:
    source = """
    def f(x):
        try:
            y = g(x)
        except ValueError:
            y = 0
        except KeyError as error:
            z = error
            raise TypeError(z)
        if y:
            pass
        else:
            y = 5
        return None
    """
    assert wanted(source) == ["y = g(x)", "y = 0", "if y:", "y = 5", "return None"]


def test_an_error_that_is_caught_beside_it_is_no_error() -> None:
    source = """
    def f(x):
        try:
            raise ValueError(x)
        except ValueError:
            return 0
    """
    assert "raise ValueError(x)" in wanted(source)


def test_a_function_that_only_makes_errors_is_one() -> None:
    source = """
    def f(x):
        if x:
            raise _wrong(x)
        return _kept(x)

    def _wrong(x):
        return ValueError(_text(x))

    def _text(x):
        return str(x)

    def _kept(x):
        return x
    """
    assert wanted(source) == ["if x:", "return _kept(x)", "return x"]


def test_lines_are_recorded_in_all_threads(tmp_path: Path) -> None:
    file = tmp_path / "module_that_is_watched.py"
    file.write_text("import threading\ndef f():\n    return 1\ndef g():\n    return 2\ndef h():\n    return 3\n")
    space: dict[str, object] = {}
    exec(compile(file.read_text(), str(file), "exec"), space)
    import threading

    with recorded_lines([file]) as lines:
        space["f"]()  # type: ignore[operator]
        thread = threading.Thread(target=space["g"])  # type: ignore[arg-type]
        thread.start()
        thread.join()
    space["h"]()  # type: ignore[operator]
    assert lines == {file: {3, 5}}


@pytest.fixture
def blo_kit(tmp_path: Path) -> Kit:
    spec = default_registry().get("blo").spec
    assert spec is not None
    return Kit(spec, sampler_named("blo")(), profile=PROFILES["brief"], workdir=tmp_path)


def test_modules_are_those_of_the_reader(blo_kit: Kit) -> None:
    assert set(modules_of(blo_kit.spec, type(blo_kit.sampler))) == {
        "lamella_blo.header",
        "lamella_blo.params",
        "lamella_blo.reader",
    }


def test_a_sampler_that_writes_too_few_kinds_of_file_is_told_the_lines(
    blo_kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(level3_reached, "_use_all", lambda kit: None)
    with pytest.raises(Broken, match=r"statements are reached by no right file:\nlamella_blo"):
        named("right_files_reach_the_reader").run(blo_kit)


def test_an_excuse_for_what_is_reached_is_refused(blo_kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    modules = modules_of(blo_kit.spec, type(blo_kit.sampler))
    every = {one.code: "not here" for path in modules.values() for one in statements(path.read_text()) if not one.error}
    monkeypatch.setattr(level3_reached, "_use_all", lambda kit: None)
    monkeypatch.setattr(type(blo_kit.sampler), "unreached", every)
    named("right_files_reach_the_reader").run(blo_kit)
    monkeypatch.setattr(type(blo_kit.sampler), "unreached", every | {"reader.nothing": "not there"})
    with pytest.raises(Broken, match=r"not there: reader\.nothing"):
        named("right_files_reach_the_reader").run(blo_kit)


def test_the_check_is_advice_for_plugins_of_the_first_edition(blo_kit: Kit) -> None:
    one = named("right_files_reach_the_reader")
    assert one.since > replace(blo_kit.spec, edition="2026.1").edition
    assert named("full_read_equals_what_was_written").since == "2026.1"
