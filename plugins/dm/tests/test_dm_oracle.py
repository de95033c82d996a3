"""What the tests write is read by other readers in the same way."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamella.opening.open import open_dataset
from lamella_dm.conformance import DmSampler
from lamella_dm.writer import File, Image
from lamella_testkit import SampleData

pytestmark = pytest.mark.oracle

KINDS = ["<u2", "<i1", "<u1", "<i2", "<u4", "<i4", "<f4", "<f8", "<c8", "<c16"]


def stored_frames(path: Path, kind: str, version: int) -> tuple[Path, Any]:
    frames = SampleData((5,), (3, 4), kind).frames
    calibrations = [(1.0, 0.5, "nm"), (2.0, 0.25, "nm"), (0.0, 2.0, "s")]
    thumbnail = Image(np.zeros((2, 2), "<i4"), data_type=23)
    image = Image(frames, "frames", calibrations)
    return File([thumbnail, image], version, thumbnails=[0]).write(path / f"a.dm{version}"), frames


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("kind", KINDS)
def test_rosettasciio_reads_what_the_tests_write(tmp_path: Path, kind: str, version: int) -> None:
    rsciio = pytest.importorskip("rsciio.digitalmicrograph")
    path, frames = stored_frames(tmp_path, kind, version)
    (theirs,) = rsciio.file_reader(str(path))
    ours = open_dataset("auto", path, {})
    np.testing.assert_array_equal(theirs["data"], frames)
    np.testing.assert_array_equal(theirs["data"], ours.read())
    for axis, other in zip(ours.axes, theirs["axes"], strict=True):
        assert (axis.scale, axis.offset, axis.units) == pytest.approx((other["scale"], other["offset"], other["units"]))


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("kind", ["<u2", "<i1", "<u1", "<i2", "<u4", "<i4", "<f4", "<f8"])
def test_ncempy_reads_what_the_tests_write(tmp_path: Path, kind: str, version: int) -> None:
    dm = pytest.importorskip("ncempy.io.dm")
    path, frames = stored_frames(tmp_path, kind, version)
    with dm.fileDM(str(path)) as file:
        np.testing.assert_array_equal(file.getDataset(0)["data"], frames)


@pytest.mark.parametrize("variant", ["dm4", "dm3", "scan fastest"])
def test_rosettasciio_reads_what_the_sampler_writes_as_it_is_stored(tmp_path: Path, variant: str) -> None:
    rsciio = pytest.importorskip("rsciio.digitalmicrograph")
    data = SampleData((3, 4), (5, 6), "<u2", variant=variant)
    path = DmSampler().write(tmp_path, data)["path"]
    theirs = rsciio.file_reader(str(path))[0]["data"]
    stored = data.pixels.transpose(2, 3, 0, 1) if variant == "scan fastest" else data.pixels
    np.testing.assert_array_equal(theirs, stored)
