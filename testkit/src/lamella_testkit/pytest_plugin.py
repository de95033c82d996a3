"""``pytest --lamella NAME``: the checks of an installed format as tests, without any test file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lamella.format import FormatSpec
    from lamella_testkit.checking import Check
    from lamella_testkit.results import Result
    from lamella_testkit.sampler import Sampler

__all__ = ["ConformanceItem"]

_results = pytest.StashKey[dict[str, list["Result"]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("lamella", "conformance of Lamella format plugins")
    group.addoption("--lamella", action="append", default=[], metavar="NAME", help="check an installed format")
    group.addoption("--lamella-level", type=int, default=4, metavar="N", help="highest level to check")
    group.addoption("--lamella-profile", default=None, metavar="NAME", help="brief, dev, ci or nightly")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker of speed checks known."""
    config.addinivalue_line("markers", "benchmark: measures speed; needs an idle machine")
    config.stash[_results] = {}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add an item for each check of each format that is named."""
    for name in config.getoption("--lamella"):
        items += _items(session, name, config.getoption("--lamella-level"))


def _items(session: pytest.Session, name: str, level: int) -> list[pytest.Item]:
    from lamella.errors import LamellaError
    from lamella.plugins.registry import default_registry
    from lamella_testkit.runner import chosen
    from lamella_testkit.samplers import sampler_named

    try:
        spec = default_registry().get(name).spec
        assert spec is not None
        sampler = sampler_named(spec.name)
    except (LamellaError, TypeError) as error:
        raise pytest.UsageError(f"--lamella {name}: {error}") from None
    items: list[pytest.Item] = []
    for one in chosen(level):
        item = ConformanceItem.from_parent(
            session,
            name=f"{name}::{one.name}",
            nodeid=f"lamella::{name}::{one.name}",
            spec=spec,
            sampler=sampler,
            one=one,
        )
        items.append(item)
    return items


class ConformanceItem(pytest.Item):
    """One check of one installed format."""

    def __init__(self, *, spec: FormatSpec, sampler: type[Sampler], one: Check, **rest: object) -> None:
        super().__init__(**rest)  # type: ignore[arg-type]
        self.spec = spec
        self.sampler = sampler
        self.one = one
        if one.level == 4:
            self.add_marker(pytest.mark.benchmark)

    def runtest(self) -> None:
        """Make the check."""
        from lamella_testkit.conformance import conclude, make

        result = make(self.spec, self.sampler, self.one, self.config.getoption("--lamella-profile"))
        self.config.stash[_results].setdefault(self.spec.name, []).append(result)
        conclude(result)

    def reportinfo(self) -> tuple[str, int | None, str]:
        """Say what is being checked."""
        return "lamella", None, self.name


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say the level of each format."""
    for name, results in config.stash[_results].items():
        from lamella_testkit.report import summary

        terminalreporter.write_sep("-", f"conformance of {name}")
        for line in summary(results):
            terminalreporter.write_line(line)
