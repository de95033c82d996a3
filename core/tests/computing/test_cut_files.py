"""A file that is cut while computations run over it is an error, and never the end of the process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="files in use cannot be cut there")

CASES = ("fresh", "at rest", "growing")

CUTTING = """
import os, random, sys, threading, time
import numpy as np
import lamella
from lamella.kernels.library import wait_until_compiled
from lamella.udf.builtin.masks import ApplyMasksUDF
from lamella.udf.builtin.sum import SumUDF

path, case, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
rng = random.Random(int(sys.argv[4]))
side, n_frames = 128, 1024
frames = np.random.default_rng(7).integers(0, 4000, (n_frames, side, side)).astype("<u2")
content = frames.tobytes()
total = frames.sum(axis=0)
masks = np.random.default_rng(8).random((8, side, side)).astype(np.float32)
weighed = None

def write():
    with open(path, "wb") as file:
        file.write(content)
    if case == "at rest":
        day = time.time_ns() - 86_400 * 10**9
        os.utime(path, ns=(day, day))

def grow(stop):
    with open(path, "ab") as file:
        while not stop.wait(0.0005):
            file.write(content[:65536])
            file.flush()

def compute(ctx, ds):
    "Sum, masks, sum, ... : as long as the file lives."
    global weighed
    for _ in range(4):
        found = ctx.run_udf(ds, SumUDF())["intensity"].data
        assert np.array_equal(found, total), "a wrong sum"
        found = ctx.run_udf(ds, ApplyMasksUDF(lambda: masks))["intensity"].data
        if weighed is None:
            weighed = np.array(found)
        assert np.allclose(found, weighed, rtol=1e-5), "wrong sums under masks"

outcomes = {"fine": 0, "refused": 0}
write()
with lamella.Context() as ctx:
    options = dict(format="raw", dtype="<u2", sig_shape=(side, side), nav_shape=(n_frames,))
    ds = lamella.open(path, **options)
    compute(ctx, ds)
    assert wait_until_compiled(120)
    begin = time.perf_counter()
    compute(ctx, ds)
    usual = time.perf_counter() - begin
    for _ in range(rounds):
        write()
        ds = lamella.open(path, **options)
        stop = threading.Event()
        threads = [threading.Timer(rng.random() * usual, os.truncate, (path, rng.randrange(len(content))))]
        if case == "growing":
            threads.append(threading.Thread(target=grow, args=(stop,)))
        for thread in threads:
            thread.start()
        try:
            compute(ctx, ds)
            outcomes["fine"] += 1
        except lamella.FormatError as error:
            assert "file" in str(error)
            outcomes["refused"] += 1
        stop.set()
        for thread in threads:
            thread.join()
print(outcomes["fine"], outcomes["refused"])
"""


WAYS = """
import os, sys, tempfile
import numpy as np
import lamella
from lamella.corrections import Corrections
from lamella.io.mmap import MmapSession
from lamella.kernels.library import wait_until_compiled
from lamella.udf import UDF
from lamella.udf.builtin.sum import SumUDF

folder = sys.argv[1]
path = os.path.join(folder, "scan.raw")
content = np.random.default_rng(7).integers(1, 4000, (64, 64, 64)).astype("<u2")
whole, mtime = content.nbytes, None
dark = Corrections(dark=np.ones((64, 64)))
cuts_when_used = []
view = MmapSession.view

def cut_behind_the_look(self, resource, offset, nbytes):
    found = view(self, resource, offset, nbytes)
    if cuts_when_used:
        cuts_when_used.pop()()
    return found

MmapSession.view = cut_behind_the_look

def cut():
    os.truncate(path, 4096)

def cut_for_a_while():
    "The handler has zeros put there; then the file looks as if nothing had happened."
    with open(path, "r+b") as file:
        file.truncate(4096)
        session = lamella.io.MmapBackend().open(ds.source.resources)
        from lamella.io.mmap import _kept
        assert _kept[ds.source.resources[0]].array[-1] == 0
        file.write(content.tobytes())
    os.utime(path, ns=(mtime, mtime))

class Watching(UDF):
    "Cuts the file while it has a tile, and fails with what it reads then."
    def get_result_buffers(self):
        return {"total": self.buffer(kind="single", dtype="float64")}
    def merge(self, dest, src):
        dest.total[:] += src.total
    def watch(self, data):
        if os.path.getsize(path) == whole:
            cut()
        if not data.all():
            raise ValueError("zeros")
        self.results.total[:] += data.sum()

class Tiles(Watching):
    def process_tile(self, tile):
        self.watch(tile)

class Frames(Watching):
    def process_frame(self, frame):
        self.watch(frame)

class Partitions(Watching):
    def process_partition(self, partition):
        self.watch(partition)

def ways():
    yield "a kernel", lambda: inline.run_udf(ds, SumUDF()), cut
    yield "a kernel, cut for a while", lambda: inline.run_udf(ds, SumUDF()), cut_for_a_while
    yield "threads", lambda: threads.run_udf(ds, SumUDF()), cut
    os.environ["LAMELLA_KERNELS"] = "numpy"
    yield "NumPy", lambda: inline.run_udf(ds, SumUDF()), cut
    yield "some frames", lambda: inline.run_udf(ds, SumUDF(), roi=np.arange(64) % 3 == 0), cut
    yield "corrected", lambda: inline.run_udf(ds, SumUDF(), corrections=dark), cut
    for udf in (Tiles, Frames, Partitions):
        yield udf.__name__, lambda: inline.run_udf(ds, udf()), None
    yield "workers", lambda: processes.run_udf(ds, Tiles()), None
    yield "all", lambda: ds[:], cut
    yield "a frame", lambda: ds[5], cut
    yield "a frame, cut for a while", lambda: ds[5], cut_for_a_while
    yield "frames", lambda: ds[[5, 3, 60]], cut
    yield "pixels", lambda: ds[::2, 3:5, ::7], cut
    yield "an array", lambda: np.asarray(ds), cut
    yield "export", lambda: inline.export_dataset(ds, os.path.join(folder, "copy.npy"), overwrite=True), cut

inline = lamella.Context.make_with("inline")
threads = lamella.Context.make_with("threads", cpus=2)
processes = lamella.Context.make_with("processes", cpus=1)
content.tofile(path)
options = dict(format="raw", dtype="<u2", sig_shape=(64, 64), nav_shape=(64,), io_backend="mmap")
ds = lamella.open(path, **options)
inline.run_udf(ds, SumUDF())
assert wait_until_compiled(120)
for name, work, at_the_look in ways():
    content.tofile(path)
    mtime = os.stat(path).st_mtime_ns
    ds = lamella.open(path, **options)
    assert np.array_equal(ds[:], content), name
    if at_the_look is not None:
        cuts_when_used.append(at_the_look)
    try:
        work()
        print(f"{name}: nothing", flush=True)
    except lamella.FormatError as error:
        print(f"{name}: {error}", flush=True)
    cuts_when_used.clear()
for context in (inline, threads, processes):
    context.close()
"""


def test_every_way_of_reading_says_that_the_file_was_cut(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-c", WAYS, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 17
    for line in lines:
        expected = "it was cut for a while" if "for a while" in line else "the file shrank since it was opened"
        assert expected in line, line


def cut_in_a_child(path: Path, case: str, rounds: int, seed: int) -> tuple[int, str, str]:
    """Run computations in a child over a file that is cut ``rounds`` times; gives exit code and what it printed."""
    command = [sys.executable, "-P", "-c", CUTTING, str(path), case, str(rounds), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    path.unlink(missing_ok=True)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("case", CASES)
def test_a_file_that_is_cut_during_runs_does_not_end_the_process(tmp_path: Path, case: str) -> None:
    code, printed, errors = cut_in_a_child(tmp_path / "scan.raw", case, 25, 1)
    assert code == 0, errors
    fine, refused = map(int, printed.split())
    assert fine + refused == 25
    assert refused > 5


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_two_hundred_processes_outlive_files_that_are_cut(tmp_path: Path, case: str) -> None:
    found = [cut_in_a_child(tmp_path / "scan.raw", case, 3, seed) for seed in range(200)]
    assert [errors for code, _, errors in found if code] == []
    assert sum(int(printed.split()[1]) for _, printed, _ in found) > 200
