"""Checks of runs that do not go to their end: cancelled, closed, or with workers that are lost."""

from __future__ import annotations

import os
import threading
import time
from contextlib import closing

from lamella.errors import CancelledRun, WorkerLost
from lamella_testkit.executors.jobs import count, die_at, late, mark, until_cancelled
from lamella_testkit.executors.rules import executor_check
from lamella_testkit.executors.trial import Trial
from lamella_testkit.outcomes import Broken, NotNeeded

_LONG, _SHORT = 30.0, 0.5
"""how long jobs wait that are not cancelled [s]; the first ones that a worker has may come together."""
_AT_ONCE = 5.0
"""How long stopping may take whose jobs look for it all the time [s]."""


@executor_check
def a_set_flag_stops_jobs(trial: Trial) -> None:
    """A ``cancel`` event that is set ends the run with CancelledRun at once, and ``cancelled()`` of its jobs is true.

    When the generator has ended, no job of it runs any more.
    """
    flag = threading.Event()
    timer = threading.Timer(0.3, flag.set)
    timer.start()
    began = time.monotonic()
    _, error = trial.until_error(until_cancelled, (trial.folder, _LONG), range(1, 9), cancel=flag)
    took = time.monotonic() - began
    timer.join()
    if not isinstance(error, CancelledRun):
        raise Broken(f"CancelledRun was expected, found {error!r}")
    if took > 0.3 + _AT_ONCE:
        raise Broken(f"it took {took:.1f} s")
    _expect_stopped(trial)


@executor_check
def a_set_flag_ends_runs_of_jobs_that_do_not_look(trial: Trial) -> None:
    """A ``cancel`` event that is set ends the run, also if jobs are short and never look for it, or none has begun."""
    flag = threading.Event()
    with closing(trial.run(late, None, range(1000), cancel=flag)) as run:
        next(run)
        flag.set()
        left = 0
        try:
            for _ in run:
                left += 1
        except CancelledRun:
            pass
        else:
            raise Broken("CancelledRun was expected, and the run continued to its end")
    if left > 1:
        raise Broken(f"{left} results came after the flag was set")
    results, error = trial.until_error(until_cancelled, (trial.folder, _SHORT), range(4), cancel=flag)
    if not isinstance(error, CancelledRun) or results:
        raise Broken(f"a run whose flag was set before gives {results} and {error!r}")
    trial.expect_usable()


@executor_check
def closing_stops_jobs(trial: Trial) -> None:
    """Closing the generator stops all work: jobs see ``cancelled()`` turn true and are waited for, others do not begin.

    The flag of the caller stays as it is: other runs may have the same one.
    """
    if trial.in_caller:
        raise NotNeeded("no job runs unless a result is asked for")
    flag = threading.Event()
    run = trial.run(until_cancelled, (trial.folder, _SHORT), range(40), cancel=flag)
    next(run)
    began = time.monotonic()
    run.close()
    took = time.monotonic() - began
    if took > _AT_ONCE:
        raise Broken(f"it took {took:.1f} s")
    if flag.is_set():
        raise Broken("the flag of the caller was set")
    _expect_stopped(trial)


@executor_check
def a_run_that_was_never_begun_costs_nothing(trial: Trial) -> None:
    """A generator from which no result is asked for begins no job, and can be closed."""
    run = trial.run(until_cancelled, (trial.folder, _SHORT), range(1, 9))
    time.sleep(0.1)
    run.close()
    if count(trial.folder, "begun"):
        raise Broken("jobs began although no result was asked for")
    trial.expect_usable()


def _expect_stopped(trial: Trial) -> None:
    """Look whether all jobs that began have stopped, and no other one begins."""
    folder = trial.folder
    begun, ended = count(folder, "begun"), count(folder, "ended")
    if begun != ended:
        raise Broken(f"{begun} jobs began, and {ended} had ended when the run was over")
    time.sleep(0.2)
    if count(folder, "begun") != begun:
        raise Broken("jobs began after the run was over")
    trial.expect_usable()


@executor_check
def lost_workers_cost_no_result(trial: Trial) -> None:
    """A worker that ends is replaced, and what it had is done again: every result comes, once and in order."""
    if not trial.elsewhere:
        raise NotNeeded("its workers are no other processes, which could end")
    mark(trial.folder, "life")
    found = trial.everything(die_at, (trial.folder, 3, os.getpid()), range(12))
    if count(trial.folder, "life"):
        raise Broken("the item that ends a worker was not done")
    if found != list(range(12)):
        raise Broken(f"the results of items 0 to 11 are {found}")


@executor_check
def items_that_lose_every_worker_are_named(trial: Trial) -> None:
    """An item that several workers were lost with ends the run with WorkerLost, which has its number; others go on.

    Without a limit, a UDF that takes too much memory would end workers for ever.
    """
    if not trial.elsewhere:
        raise NotNeeded("its workers are no other processes, which could end")
    for _ in range(50):
        mark(trial.folder, "life")
    results, error = trial.until_error(die_at, (trial.folder, 3, os.getpid()), range(6))
    if not isinstance(error, WorkerLost) or error.index != 3:
        raise Broken(f"WorkerLost for item 3 was expected, found {error!r}")
    if results != [0, 1, 2]:
        raise Broken(f"the results before it are {results}, expected those of items 0 to 2")
    trial.expect_usable()
