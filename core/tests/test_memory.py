"""Memory has bounds, whatever the size of the file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lamella
from lamella.io import choose_backend
from lamella.io.mmap import address_space
from lamella.source import Resource

_LIMITED = """
import resource, sys
limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
from lamella.cli import main
sys.exit(main(sys.argv[1:]))
"""


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
    if sys.platform != "win32":
        assert choose_backend("auto", here).name == "mmap"
    monkeypatch.setattr("lamella.io.mmap.address_space", lambda: frames.nbytes)
    assert choose_backend("auto", here).name == "buffered"
    with pytest.raises(lamella.ParameterError, match="use 'buffered'"):
        choose_backend("mmap", here)
    assert address_space() > frames.nbytes
