"""Checks of what is left: after many runs, and after the end."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

from lamella_testkit.executors.jobs import late
from lamella_testkit.executors.rules import executor_check
from lamella_testkit.executors.trial import Trial
from lamella_testkit.limits import open_descriptors
from lamella_testkit.outcomes import Broken

_RUNS = 12
_SOON = 3.0


class Big:
    """Something that should not be kept."""


@executor_check
def nothing_is_left_after_runs(trial: Trial) -> None:
    """Runs leave no threads and no open files behind, whether they end, fail, or are closed.

    Wait for threads of a run where it ends, or keep them for the next one.
    """
    for _ in range(2):
        _three_runs(trial)
    threads, files = set(threading.enumerate()), open_descriptors() or set()
    for _ in range(_RUNS):
        _three_runs(trial)
    _expect_few(lambda: [one.name for one in set(threading.enumerate()) - threads], "threads")
    _expect_few(lambda: sorted((open_descriptors() or set()) - files), "open files")


def _three_runs(trial: Trial) -> None:
    trial.everything(late, None, range(3))
    trial.until_error(_fail, None, range(3))
    with closing(trial.run(late, None, range(3))) as run:
        next(run)


def _fail(shared: None, item: int, cancelled: Callable[[], bool]) -> None:
    raise ValueError(f"item {item}")


def _expect_few(left: Callable[[], list[str]], what: str) -> None:
    """Look whether fewer are left than there were rounds of runs; a few may come at any time."""
    deadline = time.monotonic() + _SOON
    while len(found := left()) >= _RUNS // 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    if len(found) >= _RUNS // 2:
        raise Broken(f"{3 * _RUNS} runs left {len(found)} {what} behind, such as {found[0]}")


@executor_check
def nothing_is_kept_after_runs(trial: Trial) -> None:
    """No object that a run was given is kept when it is over, nor a result that was taken.

    A plan may hold a data set, and a result may be large.
    """
    shared = Big()
    items = [Big() for _ in range(3)]
    given = weakref.ref(shared), *map(weakref.ref, items)
    trial.everything(lambda shared, item, cancelled: 0, shared, items)
    del shared
    items.clear()
    _expect_gone(given, "what a run was given")
    run = trial.run(lambda shared, item, cancelled: Big(), None, range(3))
    result = weakref.ref(next(run))
    run.close()
    _expect_gone((result,), "a result that was taken")


def _expect_gone(held: Sequence[weakref.ref[Any]], what: str) -> None:
    deadline = time.monotonic() + _SOON
    while any(one() is not None for one in held):
        if time.monotonic() > deadline:
            raise Broken(f"{what} is kept when the run is over")
        gc.collect()
        time.sleep(0.02)


@executor_check
def it_can_be_closed_twice_and_begin_again(trial: Trial) -> None:
    """``close`` may be called twice, a later run starts new workers, and no threads are left then.

    Workers that stay after `close` keep the machine busy, and may keep a program from ending.
    """
    executor = trial.executor
    left = []
    for _ in range(2):
        trial.expect_usable()
        executor.close()
        executor.close()
        time.sleep(0.1)
        left.append({thread for thread in threading.enumerate() if not thread.daemon})
    more = [one.name for one in left[1] - left[0] if one.is_alive()]
    if more:
        raise Broken(f"these threads are left after close(): {', '.join(more)}")
