"""LiberTEM reads what the tests write in the same way; its interpreter is named by ``LAMELLA_ORACLE_PYTHON``."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

import lamella
from lamella_frms6.writer import folded, header_text, part_bytes

pytestmark = pytest.mark.oracle

BASE = "C16_15_24_151203_019"
REFERENCE = """
import sys
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

context = Context.make_with("inline")
found = {}
for name, correct in (("stored", False), ("corrected", True)):
    dataset = context.load("frms6", path=sys.argv[1], enable_offset_correction=correct)
    found[name] = np.array(context.run_udf(dataset, Stored())["frame"].data)
found["dark"] = dataset.get_correction_data().get_dark_frame()
np.savez(sys.argv[2], **found)
"""


@pytest.mark.parametrize("announce", [True, False])
@pytest.mark.parametrize("binning", [1, 2, 4])
def test_libertem_reads_and_corrects_what_the_tests_write(tmp_path: Path, binning: int, announce: bool) -> None:
    python = os.environ.get("LAMELLA_ORACLE_PYTHON") or pytest.skip("no interpreter with LiberTEM is named")
    rng = np.random.default_rng(binning)
    frames = rng.integers(0, 1 << 16, (6, 264 // binning, 264), dtype=np.uint16)
    darks = rng.integers(0, 1 << 12, (5, 264 // binning, 264), dtype=np.uint16)
    for number, piece in enumerate((darks, frames[:4], frames[4:])):
        (tmp_path / f"{BASE}_{number:03d}.frms6").write_bytes(part_bytes(folded(piece), announce=announce))
    header = tmp_path / f"{BASE}.hdr"
    header.write_text(header_text(6, (2, 3), binning=binning))

    subprocess.run([python, "-W", "ignore", "-c", REFERENCE, header, tmp_path / "theirs.npz"], check=True)
    ds = lamella.open(header)
    assert ds.corrections is not None
    with np.load(tmp_path / "theirs.npz") as theirs:
        np.testing.assert_array_equal(ds.read(), theirs["stored"])
        np.testing.assert_array_equal(ds.corrections.dark, theirs["dark"])
        tiles = ds.partitions(1)[0].tiles(ds.scheme(), dtype=np.float32, corrections=ds.corrections)
        mine = np.concatenate([tile.data.copy() for tile in tiles])
        np.testing.assert_array_equal(mine.reshape(ds.shape), theirs["corrected"])
