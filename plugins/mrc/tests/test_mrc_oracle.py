"""What the tests write is read by other readers in the same way, and what others write is read by ours."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamella.opening.open import open_dataset
from lamella_mrc.conformance import MrcSampler
from lamella_mrc.writer import header_bytes, info_text
from lamella_testkit import SampleData

pytestmark = pytest.mark.oracle

leaves_files_open = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


def written(folder: Path, dtype: str, variant: str = "") -> tuple[SampleData, Any]:
    data = SampleData((3, 4), (5, 6), dtype, variant=variant)
    return data, MrcSampler().write(folder, data)["path"]


@pytest.mark.parametrize("variant", ["", "fei2"])
@pytest.mark.parametrize("dtype", ["<u2", "<i1", "<i2", "<f4", "<f2", "<c8", ">u2", ">f4"])
def test_mrcfile_reads_what_the_sampler_writes(tmp_path: Path, dtype: str, variant: str) -> None:
    mrcfile = pytest.importorskip("mrcfile")
    data, path = written(tmp_path, dtype, variant)
    with mrcfile.open(path) as mrc:
        np.testing.assert_array_equal(mrc.data, data.frames)
        if variant == "fei2":
            np.testing.assert_array_equal(
                mrc.indexed_extended_header["Alpha tilt"], open_dataset("mrc", path, {}).per_frame("Alpha tilt")
            )


@pytest.mark.parametrize("dtype", ["<u2", "<i2", "<f4"])
def test_ncempy_reads_what_the_sampler_writes(tmp_path: Path, dtype: str) -> None:
    mrc = pytest.importorskip("ncempy.io.mrc")
    data, path = written(tmp_path, dtype)
    np.testing.assert_array_equal(mrc.mrcReader(str(path))["data"], data.frames)


@leaves_files_open
@pytest.mark.parametrize("dtype", ["<u2", "<i2", "<f4"])
def test_rosettasciio_reads_what_the_sampler_writes(tmp_path: Path, dtype: str) -> None:
    rsciio = pytest.importorskip("rsciio.mrc")
    data, path = written(tmp_path, dtype)
    np.testing.assert_array_equal(rsciio.file_reader(str(path))[0]["data"], data.frames)


@pytest.mark.parametrize("dtype", ["i1", "i2", "u2", "f2", "f4", "c8"])
@pytest.mark.parametrize("volume", [True, False])
def test_what_mrcfile_writes_is_read(tmp_path: Path, dtype: str, volume: bool) -> None:
    mrcfile = pytest.importorskip("mrcfile")
    pixels = SampleData((6,), (4, 5), dtype).frames
    with mrcfile.new(tmp_path / "a.mrc") as mrc:
        mrc.set_data(np.array(pixels))
        if volume:
            mrc.set_volume()
        else:
            mrc.set_image_stack()
        mrc.voxel_size = (5.0, 10.0, 20.0)
    ds = open_dataset("auto", tmp_path / "a.mrc", {})
    assert ds.provenance.confidence == 100
    np.testing.assert_array_equal(ds.read(), pixels)
    assert [axis.scale for axis in ds.axes[1:]] == pytest.approx([1.0, 0.5])


@leaves_files_open
def test_rosettasciio_finds_the_scan_of_a_movie_too(tmp_path: Path) -> None:
    rsciio = pytest.importorskip("rsciio.mrc")
    frames = SampleData((12,), (5, 6), "<u2").frames
    path, info = tmp_path / "20250429_06699_movie.mrc", tmp_path / "20250429_06699_info.txt"
    path.write_bytes(header_bytes((6, 5, len(frames)), 6) + frames.tobytes())
    info.write_text(info_text((3, 4), {"Image Size X (pixels)": 6, "Image Size Y (pixels)": 5, "Scan - Points": 12}))
    ds = open_dataset("auto", path, {})
    assert ds.shape.nav == (3, 4)
    theirs = rsciio.file_reader(str(path), metadata_file=str(info))[0]["data"]
    np.testing.assert_array_equal(ds.read(), np.asarray(theirs).reshape(ds.shape))
