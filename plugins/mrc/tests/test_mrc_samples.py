"""Real MRC files open by detection and hold what an independent reader found in them."""

import json
from pathlib import Path

import numpy as np
import pytest

from lamella.opening.open import open_dataset

FILES = ["20241021_00405_movie", "HAADFscan", "mrcfile__EMD-3197_mrc"]


@pytest.mark.recorded
@pytest.mark.parametrize("name", FILES)
def test_a_real_file_equals_what_another_reader_found(samples: Path, name: str) -> None:
    folder = samples / "mrc" / name
    sample = json.loads((folder / "sample.json").read_text())
    expected = np.load(folder / "expected.npy")
    ds = open_dataset("auto", folder / sample["main"], {})
    assert (ds.format, ds.provenance.confidence) == ("mrc", 100)
    assert ds.dtype == expected.dtype
    assert tuple(n for n in ds.shape if n > 1) == expected.shape
    np.testing.assert_array_equal(ds.read().reshape(expected.shape), expected)
    json.dumps(ds.raw_metadata, allow_nan=False)


@pytest.mark.recorded
def test_velox_tells_microscope_and_pixel_size(samples: Path) -> None:
    ds = open_dataset("auto", samples / "mrc" / "HAADFscan" / "HAADFscan.mrc", {})
    assert ds.metadata.to_json() == {
        "acquired": "2022-12-05T12:13:07",
        "beam_energy": 300e3,
        "camera_length": 0.0911,
        "convergence_angle": pytest.approx(0.8209, abs=1e-4),
        "detector": "HAADF",
        "dwell_time": 0.01,
        "instrument": "Spectra",
        "mode": "STEM",
        "software": "Velox 3.7.0.872-b0a7ba",
    }
    assert [axis.units for axis in ds.axes[1:]] == ["nm", "nm"]
    assert [axis.scale for axis in ds.axes[1:]] == pytest.approx([5.679131290] * 2)


@pytest.mark.recorded
def test_a_movie_whose_grid_counts_sections_has_frames_of_its_columns_and_rows(samples: Path) -> None:
    path = samples / "mrc" / "20241021_00405_movie" / "20241021_00405_movie.mrc"
    assert open_dataset("auto", path, {}).shape == (32, 4, 8)
