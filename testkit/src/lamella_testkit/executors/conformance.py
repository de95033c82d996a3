"""The checks of executors as tests: a class to derive from in the test suite of a plugin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from lamella_testkit.executors.rules import ExecutorCheck, executor_checks
from lamella_testkit.executors.trial import PATIENCE, Trial
from lamella_testkit.results import Status

if TYPE_CHECKING:
    from lamella.executors import Executor

__all__ = ["ExecutorConformance"]


class ExecutorConformance:
    """All checks of an executor as tests; derive from it and say how it is made.

    One executor is made for all tests of the class, and closed after them.

    Attributes
    ----------
    seconds
        How long a check may take before the executor counts as one that hangs.

    Examples
    --------
    >>> from lamella.executors import ThreadsExecutor
    >>> class TestThreads(ExecutorConformance):
    ...     def make(self):
    ...         return ThreadsExecutor(2)
    """

    seconds: float = PATIENCE

    def make(self) -> Executor:
        """Give the executor; with two workers or more, if it can."""
        raise NotImplementedError

    @pytest.fixture(scope="class")
    def trial(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
        """The executor under test."""
        executor = self.make()
        yield Trial(executor, tmp_path_factory.mktemp("executor"), seconds=self.seconds)
        executor.close()

    @pytest.mark.filterwarnings("ignore")
    @pytest.mark.parametrize("one", executor_checks(), ids=lambda one: one.name)
    def test_conformance(self, trial: Trial, one: ExecutorCheck) -> None:
        """One check."""
        result = trial.make(one)
        if result.status is Status.failed:
            pytest.fail(str(result), pytrace=False)
        if result.status is Status.skipped:
            pytest.skip(result.reason or "")
