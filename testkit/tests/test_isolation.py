"""A check may crash, hang or take all memory: the kit says on which case, and goes on."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from wrong_readers.toy_format import ToySampler
from wrong_readers.toy_reader import RIGHT
from wrong_readers.wrong_robustness import Exits

from lamella_testkit import Status, run
from lamella_testkit.catalogue import named
from lamella_testkit.isolation import Worker
from lamella_testkit.limits import (
    Others,
    TookTooLong,
    address_space,
    bytes_read,
    open_descriptors,
    supported,
    wall_clock,
)
from lamella_testkit.profiles import PROFILES
from lamella_testkit.references import reference_to
from lamella_testkit.runner import iterate
from lamella_testkit.sampler import Sampler


class HangingSampler(ToySampler):
    """Hangs while it writes, where no alarm rings."""

    def write(self, directory: Path, data: object) -> dict[str, object]:
        time.sleep(3600)
        return {}


class KilledSampler(ToySampler):
    """Ends the process."""

    def write(self, directory: Path, data: object) -> dict[str, object]:
        os.abort()


@pytest.fixture
def worker() -> Iterator[Worker]:
    with Worker() as child:
        yield child


def test_a_crash_is_told_and_the_next_check_runs(worker: Worker) -> None:
    crashed = worker.carry_out(RIGHT, KilledSampler, named("full_read_equals_what_was_written"), PROFILES["dev"])
    assert crashed.status is Status.failed
    assert crashed.reason is not None
    assert "SIGABRT" in crashed.reason
    assert "test_isolation.py" in crashed.reason
    assert crashed.example is not None
    after = worker.carry_out(RIGHT, ToySampler, named("full_read_equals_what_was_written"), PROFILES["dev"])
    assert after.status is Status.passed


def test_a_hang_is_told(worker: Worker) -> None:
    stuck = worker.carry_out(RIGHT, HangingSampler, named("extreme_values_survive"), PROFILES["dev"])
    assert stuck.status is Status.failed
    assert stuck.reason is not None
    assert "hangs" in stuck.reason


def test_what_ends_the_process_is_named(worker: Worker) -> None:
    spec = replace(RIGHT, reader=f"{Exits.__module__}:{Exits.__qualname__}")
    ended = worker.carry_out(spec, ToySampler, named("foreign_files_are_refused"), PROFILES["dev"])
    assert ended.reason is not None
    assert "exit code 3" in ended.reason
    assert ended.example is not None
    assert "an empty file" in ended.example


def test_a_sampler_that_cannot_be_imported_is_refused(worker: Worker) -> None:
    class Local(Sampler):
        format = "toy"
        dtypes = ("u1",)

        def write(self, directory: Path, data: object) -> dict[str, object]:
            return {}

    with pytest.raises(ValueError, match="cannot be imported by another process"):
        worker.carry_out(RIGHT, Local, named("spec_is_valid"), PROFILES["dev"])


def test_a_class_of_a_test_module_is_found_by_its_file() -> None:
    reference = reference_to(HangingSampler)
    assert reference.resolve().__name__ == "HangingSampler"


@pytest.mark.parametrize("isolate", [True, False])
def test_run_gives_one_result_per_check_in_process_and_out(isolate: bool) -> None:
    names = ["spec_is_valid", "full_read_equals_what_was_written"]
    seen: list[str] = []
    results = run(RIGHT, ToySampler, checks=names, isolate=isolate, progress=lambda one: seen.append(one.check))
    assert [one.status for one in results] == [Status.passed, Status.passed]
    assert seen == names


def test_results_come_in_the_order_of_the_checks() -> None:
    names = ["shape_and_dtype_are_right", "memory_stays_in_budget", "spec_is_valid", "every_shape_is_read"]
    assert [one.check for one in run(RIGHT, ToySampler, checks=names)] == names


def test_checks_that_go_on_are_ended_when_nobody_waits_for_them() -> None:
    results = iterate(RIGHT, ToySampler)
    assert next(results).status is Status.passed
    began = time.monotonic()
    results.close()
    assert time.monotonic() - began < 30


def _for_ever() -> None:
    while True:
        pass


@pytest.mark.skipif(not supported()["wall clock"], reason="no timers here")
def test_the_clock_ends_a_loop() -> None:
    with pytest.raises(TookTooLong), wall_clock(0.05):
        _for_ever()


@pytest.mark.skipif(not supported()["wall clock"], reason="no timers here")
def test_clocks_nest() -> None:
    with wall_clock(30), pytest.raises(TookTooLong), wall_clock(0.05):
        time.sleep(5)


SPIN = """
import sys, time
print(flush=True)
end = time.process_time() + float(sys.argv[1])
while time.process_time() < end:
    pass
"""


@contextmanager
def _another_process(*command: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", *command], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="nobody counts the time of other processes here")
def test_the_clock_lets_another_process_use_its_processor_time_on_a_busy_machine() -> None:
    with _another_process(SPIN, "0.4") as process, wall_clock(0.4):
        assert process.wait() == 0
    with _another_process(SPIN, "60") as process:
        others = Others(os.getpid(), 1000)
        assert [others.go_on() for _ in range(5)] == [True] * 5
        with pytest.raises(TookTooLong), wall_clock(0.1):
            process.wait()


@pytest.mark.skipif(not supported()["wall clock"], reason="no timers here")
def test_the_clock_does_not_wait_for_a_process_that_does_nothing() -> None:
    began = time.monotonic()
    with (
        _another_process("import time; print(flush=True); time.sleep(60)") as process,
        pytest.raises(TookTooLong),
        wall_clock(0.1),
    ):
        process.wait()
    assert time.monotonic() - began < 20


@pytest.mark.skipif(not supported()["address space"], reason="no limit here")
def test_memory_is_limited_and_given_free_again() -> None:
    large = 256 << 20  # more than the C library may have kept from earlier
    with pytest.raises(MemoryError), address_space(16 << 20):
        bytearray(large)
    assert len(bytearray(large)) == large


ARENAS = """
import threading
from pathlib import Path
from lamella_testkit.limits import one_arena

def work():
    kept = bytearray(5000)
    ready.wait()
    done.wait()

def pages():
    return int(Path("/proc/self/statm").read_text().split()[0])

one_arena()
threading.stack_size(1 << 20)
ready, done = threading.Barrier(4), threading.Event()
before = pages()
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads:
    thread.start()
ready.wait()
print(pages() - before)
done.set()
"""


@pytest.mark.skipif(not supported()["address space"], reason="no limit here")
def test_threads_of_a_child_with_a_limit_reserve_no_memory_for_themselves() -> None:
    """Else the limit is used up for a moment, in which libhdf5 ends the process, also with an intact file."""
    found = subprocess.run([sys.executable, "-c", ARENAS], capture_output=True, text=True, check=True, timeout=60)
    assert int(found.stdout) * os.sysconf("SC_PAGE_SIZE") < 32 << 20


@pytest.mark.skipif(not supported()["bytes read"], reason="not known here")
def test_readings_follow_what_happens(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(100_000))
    before, descriptors = bytes_read() or 0, open_descriptors() or set()
    with path.open("rb") as file:
        file.read()
        assert any("file" in entry for entry in (open_descriptors() or set()) - descriptors)
    assert 100_000 <= (bytes_read() or 0) - before < 110_000
