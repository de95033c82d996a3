"""What lies on the pipes to worker processes is never taken for something else, whenever a run is interrupted."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamella.errors import UDFError
from lamella.executors import worker
from lamella.executors.channel import BrokenFrameError, Channel, Order
from lamella.executors.executor import call
from lamella.executors.messages import pack, unpack
from lamella.executors.processes import ProcessesExecutor
from lamella.system import spawn

posix = pytest.mark.skipif(sys.platform == "win32", reason="there are no signals to send")

INTERRUPTED = """
import os, pickle, random, signal, sys, time
import numpy as np
import lamella
from lamella.udf import UDF

marker, times = sys.argv[1], int(sys.argv[2])


class Evil:
    def __reduce__(self):
        return open, (marker, "w")


def unit():
    "What `Connection.recv` takes for a message, wherever in a file of such units it begins to read."
    body = pickle.dumps(Evil(), 2)
    assert len(body) <= 252, len(body)
    return (252).to_bytes(4, "big") + body + bytes(252 - len(body))


class PixelsUDF(UDF):
    def get_result_buffers(self):
        return {"pixels": self.buffer("nav", extra_shape=(256, 256), dtype="float32")}

    def process_partition(self, frames):
        self.results.pixels[:] = frames


frame = np.frombuffer(unit() * 1024, np.float32).reshape(256, 256)
np.save(marker + ".npy", np.broadcast_to(frame, (4, 64, 256, 256)))
ds = lamella.open(marker + ".npy", num_partitions=8)
with lamella.Context.make_with("processes", cpus=1) as ctx:
    for _ in range(2):
        begin = time.monotonic()
        ctx.run_udf(ds, PixelsUDF())
        seconds = time.monotonic() - begin
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    random.seed(4)
    outcomes, in_time = set(), 0
    while in_time < times:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(0.01, seconds))
        try:
            ctx.run_udf(ds, PixelsUDF())
            signal.setitimer(signal.ITIMER_REAL, 0)
        except BaseException as error:
            outcomes.add(type(error).__name__)
            in_time += 1
    print(outcomes)
    print(ctx.run_udf(ds, PixelsUDF())["pixels"].data.tobytes() == frame.tobytes() * 256)
"""


def interrupt(folder: Path, times: int) -> None:
    command = [sys.executable, "-c", INTERRUPTED, folder / "executed", str(times)]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=1200)
    assert done.stdout.splitlines() == ["{'KeyboardInterrupt'}", "True"], done.stderr
    assert not (folder / "executed").exists()
    assert done.stderr == ""


@posix
def test_pixels_are_never_unpickled_when_runs_are_interrupted(tmp_path: Path) -> None:
    interrupt(tmp_path, 6)


@posix
@pytest.mark.slow
def test_pixels_are_never_unpickled_in_hundreds_of_interrupts(tmp_path: Path) -> None:
    interrupt(tmp_path, 300)


DYING = """
import os, signal, sys, time
import numpy as np
from lamella.executors.processes import ProcessesExecutor

moment, sign = float(sys.argv[1]), getattr(signal, sys.argv[2])
executor = ProcessesExecutor(3)
if moment > 0:
    executor.warm()
signal.signal(signal.SIGALRM, lambda *_: os.killpg(0, sign) if sign == signal.SIGINT else os.kill(os.getpid(), sign))
signal.setitimer(signal.ITIMER_REAL, abs(moment))
for _ in executor.map(lambda item: np.ones((1000, 1000)), range(10**6)):
    pass
"""


@posix
@pytest.mark.parametrize(("sign", "moment"), [("SIGKILL", 0.3), ("SIGINT", -0.3)])  # negative: while the workers start
def test_workers_end_and_print_nothing_when_their_parent_dies(sign: str, moment: float) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", DYING, str(moment), sign], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    _, errors = process.communicate(timeout=60)  # waits for everybody who could print
    if sign == "SIGKILL":
        assert errors == ""
    else:
        assert errors.count("Traceback") == 1, errors
        assert errors.endswith("\nKeyboardInterrupt\n")


@posix
def test_a_worker_does_not_hear_the_keyboard_from_its_first_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        process = spawn.start(*arguments, **options)
        os.kill(process.pid, signal.SIGINT)
        started.append(process)
        return process

    started: list[subprocess.Popen[bytes]] = []
    monkeypatch.setattr(worker, "start", start)
    executor = ProcessesExecutor(1)
    assert list(executor.map(abs, [-1])) == [1]
    executor.close()
    assert [process.returncode for process in started] == [0]


@posix
def test_a_worker_that_cannot_answer_ends_in_silence(capfd: pytest.CaptureFixture[str]) -> None:
    one = worker.Worker()
    with socket.socket(fileno=os.dup(one.channel.connection.fileno())) as ours:
        ours.shutdown(socket.SHUT_RD)  # as when the parent is gone, but the other thread does not see it
    one.channel.send(Order("shared", 1), pack((call, abs), by_value=True))
    one.channel.send(Order("item", 1, 0), pack(-1))
    assert one._process.wait(60) == 1
    one.kill()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("line", [b"", b'[["/usr"], [], "lam'])
def test_a_child_whose_parent_is_gone_ends_in_silence(line: bytes) -> None:
    done = subprocess.run([sys.executable, "-c", spawn._BOOT], input=line, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


FORKED = """
import os, signal, sys, time, warnings
warnings.simplefilter("ignore")
from lamella.executors.processes import ProcessesExecutor

executor = ProcessesExecutor(1)
worker = next(executor.map(lambda item: os.getpid(), [0]))
results = executor.map(abs, range(10))
next(results)
child = os.fork()
if not child:
    if sys.argv[1] == "leaves":
        sys.exit(0)  # with everything that happens when a program ends
    time.sleep(600)
if sys.argv[1] == "leaves":
    os.waitpid(child, 0)
    print(list(results) == list(range(1, 10)), next(executor.map(lambda item: os.getpid(), [0])) == worker)
else:
    print(worker, child, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_process_that_was_forked_leaves_the_workers_of_its_parent_alone() -> None:
    done = subprocess.run([sys.executable, "-c", FORKED, "leaves"], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("True True\n", "")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs fork, and a look at other processes")
def test_workers_see_their_parent_end_although_a_process_lives_that_it_forked() -> None:
    process = subprocess.Popen([sys.executable, "-c", FORKED, "stays"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    worker, child = map(int, process.stdout.readline().split())
    process.wait()
    process.stdout.close()
    deadline = time.monotonic() + 30
    try:
        while running(worker) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not running(worker)
        assert running(child)
    finally:
        os.kill(child, signal.SIGKILL)


def running(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False


@posix
def test_a_worker_that_is_gone_is_missed_although_somebody_holds_its_pipe(tmp_path: Path) -> None:
    def die_once(path: str) -> int:
        if os.path.exists(path):  # noqa: PTH110
            os.unlink(path)  # noqa: PTH108
            if not os.fork():
                time.sleep(20)
                os._exit(0)
            os.kill(os.getpid(), signal.SIGKILL)
        return 1

    (tmp_path / "lives").touch()
    executor = ProcessesExecutor(1)
    begin = time.monotonic()
    assert list(executor.map(die_once, [str(tmp_path / "lives")])) == [1]
    assert time.monotonic() - begin < 15
    executor.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_job_that_forks_answers_once() -> None:
    def fork(item: int) -> int:
        if not os.fork():
            sys.exit(3)
        return item

    executor = ProcessesExecutor(1)
    assert list(executor.map(fork, range(4))) == list(range(4))
    executor.close()


def test_a_result_that_cannot_be_unpickled_here_is_an_error_in_its_place() -> None:
    class Result:
        def __reduce__(self) -> Any:
            return int, ("no number",)

    executor = ProcessesExecutor(1)
    results = executor.map(lambda item: Result() if item else item, range(2))
    assert next(results) == 0
    with pytest.raises(UDFError, match=r"result of item 1 cannot be unpickled here \(ValueError"):
        next(results)
    executor.close()


# Frames.


def ends() -> tuple[Channel, Channel]:
    one, other = multiprocessing.Pipe()
    key = "00112233445566ff"  # the same for all tests, so that it hides no other difference
    return Channel(one, key), Channel(other, key)


def in_frames(order: Order, thing: Any) -> list[bytes]:
    """Give the blocks of a message."""
    ours, theirs = ends()
    ours.send(order, pack(thing))
    blocks = []
    while theirs.connection.poll():
        blocks.append(theirs.connection.recv_bytes())
    for end in (ours, theirs):
        end.close()
    return blocks


def test_objects_come_out_as_they_went_in() -> None:
    ours, theirs = ends()
    things = [{"image": np.arange(12.0).reshape(3, 4), "empty": np.zeros((0, 4)), "name": "sum"}, None, b"x" * 100_000]
    for number, thing in enumerate(things):
        sender = threading.Thread(target=ours.send, args=(Order("answer", 7, number), pack(thing)))
        sender.start()
        order, message = theirs.receive()
        sender.join()
        assert order == ("answer", 7, number)
        assert message is not None
        np.testing.assert_equal(unpack(message), thing)
    theirs.send(Order("cancel", 7))
    assert ours.receive() == (("cancel", 7, 0), None)
    assert not ours.broken
    assert not theirs.broken


@pytest.mark.parametrize("skipped", range(1, 6))
def test_the_rest_of_a_message_is_no_message(skipped: int) -> None:
    """Whatever was cut off before it, and however the rest is repeated."""
    ours, theirs = ends()
    blocks = in_frames(Order("answer"), np.zeros(20))
    assert len(blocks) == 6
    for block in blocks[skipped:] + 2 * blocks:
        ours.connection.send_bytes(block)
    with pytest.raises(OSError):  # noqa: PT011
        theirs.receive()
    assert theirs.broken
    with pytest.raises(BrokenFrameError, match="not received whole"):
        theirs.receive()


@pytest.mark.parametrize("changed", ["key", "kind", "number", "length"])
@pytest.mark.parametrize("frame", range(3))
def test_a_frame_is_taken_only_if_everything_in_its_head_is_right(changed: str, frame: int) -> None:
    ours, theirs = ends()
    blocks = in_frames(Order("answer"), np.zeros(20))
    place = {"key": 0, "kind": 8, "number": 16, "length": 24}[changed]
    head = bytearray(blocks[2 * frame])
    head[place] ^= 1
    blocks[2 * frame] = bytes(head)
    for block in blocks:
        ours.connection.send_bytes(block)
    with pytest.raises(BrokenFrameError):
        theirs.receive()


def test_a_message_that_was_cut_off_is_not_continued() -> None:
    ours, theirs = ends()
    real = ours.connection.send_bytes

    def interrupted(content: Any) -> None:
        real(content)
        raise KeyboardInterrupt

    ours.connection.send_bytes = interrupted  # type: ignore[assignment, method-assign]
    with pytest.raises(KeyboardInterrupt):
        ours.send(Order("item"), pack(1))
    ours.connection.send_bytes = real  # type: ignore[method-assign]
    assert ours.broken
    with pytest.raises(BrokenFrameError, match="not sent whole"):
        ours.send(Order("end"))
    theirs.close()


class Unwanted:
    """Executes something when it is unpickled."""

    def __reduce__(self) -> Any:
        return pytest.fail, ("unpickled",)


def test_memory_is_never_unpickled() -> None:
    """A worker that sends a pickle where memory must come, or the other way round, is not believed."""
    ours, theirs = ends()
    evil = np.frombuffer(pickle.dumps(Unwanted()), np.uint8)
    blocks = in_frames(Order("answer"), evil)
    blocks[2:4], blocks[4:6] = blocks[4:6], blocks[2:4]
    for block in blocks:
        ours.connection.send_bytes(block)
    with pytest.raises(BrokenFrameError):
        theirs.receive()
