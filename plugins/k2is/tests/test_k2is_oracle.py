"""LiberTEM reads what the tests write in the same way; its interpreter is named by ``LAMELLA_ORACLE_PYTHON``.

It wants a block at the beginning of each file and, in scans, more than 400 frames.
"""

import os
import struct
import subprocess
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamella
from lamella.errors import LamellaWarning
from lamella_k2is.writer import gtg_bytes, write_recording

pytestmark = pytest.mark.oracle

REFERENCE = """
import json, sys
import numpy as np
from libertem.api import Context
from libertem.udf import UDF

class Stored(UDF):
    def get_preferred_input_dtype(self):
        return self.USE_NATIVE_DTYPE
    def get_result_buffers(self):
        shape = tuple(self.meta.dataset_shape.sig)
        return {"frame": self.buffer(kind="nav", extra_shape=shape, dtype=self.meta.input_dtype)}
    def process_frame(self, frame):
        self.results.frame[:] = frame

path, target, options, positions = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), json.loads(sys.argv[4])
context = Context.make_with("inline")
dataset = context.load("k2is", path=path, **options)
roi = np.zeros(tuple(dataset.shape.nav), dtype=bool)
roi.reshape(-1)[positions] = True
np.savez(target, frames=context.run_udf(dataset, Stored(), roi=roi)["frame"].raw_data, nav=dataset.shape.nav)
"""


def reference(path: Path, positions: list[int], options: str = "{}") -> tuple[tuple[int, ...], np.ndarray]:
    python = os.environ.get("LAMELLA_ORACLE_PYTHON") or pytest.skip("no interpreter with LiberTEM is named")
    target = path.parent / "theirs.npz"
    subprocess.run([python, "-W", "ignore", "-c", REFERENCE, path, target, options, str(positions)], check=True)
    with np.load(target) as theirs:
        return tuple(theirs["nav"].tolist()), theirs["frames"]


def test_libertem_reads_a_time_series(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 1 << 12, (6, 1860, 2048), dtype=np.uint16)
    behind = [(3 * i) % 10 for i in range(8)]
    write_recording(tmp_path, frames, before=range(8), behind=behind, gtg=gtg_bytes(None))
    ds = lamella.open(tmp_path / "Capture52_.gtg")
    nav, theirs = reference(tmp_path / "Capture52_.gtg", list(range(6)))
    assert tuple(ds.shape.nav) == nav
    np.testing.assert_array_equal(ds.read(), theirs)


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scan of (20, 20) that begins with frame 59; each block begins with the number of its frame and sector."""
    folder = tmp_path_factory.mktemp("scan")
    for sector in range(8):
        with (folder / f"Capture52_{sector + 1}.bin").open("wb") as file:
            for at in range(-sector, 480 * 32):
                frame, k = divmod(at, 32)
                x, y = 16 * (15 - k % 16), 930 * (k // 16)
                head = (0xFFFF0055, 1, frame >= 60, 5000 + at, 256, 1860, 100 + frame, x, y, x + 15, y + 929, 22360)
                file.seek((at + sector) * 22360)
                file.write(struct.pack(">I4xBB6xIHHIHHHHI", *head) + bytes([frame & 0xFF, (frame >> 8) & 1, sector]))
            file.truncate((480 * 32 + sector) * 22360)
    (folder / "Capture52_.gtg").write_bytes(gtg_bytes((20, 20)))
    return folder / "Capture52_.gtg"


@pytest.mark.parametrize("offset", [None, 0, 1, 10, 59, 60, 61, 65, -2])
def test_libertem_begins_scans_one_frame_before_its_sync_offset(scan: Path, offset: int | None) -> None:
    options: dict[str, Any] = {} if offset is None else {"sync_offset": offset - 1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LamellaWarning)
        ds = lamella.open(scan, **options)
    if offset is None:
        assert ds.frame_map.sync_offset == 59
    nav, theirs = reference(scan, [5, 21], "{}" if offset is None else f'{{"sync_offset": {offset}}}')
    assert tuple(ds.shape.nav) == nav == (20, 20)
    np.testing.assert_array_equal(np.stack([ds[0, 5], ds[1, 1]]), theirs)
