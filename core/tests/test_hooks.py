import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import lamella.plugins.hooks
from lamella.errors import PluginError
from lamella.plugins.hooks import Hooks, hooks
from lamella.plugins.hookspecs import Finding

hookimpl: Any = lamella.plugins.hooks.hookimpl


class Healthy:
    def __init__(self) -> None:
        self.seen: list[Any] = []

    @hookimpl
    def lamella_doctor(self) -> list[Finding]:
        return [Finding("gpu", "info", "none found")]

    @hookimpl
    def lamella_dataset_opened(self, dataset: Any) -> None:
        self.seen.append(dataset)

    @hookimpl
    def lamella_suggest_reader(self, path: Path) -> str | None:
        return f"foo reads {path.suffix}" if path.suffix == ".foo" else None

    @hookimpl
    def lamella_cli_commands(self, registry_of_commands: Any) -> None:
        registry_of_commands["hello"] = print


class Ill:
    @hookimpl
    def lamella_doctor(self) -> list[Finding]:
        raise RuntimeError("sick")

    @hookimpl
    def lamella_dataset_opened(self) -> None:
        raise SystemExit(3)

    @hookimpl
    def lamella_suggest_reader(self) -> Any:
        return 42


@pytest.fixture
def some() -> Hooks:
    collected = Hooks()
    collected.register(Ill(), "ill-1")
    collected.register(Healthy(), "healthy")
    collected.register(Ill(), "ill-2")
    return collected


def test_answers_of_all_packages_are_collected() -> None:
    collected = Hooks()
    assert collected.lamella_suggest_reader(Path("a.foo")) == []
    collected.register(Healthy())
    collected.register(Healthy())
    assert collected.lamella_suggest_reader(Path("a.foo")) == ["foo reads .foo"] * 2
    assert collected.lamella_suggest_reader(Path("a.bar")) == []
    assert collected.lamella_doctor() == [Finding("gpu", "info", "none found")] * 2


def test_commands_can_be_added() -> None:
    collected = Hooks()
    collected.register(Healthy())
    commands: dict[str, Any] = {}
    collected.lamella_cli_commands(commands)
    assert commands == {"hello": print}


def test_a_failing_implementation_disturbs_nobody(some: Hooks, caplog: pytest.LogCaptureFixture) -> None:
    healthy = Healthy()
    some.register(healthy, "second")
    marker: Any = object()
    some.lamella_dataset_opened(dataset=marker)
    assert healthy.seen == [marker]
    assert set(some.failures) == {"ill-1", "ill-2"}
    assert "SystemExit" in some.failures["ill-1"]
    assert "ill-1" in caplog.text


def test_answers_of_the_wrong_kind_are_left_out(some: Hooks) -> None:
    assert some.lamella_suggest_reader(Path("a.foo")) == ["foo reads .foo"]


def test_the_doctor_tells_of_failing_packages(some: Hooks) -> None:
    findings = {finding.subject: finding for finding in some.lamella_doctor()}
    assert findings["gpu"].level == "info"
    assert findings["ill-1"].level == "error"
    assert "RuntimeError: sick" in findings["ill-1"].message


def test_an_implementation_can_be_taken_out_again() -> None:
    collected, healthy = Hooks(), Healthy()
    collected.register(healthy)
    collected.unregister(healthy)
    assert collected.lamella_doctor() == []


def test_an_interrupt_is_not_swallowed() -> None:
    class Interrupted:
        @hookimpl
        def lamella_doctor(self) -> None:
            raise KeyboardInterrupt

    collected = Hooks()
    collected.register(Interrupted())
    with pytest.raises(KeyboardInterrupt):
        collected.lamella_doctor()


def test_the_process_shares_its_hooks() -> None:
    assert hooks() is hooks()


def test_only_hookimpl_is_made_on_demand() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = lamella.plugins.hooks.nothing


def test_hooks_that_nobody_implements_do_not_cost_pluggy() -> None:
    program = (
        "import sys; from pathlib import Path; from lamella.plugins.hooks import Hooks\n"
        "from lamella.plugins.registry import Registry\n"
        "nobody = Hooks(Registry(entry_points=lambda *, group: ()))\n"
        "assert nobody.lamella_suggest_reader(Path('x')) == []\n"
        "print('pluggy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def telling(word: str, **options: Any) -> Any:
    class Telling:
        @hookimpl(**options)
        def lamella_suggest_reader(self) -> str:
            return word

    return Telling()


def test_implementations_are_called_in_the_order_that_they_ask_for() -> None:
    collected = Hooks()
    for word, options in (("last", {"trylast": True}), ("a", {}), ("first", {"tryfirst": True}), ("b", {})):
        collected.register(telling(word, **options), word)
    assert collected.lamella_suggest_reader(Path("x")) == ["first", "b", "a", "last"]


@pytest.mark.parametrize("option", ["wrapper", "hookwrapper"])
def test_hook_wrappers_are_refused_with_words(option: str) -> None:
    class Wrapping:
        @hookimpl(**{option: True})
        def lamella_doctor(self) -> Any:
            yield

    collected = Hooks()
    with pytest.raises(PluginError, match=f"lamella_doctor is a hook wrapper \\({option}=True\\)"):
        collected.register(Wrapping())
    assert collected.lamella_doctor() == []


@pytest.mark.parametrize(
    ("implementation", "words"),
    [
        (telling("x", specname="lamella_docter"), "no hook 'lamella_docter'; did you mean 'lamella_doctor'"),
        (42, "exports int"),
        (None, "exports NoneType"),
    ],
)
def test_what_would_never_be_called_is_refused(implementation: object, words: str) -> None:
    with pytest.raises(PluginError, match=words):
        Hooks().register(implementation)


def test_an_optional_hook_of_a_later_core_is_no_problem() -> None:
    collected = Hooks()
    collected.register(telling("x", specname="lamella_of_tomorrow", optionalhook=True))
    assert collected.lamella_suggest_reader(Path("x")) == []


def test_all_implementations_of_one_package_are_called_alone() -> None:
    class Both:
        @hookimpl(specname="lamella_suggest_reader")
        def ill(self) -> str:
            raise RuntimeError("sick")

        @hookimpl(specname="lamella_suggest_reader")
        def well(self, path: Path) -> str:
            return path.name

    collected = Hooks()
    collected.register(Both(), "both")
    assert collected.lamella_suggest_reader(Path("a.foo")) == ["a.foo"]
    assert "RuntimeError: sick" in collected.failures["both"]
