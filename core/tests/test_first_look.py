"""The first look: what is shown of each kind of data, on which scale and along which axes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import lamella
from lamella.analysis import Beam
from lamella.corrections import Corrections
from lamella.firstlook.grid import grid_words
from lamella.firstlook.kinds import is_length
from lamella.plot.limits import Wish, choose_scale, curve_scale
from lamella.plot.measures import shown_axes
from lamella.plot.panels import Circle, Cross, Panel
from lamella.reader import Axis

Array = NDArray[Any]
Y, X = np.mgrid[:24, :28]
BEAM = np.where(np.hypot(Y - 11, X - 13) <= 3, 100, 1)


@pytest.fixture(scope="module")
def context() -> lamella.Context:
    return lamella.Context.make_with("inline")


def scan(ny: int = 6, nx: int = 8, dtype: str = "u2") -> Array:
    """Patterns with a beam, and one spot that is bright at one position."""
    frames = np.broadcast_to(BEAM, (ny, nx, 24, 28)).copy()
    frames[:, :, 3:6, 20:23] = np.arange(ny * nx).reshape(ny, nx)[..., np.newaxis, np.newaxis] % 7
    frames[ny // 2, nx // 2, 3:6, 20:23] = 60
    return frames.astype(dtype)


def look_at(array: Array, context: lamella.Context, **parameters: Any) -> lamella.FirstLook:
    look = lamella.first_look(lamella.open(array, **parameters), context=context)
    check(look)
    return look


def check(look: lamella.FirstLook) -> None:
    """What holds for panels of any kind."""
    assert len({panel.name for panel in look}) == len(look)
    for panel in look:
        low, high = panel.limits
        assert low < high, panel
        assert np.isfinite(panel.limits).all(), panel
        assert panel.data is not None
        assert panel.data.ndim == {"image": 2, "curve": 1, "rgba": 3}[panel.kind]
        assert panel.data.dtype.kind in "uif"
        assert len(panel.axes) == min(panel.data.ndim, 2)
        assert panel.title
        assert panel.scale != "log" or low > 0


def numbers(panel: Panel) -> Array:
    assert panel.data is not None
    return panel.data


def titles(look: lamella.FirstLook) -> list[str]:
    return [panel.title for panel in look]


def test_a_4d_scan_with_a_beam(context: lamella.Context) -> None:
    look = look_at(scan(), context)
    assert look.kind == "4D scan"
    assert titles(look) == [
        "Bright field",
        "Annular dark field",
        "Centre of mass, x",
        "Mean pattern",
        "Pattern at +",
        "Centre of mass, y",
    ]
    assert isinstance(look.beam, Beam)
    assert (look.beam.cy, look.beam.cx, look.beam.radius) == pytest.approx((11, 13, 3), abs=0.3)
    disk, ring, com_x, mean, pattern, com_y = look
    assert (disk.label, ring.label) == ("counts in the disk", "counts in the ring")
    assert ring.marks == (Cross(3, 4),)
    np.testing.assert_array_equal(numbers(pattern), scan()[3, 4])
    circles = [mark for mark in mean.marks if isinstance(mark, Circle)]
    assert [(mark.radius, mark.style) for mark in circles] == [
        (look.beam.disk[2], "-"),
        (look.beam.ring[2], "--"),
        (look.beam.ring[3], "--"),
    ]
    assert (mean.scale, pattern.scale) == ("log", "log")
    assert [fact["analysis"] for fact in look.facts] == ["disk", "ring", "com", "sum"]
    assert look.notes == ()
    for shift in (com_x, com_y):
        assert shift.scale == "balanced"
        assert shift.limits[0] == -shift.limits[1]
        assert np.median(numbers(shift)) == pytest.approx(0, abs=1e-12)
        assert "median shift of" in shift.note
        assert shift.note.endswith("px from the direct beam")
        assert shift.label == "shift [px]"


def test_the_centre_of_mass_is_relative_to_its_median(context: lamella.Context) -> None:
    frames = scan()
    ds = lamella.open(frames)
    look = lamella.first_look(ds, context=context, beam=(13.0, 10.0))
    com_x = next(panel for panel in look if panel.name == "com_x")
    moments = (frames * X).sum(axis=(2, 3)) / frames.sum(axis=(2, 3)) - 10
    np.testing.assert_allclose(numbers(com_x), moments - np.median(moments), atol=1e-5)
    assert f"{np.median(moments):.3g} px" in com_x.note


def test_a_4d_scan_without_a_beam_has_no_detectors(context: lamella.Context) -> None:
    look = look_at(np.random.default_rng(1).poisson(4, (6, 8, 24, 28)), context)
    assert look.kind == "4D scan"
    assert titles(look) == ["All counts", "Mean pattern", "Standard deviation", "Pattern at +"]
    assert look.beam is None
    assert [note for note in look.notes if note.startswith("no direct beam found: ") and "no virtual detectors" in note]
    assert not any(isinstance(mark, Circle) for panel in look for mark in panel.marks)
    assert [type(mark) for mark in look[0].marks] == [Cross]


def test_a_beam_that_was_named_is_taken(context: lamella.Context) -> None:
    ds = lamella.open(np.random.default_rng(1).poisson(4, (3, 4, 24, 28)))
    look = lamella.first_look(ds, context=context, beam=(5.0, 20.0))
    assert look.beam is not None
    assert (look.beam.cy, look.beam.cx, look.beam.origin) == (5, 20, "centre as you said, radius guessed")
    assert titles(look)[0] == "Bright field"
    listed = lamella.first_look(ds, context=context, beam=[5, 20])
    assert listed.beam == look.beam
    own = Beam(12.0, 12.0, 4.0, "mine", (24, 28))
    assert lamella.first_look(ds, context=context, beam=own).beam == own
    none = lamella.first_look(lamella.open(scan()), context=context, beam=False)
    assert none.beam is None
    assert "the direct beam was not looked for" in none.notes[0]
    with pytest.raises(lamella.ParameterError, match="lies outside of the frame"):
        lamella.first_look(ds, context=context, beam=(50.0, 2.0))
    with pytest.raises(lamella.ParameterError, match="expected the centre"):
        lamella.first_look(ds, context=context, beam=(1.0, 2.0, 3.0))


@pytest.mark.parametrize(
    ("array", "parameters", "kind", "expected"),
    [
        (BEAM.astype("u2"), {}, "diffraction pattern", [("image", "Diffraction pattern")]),
        (np.random.default_rng(1).poisson(90, (40, 50)), {}, "image", [("image", "Image")]),
        (np.random.default_rng(1).poisson(90, (40,)), {"sig_shape": (40,)}, "spectrum", [("curve", "Spectrum")]),
        (
            np.random.default_rng(1).poisson(90, (5, 40)),
            {"sig_shape": (40,)},
            "series of spectra",
            [("image", "Spectra"), ("curve", "Mean spectrum"), ("curve", "All counts")],
        ),
        (
            np.random.default_rng(1).poisson(90, (1, 5, 1, 40)),
            {},
            "line scan of spectra",
            [("image", "Spectra"), ("curve", "Mean spectrum"), ("curve", "All counts")],
        ),
        (
            np.random.default_rng(1).normal(90, 1, (3, 5, 40)),
            {"sig_shape": (40,)},
            "spectrum image",
            [("image", "Total intensity"), ("curve", "Mean spectrum")],
        ),
        (
            np.random.default_rng(1).poisson(90, (7, 20, 24)),
            {},
            "image series",
            [("image", "Mean image"), ("image", "Standard deviation"), ("curve", "All counts")],
        ),
        (
            scan()[:1],
            {},
            "line scan of diffraction patterns",
            [("curve", "All counts"), ("image", "Mean pattern"), ("image", "Pattern at position 6")],
        ),
        (
            np.random.default_rng(1).poisson(90, (4, 5, 1)),
            {"sig_shape": (1,)},
            "one number at each position",
            [("image", "Counts")],
        ),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
def test_what_is_shown_of_each_kind(
    array: Array, parameters: dict[str, Any], kind: str, expected: list[tuple[str, str]], context: lamella.Context
) -> None:
    look = look_at(array, context, **parameters)
    assert look.kind == kind
    assert [(panel.kind, panel.title) for panel in look] == expected
    assert look.beam is None
    assert not any(isinstance(mark, Circle) for panel in look for mark in panel.marks)


def test_a_single_pattern_is_logarithmic_and_an_image_is_not(context: lamella.Context) -> None:
    (pattern,) = look_at(BEAM.astype("u2"), context)
    assert (pattern.scale, pattern.limits) == ("log", (1, 100))
    np.testing.assert_array_equal(numbers(pattern), BEAM)
    (image,) = look_at((BEAM * 0 + np.arange(1, 29) ** 3).astype("u2"), context)
    assert (image.title, image.scale) == ("Image", "linear")


def test_colours_stay_colours(context: lamella.Context) -> None:
    colours = np.random.default_rng(1).integers(0, 256, (1, 20, 30, 3), dtype="u1")
    (panel,) = look_at(colours, context, sig_shape=(20, 30, 3))
    assert (panel.kind, panel.title) == ("rgba", "Image")
    np.testing.assert_array_equal(numbers(panel)[..., :3], colours[0])
    assert (numbers(panel)[..., 3] == 255).all()


@pytest.mark.parametrize("dtype", ["bool", "i1", ">u2", "f2", ">f4", "u8", "i8", "c8", "c16"])
def test_pixels_of_any_kind(dtype: str, context: lamella.Context) -> None:
    frames = np.broadcast_to(BEAM > 50 if dtype == "bool" else BEAM, (3, 4, 24, 28)).astype(dtype)
    look = look_at(frames, context)
    assert titles(look)[:3] == ["Bright field", "Annular dark field", "Centre of mass, x"]
    single = look_at(np.ascontiguousarray(frames[0, 0]), context)
    np.testing.assert_array_equal(numbers(single[0]), np.abs(frames[0, 0]) if dtype != "bool" else frames[0, 0])


@pytest.mark.parametrize("value", [0, 7, 2**60, np.nan, np.inf])
def test_data_without_contrast(value: float, context: lamella.Context) -> None:
    dtype = "f8" if isinstance(value, float) else "u8"
    look = look_at(np.full((2, 3, 12, 12), value, dtype=dtype), context)
    assert look.beam is None
    assert titles(look)[:2] == ["Total intensity" if dtype == "f8" else "All counts", "Mean pattern"]


def test_the_pattern_at_the_mark_is_that_of_the_highest_value_also_below_zero(context: lamella.Context) -> None:
    look = look_at(scan().astype("f4") - 40, context)
    ring = next(panel for panel in look if panel.name == "ring")
    assert (numbers(ring) < 0).all()
    (cross,) = (mark for mark in ring.marks if isinstance(mark, Cross))
    assert cross.y * 8 + cross.x == np.argmax(numbers(ring))


def test_every_picture_shows_corrected_frames(context: lamella.Context) -> None:
    dark = np.zeros((24, 28), "f4")
    dark[4:9, 18:23] = 900  # brighter than the beam
    frames = scan() + dark.astype("u2")
    look = look_at(frames, context, corrections=Corrections(dark=dark))
    assert look.beam is not None
    assert (look.beam.cy, look.beam.cx) == pytest.approx((11, 13), abs=0.2)
    single = next(panel for panel in look if panel.name == "pattern")
    np.testing.assert_array_equal(numbers(single), scan()[3, 4])


@pytest.mark.parametrize("wrong", [np.ones((2, 2, 8, 8)), "scan.blo", None])
def test_what_is_no_data_set_is_refused_with_advice(wrong: Any) -> None:
    with pytest.raises(lamella.ParameterError, match=r"expected a data set.*lamella\.open"):
        lamella.first_look(wrong)
    with pytest.raises(lamella.ParameterError, match=r"expected a data set.*lamella\.open"):
        lamella.script_of(wrong, [])
    with pytest.raises(lamella.ParameterError, match="expected a list of analyses, found str"):
        lamella.script_of(lamella.open(scan()), "sum")  # type: ignore[arg-type]


def test_numbers_that_are_lost_are_counted(context: lamella.Context) -> None:
    frames = scan(4, 5, "f4")
    frames[1, 2, 5, 6], frames[3, 1, 7, 8] = np.nan, np.inf
    look = look_at(frames, context, nav_shape=(4, 5))
    (note,) = (note for note in look.notes if note.startswith("grey is what is not finite"))
    assert "2 of 672 values of mean pattern" in note
    assert not any("not finite" in note for note in look_at(scan(4, 5), context).notes)


def test_a_scan_of_coloured_images_has_no_patterns(context: lamella.Context) -> None:
    colours = np.random.default_rng(1).integers(0, 256, (2, 3, 8, 9, 3), dtype="u1")
    look = look_at(colours, context, sig_shape=(8, 9, 3), nav_shape=(2, 3))
    assert titles(look) == ["All counts", "Mean image", "Standard deviation", "Image at +"]
    assert "per image" in look[0].quantity


def test_integers_beyond_2_to_the_53(context: lamella.Context) -> None:
    look = look_at(BEAM.astype("u8") * 2**56, context)
    assert numbers(look[0]).dtype == np.uint64
    assert look[0].limits == pytest.approx((2.0**56, 100 * 2.0**56))


def test_missing_positions_are_not_a_number(context: lamella.Context) -> None:
    with pytest.warns(lamella.LamellaWarning):
        ds = lamella.open(scan().reshape(48, 24, 28), nav_shape=(7, 8), sync_offset=-3)
    look = lamella.first_look(ds, context=context)
    check(look)
    assert np.isnan(numbers(look[0])).sum() == 8
    assert "8 of 56 scan positions have no frame" in look.notes
    region = np.zeros((7, 8), bool)
    region[0, :3] = True  # none of them has a frame
    empty = lamella.first_look(ds, context=context, roi=region)
    check(empty)
    assert "no frame was there to compute with" in empty.notes
    assert titles(empty)[:2] == ["All counts", "Mean pattern"]


def test_a_region_is_looked_at_alone(context: lamella.Context) -> None:
    ds = lamella.open(scan())
    look = lamella.first_look(ds, context=context, roi=ds.roi[2:4, 1:5])
    assert np.isfinite(numbers(look[0])).sum() == 8
    mean = next(panel for panel in look if panel.name == "mean")
    np.testing.assert_allclose(numbers(mean), scan()[2:4, 1:5].mean(axis=(0, 1)))


def test_spectra_of_a_region_stay_at_their_positions(context: lamella.Context) -> None:
    spectra = np.random.default_rng(1).poisson(90, (9, 40))
    ds = lamella.open(spectra, sig_shape=(40,))
    look = lamella.first_look(ds, context=context, roi=ds.roi[3:6])
    check(look)
    image = numbers(look[0])
    assert image.shape == (9, 40)
    np.testing.assert_array_equal(image[3:6], spectra[3:6])
    assert np.isnan(image[[0, 1, 2, 6, 7, 8]]).all()


def test_more_than_two_scan_axes_show_their_middle_plane(context: lamella.Context) -> None:
    frames = np.stack([scan(3, 4), 2 * scan(3, 4), 5 * scan(3, 4)])
    look = look_at(frames, context)
    assert look.kind == "5D scan"
    assert look[0].title == "Bright field, nav0 = 1"
    np.testing.assert_array_equal(
        numbers(look[0]), numbers(lamella.first_look(lamella.open(frames[1]), context=context)[0])
    )
    assert "of more than two axes, one plane is shown: nav0 = 1" in look.notes


def test_large_data_are_looked_at_on_a_grid(context: lamella.Context) -> None:
    frames = scan(13, 16)
    ds = lamella.open(frames)
    look = lamella.first_look(ds, context=context, most_nbytes=ds.nbytes / 6)
    check(look)
    disk, mean = look[0], look[3]
    assert disk.title == "Bright field, every 3rd position in y and x"
    assert mean.title == "Mean pattern, every 3rd position in y and x"
    assert numbers(disk).shape == (5, 6)
    np.testing.assert_allclose(numbers(mean), frames[::3, ::3].mean(axis=(0, 1)))
    assert [(axis.scale, axis.units) for axis in disk.axes] == [(3, "px"), (3, "px")]
    assert look.notes[0].startswith("looked at every 3rd position in y and x only, for speed")
    (cross,) = (mark for mark in look[1].marks if isinstance(mark, Cross))
    np.testing.assert_array_equal(numbers(look[4]), frames[int(3 * cross.y), int(3 * cross.x)])
    assert all("every" not in title for title in titles(lamella.first_look(ds, context=context)))


def test_the_data_are_read_once(context: lamella.Context, monkeypatch: pytest.MonkeyPatch) -> None:
    ds = lamella.open(scan(20, 20))
    passes: list[int] = []
    original = lamella.Context.run_udf

    def run_udf(self: Any, dataset: Any, udf: Any, *rest: Any, **how: Any) -> Any:
        passes.append(len(udf))
        return original(self, dataset, udf, *rest, **how)

    frames: list[object] = []
    original_read = lamella.DataSet.read

    def read(self: Any, index: Any, **how: Any) -> Any:
        frames.append(index)
        return original_read(self, index, **how)

    monkeypatch.setattr(lamella.Context, "run_udf", run_udf)
    monkeypatch.setattr(lamella.DataSet, "read", read)
    lamella.first_look(ds, context=context)
    assert passes == [3], "detectors, centre of mass and sum share a pass"
    assert len(frames) <= 64 + 1


def test_without_a_context_threads_compute() -> None:
    progress: list[tuple[int, int]] = []
    look = lamella.first_look(lamella.open(scan()), progress=lambda *done: progress.append(done))
    check(look)
    assert progress[-1] == (48, 48)


def test_axes_of_a_block_file_have_units_that_people_read(tmp_path: Path, context: lamella.Context) -> None:
    pytest.importorskip("lamella_blo")
    from lamella.demo import DemoScan, write_scan

    write_scan(tmp_path / "scan.blo", DemoScan((16, 20), detector=48))
    look = lamella.first_look(lamella.open(tmp_path / "scan.blo"), context=context)
    assert look.kind == "4D scan"
    assert [(axis.name, axis.units) for axis in look[0].axes] == [("y", "nm"), ("x", "nm")]
    assert {axis.units for axis in look[3].axes} == {"1/nm"}
    coarse = lamella.first_look(lamella.open(tmp_path / "scan.blo"), context=context, most_nbytes=16 * 20 * 48 * 48 / 4)
    assert coarse[0].axes[0].scale == pytest.approx(2 * look[0].axes[0].scale)


@pytest.mark.parametrize(
    ("values", "wish", "scale", "limits"),
    [
        (np.append(np.linspace(0, 10, 2000), 1e6), "linear", "linear", (0.02, 10)),
        (np.append(np.linspace(10, 20, 2000), 0), "linear", "linear", (10, 20)),
        (np.append(np.linspace(10, 20, 30), 1e6), "linear", "linear", (10, 20)),
        (np.append(np.linspace(10, 20, 30), -1e6), "linear", "linear", (10, 20)),
        (np.array([1.0, 2, 3, 4]), "linear", "linear", (1, 4)),
        (np.append(np.zeros(5000), 3), "linear", "linear", (0, 3)),
        (np.full(10, 5.0), "linear", "linear", (2.5, 7.5)),
        (np.zeros(10), "counts", "linear", (0, 1)),
        (np.full(10, np.nan), "counts", "linear", (0, 1)),
        (np.append(np.geomspace(1, 1000, 999), np.nan), "counts", "log", (1, 1000)),
        (np.append(np.geomspace(1, 9, 999), 1e9), "counts", "linear", (1, 9)),
        (np.append(np.zeros(900), np.geomspace(1, 1000, 900)), "counts", "log", (1, 1000)),
        (
            np.append(np.random.default_rng(1).normal(0, 1, 9000), np.geomspace(1, 1e4, 900)),
            "counts",
            "log",
            (2.2, 8e3),
        ),
        (np.array([-1.0, 0, 3, 2]), "balanced", "balanced", (-3, 3)),
        (np.zeros(4), "balanced", "balanced", (-1, 1)),
        (np.full(9, 1.7e308), "linear", "linear", (0.85e308, 1.797e308)),
    ],
)
def test_limits_show_something(values: Array, wish: Wish, scale: str, limits: tuple[float, float]) -> None:
    found = choose_scale(values.reshape(1, -1), wish)
    assert found[0] == scale
    assert found[1] == pytest.approx(limits, rel=0.12, abs=0.03)


@pytest.mark.parametrize("size", [5, 12, 40, 300])
def test_one_hot_and_one_dead_pixel_do_not_darken_a_picture(size: int) -> None:
    image = np.random.default_rng(size).uniform(100, 110, (size, size))
    image[1, 2], image[3, 1] = 1e5, -1e5
    scale, (low, high) = choose_scale(image, "linear")
    assert scale == "linear"
    assert 99 < low < high < 111


@pytest.mark.parametrize(
    ("values", "wish", "scale", "limits"),
    [
        (np.array([10.0, 20, 30, 40, 50]), "linear", "linear", (0, 52)),
        (np.array([45.0, 46, 50, 48, 47]), "linear", "linear", (44.75, 50.25)),
        (np.append(np.linspace(45, 50, 50), [9e9, 49, 48, 47]), "linear", "linear", (44.75, 50.25)),
        (np.geomspace(1, 1000, 100), "counts", "log", (0.85, 1200)),
        (np.geomspace(1, 50, 100), "counts", "linear", (0, 52)),
        (np.full(7, np.nan), "counts", "linear", (0, 1)),
        (np.full(1, 4.0), "linear", "linear", (2, 6)),
    ],
)
def test_curves_have_limits(values: Array, wish: Wish, scale: str, limits: tuple[float, float]) -> None:
    found = curve_scale(values, wish)
    assert found[0] == scale
    assert found[1] == pytest.approx(limits, rel=0.05, abs=0.3)


def test_axes_are_in_units_that_people_read() -> None:
    y, x = shown_axes([Axis("y", 0.001992, 0.01, "µm"), Axis("x", 0.001992, 0.0, "µm")], (64, 100))
    assert (y.units, x.units) == ("nm", "nm")
    assert (y.scale, y.offset, x.scale) == pytest.approx((1.992, 10, 1.992))
    (energy,) = shown_axes([Axis("energy", 1.0, 300.0, "eV")], (2048,))
    assert (energy.scale, energy.offset, energy.units) == (1, 300, "eV")
    (plain,) = shown_axes([Axis("x")], (9,))
    assert (plain.scale, plain.units) == (1, None)


def test_grids_in_words() -> None:
    assert [grid_words(n, ("y",)).split()[1] for n in (2, 3, 4, 11, 12, 21, 22, 103, 111)] == [
        *("2nd", "3rd", "4th", "11th", "12th", "21st", "22nd", "103rd", "111th")
    ]


def test_lengths_are_told_from_other_units() -> None:
    assert all(map(is_length, ("nm", "m", "µm", "um", "pm", "Å", "A", "Angstrom", "mm", " nm ")))
    assert not any(map(is_length, ("1/nm", "eV", "s", "mrad", "px", "", None, "ms", "mV", "atm")))
