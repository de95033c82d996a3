"""Stopping: Ctrl-C, jobs that do not stop, functions that try to end the program, events of the caller, forks."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import lamella
from lamella.engine.stopping import Cancel
from lamella.errors import CancelledRun, LamellaWarning, ParameterError, UDFError
from lamella.executors.inline import InlineExecutor
from lamella.udf.base import UDF
from lamella.udf.builtin.sumsig import SumSigUDF

MakeScan = Callable[..., lamella.DataSet]
DATA = np.random.default_rng(6).integers(0, 4000, (4, 6, 8, 8)).astype(np.uint16)
SUMS = DATA.sum(axis=(2, 3))
posix = pytest.mark.skipif(sys.platform == "win32", reason="there are no signals to send")
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


@pytest.fixture(scope="module")
def scan(make_scan: MakeScan) -> lamella.DataSet:
    return make_scan(DATA, num_partitions=4)


@contextmanager
def ctrl_c_after(*seconds: float, begun: Callable[[], bool] = lambda: True) -> Iterator[None]:
    """Raise KeyboardInterrupt in the main thread after some times, as Ctrl-C does."""
    left = list(seconds)

    def press(*_: Any) -> None:
        if not begun():
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            return
        left.pop(0)
        if left:
            signal.setitimer(signal.ITIMER_REAL, left[0])
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, press)
    signal.setitimer(signal.ITIMER_REAL, left[0])
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# Jobs that do not stop.


class ForeverUDF(UDF):
    """Does not come back from one partition before it is let."""

    def get_result_buffers(self) -> Mapping[str, Any]:
        return {"x": self.buffer("nav")}

    def process_tile(self, tile: NDArray[Any]) -> None:
        if self.meta.coordinates[0][0] == 2:
            BEGUN.set()
            LET.wait(60)


LET, BEGUN = threading.Event(), threading.Event()


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> Iterator[lamella.Context]:
    """A context with two threads of its own, and a shorter patience."""
    monkeypatch.setattr("lamella.executors.threads._PATIENCE", 0.5)
    LET.clear()
    BEGUN.clear()
    with lamella.Context.make_with("threads", cpus=2) as context:
        yield context
        LET.set()


LEFT = r"ForeverUDF in partition 2 of .*, scan positions \(2, 0\) to \(2, 5\) \(stored frames 12 to 17 of .*\)"


def blas_threads() -> set[int]:
    from threadpoolctl import threadpool_info  # type: ignore[import-untyped]

    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


@posix
def test_ctrl_c_ends_a_run_whose_function_never_returns(two: lamella.Context, scan: lamella.DataSet) -> None:
    free = blas_threads()
    with (
        pytest.warns(LamellaWarning, match=LEFT),
        pytest.raises(KeyboardInterrupt),
        ctrl_c_after(0.2, begun=BEGUN.is_set),
    ):
        two.run_udf(scan, ForeverUDF())
    assert blas_threads() == free
    for _ in range(2):
        np.testing.assert_array_equal(two.run_udf(scan, [SumSigUDF(), AtOnceUDF()])[0]["intensity"].data, SUMS)
    names = [thread for thread in threading.enumerate() if thread.name.startswith("lamella_")]
    LET.set()
    deadline = time.monotonic() + 10
    while sum(thread.is_alive() for thread in names) > len(names) - 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sum(thread.is_alive() for thread in names) == len(names) - 1  # who came back late has ended
    assert blas_threads() == free


class AtOnceUDF(UDF):
    """Something in Python, which workers do."""

    def get_result_buffers(self) -> Mapping[str, Any]:
        return {"x": self.buffer("nav")}

    def process_frame(self, frame: NDArray[Any]) -> None:
        self.results.x[:] = 1


@posix
def test_a_second_ctrl_c_gives_up_waiting_at_once(
    two: lamella.Context, scan: lamella.DataSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lamella.executors.threads._PATIENCE", 30)
    begin = time.monotonic()
    with (
        pytest.warns(LamellaWarning, match=LEFT),
        pytest.raises(KeyboardInterrupt),
        ctrl_c_after(0.2, 0.2, begun=BEGUN.is_set),
    ):
        two.run_udf(scan, ForeverUDF())
    assert time.monotonic() - begin < 10
    monkeypatch.setattr("lamella.executors.threads._PATIENCE", 0.5)


@pytest.mark.parametrize("who", ["context", "iteration", "event", "close"])
def test_a_run_whose_function_never_returns_is_cancelled(two: lamella.Context, scan: lamella.DataSet, who: str) -> None:
    event = threading.Event()
    partials = two.run_udf_iter(scan, ForeverUDF(), cancel=event)
    next(partials)
    stop = {"context": two.cancel, "iteration": partials.cancel, "event": event.set, "close": lambda: None}[who]
    later = threading.Timer(0.2, stop)
    assert BEGUN.wait(20)
    later.start()
    if who == "close":
        with pytest.warns(LamellaWarning, match=LEFT):
            partials.close()
    else:
        with pytest.warns(LamellaWarning, match=LEFT), pytest.raises(CancelledRun):
            list(partials)
    later.join()


def test_an_error_beside_a_function_that_never_returns_is_raised(two: lamella.Context, scan: lamella.DataSet) -> None:
    class FailsUDF(ForeverUDF):
        def process_tile(self, tile: NDArray[Any]) -> None:
            super().process_tile(tile)
            if self.meta.coordinates[0][0] == 1:
                BEGUN.wait(20)
                raise ValueError("no")

    with pytest.warns(LamellaWarning, match="FailsUDF in partition 2"), pytest.raises(UDFError, match="partition 1"):
        two.run_udf(scan, FailsUDF())


def test_an_awaited_run_whose_function_never_returns_is_left(
    inline: lamella.Context, scan: lamella.DataSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the run computes in the very thread beside the event loop."""
    monkeypatch.setattr("lamella.engine.iteration._PATIENCE", 0.3)
    LET.clear()

    async def main() -> None:
        await asyncio.wait_for(inline.run_udf(scan, ForeverUDF(), sync=False), 0.3)

    begin = time.monotonic()
    with pytest.warns(LamellaWarning, match="gave up waiting for ForeverUDF over "), pytest.raises(TimeoutError):
        asyncio.run(main())
    assert time.monotonic() - begin < 20
    LET.set()


def test_items_of_other_jobs_are_told_by_number(two: lamella.Context) -> None:
    results = two.executor.map(lambda item: LET.wait(60 * item), range(2))
    next(results)
    time.sleep(0.1)
    with pytest.warns(LamellaWarning, match="gave up waiting for item 1, which"):
        results.close()  # type: ignore[attr-defined]


HUNG = """
import sys, time
import numpy as np
import lamella
from lamella.udf import UDF


class ForeverUDF(UDF):
    def get_result_buffers(self):
        return {"x": self.buffer("nav")}

    def process_tile(self, tile):
        print("begun", flush=True)
        while True:
            pass


ds = lamella.open(np.ones((4, 6, 8, 8), np.uint16), format="memory", num_partitions=2)
lamella.Context.make_with(sys.argv[1], cpus=2).run_udf(ds, ForeverUDF())
"""


@posix
@pytest.mark.parametrize("name", ["threads", "processes"])
def test_a_program_whose_function_never_returns_ends_after_two_ctrl_c(name: str) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", HUNG, name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0
    )
    assert child.stdout is not None
    assert child.stdout.readline().startswith("begun")  # two threads may say so at once
    begin = time.monotonic()
    os.killpg(child.pid, signal.SIGINT)
    time.sleep(0.5)
    os.killpg(child.pid, signal.SIGINT)
    _, errors = child.communicate(timeout=60)
    assert time.monotonic() - begin < 15
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert ("gave up waiting for ForeverUDF in partition " in errors) == (name == "threads")


# Functions that try to end the program.


class Odd(BaseException):
    """No `Exception`."""


class LeavesUDF(UDF):
    """Raises what it is told in one of its methods."""

    def __init__(self, method: str, error: type[BaseException]) -> None:
        super().__init__(method=method, error=error)

    def _at(self, method: str) -> None:
        if self.params.method == method:
            raise self.params.error("enough")

    def get_result_buffers(self) -> Mapping[str, Any]:
        self._at("get_result_buffers")
        return {"x": self.buffer("nav"), "sum": self.buffer("sig", dtype="float64")}

    def preprocess(self) -> None:
        self._at("preprocess")

    def process_frame(self, frame: NDArray[Any]) -> None:
        self._at("process_frame")

    def postprocess(self) -> None:
        self._at("postprocess")

    def merge(self, dest: Any, src: Any) -> None:
        self._at("merge")

    def get_results(self) -> Mapping[str, Any]:
        self._at("get_results")
        return super().get_results()


@pytest.mark.parametrize(
    "method", ["get_result_buffers", "preprocess", "process_frame", "postprocess", "merge", "get_results"]
)
def test_a_function_that_exits_is_an_error(ctx: lamella.Context, scan: lamella.DataSet, method: str) -> None:
    with pytest.raises(UDFError, match=r"LeavesUDF.*SystemExit: enough") as caught:
        ctx.run_udf(scan, LeavesUDF(method, SystemExit))
    if ctx.executor.name != "processes" or method in ("merge", "get_results"):
        assert isinstance(caught.value.__cause__, SystemExit)
    np.testing.assert_array_equal(ctx.run_udf(scan, SumSigUDF())["intensity"].data, SUMS)


@pytest.mark.parametrize("error", [KeyboardInterrupt, GeneratorExit, Odd])
def test_whatever_a_worker_raises_is_an_error(
    ctx: lamella.Context, scan: lamella.DataSet, error: type[BaseException]
) -> None:
    udf = LeavesUDF("process_frame", error)
    if ctx.executor.name == "inline":  # the main thread, where it may be about the program
        with pytest.raises(error, match="enough"):
            ctx.run_udf(scan, udf)
        return
    with pytest.raises(UDFError, match=rf"LeavesUDF.process_frame failed in partition 0 .*{error.__name__}: enough"):
        ctx.run_udf(scan, udf)


@pytest.mark.parametrize("name", ["threads", "processes"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_whatever_another_job_raises_is_an_error(
    contexts: dict[str, lamella.Context], name: str, error: type[BaseException]
) -> None:
    def leave(item: int) -> None:
        raise error("enough")

    with pytest.raises(UDFError, match=f"ended with {error.__name__}: enough"):
        list(contexts[name].executor.map(leave, range(2)))


def test_in_another_thread_the_calling_thread_is_no_main_thread(scan: lamella.DataSet) -> None:
    found: list[BaseException] = []

    def run() -> None:
        try:
            lamella.Context(executor=InlineExecutor()).run_udf(scan, LeavesUDF("process_frame", KeyboardInterrupt))
        except BaseException as error:
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert [type(error) for error in found] == [UDFError]


class SlowUDF(UDF):
    """Is interrupted inside of itself."""

    def get_result_buffers(self) -> Mapping[str, Any]:
        return {"x": self.buffer("nav")}

    def process_frame(self, frame: NDArray[Any]) -> None:
        end = time.monotonic() + 10
        while time.monotonic() < end:
            pass


@posix
def test_ctrl_c_in_the_middle_of_a_function_stays_what_it_is(inline: lamella.Context, scan: lamella.DataSet) -> None:
    with pytest.raises(KeyboardInterrupt), ctrl_c_after(0.1):
        inline.run_udf(scan, SlowUDF())


@posix
def test_the_handler_of_a_signal_may_end_the_program(inline: lamella.Context, scan: lamella.DataSet) -> None:
    """In the middle of a function, too: batch systems send SIGTERM."""

    def leave(*_: Any) -> None:
        sys.exit(7)

    before = signal.signal(signal.SIGALRM, leave)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(SystemExit, match="7"):
            inline.run_udf(scan, SlowUDF())
    finally:
        signal.signal(signal.SIGALRM, before)


# Events of the caller.


class TakesTimeUDF(UDF):
    """Tiles of one frame that take 50 ms each."""

    def get_result_buffers(self) -> Mapping[str, Any]:
        return {"x": self.buffer("nav")}

    def get_tiling_preferences(self) -> Mapping[str, Any]:
        return {"depth": 1}

    def process_tile(self, tile: NDArray[Any]) -> None:
        time.sleep(0.05)


def test_an_event_stops_a_run(ctx: lamella.Context, scan: lamella.DataSet) -> None:
    event = threading.Event()
    later = threading.Timer(0.15, event.set)
    later.start()
    begin = time.monotonic()
    with pytest.raises(CancelledRun):
        ctx.run_udf(scan, TakesTimeUDF(), cancel=event)
    assert time.monotonic() - begin < 5
    later.join()
    with pytest.raises(CancelledRun):
        ctx.run_udf(scan, SumSigUDF(), cancel=event)
    event.clear()
    np.testing.assert_array_equal(ctx.run_udf(scan, SumSigUDF(), cancel=event)["intensity"].data, SUMS)


def test_an_event_stops_several_runs_and_belongs_to_the_caller(inline: lamella.Context, scan: lamella.DataSet) -> None:
    event = threading.Event()
    runs = [inline.run_udf_iter(scan, SumSigUDF(), cancel=event) for _ in range(3)]
    for partials in runs:
        next(partials)
    runs[0].cancel()
    with pytest.raises(CancelledRun):
        next(runs[0])
    next(runs[1])
    event.set()
    for partials in runs[1:]:
        with pytest.raises(CancelledRun):
            next(partials)
    event.clear()
    inline.run_udf_iter(scan, SumSigUDF(), cancel=event)
    inline.cancel()
    assert not event.is_set()


def test_what_is_no_event_is_refused(inline: lamella.Context, scan: lamella.DataSet) -> None:
    with pytest.raises(ParameterError, match=r"cancel: expected a threading\.Event, found bool"):
        inline.run_udf(scan, SumSigUDF(), cancel=True)  # type: ignore[call-overload]


def test_the_flag_of_a_run_is_waited_for_like_any_event() -> None:
    event = threading.Event()
    flag = Cancel(event)
    assert not flag.wait(0.01)
    threading.Timer(0.05, event.set).start()
    assert flag.wait(10)
    assert flag.is_set()
    own = Cancel()
    own.set()
    assert own.wait()


# Forks.


FORKED = """
import os, sys, warnings
warnings.simplefilter("ignore")
import threading
import lamella

executor = lamella.Context.make_with("threads", cpus=2).executor
release = threading.Event()
results = executor.map(lambda item: item and release.wait(), range(9))
assert next(results) == 0
child = os.fork()
if child:
    release.set()
    sys.exit(os.waitpid(child, 0)[1])
"""


@forks
def test_a_process_that_was_forked_during_a_run_ends() -> None:
    begin = time.monotonic()
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert time.monotonic() - begin < 20
