"""Checks of what a run gives: every result, in order, and the right error."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import numpy as np

from lamella.errors import UDFError
from lamella.executors import Executor, limit
from lamella_testkit.executors.jobs import Made, count, fail_from, late
from lamella_testkit.executors.rules import executor_check
from lamella_testkit.executors.trial import Trial
from lamella_testkit.outcomes import Broken, NotNeeded

_MANY = 3000
_TRANSPORTS = ("memory", "pipe", "network")


@executor_check
def it_says_what_it_is(trial: Trial) -> None:
    """It derives from `lamella.executors.Executor`, has a name, a worker at least, and facts that fit into JSON."""
    executor = trial.executor
    if not isinstance(executor, Executor):
        raise Broken(f"{type(executor).__qualname__} does not derive from lamella.executors.Executor")
    if not (isinstance(executor.name, str) and executor.name):
        raise Broken(f"its name is {executor.name!r}")
    if not (isinstance(executor.workers, int) and executor.workers >= 1):
        raise Broken(f"the number of its workers is {executor.workers!r}")
    if executor.transport not in _TRANSPORTS:
        raise Broken(f"transport is {executor.transport!r}, expected one of {', '.join(_TRANSPORTS)}")
    told = executor.describe()
    if json.loads(json.dumps(told)) != told:
        raise Broken(f"describe() does not survive JSON: {told}")


@executor_check
def every_item_has_a_result(trial: Trial) -> None:
    """A run gives one result for each item, however many items there are, also none.

    Count what is begun, what waits and what was given.
    """
    for length in (0, 1, 2, 7, 10 * trial.executor.workers + 3):
        found = [item for item, _ in trial.everything(late, None, range(length))]
        if sorted(found) != list(range(length)):
            missing = sorted(set(range(length)) - set(found))
            raise Broken(f"{len(found)} results of {length} items; these have none: {missing[:5]}")


@executor_check
def results_are_in_order(trial: Trial) -> None:
    """Results come in the order of the items, whatever the order in which they are ready.

    Merging floating-point numbers in another order gives other digits.
    """
    found = [item for item, _ in trial.everything(late, None, range(40))]
    if found != sorted(found):
        at = next(i for i, item in enumerate(found) if item != i)
        raise Broken(f"result {at} is that of item {found[at]}")


@executor_check
def items_are_asked_for_once_and_in_order(trial: Trial) -> None:
    """Each item is asked for once, in ascending order.

    Parameters that change during a run reach the items that are not made yet; making one twice counts it twice.
    """
    asked: list[int] = []

    def make(index: int) -> int:
        asked.append(index)
        return index

    trial.everything(late, None, Made(30, make))
    if asked != list(range(30)):
        raise Broken(f"items 0 to 29 were asked for as {asked}")


@executor_check
def few_items_are_begun_before_their_results_are_taken(trial: Trial) -> None:
    """Only a bounded number of items is begun before the first result is taken, and no more than ``ahead`` allows.

    See `lamella.executors.limit`.
    """
    asked: list[int] = []

    def make(index: int) -> int:
        asked.append(index)
        return index

    for ahead in (None, 1):
        asked.clear()
        with closing(trial.run(late, None, Made(_MANY, make), ahead=ahead)) as run:
            next(run)
            time.sleep(0.1)
            begun = len(asked)
        most = _MANY // 2 if ahead is None else limit(trial.executor.workers, 1) + 1
        if begun > most:
            raise Broken(f"{begun} of {_MANY} items were begun when the first result came, with ahead={ahead}")


@executor_check
def objects_travel(trial: Trial) -> None:
    """Functions without a name, classes of a script, arrays and large objects reach the workers and come back.

    `lamella.executors.pack` with ``by_value=True`` pickles them for other processes.
    """

    class Local:
        def __init__(self, values: Any) -> None:
            self.values = values

    large = np.arange(1 << 19, dtype=np.uint16)
    factor = 3
    found = trial.everything(
        lambda shared, item, cancelled: Local(shared.values[item.values] * np.uint16(factor)),
        Local(large),
        [Local(slice(i, None, 1000)) for i in range(5)],
    )
    for i, one in enumerate(found):
        if not np.array_equal(one.values, large[i::1000] * np.uint16(factor)) or one.values.dtype != large.dtype:
            raise Broken(f"the array of item {i} came back as another one")
    found[0].values[0] = 1  # results belong to the caller


class Counted:
    """Counts how often it is pickled."""

    def __init__(self) -> None:
        self.pickled = 0

    def __reduce__(self) -> Any:
        self.pickled += 1
        return int, (7,)


@executor_check
def the_plan_travels_once(trial: Trial) -> None:
    """What items share is pickled at most once for each worker, not once for each item.

    A plan may hold masks of many megabytes.
    """
    shared = Counted()
    items = 8 * trial.executor.workers + 40
    trial.everything(lambda shared, item, cancelled: item, shared, range(items))
    if shared.pickled > trial.executor.workers + 1:
        raise Broken(f"it was pickled {shared.pickled} times for {items} items and {trial.executor.workers} workers")


@executor_check
def the_first_error_in_order_is_raised(trial: Trial) -> None:
    """A job that raises ends the run in the place of its item, with its error, after the results of the items before.

    Of several errors, the first in the order of the items counts, not the first in time.
    """
    results, error = trial.until_error(fail_from, (trial.folder, 5), range(40))
    if type(error) is not ZeroDivisionError or str(error) != "item 5":
        raise Broken(f"ZeroDivisionError('item 5') was expected, found {error!r}")
    if results != list(range(5)):
        raise Broken(f"the results before the error are {results}, expected those of items 0 to 4")
    trial.expect_usable()


@executor_check
def exceptions_are_not_retried(trial: Trial) -> None:
    """A job that raised is not tried again.

    It would raise again, and a UDF that writes would write twice. Only workers that are lost are tried again.
    """
    trial.until_error(fail_from, (trial.folder, 2), range(3))
    time.sleep(0.05)
    tries = count(trial.folder, "raised2")
    if tries != 1:
        raise Broken(f"a job that raises was called {tries} times")


@executor_check
def nothing_ends_the_program(trial: Trial) -> None:
    """SystemExit and KeyboardInterrupt of a job on a worker become a UDFError; worker and program go on.

    `lamella.executors.pack_error` does that.
    """
    if trial.in_caller:
        raise NotNeeded("jobs run in the calling thread")
    for kind in (SystemExit, KeyboardInterrupt):

        def leave(shared: None, item: int, cancelled: Callable[[], bool], kind: Any = kind) -> None:
            raise kind("enough")

        _, error = trial.until_error(leave, None, range(2))
        if not isinstance(error, UDFError) or kind.__name__ not in str(error):
            raise Broken(f"a UDFError that names {kind.__name__} was expected, found {error!r}")
        trial.expect_usable()


@executor_check
def errors_that_do_not_pickle_are_told(trial: Trial) -> None:
    """An error that cannot be pickled comes back in words: its type and its text.

    `lamella.executors.pack_error` does that.
    """

    class LockedError(Exception):
        def __init__(self) -> None:
            super().__init__("behind a lock")
            self.lock = threading.Lock()

    def fail(shared: None, item: int, cancelled: Callable[[], bool]) -> None:
        raise LockedError

    _, error = trial.until_error(fail, None, range(1))
    if "LockedError" not in repr(error) or "behind a lock" not in str(error):
        raise Broken(f"a UDFError with LockedError and its text was expected, found {error!r}")
    trial.expect_usable()


@executor_check
def items_that_cannot_be_had_are_errors_in_their_place(trial: Trial) -> None:
    """What ``items[i]`` raises comes in the place of that item, after the results before it."""

    def make(index: int) -> int:
        if index == 3:
            raise LookupError("no fourth item")
        return index

    results, error = trial.until_error(late, None, Made(9, make))
    if type(error) is not LookupError or len(results) != 3:
        raise Broken(f"LookupError was expected after 3 results, found {error!r} after {len(results)}")
    trial.expect_usable()


@executor_check
def what_cannot_travel_is_an_error(trial: Trial) -> None:
    """Items and results that cannot be pickled are errors in their place, and harm no later run."""
    if trial.executor.shares_memory:
        raise NotNeeded("nothing is pickled")
    items: list[Any] = [1, 2, threading.Lock(), 4]
    results, _ = trial.until_error(lambda shared, item, cancelled: item, None, items)
    if results != [1, 2]:
        raise Broken(f"the results before an item that cannot be pickled are {results}, expected [1, 2]")
    trial.expect_usable()
    results, _ = trial.until_error(
        lambda shared, item, cancelled: __import__("threading").Lock() if item == 2 else item, None, range(4)
    )
    if results != [0, 1]:
        raise Broken(f"the results before one that cannot be pickled are {results}, expected [0, 1]")
    trial.expect_usable()


@executor_check
def runs_go_on_side_by_side(trial: Trial) -> None:
    """A run can begin while another one goes on, in the same thread or in others, and both give their own results."""
    outer = trial.run(late, "outer", range(30))
    with closing(outer):
        first = [next(outer) for _ in range(2)]
        inner = trial.everything(late, "inner", range(10))
        rest = list(outer)
    if [*first, *rest] != [(i, "outer") for i in range(30)] or inner != [(i, "inner") for i in range(10)]:
        raise Broken("a run within another one mixes up their results")
    found: dict[int, Any] = {}
    threads = [
        threading.Thread(target=lambda n=n: found.update({n: trial.everything(late, n, range(12))})) for n in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if found != {n: [(i, n) for i in range(12)] for n in range(3)}:
        raise Broken("runs of three threads do not give each its own results")


@executor_check
def workers_use_one_thread_for_linear_algebra(trial: Trial) -> None:
    """BLAS libraries have one thread while a job runs.

    Nested pools make a busy machine many times slower; enter `lamella.executors.one_thread` around each job.
    """

    def most(shared: None, item: int, cancelled: Callable[[], bool]) -> int:
        import numpy as np
        from threadpoolctl import threadpool_info  # type: ignore[import-untyped]

        np.ones((8, 8)) @ np.ones((8, 8))
        return max((one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"), default=1)

    found = max(trial.everything(most, None, range(4)))
    if found > 1:
        raise Broken(f"a job has {found} threads for linear algebra")


@executor_check
def map_and_warm_work(trial: Trial) -> None:
    """``map`` gives one result for each item of any iterable, and ``warm`` may be called at any time."""
    trial.executor.warm()
    found = list(trial.executor.map(lambda n: n * n, (n for n in range(7))))
    if found != [n * n for n in range(7)]:
        raise Broken(f"map gives {found}")
