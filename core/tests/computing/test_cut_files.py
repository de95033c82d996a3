"""A file that is cut while computations run over it is an error, and never the end of the process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lamella.kernels import compiler

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="files in use cannot be cut there")

CASES = ("fresh", "at rest", "growing")

CUTTING = """
import os, random, sys, threading, time
import numpy as np
import lamella
from lamella.kernels.library import wait_until_compiled
from lamella.udf.builtin.masks import ApplyMasksUDF
from lamella.udf.builtin.sum import SumUDF

path, rounds, processes, cases = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
rng = random.Random(1)
side, n_frames = 128, 1024
frames = np.random.default_rng(7).integers(0, 4000, (n_frames, side, side)).astype("<u2")
content = frames.tobytes()
total = frames.sum(axis=0)
masks = np.random.default_rng(8).random((8, side, side)).astype(np.float32)
weighed = None
options = dict(format="raw", dtype="<u2", sig_shape=(side, side), nav_shape=(n_frames,))

def write(case):
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

def compute(ctx, ds, times=3):
    global weighed
    for _ in range(times):
        found = ctx.run_udf(ds, SumUDF())["intensity"].data
        assert np.array_equal(found, total), "a wrong sum"
        found = ctx.run_udf(ds, ApplyMasksUDF(lambda: masks))["intensity"].data
        if weighed is None:
            weighed = np.array(found)
        assert np.allclose(found, weighed, rtol=1e-5), "wrong sums under masks"

def cut_meanwhile(ctx, case, usual):
    "Gives whether the runs were refused."
    write(case)
    ds = lamella.open(path, **options)
    stop, size = threading.Event(), rng.randrange(len(content))
    grows = threading.Thread(target=grow, args=(stop,))

    def cut():
        # A file that is longer again when it is looked at next is a file that grew.
        stop.set()
        grows.join()
        os.truncate(path, size)

    cuts = threading.Timer(rng.random() * usual, cut)
    if case != "growing":
        stop.set()
    grows.start()
    cuts.start()
    try:
        compute(ctx, ds)
        return False
    except lamella.FormatError as error:
        assert "the file" in str(error), error
        return True
    finally:
        cuts.join()

def refusals(ctx, case, usual):
    "Cuts the file until ``rounds`` cuts were in time."
    found = tries = 0
    while found < rounds and tries < 20 * rounds:
        found += cut_meanwhile(ctx, case, usual)
        tries += 1
    return found

def in_a_fork(ctx, case, usual, seed):
    "Gives exit code and the number of refusals of a process that begins where this one is."
    answer, ours = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            rng.seed(seed)
            os.write(ours, b"%d" % refusals(ctx, case, usual))
            os._exit(0)
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
    os.close(ours)
    with open(answer) as pipe:
        refused = pipe.read()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), refused

write("fresh")
with lamella.Context() as ctx:
    ds = lamella.open(path, **options)
    compute(ctx, ds, 1)
    assert wait_until_compiled(120)
    begin = time.perf_counter()
    compute(ctx, ds)
    usual = time.perf_counter() - begin
    for case in cases:
        if not processes:
            print(case, 0, refusals(ctx, case, usual), sep=",", flush=True)
        for i in range(processes):
            code, refused = in_a_fork(ctx, case, usual, i)
            print(case, code, refused, sep=",", flush=True)
"""

WAYS = """
import os, sys
import h5py
import numpy as np
import lamella
from lamella.corrections import Corrections
from lamella.io.mmap import MmapBackend, MmapSession, _kept
from lamella.udf import UDF
from lamella.udf.builtin.sum import SumUDF

os.chdir(sys.argv[1])
content = np.random.default_rng(7).integers(1, 4000, (64, 64, 64)).astype("<u2")
dark = Corrections(dark=np.ones((64, 64)))
cuts, view = [], MmapSession.view
os.environ["LAMELLA_KERNELS"] = "numpy"

def cut_behind_the_look(self, resource, offset, nbytes):
    found = view(self, resource, offset, nbytes)
    if cuts and nbytes >= 8192:
        cuts.pop()()
    return found

MmapSession.view = cut_behind_the_look

class Opened:
    "A file that is made anew, and what is known of it."
    def __init__(self, path, write, name=None, **options):
        write()
        self.path, self.status = path, os.stat(path)
        self.ds = lamella.open(name or path, io_backend="mmap", **options)

    def cut(self):
        os.truncate(self.path, 4096)

    def cut_for_a_while(self):
        "Zeros are read; then the file looks as if nothing had happened."
        with open(self.path, "r+b") as file:
            rest = file.read()[4096:]
            file.truncate(4096)
            (resource,) = self.ds.source.resources
            assert _kept[resource].array[-1] == 0
            file.seek(4096)
            file.write(rest)
        os.utime(self.path, ns=(self.status.st_mtime_ns, self.status.st_mtime_ns))

def raw():
    return Opened("scan.raw", lambda: content.tofile("scan.raw"), format="raw", dtype="<u2", sig_shape=(64, 64))

def csr():
    def write():
        content.tofile("data.dat")
        np.tile(np.arange(4096, dtype="<i4"), 64).tofile("indices.dat")
        (4096 * np.arange(65)).astype("<i4").tofile("indptr.dat")
        lines = ["[params]", 'filetype = "raw_csr"', "nav_shape = [64]", "sig_shape = [64, 64]", "[raw_csr]"]
        for name, dtype in dict(data="<u2", indices="<i4", indptr="<i4").items():
            lines += [f'{name}_file = "{name}.dat"', f'{name}_dtype = "{dtype}"']
        open("scan.toml", "w").write(chr(10).join(lines))
    return Opened("data.dat", write, "scan.toml")

def hdf5():
    def write():
        with h5py.File("scan.h5", "w") as file:
            file.create_dataset("data", data=content, chunks=(8, 64, 64), compression="gzip")
    return Opened("scan.h5", write)

class Watching(UDF):
    "Cuts the file while it has a tile, and fails with what it reads then."
    def get_result_buffers(self):
        return {"total": self.buffer(kind="single", dtype="float64")}
    def merge(self, dest, src):
        dest.total[:] += src.total
    def watch(self, data):
        if os.path.getsize("scan.raw") == content.nbytes:
            os.truncate("scan.raw", 4096)
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

inline = lamella.Context.make_with("inline")
threads, processes = (lamella.Context.make_with(name, cpus=2) for name in ("threads", "processes"))

def run(udf, context=inline, **options):
    return lambda ds: context.run_udf(ds, udf, **options)

def attempt(name, make, work, cut="cut"):
    opened = make()
    assert np.array_equal(opened.ds[:].reshape(content.shape), content), name
    if cut is not None:
        cuts.append(getattr(opened, cut))
    try:
        work(opened.ds)
        print(f"{name}: nothing", flush=True)
    except lamella.FormatError as error:
        print(f"{name}: {error}", flush=True)
    finally:
        cuts.clear()

attempt("sum", raw, run(SumUDF()))
attempt("sum, cut for a while", raw, run(SumUDF()), "cut_for_a_while")
attempt("threads", raw, run(SumUDF(), threads))
attempt("some frames", raw, run(SumUDF(), roi=np.arange(64) % 3 == 0))
attempt("corrected", raw, run(SumUDF(), corrections=dark))
for udf in (Tiles, Frames, Partitions):
    attempt(udf.__name__, raw, run(udf()), None)
attempt("workers", raw, run(Tiles(), processes), None)
attempt("all", raw, lambda ds: ds[:])
attempt("frame", raw, lambda ds: ds[5])
attempt("frame, cut for a while", raw, lambda ds: ds[5], "cut_for_a_while")
attempt("frames", raw, lambda ds: ds[[5, 3, 60]])
attempt("pixels", raw, lambda ds: ds[::2, 3:50, ::7])
attempt("array", raw, np.asarray)
attempt("export", raw, lambda ds: inline.export_dataset(ds, "copy.npy"))
attempt("events", csr, run(SumUDF()))
attempt("compressed", hdf5, run(SumUDF()))
attempt("compressed frames", hdf5, lambda ds: ds[3:40])
assert not os.path.exists("copy.npy")
for context in (inline, threads, processes):
    context.close()
"""


@pytest.mark.skipif(not compiler.is_installed(), reason="the handler for mappings is made by LLVM, which numba brings")
def test_every_way_of_reading_says_that_the_file_was_cut(tmp_path: Path) -> None:
    done = in_a_child(WAYS, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 19
    for line in lines:
        expected = "it was cut for a while" if "for a while" in line else "the file shrank since it was opened"
        assert expected in line, line


def test_files_that_are_cut_during_runs_do_not_end_the_process(tmp_path: Path) -> None:
    done = in_a_child(CUTTING, tmp_path / "scan.raw", 2, 0, *CASES)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{case},0,2" for case in CASES]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_two_hundred_processes_outlive_files_that_are_cut(tmp_path: Path, case: str) -> None:
    done = in_a_child(CUTTING, tmp_path / "scan.raw", 3, 200, case, timeout=3600)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{case},0,3"] * 200, done.stderr


def in_a_child(code: str, *arguments: object, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """Run code that might end its process."""
    command = [sys.executable, "-P", "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout)
