"""The first look at files that microscopes wrote: what they are taken for, and what is shown of them."""

import os
from pathlib import Path

import numpy as np
import pytest

import lamella
from lamella.plot.panels import Circle, Panel

SAMPLES = Path(os.environ.get("LAMELLA_SAMPLES", Path(__file__).parents[2] / "shared" / "samples"))

pytestmark = [
    pytest.mark.recorded,
    pytest.mark.skipif(not SAMPLES.is_dir(), reason="the sample files are not here (LAMELLA_SAMPLES)"),
]

SUMS = ["All counts", "Mean pattern", "Standard deviation", "Pattern at +"]
DETECTORS = [
    "Bright field",
    "Annular dark field",
    "Centre of mass, x",
    "Mean pattern",
    "Pattern at +",
    "Centre of mass, y",
]
INTENSITY = ["Total intensity", *SUMS[1:]]
SERIES = ["Mean image", "Standard deviation", "All counts"]

EXPECTED: dict[str, tuple[str, list[str]]] = {
    "blo/test2/test2.blo": ("4D scan", SUMS),
    "dm/1D_test-3_dm3/test-3.dm3": ("spectrum", ["Spectrum"]),
    "dm/2D_test-1_dm3/test-1.dm3": ("image", ["Image"]),
    "dm/2D_test_STEM_image_dm3/test_STEM_image.dm3": ("image", ["Image"]),
    "dm/3D_EELS_SI_dm4/EELS_SI.dm4": ("spectrum image", ["Total intensity", "Mean spectrum"]),
    "dm/3D_test-6_dm3/test-6.dm3": ("image series", SERIES),
    "dm/test_stackbuilder_imagestack_dm3/test_stackbuilder_imagestack.dm3": ("image series", SERIES),
    "dm/openNCEM__dmTest_float32_nonSquare_diffPixelSize_dm4/dmTest_float32_nonSquare_diffPixelSize.dm4": (
        "image",
        ["Image"],
    ),
    "empad/map4x4/scan_x4_y4.raw": ("4D scan", INTENSITY),
    "hdf5/dectris_arina/test_00_master.h5": ("4D scan", SUMS),
    "hdf5/example2_v3_1_hspy/example2_v3.1.hspy": ("diffraction pattern", ["Diffraction pattern"]),
    "hdf5/nexus_dls_example_nxs/nexus_dls_example.nxs": ("spectrum image", ["Total intensity", "Mean spectrum"]),
    "hdf5/openNCEM__STEM_HAADF_Diffraction_Micro_emd/STEM HAADF Diffraction Micro.emd": ("image", ["Image"]),
    "hdf5/py4DSTEM_size2x3x4x5_h5/py4DSTEM_size2x3x4x5.h5": ("4D scan", INTENSITY),
    "mib/Merlin_Single_Quad__Single_1_Frame_CounterDepth_12_Rows_256/Single_1_Frame_CounterDepth_12_Rows_256.mib": (
        "diffraction pattern",
        ["Diffraction pattern"],
    ),
    "mib/Merlin_navigation4x2_ROI__001_4x2_6bit/001_4x2_6bit.mib": ("4D scan", DETECTORS),
    "mib/Merlin_Single_Quad__Single_9_Frame_CounterDepth_6_Rows_256/Single_9_Frame_CounterDepth_6_Rows_256.mib": (
        "4D scan",
        SUMS,
    ),
    "mrc/20241021_00405_movie/20241021_00405_movie.mrc": ("image series", SERIES),
    "mrc/HAADFscan/HAADFscan.mrc": ("image", ["Image"]),
    "mrc/mrcfile__EMD-3197_mrc/EMD-3197.mrc": ("image series", [*SERIES[:2], "Total intensity"]),
    "ser/new_128x128-TEM_search_1/128x128-TEM_search_1.ser": ("image", ["Image"]),
    "ser/new_128x128x5-diffraction_preview_1/128x128x5-diffraction_preview_1.ser": (
        "series of diffraction patterns",
        ["Mean pattern", "Standard deviation", "All counts"],
    ),
    "ser/new_16x16-line_profile_horizontal_5x128x128_EDS_2/16x16-line_profile_horizontal_5x128x128_EDS_2.ser": (
        "line scan of diffraction patterns",
        ["All counts", "Mean pattern", "Pattern at position 0"],
    ),
    "ser/old_16x16-line_profile_diagonal_10x1024_1/16x16-line_profile_diagonal_10x1024_1.ser": (
        "line scan of spectra",
        ["Spectra", "Mean spectrum", "All counts"],
    ),
    "ser/old_64x64x5_TEM_preview_1/64x64x5_TEM_preview_1.ser": ("image series", [*SERIES[:2], "Total intensity"]),
    "tvips/test_tvips_2345_split/test_tvips_2345_split_000.tvips": (
        "series of diffraction patterns",
        ["Mean pattern", "Standard deviation", "All counts"],
    ),
}


def look_at(name: str) -> lamella.FirstLook:
    path = SAMPLES / name
    if not path.is_file():
        pytest.skip(f"{name} is not here")
    return lamella.first_look(lamella.open(path), context=lamella.Context.make_with("inline"))


def panel(look: lamella.FirstLook, name: str) -> Panel:
    return next(one for one in look if one.name == name)


@pytest.mark.filterwarnings("ignore::lamella.LamellaWarning")
@pytest.mark.parametrize("name", EXPECTED, ids=lambda name: name.rpartition("/")[2])
def test_each_file_is_taken_for_what_it_is(name: str) -> None:
    look = look_at(name)
    kind, titles = EXPECTED[name]
    assert look.kind == kind
    assert [one.title for one in look] == titles
    for one in look:
        low, high = one.limits
        assert low < high
        assert one.data is not None
        known = one.data[np.isfinite(one.data)]
        assert ((known >= low) & (known <= high)).mean() > 0.5 or one.scale == "log"
    has_beam = titles is DETECTORS
    if kind == "4D scan":
        assert any(note.startswith("no direct beam found: ") for note in look.notes) != has_beam
    assert any(isinstance(mark, Circle) for one in look for mark in one.marks) == has_beam
    if kind in ("image", "image series"):
        assert all(one.scale == "linear" for one in look)


def test_a_spectrum_image_has_nanometres_and_electronvolts() -> None:
    look = look_at("dm/3D_EELS_SI_dm4/EELS_SI.dm4")
    y, x = panel(look, "sumsig").axes
    assert [(axis.name, axis.units) for axis in (y, x)] == [("y", "nm"), ("x", "nm")]
    assert x.scale == pytest.approx(1.992, rel=1e-3)
    (energy,) = panel(look, "mean").axes
    assert (energy.units, energy.scale, energy.offset) == ("eV", 1.0, 300.0)


def test_a_saturated_beam_with_a_halo_is_found_at_its_place() -> None:
    look = look_at(next(name for name in EXPECTED if "001_4x2_6bit" in name))
    assert look.beam is not None
    assert (look.beam.cy, look.beam.cx, look.beam.radius) == pytest.approx((143, 26, 22), abs=2)


def test_an_image_has_the_units_of_its_file() -> None:
    (image,) = look_at("dm/2D_test_STEM_image_dm3/test_STEM_image.dm3")
    assert {axis.units for axis in image.axes} == {"nm"}
    low, high = image.limits
    assert image.data is not None
    assert image.data.min() < low < high < image.data.max(), "few pixels do not decide"


def test_a_line_scan_of_spectra_has_positions_and_energies() -> None:
    look = look_at(next(name for name in EXPECTED if "diagonal_10x1024" in name))
    spectra = panel(look, "spectra")
    assert spectra.data is not None
    assert spectra.data.shape == (10, 1024)
    assert [axis.name for axis in spectra.axes] == ["x", "energy"]
    assert spectra.axes[1].units == "eV"


def test_a_pattern_of_a_counting_detector_is_logarithmic_in_spite_of_a_hot_pixel() -> None:
    (pattern,) = look_at(next(name for name in EXPECTED if "Single_1_Frame_CounterDepth_12" in name))
    assert pattern.scale == "log"
    assert pattern.data is not None
    assert pattern.limits[1] < pattern.data.max() / 4
