"""Memory has bounds, whatever the size of the file."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import lamella
from lamella.io.choose import choose_backend
from lamella.kernels import guard
from lamella.reader.resource import Resource
from lamella.system.memory import _group_limit, address_space, memory_size
from lamella.udf.base import UDF
from lamella.udf.builtin.com import CoMUDF
from lamella.udf.builtin.stddev import StdDevUDF
from lamella.udf.builtin.sum import SumUDF
from lamella.udf.builtin.sumsig import SumSigUDF

_LIMITED = """
import resource, sys
limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
from lamella.cli import main
sys.exit(main(sys.argv[1:]))
"""


_TIGHT = """
import resource, sys
import numpy as np
from lamella.kernels import builtin
from lamella.kernels.library import wait_until_compiled
with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (int(sys.argv[1]) << 20), resource.RLIM_INFINITY))
total = np.zeros(9, dtype=np.int64)
builtin.add_frames(np.ones((8, 9), dtype=np.uint16), (), total)
assert wait_until_compiled(20), "still compiling"
assert (total == 8).all() and "numba" not in sys.modules
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit of the address space")
@pytest.mark.parametrize("megabytes", [64, 300])
def test_no_compiler_is_loaded_where_it_would_end_the_process(megabytes: int) -> None:
    done = subprocess.run([sys.executable, "-c", _TIGHT, str(megabytes)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("groups", "file", "content", "limit"),
    [
        ("0::/job/1\n", "job/1/memory.max", "1073741824\n", 1 << 30),
        ("0::/job/1\n", "job/1/memory.max", "max\n", sys.maxsize),
        ("7:memory:/job\n3:cpu:/other\n", "memory/job/memory.limit_in_bytes", "4096\n", 4096),
        ("0::/outside\n", "memory.max", "8192\n", 8192),  # a container sees its own group as the root
    ],
)
def test_a_control_group_limits_what_counts_as_memory(
    tmp_path: Path, groups: str, file: str, content: str, limit: int
) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(groups)
    place = tmp_path / "sys/fs/cgroup" / file
    place.parent.mkdir(parents=True)
    place.write_text(content)
    assert _group_limit(tmp_path) == limit
    assert 0 < memory_size() <= address_space()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit of the address space")
def test_a_file_ten_times_larger_than_the_address_space_is_processed(tmp_path: Path) -> None:
    limit, frame_nbytes = 768 << 20, 256 * 256 * 2
    n_frames = 10 * limit // frame_nbytes
    last = np.arange(65536, dtype="<u2")
    with (tmp_path / "large.raw").open("wb") as file:  # holes cost no disk
        file.truncate(n_frames * frame_nbytes)
        file.seek((n_frames - 1) * frame_nbytes)
        file.write(last.tobytes())
    command = [sys.executable, "-c", _LIMITED, str(limit), "run", str(tmp_path / "large.raw")]
    command += ["--format", "raw", "--dtype", "uint16", "--sig-shape", "256,256", "--nav-shape", f"{n_frames}"]
    command += ["--sum", "--std", "--out", str(tmp_path / "out"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)
    total = np.load(next((tmp_path / "out").glob("*sum*.npy")))
    np.testing.assert_array_equal(total.reshape(-1), last)


def test_files_that_do_not_fit_are_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = np.arange(64, dtype=np.uint16).reshape(4, 4, 4)
    frames.tofile(tmp_path / "a.raw")
    here = [Resource.of(tmp_path / "a.raw")]
    if guard.install():
        assert choose_backend("auto", here).name == "mmap"
    monkeypatch.setattr("lamella.io.mmap.address_space", lambda: frames.nbytes)
    assert choose_backend("auto", here).name == "buffered"
    with pytest.raises(lamella.ParameterError, match="use 'buffered'"):
        choose_backend("mmap", here)
    assert address_space() > frames.nbytes


@pytest.mark.parametrize(
    ("udf", "copies"),
    # The result, and what two workers have of it; weights in single precision for the centre of mass.
    [(SumSigUDF, 0.2), (SumUDF, 3.3), (CoMUDF, 1.8), (StdDevUDF, 3 * 2 + 0.4)],
)
def test_computing_takes_a_few_images_of_a_large_detector_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, udf: type[UDF], copies: float
) -> None:
    monkeypatch.setenv("LAMELLA_KERNELS", "numpy")
    side, n_frames = 2048, 4
    image = 8 * side * side
    with (tmp_path / "a.raw").open("wb") as file:
        file.truncate(2 * side * side * n_frames)
    params = {"dtype": "uint16", "sig_shape": (side, side), "nav_shape": (n_frames,)}
    ds = lamella.open(tmp_path / "a.raw", format="raw", **params)
    with lamella.Context.make_with("threads", cpus=2) as ctx:
        ctx.run_udf(ds, udf(), roi=np.arange(n_frames) == 0)  # what is set up once per process does not count
        tracemalloc.start()
        *_, last = ctx.run_udf_iter(ds, udf())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert last.damage.data.all()
    assert peak < (copies + 0.5) * image
