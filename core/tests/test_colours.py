"""Colours of numbers, without matplotlib and as there; scales that show something; PNG files."""

import io
from pathlib import Path

import numpy as np
import pytest

from lamella.errors import ParameterError
from lamella.plot.colours import COLOUR_MAPS, colour_table, field_colours, rgba, wheel
from lamella.plot.limits import balanced_limits, choose_scale, linear_limits
from lamella.plot.panels import Panel
from lamella.plot.png import png_bytes

RAMP = np.arange(12.0).reshape(3, 4)


def image(data: np.ndarray, **look: object) -> Panel:
    return Panel(kind="image", title="a", data=data, **{"limits": (0, 11)} | look)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [*COLOUR_MAPS, "viridis_r", "RdBu"])
def test_a_colour_map_is_that_of_matplotlib(name: str) -> None:
    mpl = pytest.importorskip("matplotlib")
    expected = mpl.colormaps[name](np.linspace(0, 1, 256), bytes=True)[:, :3]
    assert np.abs(colour_table(name).astype(int) - expected).max() <= 1


def test_an_unknown_colour_map_is_an_error_that_names_all() -> None:
    with pytest.raises(ParameterError, match=r"no colour map 'jet', only gray, viridis, .*twilight"):
        colour_table("jet")


def test_numbers_between_the_limits_span_the_colours_and_others_have_the_last_ones() -> None:
    colours = rgba(image(RAMP, limits=(2, 9)))
    assert colours.shape == (3, 4, 4)
    assert colours.dtype == np.uint8
    assert colours[..., 0].ravel().tolist() == [0, 0, 0, 36, 73, 109, 146, 182, 219, 255, 255, 255]
    assert (colours[..., 3] == 255).all()


def test_what_is_not_known_is_transparent() -> None:
    colours = rgba(image(np.array([[0.0, np.nan], [np.inf, -np.inf]])))
    assert colours[0, 0].tolist() == [0, 0, 0, 255]
    assert (colours.reshape(4, 4)[1:] == 0).all()


def test_decades_of_a_logarithmic_scale_are_equal_steps() -> None:
    colours = rgba(image(np.array([[1.0, 10, 100, 1000, 0, -5]]), scale="log", limits=(1, 1000)))
    assert colours[0, :, 0].tolist() == [0, 85, 170, 255, 0, 0]


def test_zero_is_in_the_middle_of_balanced_colours() -> None:
    colours = rgba(image(np.array([[-4.0, 0, 4]]), scale="balanced", limits=(-4, 4), colours="RdBu_r"))
    blue, white, red = (colour.astype(int) for colour in colours[0])
    assert white[:3].min() > 240
    assert blue[2] > blue[0] + 50
    assert red[0] > red[2] + 50


def test_pixels_in_any_order_of_memory_have_their_colours() -> None:
    np.testing.assert_array_equal(rgba(image(RAMP.T)), rgba(image(RAMP)).transpose(1, 0, 2))
    np.testing.assert_array_equal(rgba(image(RAMP[::-1, ::2])), rgba(image(RAMP))[::-1, ::2])


def test_a_field_has_the_colours_of_its_wheel() -> None:
    legend = wheel(101)
    middle = 50
    assert legend[middle, middle, :3].max() < 10
    assert legend[0, 0, 3] == 0
    right, down = legend[middle, -1, :3].astype(int), legend[-1, middle, :3].astype(int)
    vectors = np.array([[[0.0, 1.0]], [[1.0, 0.0]]])  # y of both, x of both: to the right, downwards
    field = rgba(Panel(kind="field", title="a", data=vectors, limits=(0, 1)))
    assert np.abs(field[0, 0, :3] - right).max() <= 4
    assert np.abs(field[0, 1, :3] - down).max() <= 4


def test_short_vectors_are_dark_and_unknown_ones_transparent() -> None:
    y, x = np.zeros((1, 3)), np.array([[2.0, 1.0, np.nan]])
    long, short, unknown = field_colours(y, x, 2.0)[0]
    assert long[0] == 255
    assert short[0] == 128
    assert unknown.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("kind", ["curve", "table"])
def test_a_curve_and_a_table_have_no_colours(kind: str) -> None:
    with pytest.raises(ParameterError, match=f"a {kind} has no colours"):
        rgba(Panel(kind=kind, title="a", data=np.zeros(3)))  # type: ignore[arg-type]


# Scales.


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        (np.geomspace(1, 1000, 500), "log"),
        (np.concatenate([np.zeros(5000), np.geomspace(1, 1000, 500)]), "log"),
        (np.geomspace(1, 9, 500), "linear"),
        (np.concatenate([np.full(9999, 5.0), [1e9]]), "linear"),
        (np.concatenate([-np.geomspace(1, 1000, 500), np.geomspace(1, 1000, 500)]), "linear"),
        (np.zeros(20), "linear"),
        (np.full(20, np.nan), "linear"),
        (np.zeros(0), "linear"),
        (np.array([], dtype=bool), "linear"),
    ],
    ids=["decades", "many zeros", "less than a decade", "one hot pixel", "signed", "zeros", "nan", "none", "no bools"],
)
def test_a_scale_is_logarithmic_only_where_numbers_span_more_than_a_decade(values: np.ndarray, scale: str) -> None:
    chosen, (low, high) = choose_scale(values)
    assert chosen == scale
    assert np.isfinite([low, high]).all()
    assert low < high
    assert low > 0 or chosen == "linear"


def test_one_hot_pixel_does_not_darken_a_picture() -> None:
    values = np.random.default_rng(0).normal(100, 5, (64, 64))
    values[3, 4] = 1e9
    assert linear_limits(values)[1] < 130
    values -= 100
    low, high = balanced_limits(values)
    assert low == -high
    assert high < 30


@pytest.mark.parametrize("dtype", ["u1", "u2", ">u2", "i2", "f4", "f8"])
def test_limits_are_values_of_a_sorted_picture(dtype: str) -> None:
    values = np.random.default_rng(5).normal(100, 30, (123, 45)).clip(0, 255).astype(dtype)
    ordered = np.sort(values, axis=None).astype(float)
    n = ordered.size
    assert linear_limits(values) == (ordered[round(0.002 * (n - 1) + 0.5)], ordered[int(0.998 * (n - 1))])


# PNG files.


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("shape", [(5, 7), (1, 1), (1, 9), (300, 2)])
def test_a_png_reads_back(shape: tuple[int, int], channels: int) -> None:
    pil = pytest.importorskip("PIL.Image")
    colours = np.random.default_rng(0).integers(0, 250, (*shape, channels)).astype(np.uint8)
    with pil.open(io.BytesIO(png_bytes(colours))) as read:
        np.testing.assert_array_equal(np.asarray(read), colours)


def test_opacity_that_is_full_everywhere_is_not_written() -> None:
    pil = pytest.importorskip("PIL.Image")
    with pil.open(io.BytesIO(png_bytes(np.full((4, 5, 4), 255, np.uint8)[:, ::-1]))) as read:
        assert read.mode == "RGB"


# Data of the core.


def test_the_letters_have_their_licence_beside_them_and_are_small() -> None:
    import lamella.plot

    folder = Path(lamella.plot.__path__[0]) / "data"
    assert "Bitstream Vera" in (folder / "LICENSE_DEJAVU").read_text(encoding="utf-8")
    assert sum(file.stat().st_size for file in folder.iterdir()) < 80_000
