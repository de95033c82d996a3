"""The kit for executors: those of the core pass, and wrong ones are caught by the check named for their mistake."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

import pytest

from lamella.errors import CancelledRun, UDFError
from lamella.executors import Executor, InlineExecutor, ProcessesExecutor, ThreadsExecutor, limit, one_thread
from lamella_testkit.executors import ExecutorConformance, check_executor
from lamella_testkit.executors.rules import executor_checks
from lamella_testkit.results import Status


class TestInline(ExecutorConformance):
    def make(self) -> Executor:
        return InlineExecutor()


class TestThreads(ExecutorConformance):
    def make(self) -> Executor:
        return ThreadsExecutor(2)


class TestProcesses(ExecutorConformance):
    def make(self) -> Executor:
        return ProcessesExecutor(2)


class PoolExecutor(Executor):
    """A right executor, written anew for each run; the wrong ones differ in one thing."""

    name = "pool"
    workers = 2
    shares_memory = True
    transport = "memory"

    def run(self, job: Any, shared: Any, items: Any, *, cancel: Any = None, ahead: Any = None) -> Any:
        stop = threading.Event()

        def cancelled() -> bool:
            return stop.is_set() or (cancel is not None and cancel.is_set())

        pool = ThreadPoolExecutor(self.workers)
        begun: list[Any] = []
        error: Exception | None = None
        try:
            for index in range(len(items)):
                self.look(cancel)
                try:
                    item = items[index]
                except Exception as raised:
                    error = raised
                    break
                begun.append(self.begin(pool, job, shared, item, cancelled))
                del item
                if len(begun) == limit(self.workers, ahead):
                    yield self.wait(begun, cancel)
            while begun:
                yield self.wait(begun, cancel)
            if error is not None:
                raise error
        finally:
            self.end(pool, stop, cancel)

    def look(self, cancel: Any) -> None:
        if cancel is not None and cancel.is_set():
            raise CancelledRun("cancelled")

    def begin(self, pool: Any, job: Any, shared: Any, item: Any, cancelled: Callable[[], bool]) -> Any:
        return pool.submit(self.work, job, shared, item, cancelled)

    def work(self, job: Any, shared: Any, item: Any, cancelled: Callable[[], bool]) -> Any:
        with one_thread:
            try:
                return job(shared, item, cancelled)
            except (SystemExit, KeyboardInterrupt) as error:
                raise UDFError(type(error).__name__) from None

    def wait(self, begun: list[Any], cancel: Any) -> Any:
        while not begun[0].done():
            self.look(cancel)
            time.sleep(0.001)
        self.look(cancel)
        return begun.pop(0).result()

    def end(self, pool: Any, stop: threading.Event, cancel: Any) -> None:
        stop.set()
        pool.shutdown(cancel_futures=True)


class TestPool(ExecutorConformance):
    def make(self) -> Executor:
        return PoolExecutor()


class Losing(PoolExecutor):
    """Ends before the last result was given."""

    def run(self, job: Any, shared: Any, items: Any, **options: Any) -> Any:
        yield from super().run(job, shared, items[: max(0, len(items) - (len(items) > 6))], **options)


class Stuck(PoolExecutor):
    """Waits for ever for a result that never comes."""

    def wait(self, begun: list[Any], cancel: Any) -> Any:
        while True:
            time.sleep(0.1)


class Reordering(PoolExecutor):
    """Gives what is ready first."""

    def wait(self, begun: list[Any], cancel: Any) -> Any:
        first = next(as_completed(begun))
        begun.remove(first)
        return first.result()


class Swallowing(PoolExecutor):
    """Gives None where a job raised."""

    def work(self, *args: Any) -> Any:
        try:
            return super().work(*args)
        except (ValueError, ArithmeticError):
            return None


class Deaf(PoolExecutor):
    """Never looks at the flag of the caller."""

    def look(self, cancel: Any) -> None:
        pass


class Abandoning(PoolExecutor):
    """Does not stop jobs when it is closed, nor waits for them."""

    def end(self, pool: Any, stop: threading.Event, cancel: Any) -> None:
        pool.shutdown(wait=False, cancel_futures=True)


class Meddling(PoolExecutor):
    """Sets the flag of the caller."""

    def end(self, pool: Any, stop: threading.Event, cancel: Any) -> None:
        if cancel is not None:
            cancel.set()
        super().end(pool, stop, cancel)


class Retrying(PoolExecutor):
    """Tries again what raised."""

    def work(self, *args: Any) -> Any:
        try:
            return super().work(*args)
        except Exception:
            return super().work(*args)


class Leaking(PoolExecutor):
    """Leaves a thread of each run."""

    def end(self, pool: Any, stop: threading.Event, cancel: Any) -> None:
        super().end(pool, stop, cancel)
        threading.Thread(target=time.sleep, args=(20,), daemon=True).start()


class Eager(PoolExecutor):
    """Begins everything at once."""

    def run(self, job: Any, shared: Any, items: Any, *, cancel: Any = None, ahead: Any = None) -> Any:
        yield from super().run(job, shared, [items[i] for i in range(len(items))], cancel=cancel, ahead=ahead)


class Twice(PoolExecutor):
    """Asks twice for an item."""

    def run(self, job: Any, shared: Any, items: Any, **options: Any) -> Any:
        if len(items):
            items[0]
        yield from super().run(job, shared, items, **options)


class Ending(PoolExecutor):
    """Lets a job end the program."""

    def work(self, job: Any, shared: Any, item: Any, cancelled: Callable[[], bool]) -> Any:
        with one_thread:
            return job(shared, item, cancelled)


class Hoarding(PoolExecutor):
    """Keeps what it was given."""

    kept: Any = None

    def work(self, job: Any, shared: Any, item: Any, cancelled: Callable[[], bool]) -> Any:
        self.kept = shared, item
        return super().work(job, shared, item, cancelled)


class Greedy(PoolExecutor):
    """Lets libraries start as many threads as they like."""

    def work(self, job: Any, shared: Any, item: Any, cancelled: Callable[[], bool]) -> Any:
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        with threadpool_limits(2):
            return job(shared, item, cancelled)


class GivingUp(ProcessesExecutor):
    """Does not replace workers that are lost."""

    def __init__(self) -> None:
        super().__init__(2)

    def run(self, *args: Any, **options: Any) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("lamella.executors.processes._ATTEMPTS", 1)
            yield from super().run(*args, **options)


MISTAKES = {
    Losing: "every_item_has_a_result",
    Stuck: "every_item_has_a_result",
    Reordering: "results_are_in_order",
    Swallowing: "the_first_error_in_order_is_raised",
    Deaf: "a_set_flag_ends_runs_of_jobs_that_do_not_look",
    Abandoning: "closing_stops_jobs",
    Meddling: "closing_stops_jobs",
    Retrying: "exceptions_are_not_retried",
    Leaking: "nothing_is_left_after_runs",
    Eager: "few_items_are_begun_before_their_results_are_taken",
    Twice: "items_are_asked_for_once_and_in_order",
    Ending: "nothing_ends_the_program",
    Hoarding: "nothing_is_kept_after_runs",
    Greedy: "workers_use_one_thread_for_linear_algebra",
    GivingUp: "lost_workers_cost_no_result",
}


@pytest.mark.parametrize(("wrong", "name"), MISTAKES.items(), ids=lambda one: getattr(one, "__name__", one))
def test_a_wrong_executor_is_caught_by_the_check_named_for_its_mistake(wrong: type[Executor], name: str) -> None:
    (result,) = check_executor(wrong(), checks=[name], seconds=2 if wrong is Stuck else 60)
    assert result.status is Status.failed, str(result)
    assert result.rule in str(result)


def test_checks_after_one_that_hangs_are_skipped() -> None:
    names = ["every_item_has_a_result", "results_are_in_order"]
    results = check_executor(Stuck(), checks=names, seconds=1)
    assert [result.status for result in results] == [Status.failed, Status.skipped]
    assert "no end within 1 s" in str(results[0])


def test_a_check_that_there_is_not_is_an_error() -> None:
    with pytest.raises(KeyError, match="results_are_in_order"):
        check_executor(InlineExecutor(), checks=["in_order"])


def test_each_check_has_a_rule() -> None:
    assert [one.name for one in executor_checks() if not one.rule.endswith(".")] == []
