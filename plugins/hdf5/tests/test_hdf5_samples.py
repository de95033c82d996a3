"""Real files of vendors and programs, opened by detection."""

from pathlib import Path

import numpy as np
import pytest

import lamella

pytestmark = pytest.mark.recorded

NAMES = {
    "nexus_dls_example_nxs": "nexus_dls_example.nxs",
    "openNCEM__STEM_HAADF_Diffraction_Micro_emd": "STEM HAADF Diffraction Micro.emd",
    "py4DSTEM_size2x3x4x5_h5": "py4DSTEM_size2x3x4x5.h5",
}


@pytest.mark.parametrize("folder", NAMES)
def test_real_files_equal_an_independent_reader(samples: Path, folder: str) -> None:
    expected = np.load(samples / "hdf5" / folder / "expected.npy")
    ds = lamella.open(samples / "hdf5" / folder / NAMES[folder])
    assert ds.format == "hdf5"
    np.testing.assert_array_equal(np.asarray(ds).reshape(expected.shape), expected)


def test_an_arina_master_opens_as_its_scan(samples: Path) -> None:
    ds = lamella.open(samples / "hdf5" / "dectris_arina" / "test_00_master.h5")
    assert (ds.shape, ds.nav_origin) == ((4, 4, 192, 192), "sidecar test_00.h5")
    assert ds.metadata.beam_energy == 300e3
    assert ds.metadata.camera_length == 0.115
    assert ds.axes[0].units == "nm"


def test_an_arina_master_opens_without_the_fast_path(samples: Path) -> None:
    pytest.importorskip("hdf5plugin")
    slow = lamella.open(samples / "hdf5" / "dectris_arina" / "test_00_master.h5", fast=False, nav_shape=(16,))
    assert "h5py" in slow.diagnostics["layout"]


def test_a_velox_stack_has_its_frames_on_the_last_axis(samples: Path) -> None:
    folder = "openNCEM__STEM_HAADF_Diffraction_Micro_emd"
    ds = lamella.open(samples / "hdf5" / folder / NAMES[folder])
    assert (ds.shape.nav, ds.shape.sig) == ((1,), (128, 128))
    assert ds.metadata.detector == "HAADF"


def test_a_hyperspy_signal_brings_its_axes(samples: Path) -> None:
    ds = lamella.open(samples / "hdf5" / "example2_v3_1_hspy" / "example2_v3.1.hspy")
    assert [axis.units for axis in ds.axes[1:]] == ["1/nm", "1/nm"]
    assert ds.metadata.beam_energy == 200e3


def test_py4dstem_axes_are_calibrated(samples: Path) -> None:
    ds = lamella.open(samples / "hdf5" / "py4DSTEM_size2x3x4x5_h5" / "py4DSTEM_size2x3x4x5.h5")
    assert [axis.name for axis in ds.axes] == ["Rx", "Ry", "Qx", "Qy"]
    assert ds.axes[0].units == "nm"
