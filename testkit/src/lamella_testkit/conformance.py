"""The checks as tests: a class to derive from in the test suite of a plugin."""

from __future__ import annotations

import atexit
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from lamella.plugins.registry import default_registry
from lamella.system.text import LINE, printable
from lamella_testkit.isolation import Worker
from lamella_testkit.profiles import profile_named
from lamella_testkit.results import Result, Status
from lamella_testkit.runner import chosen

if TYPE_CHECKING:
    from lamella.format import FormatSpec
    from lamella_testkit.checking import Check
    from lamella_testkit.sampler import Sampler

__all__ = ["FormatConformance", "conclude", "parameters", "shared_worker"]


class FormatConformance:
    """All checks of a format as tests; derive from it and name the sampler.

    Checks of speed carry the marker ``benchmark``.

    Attributes
    ----------
    sampler
        What writes the files.
    level
        The highest level to check.
    profile
        ``"brief"``, ``"dev"``, ``"ci"`` or ``"nightly"``; what ``LAMELLA_TESTKIT_PROFILE`` says by default, else
        ``"dev"``.

    Examples
    --------
    >>> from lamella_raw.conformance import RawSampler
    >>> class TestRaw(FormatConformance):
    ...     sampler = RawSampler
    """

    sampler: ClassVar[type[Sampler]]
    level: ClassVar[int] = 4
    profile: ClassVar[str | None] = None

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make one test of each check."""
        if "conformance_check" in metafunc.fixturenames:
            metafunc.parametrize("conformance_check", parameters(self.level))

    def test_conformance(self, conformance_check: Check) -> None:
        """One check."""
        spec = default_registry().get(self.sampler.format).spec
        assert spec is not None
        conclude(make(spec, self.sampler, conformance_check, self.profile))


def parameters(level: int) -> list[Any]:
    """Give the checks up to a level as parameters of a test."""
    return [
        pytest.param(one, id=one.name, marks=[pytest.mark.benchmark] if one.level == 4 else []) for one in chosen(level)
    ]


def make(spec: FormatSpec, sampler: type[Sampler], one: Check, profile: str | None) -> Result:
    """Make a check in the child process that all tests share."""
    return shared_worker().carry_out(spec, sampler, one, profile_named(profile))


def conclude(result: Result) -> None:
    """End a test as its check ended."""
    if result.counts_as_failure:
        pytest.fail(str(result), pytrace=False)
    if result.status is Status.skipped:
        pytest.skip(printable(result.reason or "", LINE))
    if result.status is Status.excused:
        pytest.xfail(printable(result.reason or "", LINE))


@cache
def shared_worker() -> Worker:
    """Give the child process of this session; it ends with it."""
    worker = Worker()
    atexit.register(worker.close)
    return worker
