"""Makes checks of one executor, and gives them what they need."""

from __future__ import annotations

import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamella_testkit.executors.jobs import Where, where
from lamella_testkit.executors.rules import ExecutorCheck, ExecutorResult, executor_checks
from lamella_testkit.outcomes import Broken, NotNeeded
from lamella_testkit.results import Status

if TYPE_CHECKING:
    from lamella.executors import Executor

__all__ = ["PATIENCE", "Trial", "check_executor"]

PATIENCE = 60.0
"""How long a check may take before the executor counts as one that hangs [s]."""


class Trial:
    """One executor under test.

    Parameters
    ----------
    executor
        It.
    folder
        A folder that its workers see under the same path.
    seconds
        How long a check may take.

    Attributes
    ----------
    folder : Path
        A new folder in each check.
    """

    def __init__(self, executor: Executor, folder: Path, *, seconds: float = PATIENCE) -> None:
        self.executor = executor
        self.folder = folder
        self._root = folder
        self._seconds = seconds
        self._hung: str | None = None

    def make(self, one: ExecutorCheck) -> ExecutorResult:
        """Make a check; nothing that the executor does gets through, not even that it never comes back."""
        began = time.perf_counter()
        status: Status
        reason: str | None
        if self._hung is not None:
            status, reason = Status.skipped, f"the executor hangs since {self._hung}"
        else:
            self.folder = self._root / one.name
            self.folder.mkdir()
            status, reason = self._outcome(one)
        seconds = time.perf_counter() - began
        return ExecutorResult(
            check=one.name, rule=one.rule, hint=one.hint, status=status, reason=reason, seconds=seconds
        )

    def _outcome(self, one: ExecutorCheck) -> tuple[Status, str | None]:
        found: list[tuple[Status, str | None]] = []
        thread = threading.Thread(target=lambda: found.append(_outcome(one, self)), name="testkit", daemon=True)
        thread.start()
        thread.join(self._seconds)
        if found:
            return found[0]
        self._hung = one.name
        return Status.failed, f"it hangs: no end within {self._seconds:g} s"

    @cached_property
    def places(self) -> tuple[Where, ...]:
        """Where jobs run."""
        return tuple(self.executor.run(where, None, range(4 * self.executor.workers)))

    @property
    def elsewhere(self) -> bool:
        """Whether jobs run in other processes."""
        return all(place.process != Where.here().process for place in self.places)

    @property
    def in_caller(self) -> bool:
        """Whether jobs run in the thread that takes the results."""
        place = next(self.run(where, None, range(1)))
        return bool(place == Where.here())

    def run(self, job: Any, shared: Any, items: Any, **options: Any) -> Generator[Any]:
        """Begin a run."""
        return self.executor.run(job, shared, items, **options)

    def everything(self, job: Any, shared: Any, items: Sequence[Any], **options: Any) -> list[Any]:
        """Give all results of a run."""
        return list(self.run(job, shared, items, **options))

    def until_error(self, job: Any, shared: Any, items: Sequence[Any], **options: Any) -> tuple[list[Any], Exception]:
        """Give the results of a run that come before its error, and that."""
        results: list[Any] = []
        with closing(self.run(job, shared, items, **options)) as run:
            try:
                for result in run:
                    results.append(result)  # noqa: PERF402
            except Exception as error:
                return results, error
        raise Broken(f"an error was expected, and {len(results)} results came without one")

    def expect_usable(self) -> None:
        """Look whether the executor still works."""
        found = list(self.executor.map(abs, [-3, 2, -1]))
        if found != [3, 2, 1]:
            raise Broken(f"the next run gives {found} instead of [3, 2, 1]")


def _outcome(one: ExecutorCheck, trial: Trial) -> tuple[Status, str | None]:
    try:
        one.run(trial)
    except NotNeeded as why:
        return Status.not_applicable, str(why)
    except Broken as broken:
        return Status.failed, broken.what
    except BaseException as error:
        return Status.failed, f"it raises {type(error).__name__}: {error}"
    return Status.passed, None


def check_executor(
    executor: Executor,
    *,
    checks: Sequence[str] = (),
    seconds: float = PATIENCE,
    folder: Path | None = None,
    progress: Callable[[ExecutorResult], None] | None = None,
) -> list[ExecutorResult]:
    """Check an executor.

    Parameters
    ----------
    executor
        It; closed at the end.
    checks
        Names of checks, if not all of them are wanted.
    seconds
        How long a check may take before the executor counts as one that hangs.
    folder
        An empty folder that the workers see under the same path; a temporary one if None.
    progress
        Called with each result.

    Returns
    -------
    list of ExecutorResult
        One for each check.

    Examples
    --------
    >>> from lamella.executors import InlineExecutor
    >>> from lamella_testkit.executors import check_executor
    >>> for result in check_executor(InlineExecutor(), checks=["results_are_in_order", "lost_workers_cost_no_result"]):
    ...     print(result)
    results_are_in_order: passed
    lost_workers_cost_no_result: not-applicable
      found    its workers are no other processes, which could end
    """
    known = {one.name: one for one in executor_checks()}
    unknown = [name for name in checks if name not in known]
    if unknown:
        raise KeyError(f"no check is called {unknown[0]!r}; there are {', '.join(known)}")
    results = []
    with tempfile.TemporaryDirectory(prefix="lamella-testkit-", dir=folder, ignore_cleanup_errors=True) as name:
        trial = Trial(executor, Path(name), seconds=seconds)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for one in [known[name] for name in checks] or known.values():
                results.append(trial.make(one))
                if progress is not None:
                    progress(results[-1])
            executor.close()
    return results
