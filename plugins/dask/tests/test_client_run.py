"""The client's side of a run, on a cluster that is played: what is handed out when, and what follows a lost worker."""

from __future__ import annotations

import asyncio
import pickle
import threading
import time
from collections.abc import Callable, Iterator
from itertools import chain
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from distributed import KilledWorker

from lamella.errors import LamellaError, LamellaWarning, WorkerLost
from lamella.executors import pack_error, pack_result
from lamella_dask import DaskExecutor, client_run
from lamella_dask.client_run import ClientRun
from lamella_dask.leftovers import Leftovers
from lamella_dask.remote import Batch, Done, Pickled

pytestmark = pytest.mark.usefixtures("in_time")

Answer = Callable[[list[int], int], "Done | BaseException | None"]
"""What becomes of a batch with these items, which is the n-th that was submitted; None if nothing ever does."""


def done(items: list[int], number: int) -> Done:
    return Done([pack_result(10 * item) for item in items], 0.001 * len(items), [])


def killed() -> KilledWorker:
    return KilledWorker("task", cast("Any", SimpleNamespace(address="tcp://played:9")), 2)


class Submitted:
    """A `distributed.Future`."""

    def __init__(self, answer: Done | BaseException | None) -> None:
        self.status = "pending"
        self.answer = answer


class Played:
    """A `distributed.Client` that does nothing but note what it is asked for."""

    def __init__(self, answer: Answer) -> None:
        self.loop: Any = SimpleNamespace(asyncio_loop=asyncio.new_event_loop())
        self.status = "running"
        self.cluster = None
        self.scheduler = SimpleNamespace(address="tcp://played:1")
        self.answer = answer
        self.batches: list[list[int]] = []
        self.futures: list[Submitted] = []
        """One for each batch."""
        self.options: list[dict[str, Any]] = []
        self.messages = 0
        self.under_way: set[Submitted] = set()
        self.most_under_way = 0
        self.cancelled: list[Submitted] = []
        self.stopped: list[str] = []
        self.plans: list[str] = []
        self.direct: set[bool | None] = set()
        self.told = 0
        self.busy: list[int] = []
        self.silent = False
        self.kept: list[Any] = []
        self._thread = threading.Thread(target=self.loop.asyncio_loop.run_forever, daemon=True)
        self._thread.start()

    def map(
        self, work: Any, plans: list[Any], batches: list[Batch], *, key: list[str], **options: Any
    ) -> list[Submitted]:
        assert len(plans) == len(batches) == len(set(key))
        self.messages += 1
        futures = []
        for plan, batch in zip(plans, batches, strict=True):
            assert isinstance(plan, Pickled)
            items = [pickle.loads(item) for item in batch.items]
            self.batches.append(items)
            self.options.append(options)
            future = Submitted(self.answer(items, len(self.batches)))
            self.under_way.add(future)
            self.futures.append(future)
            futures.append(future)
        self.most_under_way = max(self.most_under_way, len(self.under_way))
        return futures

    async def gather(self, futures: list[Submitted], **options: Any) -> list[Any]:
        (future,) = futures
        self.direct.add(options["direct"])
        while future.answer is None and future not in self.cancelled:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.001 * (hash(future) % 5))
        self.under_way.discard(future)
        if future in self.cancelled:
            raise asyncio.CancelledError
        if isinstance(future.answer, BaseException):
            future.status = "lost" if isinstance(future.answer, asyncio.CancelledError) else "error"
            raise future.answer
        future.status = "finished"
        return [future.answer]

    async def cancel(self, futures: list[Submitted], **options: Any) -> None:
        self.cancelled += futures

    def submit(self, function: Any, plan: Pickled, *, key: str, **options: Any) -> Pickled:
        self.plans.append(key)
        return function(plan)  # type: ignore[no-any-return]

    async def run(self, stop: Any, *runs: str, **options: Any) -> dict[str, int]:
        self.stopped += runs
        self.told += 1
        while self.silent:
            await asyncio.sleep(0.01)
        return {"tcp://played:2": self.busy.pop() if self.busy else 0}

    def close(self) -> None:
        async def end() -> None:
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        loop = self.loop.asyncio_loop
        asyncio.run_coroutine_threadsafe(end(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        self._thread.join()
        loop.close()


@pytest.fixture
def play() -> Iterator[Callable[..., tuple[Played, ClientRun]]]:
    """Make a run of so many items on a cluster that answers in a certain way."""
    made: list[Played] = []

    def start(answer: Answer, n_items: int, **more: Any) -> tuple[Played, ClientRun]:
        client: Any = Played(answer)
        made.append(client)
        arguments: dict[str, Any] = {
            "cancel": None,
            "ahead": None,
            "workers": lambda: 2,
            "attempts": 3,
            "options": {},
            "paths": {},
            "leftovers": Leftovers(client),
        }
        shared = more.pop("shared", None)
        return client, ClientRun(client, abs, shared, range(n_items), **{**arguments, **more})

    yield start
    for client in made:
        client.close()


Play = Callable[..., tuple[Played, ClientRun]]


@pytest.mark.parametrize(("n_workers", "most"), [(0, 2), (1, 2), (2, 4), (5, 10)])
def test_each_worker_has_two_batches_and_results_keep_their_order(play: Play, n_workers: int, most: int) -> None:
    client, run = play(done, 100, workers=lambda: n_workers)
    assert list(run.results()) == [10 * item for item in range(100)]
    assert client.most_under_way == most
    assert list(chain(*client.batches)) == list(range(100))
    assert client.messages < len(client.batches) == run.facts.batches
    assert (run.facts.items, run.facts.retries) == (100, 0)
    assert 0 < run.facts.wall < 60
    assert run.facts.busy == pytest.approx(0.1)
    assert min(run.facts.submit, run.facts.wait) > 0
    assert run.facts.submit + run.facts.wait < run.facts.wall


def test_batches_are_as_large_as_the_time_of_an_item_says(play: Play) -> None:
    def tenths(items: list[int], number: int) -> Done:
        return Done([pack_result(0) for _ in items], 0.1 * len(items), [])

    client, run = play(tenths, 100)
    list(run.results())
    sizes = list(map(len, client.batches))
    assert sizes[0] == 4
    assert max(sizes) == sizes[4] == 10  # which takes a second


def test_some_slow_batches_are_no_reason_for_small_ones_for_ever(play: Play) -> None:
    def slow_at_first(items: list[int], number: int) -> Done:
        return Done([pack_result(0) for _ in items], (0.4 if number <= 4 else 0.1) * len(items), [])

    client, run = play(slow_at_first, 150)
    list(run.results())
    sizes = list(map(len, client.batches))
    assert max(sizes) in (8, 9)
    assert set(sizes) & {5, 6, 7}  # the mean follows step by step


def test_results_that_may_not_wait_hold_back_what_follows(play: Play) -> None:
    client, run = play(done, 40, ahead=4)
    results = run.results()
    for item in range(40):
        assert next(results) == 10 * item
        assert len(list(chain(*client.batches))) <= item + 1 + 4


@pytest.mark.parametrize(("n_items", "options", "priority"), [(64, {}, 1), (65, {}, 0), (3, {"priority": 7}, 7)])
def test_short_runs_come_first(play: Play, n_items: int, options: dict[str, int], priority: int) -> None:
    client, run = play(done, n_items, options=options)
    assert len(list(run.results())) == n_items
    assert {one["priority"] for one in client.options} == {priority}


def test_a_batch_that_is_lost_is_submitted_again_with_the_same_items(play: Play) -> None:
    def first_two_are_lost(items: list[int], number: int) -> Done | BaseException:
        return asyncio.CancelledError() if number <= 2 else done(items, number)

    client, run = play(first_two_are_lost, 30)
    assert list(run.results()) == [10 * item for item in range(30)]
    assert client.batches.count(client.batches[0]) == client.batches.count(client.batches[1]) == 2
    assert run.facts.retries == 2


@pytest.mark.parametrize("attempts", [1, 3])
def test_an_item_whose_batch_is_always_lost_is_an_error_after_so_many_attempts(play: Play, attempts: int) -> None:
    def third_is_lost(items: list[int], number: int) -> Done | BaseException:
        return asyncio.CancelledError() if 3 in items else done(items, number)

    client, run = play(third_is_lost, 30, attempts=attempts)
    with pytest.raises(WorkerLost) as raised:
        list(run.results())
    assert raised.value.attempts == attempts
    assert sum(3 in batch for batch in client.batches) == attempts


def test_a_batch_that_is_lost_with_the_scheduler_is_not_tried_again(play: Play) -> None:
    def lost(items: list[int], number: int) -> BaseException:
        client.status = "closed"
        return asyncio.CancelledError()

    client, run = play(lost, 4)
    with pytest.raises(LamellaError, match="the Dask scheduler tcp://played:1 is gone"):
        list(run.results())
    assert client.messages == 1


def test_items_of_a_batch_that_ended_workers_are_tried_alone_and_only_the_deadly_one_is_blamed(play: Play) -> None:

    def sixth_is_deadly(items: list[int], number: int) -> Done | BaseException:
        return killed() if 5 in items else done(items, number)

    client, run = play(sixth_is_deadly, 40)
    alone: list[int] = []
    original = client.map

    def watched(work: Any, plans: Any, batches: list[Batch], **options: Any) -> Any:
        alone.append(len(client.under_way))
        return original(work, plans, batches, **options)

    client.map = watched  # type: ignore[method-assign]
    found: list[int] = []
    with pytest.raises(WorkerLost, match=r"tcp://played:9.*memory_limit") as raised:
        found.extend(run.results())
    assert found == [0, 10, 20, 30, 40]
    assert (raised.value.index, raised.value.attempts) == (5, 3)
    singles = [number for number, batch in enumerate(client.batches) if len(batch) == 1 and batch[0] <= 5]
    assert client.batches[singles[-1]] == [5]
    assert len(singles) >= 2
    assert not any(alone[-2:])  # nothing was under way beside them


def test_what_may_have_ended_workers_waits_until_nothing_else_is_at_work(play: Play) -> None:
    beside: list[int] = []

    def first_is_killed(items: list[int], number: int) -> Done | BaseException | None:
        if number == 1:
            threading.Timer(0.3, finish).start()
            return killed()
        if len(items) == 1 and items[0] < len(client.batches[0]):
            beside.append(len(client.under_way))
        return done(items, number) if beside else None  # the batches beside the first one take a while

    def finish() -> None:
        for future, items in zip(client.futures, client.batches, strict=True):
            if future.answer is None:
                waiting.append(future)
                future.answer = done(items, 0)

    waiting: list[Submitted] = []
    client, run = play(first_is_killed, 12)
    assert list(run.results()) == [10 * item for item in range(12)]
    assert waiting
    assert beside == [0] * len(client.batches[0])


def test_a_single_item_beside_others_is_not_blamed_before_it_was_tried_alone(play: Play) -> None:

    def first_is_killed(items: list[int], number: int) -> Done | BaseException:
        return killed() if number == 1 else done(items, number)

    client, run = play(first_is_killed, 2, workers=lambda: 2)
    assert list(run.results()) == [0, 10]
    assert client.batches.count([0]) == 2


def test_a_message_that_cannot_be_sent_is_an_error_as_it_is(play: Play) -> None:
    client, run = play(done, 10)

    def closed(*_: Any, **__: Any) -> Any:
        raise RuntimeError("the connection is closed")

    client.map = closed  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="the connection is closed"):
        list(run.results())
    assert client.cancelled == []
    assert client.told == 0


def test_nothing_begins_while_one_item_that_may_have_ended_workers_is_at_work(play: Play) -> None:
    beside: list[int] = []

    def suspects() -> set[Submitted]:
        submitted = zip(client.futures[1:], client.batches[1:], strict=False)  # the newest has no future yet
        return {future for future, items in submitted if items[0] in client.batches[0]}

    def first_is_killed(items: list[int], number: int) -> Done | BaseException | None:
        beside.append(len(suspects() & client.under_way))
        if number == 1:
            return killed()
        if items[0] not in client.batches[0]:
            return done(items, number)
        threading.Timer(0.05, finish, (items, number)).start()
        return None

    def finish(items: list[int], number: int) -> None:
        client.futures[number - 1].answer = done(items, 0)

    client, run = play(first_is_killed, 400)
    assert list(run.results()) == [10 * item for item in range(400)]
    assert len(suspects()) == len(client.batches[0])
    assert len(client.batches) > len(suspects()) + 4  # there was something left to begin
    assert not any(beside)


def test_what_a_job_raised_is_raised_in_its_place_and_never_tried_again(play: Play) -> None:
    def fifth_fails(items: list[int], number: int) -> Done | BaseException:
        if 4 not in items:
            return done(items, number)
        answers = [pack_result(10 * item) for item in items if item < 4]
        return Done([*answers, pack_error(KeyError("four"))], 0.1, [])

    client, run = play(fifth_fails, 30)
    found: list[int] = []
    with pytest.raises(KeyError, match="four"):
        found.extend(run.results())
    assert found == [0, 10, 20, 30]
    assert sum(4 in batch for batch in client.batches) == 1


class Noting(Leftovers):
    """Notes what is kept until the next run."""

    def __init__(self, client: Any) -> None:
        super().__init__(client)
        self.noted: list[Any] = []

    def keep(self, future: Any) -> None:
        self.noted.append(future)


@pytest.mark.parametrize("nbytes", [8, 2 << 20])
def test_only_small_results_of_the_last_batches_stay_in_the_cluster_for_a_moment(play: Play, nbytes: int) -> None:
    def sized(items: list[int], number: int) -> Done:
        return Done([pack_result(bytes(nbytes)) for _ in items], 0.001, [])

    client, run = play(sized, 200)
    run._leftovers = noting = Noting(client)
    assert len(list(run.results())) == 200
    assert len(client.batches) > 10
    assert len(noting.noted) in (range(1, 5) if nbytes < 1 << 20 else range(1))


def test_what_several_batches_note_is_told_once(play: Play) -> None:
    def noted(items: list[int], number: int) -> Done:
        return Done([pack_result(item) for item in items], 0.001, ["the disk of host a is slow"])

    client, run = play(noted, 40)
    with pytest.warns(LamellaWarning) as told:
        assert list(run.results()) == list(range(40))
    assert len(client.batches) > 1
    assert [(str(one.message), one.filename) for one in told] == [("the disk of host a is slow", __file__)]


def test_a_task_that_could_not_begin_is_an_error_that_is_not_tried_again(play: Play) -> None:
    client, run = play(lambda items, number: ModuleNotFoundError("no module named 'x'"), 3)
    with pytest.raises(ModuleNotFoundError, match="named 'x'"):
        list(run.results())
    assert max(client.batches.count(batch) for batch in client.batches) == 1


def test_a_run_that_is_left_is_cancelled_and_its_workers_are_told(play: Play) -> None:
    client, run = play(lambda items, number: done(items, number) if number == 1 else None, 30)
    results = run.results()
    assert next(results) == 0
    waiting = set(client.under_way)
    results.close()
    assert set(client.cancelled) == waiting != set()
    assert client.stopped == [run._name]


def test_a_run_that_ended_is_forgotten_by_workers_a_moment_later(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lamella_dask.leftovers._LATER", 0.05)
    client, run = play(done, 4)
    list(run.results())
    assert client.stopped == []
    assert client.cancelled == []
    deadline = time.monotonic() + 5
    while not client.stopped and time.monotonic() < deadline:
        time.sleep(0.01)
    assert client.stopped == [run._name]


@pytest.mark.parametrize(("status", "patience"), [("closed", 20.0), ("connecting", 0.05)])
def test_a_scheduler_that_is_gone_is_an_error_with_its_address(
    play: Play, monkeypatch: pytest.MonkeyPatch, status: str, patience: float
) -> None:
    monkeypatch.setattr(client_run, "_NO_SCHEDULER", patience)
    client, run = play(lambda items, number: None, 3)
    threading.Timer(0.05, setattr, (client, "status", status)).start()
    with pytest.raises(LamellaError, match="scheduler tcp://played:1 is gone"):
        list(run.results())


def answer_later(client: Any, seconds: float) -> None:
    """Let the cluster be there and answer what it was asked after so many seconds."""

    def answer() -> None:
        client.status = "running"
        client.answer = done
        for future in list(client.under_way):
            future.answer = done([0], 1)

    threading.Timer(seconds, answer).start()


@pytest.mark.parametrize("status", ["running", "connecting"])
def test_a_scheduler_that_is_quiet_or_away_for_a_moment_is_waited_for(
    play: Play, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    monkeypatch.setattr(client_run, "_NO_SCHEDULER", 0.1 if status == "running" else 20.0)
    client, run = play(lambda items, number: None, 2)
    client.status = status
    answer_later(client, 0.4)
    assert list(run.results()) == [0, 0]


def test_workers_that_are_away_for_a_moment_are_waited_for(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """And then they may take as long as they want."""
    monkeypatch.setattr(client_run, "_NO_WORKERS", 0.4)
    present = [0]
    client, run = play(lambda items, number: None, 2, workers=lambda: present[0])
    threading.Timer(0.1, present.__setitem__, (0, 2)).start()
    answer_later(client, 0.8)
    assert list(run.results()) == [0, 0]


@pytest.mark.parametrize(("nbytes", "plans"), [(1000, 0), (1 << 20, 1)])
def test_a_large_plan_is_sent_once_and_a_small_one_with_each_batch(play: Play, nbytes: int, plans: int) -> None:
    client, run = play(done, 40, shared=bytes(nbytes))
    assert list(run.results()) == [10 * item for item in range(40)]
    assert client.plans == [f"lamella-{run._name}-plan"] * plans
    assert nbytes < run.facts.plan_bytes < nbytes + 1000


def test_results_come_from_workers_only_where_these_are_known_to_be_near(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, run = play(done, 10)
    list(run.results())
    assert client.direct == {None}
    monkeypatch.setattr(client_run, "LocalCluster", type(None))  # what the cluster of a played client is
    client, run = play(done, 10)
    list(run.results())
    assert client.direct == {True}


def test_a_plan_that_takes_much_room_is_noted(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_run, "_HEAVY", 2 << 20)
    _, run = play(done, 4, shared=bytes(3 << 20))
    with pytest.warns(LamellaWarning, match="each worker gets 3 MiB before it begins") as told:
        list(run.results())
    assert told[0].filename == __file__


def test_results_are_counted_in_bytes(play: Play) -> None:
    def arrays(items: list[int], number: int) -> Done:
        return Done([pack_result(np.zeros(item, np.uint16)) for item in items], 0.001, [])

    _, run = play(arrays, 30)
    list(run.results())
    packed = [pack_result(np.zeros(item, np.uint16)) for item in range(30)]
    assert run.facts.result_bytes == sum(len(body) + sum(raw.raw().nbytes for raw in raws) for body, raws in packed)


@pytest.mark.parametrize(("busy", "given_up"), [([0], False), ([0, 1, 2], False), ([1] * 1000, True)])
def test_a_run_that_is_left_waits_for_its_workers_but_not_for_ever(
    play: Play, monkeypatch: pytest.MonkeyPatch, busy: list[int], given_up: bool
) -> None:
    monkeypatch.setattr(client_run, "_PATIENCE", 0.3)
    client, run = play(lambda items, number: done(items, number) if number == 1 else None, 30)
    results = run.results()
    next(results)
    client.busy = list(busy)
    began = time.monotonic()
    if given_up:
        with pytest.warns(LamellaWarning, match="gave up waiting for Dask workers that do not stop") as told:
            results.close()
        assert told[0].filename == __file__
        assert client.told > 2
    else:
        results.close()
        assert client.told == len(busy)
    assert time.monotonic() - began < 2


def test_a_run_that_is_left_does_not_wait_for_workers_that_say_nothing(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_run, "_PATIENCE", 0.2)
    client, run = play(lambda items, number: done(items, number) if number == 1 else None, 30)
    results = run.results()
    next(results)
    client.silent = True
    began = time.monotonic()
    with pytest.warns(LamellaWarning, match="gave up waiting"):
        results.close()
    assert time.monotonic() - began < 5


def test_a_run_on_a_cluster_that_is_gone_is_left_at_once(play: Play) -> None:
    client, run = play(lambda items, number: done(items, number) if number == 1 else None, 30)
    results = run.results()
    next(results)
    client.status = "closed"
    results.close()
    assert (client.cancelled, client.stopped) == ([], [])


def test_first_batches_hold_some_items(play: Play) -> None:
    client, run = play(done, 100)
    list(run.results())
    assert client.batches[0] == [0, 1, 2, 3]


def test_a_run_without_items_tells_workers_nothing(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lamella_dask.leftovers._LATER", 0.01)
    client, run = play(done, 0)
    assert list(run.results()) == []
    time.sleep(0.1)
    assert (client.told, client.batches) == (0, [])


def test_runs_that_end_together_are_forgotten_in_one_message(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lamella_dask.leftovers._LATER", 0.1)
    client, _ = play(done, 1)
    leftovers: Any = Leftovers(client)  # type: ignore[arg-type]
    for round_ in range(2):
        for name in "abc":
            leftovers.ended(f"{name}{round_}")
        deadline = time.monotonic() + 5
        while client.told <= round_ and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.2)
        assert client.told == round_ + 1
    assert client.stopped == ["a0", "b0", "c0", "a1", "b1", "c1"]
    client.status = "closed"
    leftovers.ended("d")
    time.sleep(0.3)
    assert client.told == 2


def test_a_run_whose_workers_all_went_ends_with_an_error(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_run, "_NO_WORKERS", 0.1)
    _, run = play(lambda items, number: None, 3, workers=lambda: 0)
    with pytest.raises(LamellaError, match="all workers of the Dask scheduler tcp://played:1 are gone"):
        list(run.results())


def test_workers_are_counted_once_a_second_and_those_that_dask_gave_up_are_started_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted: list[str] = []

    class Workers:
        def __init__(self, *arguments: Any, **options: Any) -> None:
            self.client = SimpleNamespace(status="running", nthreads=self.nthreads)

        def nthreads(self) -> dict[str, int]:
            counted.append("counted")
            return {"tcp://played:2": 2, "tcp://played:3": 1}

        def complete(self) -> None:
            counted.append("completed")

        def close(self) -> None:
            counted.append("closed")

    monkeypatch.setattr("lamella_dask.cluster.LocalWorkers", Workers)
    executor = DaskExecutor(3)
    assert [executor.workers, executor.workers] == [3, 3]
    assert counted == ["counted", "completed"]
    monkeypatch.setattr("lamella_dask.executor._KEPT", -1.0)
    assert executor.workers == 3
    executor.close()
    assert counted == ["counted", "completed"] * 2 + ["closed"]
