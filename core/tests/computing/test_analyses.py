"""Analyses: guessed parameters, channels, pictures, and errors that say what is needed."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import lamella
from lamella import masks
from lamella.analysis.make import make_analysis
from lamella.analysis.results import AnalysisResult, AnalysisResultSet
from lamella.errors import ParameterError, PluginError
from lamella.export import save_results
from lamella.plot.limits import choose_scale
from lamella.plot.pictures import picture
from lamella.plugins.kinds import ANALYSES

NAV, SIG = (4, 5), (16, 18)
DATA = np.random.default_rng(6).random((*NAV, *SIG)).astype(np.float32) * 100
COMPLEX = (DATA + 1j * DATA[::-1]).astype(np.complex64)
HEIGHT, WIDTH = SIG

MakeScan = Callable[..., lamella.DataSet]
Array = NDArray[Any]


@pytest.fixture(scope="module")
def scan(make_scan: MakeScan) -> lamella.DataSet:
    return make_scan(DATA, num_partitions=2)


@pytest.fixture(scope="module")
def complex_scan(make_scan: MakeScan) -> lamella.DataSet:
    return make_scan(COMPLEX, num_partitions=2)


def over(mask: Array, data: Array = DATA) -> Array:
    return np.asarray((data * mask).sum(axis=(2, 3)))


COMPLEX_KEYS = ("{0}_real", "{0}_imag", "{0}_angle", "{0}_complex")


def test_sum(ctx: lamella.Context, scan: lamella.DataSet) -> None:
    result = ctx.run(ctx.create_sum_analysis(scan))
    assert result.keys() == ("intensity", "intensity_lin")
    np.testing.assert_allclose(result.intensity.raw_data, DATA.sum(axis=(0, 1)), rtol=1e-6)
    np.testing.assert_array_equal(result.intensity.raw_data, result.intensity_lin.raw_data)


def test_a_region_is_chosen_with_the_analysis_or_with_the_run(inline: lamella.Context, scan: lamella.DataSet) -> None:
    roi, other = scan.roi[1], scan.roi[2]
    analysis = inline.create_sum_analysis(scan, roi=roi)
    np.testing.assert_allclose(inline.run(analysis).intensity.raw_data, DATA[1].sum(axis=0), rtol=1e-6)
    np.testing.assert_allclose(inline.run(analysis, roi=other).intensity.raw_data, DATA[2].sum(axis=0), rtol=1e-6)


def test_standard_deviation(inline: lamella.Context, scan: lamella.DataSet) -> None:
    result = inline.run(inline.create_std_analysis(scan))
    assert result.keys() == ("intensity", "intensity_lin")
    np.testing.assert_allclose(result.intensity.raw_data, DATA.astype(float).std(axis=(0, 1)))


def test_sum_over_the_detector(inline: lamella.Context, scan: lamella.DataSet) -> None:
    result = inline.run(inline.create_sumsig_analysis(scan))
    np.testing.assert_allclose(result.intensity.raw_data, DATA.sum(axis=(2, 3)), rtol=1e-5)


def test_disk(ctx: lamella.Context, scan: lamella.DataSet) -> None:
    result = ctx.run(ctx.create_disk_analysis(scan, cx=7, cy=6, r=4.5))
    assert result.keys() == ("intensity", "intensity_log")
    np.testing.assert_allclose(result.intensity.raw_data, over(masks.circular(7, 6, WIDTH, HEIGHT, 4.5)), rtol=1e-5)
    guessed = ctx.run(ctx.create_disk_analysis(scan)).intensity.raw_data
    np.testing.assert_allclose(guessed, over(masks.circular(9, 8, WIDTH, HEIGHT, 2.4)), rtol=1e-5)


def test_ring(ctx: lamella.Context, scan: lamella.DataSet) -> None:
    result = ctx.run(ctx.create_ring_analysis(scan, cx=7, cy=6, ri=2, ro=5))
    np.testing.assert_allclose(result.intensity.raw_data, over(masks.ring(7, 6, WIDTH, HEIGHT, 5, 2)), rtol=1e-5)
    guessed = ctx.run(ctx.create_ring_analysis(scan)).intensity.raw_data
    np.testing.assert_allclose(guessed, over(masks.ring(9, 8, WIDTH, HEIGHT, 8, 6.4)), rtol=1e-5)


def test_point(ctx: lamella.Context, scan: lamella.DataSet) -> None:
    np.testing.assert_allclose(ctx.run(ctx.create_point_analysis(scan, x=3, y=11)).intensity.raw_data, DATA[..., 11, 3])
    np.testing.assert_allclose(ctx.run(ctx.create_point_analysis(scan)).intensity.raw_data, DATA[..., 8, 9])


def test_a_point_outside_the_detector_is_refused(inline: lamella.Context, scan: lamella.DataSet) -> None:
    with pytest.raises(ParameterError, match="x=18, y=0 lies outside the detector of 18 x 16"):
        inline.create_point_analysis(scan, x=18, y=0)


@pytest.mark.parametrize("use_sparse", [None, True, False])
def test_masks(ctx: lamella.Context, scan: lamella.DataSet, use_sparse: bool | None) -> None:
    factories = [lambda: DATA[0, 0], lambda: DATA[0, 1]]
    result = ctx.run(ctx.create_mask_analysis(factories, scan, use_sparse=use_sparse, mask_count=2))
    assert result.keys() == ("mask_0", "mask_1")
    for i in range(2):
        np.testing.assert_allclose(result[i].raw_data, over(DATA[0, i]), rtol=1e-5)


def test_masks_in_a_wider_dtype(inline: lamella.Context, scan: lamella.DataSet) -> None:
    analysis = inline.create_mask_analysis([np.ones(SIG)], scan, mask_dtype="float32", dtype="float64")
    assert inline.run(analysis).mask_0.raw_data.dtype == np.float64


def test_complex_masks_have_channels_for_each_part(inline: lamella.Context, scan: lamella.DataSet) -> None:
    result = inline.run(inline.create_mask_analysis([lambda: DATA[0, 0] + 1j], scan))
    assert result.keys() == ("mask_0", "mask_0_log", *(key.format("mask_0") for key in COMPLEX_KEYS))
    expected = over(DATA[0, 0] + 1j)
    np.testing.assert_allclose(result.mask_0_complex.raw_data, expected, rtol=1e-5)
    np.testing.assert_allclose(result.mask_0.raw_data, np.abs(expected), rtol=1e-5)
    np.testing.assert_allclose(result.mask_0_angle.raw_data, np.angle(expected), rtol=1e-4)


@pytest.mark.parametrize("what", ["sum", "pick", "disk", "sumsig"])
def test_complex_data_have_channels_for_each_part(
    inline: lamella.Context, complex_scan: lamella.DataSet, what: str
) -> None:
    analysis = getattr(inline, f"create_{what}_analysis")(complex_scan, **({"x": 1, "y": 2} if what == "pick" else {}))
    result = inline.run(analysis)
    first = ("intensity_lin", "intensity") if what in ("sum", "pick") else ("intensity", "intensity_log")
    assert result.keys() == (*first, *(key.format("intensity") for key in COMPLEX_KEYS))
    assert all(channel.visualized.shape[-1] == 4 for channel in result)


def centre_of_mass(data: Array) -> tuple[Array, Array]:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    total = data.sum(axis=(2, 3))
    return (data * x).sum(axis=(2, 3)) / total, (data * y).sum(axis=(2, 3)) / total


def test_centre_of_mass(ctx: lamella.Context, scan: lamella.DataSet) -> None:
    result = ctx.run(ctx.create_com_analysis(scan))
    assert result.keys() == ("field", "magnitude", "divergence", "curl", "x", "y")
    x, y = centre_of_mass(DATA.astype(float))
    np.testing.assert_allclose(result.x.raw_data, x - 9, atol=1e-5)
    np.testing.assert_allclose(result.y.raw_data, y - 8, atol=1e-5)
    np.testing.assert_array_equal(result.field.raw_data[0], result.x.raw_data)
    np.testing.assert_array_equal(result.field.raw_data[1], result.y.raw_data)
    np.testing.assert_allclose(result.magnitude.raw_data, np.hypot(x - 9, y - 8), atol=1e-5)
    np.testing.assert_allclose(result.divergence.raw_data, np.gradient(y, axis=0) + np.gradient(x, axis=1), atol=1e-5)
    np.testing.assert_allclose(result.curl.raw_data, np.gradient(y, axis=1) - np.gradient(x, axis=0), atol=1e-5)


def test_centre_of_mass_with_radii_flip_and_rotation(inline: lamella.Context, scan: lamella.DataSet) -> None:
    analysis = inline.create_com_analysis(
        scan, cx=8, cy=7, mask_radius=6, mask_radius_inner=2, flip_y=True, scan_rotation=90
    )
    result = inline.run(analysis)
    x, y = centre_of_mass(DATA.astype(float) * masks.ring(8, 7, WIDTH, HEIGHT, 6, 2))
    np.testing.assert_allclose(result.y.raw_data, x - 8, atol=1e-5)
    np.testing.assert_allclose(result.x.raw_data, y - 7, atol=1e-5)


def test_centre_of_mass_of_complex_data(inline: lamella.Context, complex_scan: lamella.DataSet) -> None:
    result = inline.run(inline.create_com_analysis(complex_scan))
    assert result.keys() == ("x_real", "y_real", "x_imag", "y_imag")
    x, _ = centre_of_mass(COMPLEX.astype(complex))
    np.testing.assert_allclose(result.x_real.raw_data, x.real - 9, atol=1e-5)
    np.testing.assert_allclose(result.x_imag.raw_data, x.imag, atol=1e-5)


def test_a_line_scan_has_no_divergence(inline: lamella.Context, make_scan: MakeScan) -> None:
    result = inline.run(inline.create_com_analysis(make_scan(DATA[:1])))
    assert result.keys() == ("field", "magnitude", "x", "y")


def test_a_scan_with_one_axis_has_shifts_and_no_divergence(inline: lamella.Context, make_scan: MakeScan) -> None:
    result = inline.run(inline.create_com_analysis(make_scan(DATA.reshape(20, *SIG))))
    expected = inline.run(inline.create_com_analysis(make_scan(DATA)))
    assert result.keys() == ("field", "magnitude", "x", "y")
    np.testing.assert_allclose(result.x.raw_data, expected.x.raw_data.reshape(20), rtol=1e-6)


def test_centre_of_mass_says_what_it_needs(inline: lamella.Context, make_scan: MakeScan) -> None:
    with pytest.raises(ValueError, match="detector with two axes"):
        inline.create_com_analysis(make_scan(DATA.reshape(*NAV, -1), sig_dims=1))
    with pytest.raises(ValueError, match="both mask_radius and mask_radius_inner"):
        inline.create_com_analysis(make_scan(DATA), mask_radius_inner=3)


def test_radial_fourier(ctx: lamella.Context, scan: lamella.DataSet) -> None:
    result = ctx.run(ctx.create_radial_fourier_analysis(scan, n_bins=2, max_order=3))
    angle = masks.polar_map(9, 8, WIDTH, HEIGHT)[1]
    bins = np.asarray(masks.radial_bins(9, 8, WIDTH, HEIGHT, n_bins=2))
    expected = np.array([[over(ring * np.exp(1j * order * angle)) for order in range(4)] for ring in bins])
    for b, o in np.ndindex(2, 4):
        scale = np.abs(expected[b, 0]).max() * 1e-5
        np.testing.assert_allclose(result[f"absolute_{b}_{o}"].raw_data, np.abs(expected[b, o]), atol=scale)
        relative = expected[b, o] / (expected[b, 0] if o else 1)
        np.testing.assert_allclose(result[f"complex_{b}_{o}"].raw_data, relative, atol=1e-5 if o else scale)
        np.testing.assert_allclose(
            np.exp(1j * result[f"phase_{b}_{o}"].raw_data), np.exp(1j * np.angle(expected[b, o])), atol=1e-3
        )
    np.testing.assert_array_equal(result.dominant_0.raw_data, np.abs(expected[0, 1:]).argmax(axis=0) + 1)
    assert len(result) == 2 * (1 + 3 * 4)


def test_radial_fourier_guesses_one_ring_with_24_orders(inline: lamella.Context, scan: lamella.DataSet) -> None:
    analysis = inline.create_radial_fourier_analysis(scan)
    assert analysis.parameters["ro"] == masks.bounding_radius(9, 8, WIDTH, HEIGHT)
    assert len(inline.run(analysis)) == 1 + 3 * 25


@pytest.mark.parametrize(
    ("shape", "where", "index"),
    [
        ((20,), {"x": 7}, (7,)),
        (NAV, {"x": 1, "y": 2}, (2, 1)),
        ((2, 2, 5), {"x": 3, "y": 0, "z": 1}, (1, 0, 3)),
    ],
)
def test_pick(
    ctx: lamella.Context, make_scan: MakeScan, shape: tuple[int, ...], where: dict[str, int], index: tuple[int, ...]
) -> None:
    data = DATA.reshape(*shape, *SIG).astype(np.uint16)
    result = ctx.run(ctx.create_pick_analysis(make_scan(data), **where))
    assert result.keys() == ("intensity", "intensity_lin")
    np.testing.assert_array_equal(result.intensity.raw_data, data[index])
    assert result.intensity.raw_data.dtype == np.uint16


@pytest.mark.parametrize(
    "where", [{"x": 1}, {"x": 1, "y": 1, "z": 1}, {"x": 5, "y": 0}, {"x": 0, "y": -1}, {"x": 0, "z": 0}]
)
def test_pick_needs_a_position_inside_the_scan(
    inline: lamella.Context, scan: lamella.DataSet, where: dict[str, int]
) -> None:
    with pytest.raises(ValueError, match="scan"):
        inline.create_pick_analysis(scan, **where)


def test_missing_frames_and_regions_stay_nan(inline: lamella.Context, make_scan: MakeScan) -> None:
    ds = make_scan(DATA, sync_offset=3)
    roi = np.random.default_rng(0).random(NAV) < 0.5
    shown = roi & ds.valid_mask
    for analysis in (inline.create_disk_analysis(ds), inline.create_com_analysis(ds)):
        data = inline.run(analysis, roi=roi)[-1].raw_data
        np.testing.assert_array_equal(np.isfinite(data), shown)


# Result sets and pictures.


@pytest.fixture(scope="module")
def field(scan: lamella.DataSet, contexts: dict[str, lamella.Context]) -> AnalysisResultSet:
    ctx = contexts["inline"]
    return ctx.run(ctx.create_com_analysis(scan))


def test_channels_are_found_by_name_by_number_and_in_order(field: AnalysisResultSet) -> None:
    assert field.x is field["x"] is field[4]
    assert [channel.key for channel in field] == list(field.keys())
    assert len(field) == 6
    assert "magnitude" in dir(field)
    assert "AnalysisResultSet field, magnitude" in repr(field)
    assert "x component" in field.x.desc
    assert field.x.title == "x"


@pytest.mark.parametrize("name", ["count", "index", "keys", "save"])
def test_channels_called_like_a_method_are_found_by_name(name: str) -> None:
    channel = AnalysisResult(key=name, title="", desc="", raw_data=np.arange(3))
    results = AnalysisResultSet([channel])
    assert results[name] is channel
    assert callable(getattr(results, name))


@pytest.mark.parametrize("scale", ["log", "linear", "balanced"])
def test_the_range_of_a_picture_is_chosen_once(scale: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(1).poisson(3, (40, 50)) ** 3
    chosen: list[Any] = []

    def choose(*arguments: Any) -> Any:
        chosen.append(choose_scale(*arguments))
        return chosen[-1]

    monkeypatch.setattr("lamella.plot.results.choose_scale", choose)
    panel = AnalysisResult(key="a", title="", desc="", raw_data=values, scale=scale).panel()
    assert panel is not None
    expected = choose_scale(values, "counts" if scale == "log" else scale)
    assert chosen == [expected]
    assert (panel.scale, panel.limits) == expected


def test_a_channel_that_does_not_exist_names_the_others(field: AnalysisResultSet) -> None:
    with pytest.raises(AttributeError, match="no channel is called 'z'; there are field, magnitude"):
        _ = field.z
    with pytest.raises(KeyError, match="no channel is called 'z'"):
        _ = field["z"]


def test_channels_are_arrays(field: AnalysisResultSet) -> None:
    np.testing.assert_array_equal(np.asarray(field.x), field.x.raw_data)
    assert np.asarray(field.field).shape == (2, *NAV)


def test_each_channel_has_a_picture(field: AnalysisResultSet) -> None:
    for channel in field:
        assert channel.visualized.shape == (*NAV, 4)
        assert channel.visualized.dtype == np.uint8
        assert channel.get_image().getvalue() == channel._repr_png_()


def test_an_image_is_a_png_file(field: AnalysisResultSet) -> None:
    plt = pytest.importorskip("matplotlib.pyplot")
    image = plt.imread(io.BytesIO(field.magnitude.get_image().getvalue()))
    np.testing.assert_allclose(image, field.magnitude.visualized[..., :3] / 255, atol=1e-6)


def test_channels_are_drawn_with_one_call(inline: lamella.Context) -> None:
    pytest.importorskip("matplotlib")
    data = np.random.default_rng(0).integers(1, 100, (4, 5, 6, 7)).astype(np.uint16)
    scan = lamella.open(data, format="memory")
    field = inline.run(scan_field := inline.create_com_analysis(scan))
    assert scan_field.dataset is scan
    figure = field.plot()
    assert [place.get_title() for place in figure.axes] == [channel.title for channel in field]
    assert figure.axes[0].images[0].get_array().shape == (4, 5, 4)  # type: ignore[union-attr]
    low, high = figure.axes[4].images[0].get_clim()
    assert low == -high or field[4].scale != "balanced"
    assert field._axes[(4, 5)] == scan.axes[:2]
    assert inline.run(inline.create_sum_analysis(scan)).plot().axes[0].get_title() == "intensity [log]"


def test_results_are_saved_with_one_call(field: AnalysisResultSet, tmp_path: Path) -> None:
    assert not np.shares_memory(np.array(field.curl, copy=True), field.curl.raw_data)
    assert field.save(tmp_path / "com.npz") == (tmp_path / "com.npz",)
    with np.load(tmp_path / "com.npz") as saved:
        assert set(saved) == {"magnitude", "divergence", "curl", "x", "y"}
        np.testing.assert_array_equal(saved["curl"], field.curl.raw_data)
    (odd,) = save_results({"file": np.arange(3), "allow_pickle": np.arange(4)}, tmp_path / "odd.npz")
    assert {name: array.size for name, array in np.load(odd).items()} == {"file": 3, "allow_pickle": 4}
    assert len(field.save(tmp_path / "com.png")) == 5
    with pytest.raises(FileExistsError, match="overwrite=True"):
        field.save(tmp_path / "com.npz")
    field.save(tmp_path / "com.npz", overwrite=True)


def test_pictures_span_the_finite_values() -> None:
    image = picture(np.array([[0.0, 1, 2], [np.nan, np.inf, 1]]))
    np.testing.assert_array_equal(image[0, :, 0], [0, 128, 255])
    np.testing.assert_array_equal(image[1, :2], 0)
    assert image[0, 0, 3] == 255


def test_a_logarithmic_picture_brings_out_faint_counts() -> None:
    image = picture(np.array([0.0, 10, 1e6]), scale="log")
    assert image.shape == (1, 3, 4)
    assert image[0, 1, 0] > 30


def test_a_balanced_picture_has_zero_in_the_middle() -> None:
    image = picture(np.array([[-1.0, 0, 4]]), scale="balanced")
    assert abs(int(image[0, 1, 0]) - 128) <= 1
    assert image[0, 2, 0] == 255


@pytest.mark.parametrize("scale", ["linear", "log", "balanced"])
def test_flat_and_empty_pictures_are_pictures(scale: Any) -> None:
    assert picture(np.full((2, 3), 7), scale=scale).shape == (2, 3, 4)
    assert picture(np.full((2, 3), np.nan), scale=scale).max() == 0
    assert picture(np.zeros((2, 3), bool), scale=scale).shape == (2, 3, 4)


def test_complex_numbers_are_hue_and_brightness() -> None:
    image = picture(np.array([[2, 2j, 1, 0, np.nan]]))
    assert image[0, 0, 0] == 255
    assert image[0, 0, 0] > image[0, 1, 0]
    assert image[0, 2, 0] == 128
    assert image[0, 3, :3].max() == 0
    assert image[0, 4, 3] == 0


def test_colour_maps_are_those_of_matplotlib() -> None:
    matplotlib = pytest.importorskip("matplotlib")
    image = picture(np.array([[0.0, 1]]), colours="viridis")
    expected = matplotlib.colormaps["viridis"]([0.0, 1.0])
    np.testing.assert_allclose(image[0] / 255, expected, atol=3e-3)


ALL_BY_NAME: dict[str, dict[str, Any]] = {
    "com": {"cx": 7.0, "mask_radius": 5.0},
    "disk": {"cx": 9, "cy": 8, "r": 3},
    "frames": {},
    "mask": {"mask_factories": [lambda: np.ones(SIG)]},
    "pick": {"x": 2, "y": 1},
    "point": {"x": 3, "y": 4},
    "radial_fourier": {"n_bins": 2, "max_order": 1},
    "ring": {"ri": 2, "ro": 5},
    "std": {},
    "sum": {},
    "sumsig": {},
}


@pytest.mark.parametrize("name", ALL_BY_NAME)
def test_an_analysis_has_a_name_that_gives_what_the_context_makes(
    name: str, inline: lamella.Context, scan: lamella.DataSet
) -> None:
    parameters = dict(ALL_BY_NAME[name])
    named = make_analysis(name.upper(), scan, **parameters)
    if name == "mask":
        parameters = {"factories": parameters["mask_factories"]}
    made = getattr(inline, f"create_{name}_analysis")(dataset=scan, **parameters)
    assert type(named) is type(made)
    result, expected = inline.run(named), inline.run(made)
    assert result.keys() == expected.keys()
    for key in result.keys():  # noqa: SIM118 -- iterating gives the channels
        np.testing.assert_array_equal(result[key].raw_data, expected[key].raw_data)


def test_every_analysis_of_the_context_has_a_name() -> None:
    made = {name for name in dir(lamella.Context) if name.startswith("create_")}
    assert made == {f"create_{name}_analysis" for name in ALL_BY_NAME}
    assert set(lamella.default_registry().names(ANALYSES)) == set(ALL_BY_NAME)


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        ("disk", {"radius": 3}, "'radius'; parameters are: cx, cy, r"),
        ("pick", {}, "'x'; parameters are: x, y, z"),
        ("pick", {"x": 99, "y": 0}, "outside"),
    ],
)
def test_parameters_that_an_analysis_does_not_take_are_refused(
    name: str, parameters: dict[str, Any], words: str, scan: lamella.DataSet
) -> None:
    with pytest.raises(ParameterError) as caught:
        make_analysis(name, scan, **parameters)
    assert words in str(caught.value)


def test_an_analysis_that_does_not_exist_lists_those_that_do(scan: lamella.DataSet) -> None:
    with pytest.raises(PluginError, match=r"no analysis is called 'dsik'; did you mean 'disk'\? available: .*sumsig"):
        make_analysis("dsik", scan)
