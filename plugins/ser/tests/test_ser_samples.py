"""Real files open by detection, and equal what an independent reader found in them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lamella.opening.open import open_dataset

pytestmark = pytest.mark.recorded


@pytest.mark.parametrize(
    "name",
    [
        "new_128x128-TEM_search_1",
        "new_128x128x5-diffraction_preview_1",
        "new_16x16-line_profile_horizontal_5x128x128_EDS_2",
        "old_16x16-line_profile_diagonal_10x1024_1",
        "old_64x64x5_TEM_preview_1",
    ],
)
def test_a_real_file_is_read_as_by_another_reader(samples: Path, name: str) -> None:
    folder = samples / "ser" / name
    described = json.loads((folder / "sample.json").read_text(encoding="utf-8"))
    ds = open_dataset("auto", folder / described["main"], {})
    expected = np.load(folder / "expected.npy")
    assert ds.format == described["format"]
    assert ds.dtype == expected.dtype
    assert ds.shape.sig == expected.shape[-ds.shape.sig.dims :]
    np.testing.assert_array_equal(np.asarray(ds).reshape(expected.shape), expected)
    json.dumps([ds.raw_metadata, ds.metadata.to_json(), ds.diagnostics], allow_nan=False)


def test_the_emi_tells_images_from_patterns(samples: Path) -> None:
    folder = samples / "ser" / "new_16x16-line_profile_horizontal_5x128x128_EDS_2"
    ds = open_dataset("auto", folder / "16x16-line_profile_horizontal_5x128x128_EDS_2.ser", {})
    assert [(axis.name, axis.units) for axis in ds.axes] == [("x", "nm"), ("ky", "1/nm"), ("kx", "1/nm")]
    assert ds.metadata.detector == "BM-Ceta"
    assert ds.metadata.acquired == "2016-02-22T19:18:24"
    assert ds.per_frame("acquired")[0] == np.datetime64(1_456_168_703, "s")
