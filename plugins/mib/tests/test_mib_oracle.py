"""What the tests write is read by RosettaSciIO in the same way, apart from the y axis, which it turns around."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamella
from lamella_mib.writer import Merlin

pytestmark = pytest.mark.oracle

KINDS = {
    "U08": (Merlin(), (5, 7), "u1"),
    "U16": (Merlin(depth=12), (5, 7), "u2"),
    "U32": (Merlin(depth=24), (5, 7), "u4"),
    "U08 of a quad": (Merlin(chips=4), (512, 512), "u1"),
    "U16 of a quad with gap": (Merlin(chips=4, depth=12, layout="2x2G"), (514, 514), "u2"),
    "U16 of a strip": (Merlin(depth=12, layout="Nx1"), (256, 1024), "u2"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_rosettasciio_reads_what_the_tests_write(tmp_path: Path, kind: str) -> None:
    reader = pytest.importorskip("rsciio.quantumdetector")
    camera, shape, dtype = KINDS[kind]
    bits = 8 * np.dtype(dtype).itemsize
    frames = np.random.default_rng(1).integers(0, 2**bits, (6, *shape)).astype(dtype)
    path = tmp_path / "scan.mib"
    path.write_bytes(camera.part(frames))
    theirs: Any = np.asarray(reader.file_reader(str(path))[0]["data"]).reshape(frames.shape)
    np.testing.assert_array_equal(theirs[:, ::-1], frames)
    np.testing.assert_array_equal(lamella.open(path).read().reshape(frames.shape), frames)
