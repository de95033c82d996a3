"""Panels on a sheet that NumPy draws: what is seen, and where."""

import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamella.errors import ParameterError
from lamella.plot.canvas import Canvas
from lamella.plot.colours import INVALID
from lamella.plot.glyphs import cut, text_mask, text_width, wrapped
from lamella.plot.measures import scale_bar, square
from lamella.plot.panels import Circle, Cross, Kind, Panel
from lamella.plot.parts import draw_marks, draw_scale_bar
from lamella.plot.resample import averaged, enlarged
from lamella.plot.sheet import save_sheet, sheet_pixels, sheet_png
from lamella.plot.ticks import nice_length, position, ticks, unit_text
from lamella.reader.metadata import Axis

NM = (Axis("y", 0.5, units="nm"), Axis("x", 0.5, units="nm"))
PLAIN = (Axis("y"), Axis("x"))
ENERGY = Axis("energy", 0.5, -10.0, "eV")
GREY = np.full((64, 64), 0.5)
TOP, LEFT, SIDE = 58, 24, 820
"""Where the picture of a single square panel without a title for the sheet is."""


def panel(data: Any = GREY, kind: Kind = "image", **look: Any) -> Panel:
    return Panel(kind=kind, title="title", data=np.asarray(data), **{"axes": NM} | look)


def picture(**look: Any) -> np.ndarray:
    return sheet_pixels([panel(**look)])[TOP : TOP + SIDE, LEFT : LEFT + SIDE].astype(int)


# Pictures.


def test_a_single_panel_is_a_large_picture_of_its_pixels() -> None:
    data = np.zeros((64, 64))
    data[16:48, 8:16] = 1.0
    seen = picture(data=data)
    assert seen.shape == (SIDE, SIDE, 3)
    assert (seen[210:600, 110:200] == 255).all()
    assert (seen[210:600, 210:] == 0).all()
    assert (seen[:200] == 0).all()


def test_what_is_not_known_is_grey() -> None:
    assert (picture(data=np.full((4, 4), np.nan))[:600] == INVALID).all()
    half = np.array([[1.0, np.nan]] * 2)
    seen = picture(data=half)
    assert (seen[:600, 500:] == INVALID).all()
    assert (seen[:600, :400] == 255).all()


def test_pixels_that_are_not_square_are_shown_so() -> None:
    axes = (Axis("y", 0.5, units="nm"), Axis("x", 2.0, units="nm"))
    data = np.tile([0.0, 1.0], (64, 16))
    seen = picture(data=data, axes=axes)
    edges = np.flatnonzero(np.abs(np.diff(seen[100, :, 0])) > 100)
    assert len(edges) >= 31
    assert seen[100, -1].tolist() == seen[-1, -1].tolist() == [255, 255, 255]


@pytest.mark.parametrize("kind", ["image", "field", "rgba"])
def test_many_pixels_are_averaged(kind: Kind) -> None:
    stripes = np.tile([0.0, 1.0], (4, 2500))
    data = {
        "image": stripes,
        "field": np.stack([stripes, stripes]),
        "rgba": np.repeat(stripes[..., np.newaxis], 4, axis=2) * 255,
    }[kind]
    seen = sheet_pixels([panel(data, kind, limits=(0, 1))])[TOP : TOP + 10, LEFT : LEFT + 800, 0].astype(int)
    assert np.ptp(seen) < 40


def test_means_leave_out_what_is_not_known() -> None:
    values = np.array([[1.0, np.nan, 3.0, 3.0, np.nan, np.nan]])
    np.testing.assert_array_equal(averaged(values, (1, 3)), [[1.0, 3.0, np.nan]])
    np.testing.assert_allclose(averaged(np.arange(5.0)[np.newaxis], (1, 2)), [[0.8, 3.2]])


def test_enlarged_pixels_are_sharp_and_each_is_as_large_as_the_others() -> None:
    colours = np.zeros((1, 3, 4), dtype=np.uint8)
    colours[0, 1] = 200
    seen = enlarged(colours, (2, 10))[..., 0].astype(int)
    np.testing.assert_array_equal(seen[0], seen[1])
    assert np.abs(seen[0] - [0, 0, 0, 133, 200, 200, 133, 0, 0, 0]).max() <= 1


# Marks.


@pytest.mark.parametrize("style", ["-", "--"])
def test_a_circle_is_where_it_should_be(style: Any) -> None:
    canvas = Canvas(640, 640)
    canvas.pixels[:] = 90
    draw_marks(canvas, [Circle(20, 40, 10, style)], (64, 64))
    white = np.argwhere((canvas.pixels == 255).all(axis=-1))
    centre = (np.array([20, 40]) + 0.5) * 10
    assert np.abs(np.hypot(*(white + 0.5 - centre).T) - 100).max() < 1.5
    angles = np.degrees(np.arctan2(*(white + 0.5 - centre).T))
    filled = np.histogram(angles, bins=180, range=(-180, 180))[0] > 0
    assert filled.mean() > 0.95 if style == "-" else 0.4 < filled.mean() < 0.9
    assert (canvas.pixels.max(axis=-1) < 40).sum() > 50  # its dark edge


def test_a_circle_on_pixels_that_are_not_square_is_an_ellipse() -> None:
    canvas = Canvas(200, 400)
    canvas.pixels[:] = 90
    draw_marks(canvas, [Circle(9.5, 9.5, 5)], (20, 20))
    y, x = np.nonzero((canvas.pixels > 240).all(axis=-1))
    assert abs((x.max() - x.min()) / 2 - 100) < 2
    assert abs((y.max() - y.min()) / 2 - 50) < 2


def test_a_cross_is_where_it_should_be() -> None:
    canvas = Canvas(200, 200)
    canvas.pixels[:] = 90
    draw_marks(canvas, [Cross(4, 15)], (20, 20))
    white = np.argwhere((canvas.pixels == 255).all(axis=-1))
    np.testing.assert_allclose(white.mean(axis=0), (45, 155), atol=1)
    assert (canvas.pixels[45, 155] == 255).all()


@pytest.mark.parametrize("mark", [Circle(1e9, -1e9, 3), Circle(3, 3, 0), Circle(np.nan, 0, 1), Cross(-900, 1e12)])
def test_marks_outside_of_a_picture_are_not_drawn_elsewhere(mark: Any) -> None:
    plain, marked = sheet_pixels([panel()]), sheet_pixels([panel(marks=(mark,))])
    outside = np.ones(plain.shape[:2], dtype=bool)
    outside[TOP : TOP + SIDE, LEFT : LEFT + SIDE] = False
    np.testing.assert_array_equal(plain[outside], marked[outside])


# Scale bars.


@pytest.mark.parametrize(
    ("axis", "pixels", "length", "text"),
    [
        (Axis("x", 0.001992, units="µm"), 256, 50.2, "0.1 µm"),
        (Axis("x", 0.0001, units="µm"), 256, 50, "5 nm"),
        (Axis("x", 5.5e-5, units="m"), 100, 18.18, "1 mm"),
        (Axis("x", 0.02, units="1/nm"), 256, 50, "1 nm⁻¹"),
        (Axis("x"), 256, 50, "50 px"),
        (Axis("x"), 2, 1, "1 px"),
        (Axis("x", -0.5, units="nm"), 256, 40, "20 nm"),
        (Axis("x", 3e-30, units="nm"), 256, 33.3, "1e-28 nm"),
    ],
)
def test_a_scale_bar_has_a_round_length_in_a_readable_unit(axis: Axis, pixels: int, length: float, text: str) -> None:
    found = scale_bar(axis, pixels)
    assert found[0] == pytest.approx(length, rel=1e-2)
    assert found[1] == text


@pytest.mark.parametrize("shape", [(256, 256), (1000, 60), (60, 1000)])
def test_a_scale_bar_is_as_long_as_it_says(shape: tuple[int, int]) -> None:
    canvas = Canvas(*shape)
    canvas.pixels[:] = 90
    draw_scale_bar(canvas, NM, shape)
    white = (canvas.pixels == 255).all(axis=-1)
    longest = max(white.sum(axis=0).max() * (shape[0] > shape[1]), white.sum(axis=1).max())
    along = max(shape)
    text = scale_bar(NM[0], along)[1]
    assert longest == float(text.removesuffix(" nm")) / 0.5


@pytest.mark.parametrize(
    ("axes", "alike"),
    [
        (NM, True),
        (PLAIN, True),
        ((Axis("scan_y"), Axis("scan_x")), True),
        ((Axis("frame"), Axis("x")), False),
        ((Axis("x", 2.0, units="nm"), ENERGY), False),
        ((Axis("x", 2.0, units="nm"), Axis("k")), False),
        ((Axis("frame"), Axis("k")), False),
    ],
)
def test_only_axes_of_one_kind_have_a_scale_bar(axes: tuple[Axis, Axis], alike: bool) -> None:
    assert square(axes) is alike


# Numbers at axes and colour bars.


@pytest.mark.parametrize(
    ("limits", "scale", "texts", "note"),
    [
        ((0, 1), "linear", ["0", "0.2", "0.4", "0.6", "0.8", "1"], ""),
        ((-2.2, 2.2), "balanced", ["−2", "−1", "0", "1", "2"], ""),
        ((3, 12000), "log", ["10", "10²", "10³", "10⁴"], ""),
        ((1, 1e12), "log", ["1", "10³", "10⁶", "10⁹", "10¹²"], ""),
        ((20, 80), "log", ["20", "50"], ""),
        ((1e-7, 5e-7), "linear", ["1", "2", "3", "4", "5"], "×10⁻⁷"),
        ((0, 3e7), "linear", ["0", "0.5", "1", "1.5", "2", "2.5", "3"], "×10⁷"),
        ((1e6, 1e6 + 4), "linear", ["0", "1", "2", "3", "4"], "+1000000"),
        ((4, 0), "linear", ["0", "1", "2", "3", "4"], ""),
        ((1, 1), "linear", [], ""),
        ((np.nan, 1), "linear", [], ""),
        ((1e300, 1.0000000000000002e300), "linear", ["0"], "+1e+300"),
    ],
)
def test_ticks_are_round_and_their_texts_short(limits: Any, scale: Any, texts: list[str], note: str) -> None:
    found = ticks(limits, scale, most=7 if note == "×10⁷" else 6)
    assert list(found.texts) == texts
    assert found.note == note


def test_powers_of_ten_lie_at_their_heights_on_a_colour_bar() -> None:
    limits = (1.0, 1e4)
    pixels = sheet_pixels([panel(scale="log", limits=limits)]).astype(int)
    column = pixels[TOP : TOP + SIDE, LEFT + SIDE + 12 + 16 + 1 + 4].max(axis=-1)
    rows = np.flatnonzero(column < 60)
    expected = [(1 - position(10.0**power, "log", limits)) * (SIDE - 1) for power in range(4, -1, -1)]
    np.testing.assert_allclose(rows, expected, atol=1)


def test_a_colour_bar_goes_from_the_last_colour_to_the_first() -> None:
    bar = sheet_pixels([panel()])[TOP : TOP + SIDE, LEFT + SIDE + 20].astype(int)
    assert bar[0].tolist() == [255, 255, 255]
    assert bar[-1].tolist() == [0, 0, 0]
    assert (np.diff(bar[:, 0]) <= 0).all()


@pytest.mark.parametrize("about", [1e-9, 0.03, 1.0, 5.0, 49.9, 123456.0])
def test_nice_lengths_are_not_longer(about: float) -> None:
    length = nice_length(about)
    assert about / 2.6 < length <= about * 1.0001
    assert f"{length:.0e}"[0] in "125"


def test_reciprocal_units_are_written_so() -> None:
    assert (unit_text("1/nm"), unit_text("nm")) == ("nm⁻¹", "nm")


# Curves.

_CURVE = {"top": 58, "left": 122, "height": 541, "width": 902}


def drawn_curve(values: Any, **look: Any) -> np.ndarray:
    """Height of the line in each column of the picture, in parts of the axis; NaN where there is none."""
    pixels = sheet_pixels([panel(values, "curve", **{"axes": (ENERGY,)} | look)]).astype(int)
    top, left, height, width = _CURVE.values()
    box = pixels[top : top + height, left : left + width]
    ink = 255 - box[..., 0]
    total = ink.sum(axis=0)
    with np.errstate(invalid="ignore"):
        middle = (ink * np.arange(height)[:, np.newaxis]).sum(axis=0) / total
    return np.where(total > 0, 1 - middle / (height - 1), np.nan)


def test_a_curve_goes_through_its_values() -> None:
    seen = drawn_curve(np.linspace(1.0, 9.0, 50), limits=(0, 10))
    np.testing.assert_allclose(seen[5:-5], np.linspace(0.1, 0.9, 902)[5:-5], atol=0.005)


def test_a_logarithmic_curve_shows_decades_as_equal_steps() -> None:
    seen = drawn_curve(np.geomspace(10, 1000, 50), scale="log", limits=(1, 10000))
    np.testing.assert_allclose(seen[5:-5], np.linspace(0.25, 0.75, 902)[5:-5], atol=0.005)


def test_a_logarithmic_curve_goes_down_to_zeros_and_shows_counts_between_them() -> None:
    values = np.zeros(101)
    values[50] = 100
    pixels = sheet_pixels([panel(values, "curve", axes=(ENERGY,), scale="log", limits=(1, 1000))]).astype(int)
    line = pixels[58 + 5 : 58 + 541 - 5, 122 + 5 : 122 + 902 - 5, 0] < 200
    rows, columns = np.nonzero(line)
    assert len(rows)
    assert abs(rows.min() - (541 / 3 - 5)) < 6
    assert rows.max() > 500
    assert abs(np.median(columns) - 446) < 4


def test_a_curve_has_gaps_where_nothing_is_known() -> None:
    values = np.full(101, 5.0)
    values[40:61] = np.nan
    seen = drawn_curve(values, limits=(0, 10))
    assert np.isnan(seen[380:530]).all()
    assert np.isfinite(seen[10:340]).all()
    assert np.isfinite(seen[560:-10]).all()


def test_one_high_value_among_many_is_seen() -> None:
    values = np.zeros(20000)
    values[10000] = 10.0
    pixels = sheet_pixels([panel(values, "curve", axes=(ENERGY,), limits=(0, 11))]).astype(int)
    ink = pixels[58 + 70, 122 : 122 + 902, 0]
    assert abs(int(np.argmin(ink)) - 451) < 3
    assert ink.min() < 120


@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize("scale", ["linear", "log"])
def test_curves_of_few_points_are_drawn(count: int, scale: Any) -> None:
    sheet_pixels([panel(np.zeros(count), "curve", axes=(ENERGY,), scale=scale, limits=(1, 10))])


# Text.


def test_units_and_signs_have_letters_of_their_own() -> None:
    box = text_mask("□", "regular")
    for character in "µÅ°²³⁻¹⁰⁴⁵⁶⁷⁸⁹−×·…αβγσΩ–—éß":
        mask = text_mask(character, "regular")
        assert mask.any(), character
        assert mask.shape != box.shape or (mask != box).any(), character
    np.testing.assert_array_equal(text_mask("試", "small"), text_mask("□", "small"))


def test_a_long_text_ends_in_an_ellipsis() -> None:
    assert cut("short", "regular", 200) == "short"
    shown = cut("a long text " * 20, "regular", 200)
    assert shown.endswith("…")
    assert 150 < text_width(shown, "regular") <= 200


def test_lines_break_between_words() -> None:
    assert wrapped("one two three", "small", text_width("one two", "small"), 3) == ["one two", "three"]
    assert wrapped("one two three four", "small", text_width("one two", "small"), 1) == ["one t…"]
    assert wrapped("", "small", 100, 3) == []


def test_text_is_not_drawn_outside_of_a_canvas() -> None:
    canvas = Canvas(10, 10)
    for y, x in ((-50, 0), (0, -50), (50, 50), (5, 5)):
        canvas.text(y, x, "Lamella", outline=(0, 0, 0))
        canvas.text_upwards(y, x, "Lamella", outline=(0, 0, 0))
    assert canvas.pixels.shape == (10, 10, 3)


# Sheets.


def columns_with_ink(pixels: np.ndarray, rows: slice) -> np.ndarray:
    return np.asarray((pixels[rows] < 128).any(axis=(0, 2)))


@pytest.mark.parametrize(
    ("count", "columns", "rows"), [(1, 1, 1), (2, 2, 1), (3, 3, 1), (4, 2, 2), (5, 3, 2), (6, 3, 2), (9, 3, 3)]
)
def test_panels_fill_rows_evenly(count: int, columns: int, rows: int) -> None:
    height, width, _ = sheet_pixels([panel()] * count).shape
    box, bar = (820 if count == 1 else 440), 112
    inner = (900 if count == 1 else 440) + bar
    assert width == 48 + columns * inner + (columns - 1) * 30
    assert height == 48 + rows * (34 + box) + (rows - 1) * 30


def test_a_title_and_a_caption_take_room_of_their_own() -> None:
    plain = sheet_pixels([panel()] * 2)
    whole = sheet_pixels([panel()] * 2, title="Title", caption="Caption")
    inside = whole[44 : 44 + plain.shape[0] - 24]
    np.testing.assert_array_equal(inside[24:], plain[24:-24])
    assert columns_with_ink(whole, slice(0, 44)).any()
    assert columns_with_ink(whole, slice(44 + plain.shape[0] - 20, None)).any()


def test_texts_of_a_panel_do_not_leave_it() -> None:
    long = "a text that is far too long for the width of one panel and goes on " * 9
    wide = panel(
        axes=(Axis(long, 0.5, units="nm"), Axis(long, 3.0, units=long)), quantity=long, unit=long, note=long, name=long
    )
    plain = Panel(kind="rgba", title="", data=np.full((64, 64, 4), 255, np.uint8), axes=())
    alone = sheet_pixels([plain, plain])
    both = sheet_pixels([plain, Panel(kind="image", title=long, data=GREY, axes=wide.axes, quantity=long, note=long)])
    gap = slice(24 + 552 + 2, 24 + 552 + 28)
    assert (both[:, gap] == 255).all()
    assert (both[:, -20:] == 255).all()
    assert both.shape[1] == alone.shape[1]


def test_a_table_shows_its_cells_and_counts_rows_that_do_not_fit() -> None:
    rows = (("name", "value"), *((f"row {i}", str(i)) for i in range(500)))
    table = Panel(kind="table", title="Facts", rows=rows)
    pixels = sheet_pixels([table, table])
    assert pixels.shape[0] < 600
    few = sheet_pixels([Panel(kind="table", title="Facts", rows=rows[:3])])
    rules = np.flatnonzero((few[58:] < 210).all(axis=-1).sum(axis=1) > 100)
    assert len(rules) >= 3


@pytest.mark.parametrize(
    "data",
    [
        np.zeros((1, 1000)),
        np.zeros((1000, 1)),
        np.zeros((4096, 8), np.uint16),
        np.zeros((2, 2), bool),
        np.zeros((0, 5)),
        np.full((5, 6), np.nan),
        np.full((5, 6), -7e300),
        np.array([[np.inf, -np.inf], [1, 2]]),
    ],
    ids=["wide", "tall", "4096 x 8", "bool", "empty", "nan", "huge", "infinite"],
)
@pytest.mark.parametrize("axes", [NM, (Axis("frame"), ENERGY)], ids=["image", "lines"])
def test_images_of_every_shape_are_drawn(data: np.ndarray, axes: tuple[Axis, Axis]) -> None:
    pixels = sheet_pixels([panel(data, axes=axes, limits=(0, 0)), panel(data, axes=axes, scale="log")])
    assert pixels.shape[1] == 48 + 2 * 552 + 30


def test_a_line_image_has_ticks_instead_of_a_scale_bar() -> None:
    axes = (Axis("x", 2.0, units="nm"), ENERGY)
    pixels = sheet_pixels([panel(np.full((60, 200), 1.0), axes=axes)])
    left, top, height, width = 122, 58, 656, 802
    inside = pixels[top : top + height, left : left + width]
    assert (inside == 255).all()
    below = (pixels[top + height + 1 + 3, left : left + width] < 60).all(axis=-1)
    values = [-10 - 0.25 + (x + 0.5) / width * 100 for x in np.flatnonzero(below)]
    np.testing.assert_allclose(values, np.arange(0, 90, 20), atol=0.3)


@pytest.mark.parametrize("units", [" ", "\t\n", "\u00a0"])
def test_blank_units_are_none(units: str) -> None:
    blank, none = ((Axis("y", 2.0, 0.0, said), Axis("x", 2.0, 0.0, said)) for said in (units, None))
    assert sheet_png([panel(np.eye(40), axes=blank)]) == sheet_png([panel(np.eye(40), axes=none)])


def test_hostile_text_is_drawn_as_text() -> None:
    pixels = sheet_pixels([panel(quantity="\x1b[31m\n\u202e", note="\x00\r\n", name="x")], title="\ud800\x07" * 9)
    assert pixels.ndim == 3


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ([], "no panel"),
        ([Panel(kind="image", title="a")], r"image 'a' has numbers of shape \(\)"),
        ([Panel(kind="curve", title="a", data=np.zeros((2, 2)))], "curve 'a' has numbers of shape"),
    ],
)
def test_what_cannot_be_drawn_is_an_error(wrong: list[Panel], complaint: str) -> None:
    with pytest.raises(ParameterError, match=complaint):
        sheet_png(wrong)


def test_a_sheet_is_a_png_file(tmp_path: Path) -> None:
    pil = pytest.importorskip("PIL.Image")
    save_sheet([panel()] * 2, tmp_path / "sheet.png", title="Title")
    with pil.open(io.BytesIO((tmp_path / "sheet.png").read_bytes())) as read:
        np.testing.assert_array_equal(np.asarray(read), sheet_pixels([panel()] * 2, title="Title"))


def test_a_sheet_needs_nothing_but_numpy() -> None:
    code = """
import sys, numpy as np
from lamella.plot.panels import Panel
from lamella.plot.sheet import sheet_png
sheet_png([Panel(kind="image", title="a", data=np.ones((3, 4)), colours="viridis")])
loaded = {name.partition(".")[0] for name in sys.modules}
assert not loaded & {"matplotlib", "PIL", "numba", "scipy", "h5py", "rich"}, loaded
"""
    subprocess.run([sys.executable, "-c", code], check=True)


# Numbers that a file may state, and nobody has measured.

_STEPS = [(1e308, 1e308), (5e-324, 5e-324), (1e-300, 1e300), (-1e308, 2.0), (1.0, 1.0)]
_OFFSETS = [0.0, 1.7e308, -1.7e308]
_LIMITS = [(-1.7e308, 1.7e308), (5e-324, 1e-323), (0.0, 0.0), (np.nan, np.inf), (3.0, -3.0), (1e-300, 1e300)]


@pytest.mark.parametrize("draw", ["sheet", "html", pytest.param("figure", marks=pytest.mark.slow)])
def test_no_number_keeps_a_panel_from_being_drawn(draw: str) -> None:
    from lamella.plot.html import panel_html, thumbnail_html

    values = np.array([[0.0, 1.7e308, -1.7e308], [5e-324, np.inf, np.nan]])
    calibrations = [(Axis("y", y, off, "m"), Axis("x", x, off, "m")) for y, x in _STEPS for off in _OFFSETS]
    marks = (Circle(1e300, 0, 1e300), Circle(0, 0, 1e-300), Cross(1e300, np.inf))
    for i, axes in enumerate(calibrations):
        limits = _LIMITS[i % len(_LIMITS)]
        scale: Any = ("linear", "log", "balanced")[i % 3]
        panels = [
            panel(values, axes=axes, limits=limits, scale=scale, marks=marks),
            panel(values, axes=(axes[0], ENERGY), limits=limits, scale=scale),
            panel(values[0], "curve", axes=axes[:1], limits=limits, scale=scale),
            panel(np.stack([values, values]), "field", axes=axes, limits=limits),
        ]
        if draw == "html":
            html = "".join(map(panel_html, panels)) + "".join(map(thumbnail_html, panels))
            assert not re.search(r"\b(nan|inf)\b", re.sub(r'base64,[^"]*', "", html))
        elif draw == "sheet":
            assert sheet_pixels(panels).ndim == 3
        else:
            from lamella.plot import figure

            figure(panels).savefig(io.BytesIO(), format="png", dpi=20)
