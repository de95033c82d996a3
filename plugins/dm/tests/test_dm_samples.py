"""Real DigitalMicrograph files open by detection and hold what an independent reader found in them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamella.dataset.dataset import DataSet
from lamella.opening.open import open_dataset

IMAGES = [
    "2D_test-1_dm3",
    "2D_test-2_dm4",
    "2D_test-9_dm4",
    "2D_test_STEM_image_dm3",
    "3D_test-6_dm3",
    "3D_test-7_dm4",
    "nionswift-io__ref_T_0_2_dm4",
    "openNCEM__dmTest_float32_nonSquare_diffPixelSize_dm4",
    "test_stackbuilder_imagestack_dm3",
]

pytestmark = pytest.mark.recorded


def opened(samples: Path, name: str, **keywords: Any) -> DataSet:
    folder = samples / "dm" / name
    sample = json.loads((folder / "sample.json").read_text())
    return open_dataset("auto", folder / sample["main"], keywords)


@pytest.mark.parametrize("name", IMAGES)
def test_a_real_file_equals_what_another_reader_found(samples: Path, name: str) -> None:
    expected = np.load(samples / "dm" / name / "expected.npy")
    ds = opened(samples, name)
    assert (ds.format, ds.provenance.confidence) == ("dm", 100)
    assert ds.dtype == expected.dtype
    assert tuple(ds.shape) == (1,) * (3 - expected.ndim) + expected.shape
    np.testing.assert_array_equal(ds.read().reshape(expected.shape), expected)
    json.dumps(ds.raw_metadata, allow_nan=False)


def test_a_spectrum_image_has_a_spectrum_at_each_scan_position(samples: Path) -> None:
    """The other reader gives it as the file stores it: a map of the scan for each energy."""
    expected = np.load(samples / "dm" / "3D_EELS_SI_dm4" / "expected.npy")
    ds = opened(samples, "3D_EELS_SI_dm4")
    assert (ds.shape.nav, ds.shape.sig) == ((2, 2), (2048,))
    np.testing.assert_array_equal(ds.read(), np.moveaxis(expected, 0, -1))
    assert [(axis.name, axis.units) for axis in ds.axes] == [("y", "µm"), ("x", "µm"), ("energy", "eV")]
    assert (ds.axes[2].scale, ds.axes[2].offset) == (1.0, 300.0)
    np.testing.assert_array_equal(opened(samples, "3D_EELS_SI_dm4", force_c_order=True).read(), expected)


def test_a_spectrum_is_one_frame(samples: Path) -> None:
    ds = opened(samples, "1D_test-3_dm3")
    assert ds.shape == (1, 2)
    assert ds.dtype == np.complex64


def test_calibrations_are_those_of_the_file(samples: Path) -> None:
    ds = opened(samples, "2D_test_STEM_image_dm3")
    assert [(axis.name, axis.units) for axis in ds.axes[1:]] == [("y", "nm"), ("x", "nm")]
    assert [axis.scale for axis in ds.axes[1:]] == pytest.approx([0.248538017] * 2)
    assert [axis.offset for axis in ds.axes[1:]] == pytest.approx([42.500000954, 51.44736957])
    axes = opened(samples, "nionswift-io__ref_T_0_2_dm4").axes
    assert [axis.scale for axis in axes] == pytest.approx([2.0, 2.2, 2.4])
    assert [axis.offset for axis in axes] == pytest.approx([1.0, 1.1, 1.2])
    assert [axis.units for axis in axes] == ["µ", "µn", "µnn"]


def test_metadata_are_those_of_the_file(samples: Path) -> None:
    known = opened(samples, "2D_test_STEM_image_dm3").metadata.to_json()
    assert known == {
        "title": "test_STEM_image",
        "acquired": "2016-08-08T15:26:37+00:00",
        "instrument": "FEI Tecnai Remote",
        "detector": "DigiScan",
        "software": "DigitalMicrograph 2.31.734.0",
        "mode": "SCANNING",
        "beam_energy": 200e3,
        "camera_length": 0.135,
        "magnification": 225e3,
        "scan_rotation": 0.0,
        "dwell_time": pytest.approx(3.5e-6),
    }
