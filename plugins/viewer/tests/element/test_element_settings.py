"""Colours, scale bars, curves and saved pictures; what a screen reader hears."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from .conftest import Shown, axes

pytestmark = pytest.mark.browser


@pytest.fixture
def ramp(shown: Shown) -> Shown:
    shown.show(np.geomspace(1, 1000, 100, dtype="f4").reshape(10, 10), unit="counts", percentiles=[2, 900])
    return shown


def effective(shown: Shown) -> Any:
    return shown.run("window.viewer.effective")


def test_keys_change_the_colours(ramp: Shown) -> None:
    page = ramp.page
    ramp.run("window.viewer.focus()")
    page.keyboard.press("g")
    assert effective(ramp) == {"colours": "gray", "range": [2, 900], "scale": "log", "gamma": 0.5}
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.keyboard.press("x")
    assert effective(ramp) == {"colours": "viridis", "range": [1, 1000], "scale": "linear", "gamma": 0.5}
    page.keyboard.press("Shift+c")
    assert effective(ramp)["colours"] == "gray"
    for key, tool in (("p", "pick"), ("r", "rect"), ("d", "disk"), ("l", "line")):
        page.keyboard.press(key)
        assert ramp.told("tool")[-1] == {"tool": tool}
        assert ramp.run("window.viewer.tool") == tool
    assert ramp.told("settings")[0]["scale"] == "log"
    before = effective(ramp)
    ramp.set(letters=False)
    page.keyboard.press("g")
    assert effective(ramp) == before


def test_keys_that_mean_nothing_here_reach_the_page(ramp: Shown) -> None:
    ramp.run("document.addEventListener('keydown', (event) => (window.reached ??= []).push(event.key))")
    ramp.run("window.viewer.focus()")
    for key in ("g", "m", "Control+s", "ArrowUp", "Escape", "0"):
        ramp.page.keyboard.press(key)
    assert ramp.run("window.reached") == ["m", "Control", "s", "Escape"]


def test_the_panel_shows_and_changes_the_colours(ramp: Shown) -> None:
    page = ramp.page
    page.get_by_label("map").select_option("magma")
    page.get_by_label("scale").select_option("log")
    assert ramp.told("settings")[-1]["colours"] == "magma"
    page.get_by_role("button", name="Min–max").click()
    assert effective(ramp) == {"colours": "magma", "range": [1, 1000], "scale": "log", "gamma": 0.5}
    assert page.get_by_role("button", name="Min–max").get_attribute("aria-pressed") == "true"
    low = page.get_by_role("slider", name="lowest colour")
    box = page.locator("#colours .histogram").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 2, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 3, box["y"] + 20, steps=4)
    page.mouse.up()
    ramp.painted()
    assert effective(ramp)["range"] == pytest.approx([10, 1000], rel=0.2)
    assert ramp.told("settings")[-1]["range"] == effective(ramp)["range"]
    low.focus()
    page.keyboard.press("Shift+ArrowRight")
    assert effective(ramp)["range"][0] == pytest.approx(20, rel=0.2)
    assert "counts" in (low.get_attribute("aria-valuetext") or "")
    page.get_by_role("button", name="0.2–99.8 %").click()
    assert effective(ramp)["range"] == [2, 900]


def test_what_the_user_has_set_stays_when_the_next_frame_comes(ramp: Shown) -> None:
    ramp.set(range=[5, 50], colours="inferno")
    ramp.show(np.full((10, 10), 7, dtype="f4"), range=[0, 7], colours="viridis", scale="log")
    assert effective(ramp) == {"colours": "inferno", "range": [5, 50], "scale": "log", "gamma": 0.5}
    ramp.set(settings={"colours": None, "range": None})
    assert effective(ramp)["colours"] == "viridis"


def test_a_scale_bar_is_as_long_as_it_says(shown: Shown) -> None:
    for scale, unit, size in [(0.4, "mrad", 256), (0.013, "1/nm", 128), (250, "pm", 64), (1.0, None, 90)]:
        shown.show(np.zeros((size, size), dtype="f4"), axes=axes(scale, unit))
        bar = shown.page.locator("#viewer .bar")
        number, word = bar.inner_text().split("\u00a0" if "\u00a0" in bar.inner_text() else " ")
        drawn = bar.evaluate("one => one.getBoundingClientRect().width")
        pixels = drawn / shown.run("window.viewer.scene.view.k")
        factor = {"nm": 1000, "px": 1 / scale}.get(word, 1)
        assert float(number) * factor == pytest.approx(pixels * scale * (1 if word != "px" else 1 / scale), rel=0.01)
        assert number.replace(".", "").strip("0") in {"1", "2", "5"}
        assert word == {"1/nm": "nm⁻¹", "pm": "nm", None: "px"}.get(unit, unit)


def test_axes_of_two_kinds_have_no_common_bar(shown: Shown) -> None:
    one, other = axes(0.5, "eV")[0], axes(2, "nm")[1]
    shown.show(np.zeros((50, 50), dtype="f4"), axes=[{**one, "name": "energy"}, other])
    assert shown.page.locator("#viewer .bar").inner_text() == "20 nm"
    assert shown.run("window.viewer.scene.view.ratio") == 1


def test_the_colour_bar_has_round_numbers_at_their_places(ramp: Shown) -> None:
    ramp.set(scale="log", range=[1, 1000])
    marks = ramp.page.locator("#viewer .tick")
    assert marks.all_inner_texts() == ["1", "10", "100", "1000"]
    places = [one.evaluate("one => parseFloat(one.style.bottom)") for one in marks.all()]
    assert places == pytest.approx([0, 100 / 3, 200 / 3, 100], abs=0.1)
    ramp.set(scale="linear", range=[0, 1000])
    assert ramp.page.locator("#viewer .tick").all_inner_texts() == ["0", "200", "400", "600", "800", "1000"]
    assert ramp.page.locator("#viewer .unit").inner_text() == "counts"


@pytest.mark.parametrize("least", [0, 250_000, -123_456_000])
def test_the_numbers_of_a_colour_bar_have_room(shown: Shown, least: int) -> None:
    shown.show(least + np.arange(2000, dtype="f8").reshape(40, 50) * (1 + abs(least) // 9000))
    right, limit = shown.run(
        "(legend => [[...legend.querySelectorAll('.tick')].map(one => one.getBoundingClientRect().right),"
        " legend.getBoundingClientRect().right])(viewer.shadowRoot.querySelector('.legend'))"
    )
    assert len(right) > 2
    assert max(right) <= limit


def test_curves_have_axes_and_values(shown: Shown) -> None:
    curve = np.linspace(0, 100, 51)
    curve[20] = np.nan
    axis = {"name": "radius", "scale": 0.5, "offset": 0, "unit": "mrad"}
    shown.show(curve, kind="curve", axes=[axis], unit="counts", title="Radial profile", size=[51])
    plot = shown.page.get_by_role("img", name="Detector, Radial profile, exact")
    box = plot.bounding_box()
    assert box is not None
    over = shown.page.locator("#viewer .u-over").bounding_box()
    assert over is not None
    shown.page.mouse.move(over["x"] + over["width"] * 0.8, over["y"] + 50)
    shown.painted()
    told = shown.told("cursor")[-1]
    assert told["value"] == [pytest.approx(4 * told["x"])]
    assert told["x"] == pytest.approx(20, abs=0.5)
    for guides, drawn in ([], False), ([7.5], True):
        shown.set(guides=guides)
        picture = np.asarray(Image.open(io.BytesIO(shown.page.screenshot())).convert("RGB")).astype(int)
        column = picture[:, round(over["x"] + over["width"] * 0.3) - 2 :][:, :5]
        amber = (column[..., 0] > 200) & (column[..., 2] < 60)
        assert bool(amber.sum() > 50) is drawn
    shown.page.mouse.move(over["x"] + over["width"] * 0.8, over["y"] + 60)
    shown.painted()
    assert shown.page.get_by_text(f"radius {told['x']:g} mrad").is_visible()
    assert shown.page.get_by_text(f"{told['value'][0]:g} counts").is_visible()
    mouse = shown.page.mouse  # a part of the axis is chosen, and stays when the next curve comes
    mouse.move(over["x"] + over["width"] * 0.2, over["y"] + 60)
    mouse.down()
    mouse.move(over["x"] + over["width"] * 0.6, over["y"] + 70, steps=4)
    mouse.up()
    shown.show(curve * 2, kind="curve", axes=[axis], unit="counts", title="Radial profile", size=[51])
    part = shown.run("(({ min, max }) => [min, max])(viewer.scene.plot.chart.scales.x)")
    assert part == pytest.approx([5, 15], abs=0.5)
    mouse.dblclick(over["x"] + over["width"] * 0.4, over["y"] + 60)
    assert shown.run("viewer.scene.plot.chart.scales.x.max") == 25
    shown.show(np.zeros((4, 4), dtype="f4"))
    assert shown.page.get_by_role("img", name="Detector, mean").is_visible()


def test_less_than_two_decades_have_marks_that_stay_apart(shown: Shown) -> None:
    shown.show(np.geomspace(18727, 795493, 30), kind="curve", scale="log", size=[30])
    splits, texts, tops, room = shown.run(
        "((chart) => [chart.axes[1]._splits, chart.axes[1]._values,"
        " chart.axes[1]._splits.map((one) => chart.valToPos(one, 'y')), chart.axes[1]._size])(viewer.scene.plot.chart)"
    )
    assert set(splits) <= {20000, 50000, 100000, 200000, 500000}
    assert len(splits) >= 3
    assert ["".join(text.split()) for text in texts] == [str(one) for one in splits]
    assert min(abs(np.diff(tops))) > 14
    assert room > 56  # the texts are not written over the name of the axis
    shown.show(np.geomspace(18727, 795493, 100).reshape(10, 10), scale="log", colours="viridis")
    marks = shown.run("[...viewer.shadowRoot.querySelectorAll('.tick')].map((one) => one.getBoundingClientRect().top)")
    assert len(marks) >= 3
    assert min(abs(np.diff(marks))) > 14


def test_logarithmic_curves_have_powers_of_ten(shown: Shown) -> None:
    shown.show(np.geomspace(3, 40000, 30), kind="curve", scale="log", size=[30])
    height = shown.run("viewer.shadowRoot.querySelector('.u-over').clientHeight")
    assert height > 300
    splits = "((chart) => chart.axes[1]._splits)(viewer.scene.plot.chart)"
    assert shown.run(splits) == [10, 100, 1000, 10000]
    texts = "((chart) => chart.axes[1]._values)(viewer.scene.plot.chart)"
    assert shown.run(texts) == ["10", "100", "1000", "10⁴"]
    shown.run("Object.assign(viewer.style, { height: '150px' })")
    shown.until("viewer.scene.plot.chart.height < 125")
    assert None not in shown.run(texts)
    assert len(shown.run(texts)) == 2


def test_a_single_number_is_shown_as_text(shown: Shown) -> None:
    shown.show(np.array(12.5), kind="number", unit="px", title="shift", size=[])
    assert shown.page.locator("#viewer .number").inner_text().split() == ["12.5", "px", "shift"]


@pytest.mark.parametrize("kind", ["image", "field", "curve"])
def test_a_png_holds_the_picture_with_title_and_bars(shown: Shown, kind: str) -> None:
    pixels = np.zeros({"image": (40, 40), "field": (2, 40, 40), "curve": (40,)}[kind], dtype="f4")
    pixels[..., :20] = 1
    shown.show(pixels, kind=kind, axes=axes(0.5, "nm"), unit="counts", range=[0, 1], colours="viridis")
    data = shown.run("viewer.toPNG().then((blob) => blob.arrayBuffer()).then((data) => [...new Uint8Array(data)])")
    image = np.asarray(Image.open(io.BytesIO(bytes(data))).convert("RGB")).astype(int)
    height, width = image.shape[:2]
    assert height > 700
    if kind == "curve":
        assert len(np.unique(image.reshape(-1, 3), axis=0)) > 20
        return
    white = (image == 255).all(axis=2)
    assert white[2].all()
    assert not white[20:60].all()  # the title
    if kind == "image":
        assert tuple(image[height // 2, 100]) == (253, 231, 36)
        assert tuple(image[height // 2, (width - 2 * 96) * 3 // 4]) == (68, 1, 84)
        legend = image[:, width - 2 * 84 + 28]
        assert len(np.unique(legend, axis=0)) > 200
        assert white[height - 60 : height - 40, 24:].sum() > 100  # the scale bar


def test_the_name_of_a_picture_says_what_it_is(shown: Shown) -> None:
    pixels = np.array([[3, 250]], dtype="u1")
    shown.show(pixels, unit="counts", title="sum", stage="partial", label="62 %")
    picture = shown.page.get_by_role("img", name="Detector, sum, partial 62 %, minimum 3 counts, maximum 250 counts")
    assert picture.is_visible()
    shown.until("window.viewer.shadowRoot.querySelector('[role=status]').textContent === 'Detector, sum, 62 %'")
    shown.set(handles=[{"id": "r", "label": "disk", "y": {"name": "cy", "value": 0}, "x": {"name": "cx", "value": 1}}])
    shown.show(pixels, axes=axes(0.5, "nm"))
    handle = shown.page.get_by_role("slider", name="disk")
    assert handle.get_attribute("aria-valuetext") == "y 0 px, 0 nm, x 1 px, 0.5 nm"
    assert handle.get_attribute("aria-valuenow") == "0"


def test_notes_stand_over_the_picture(shown: Shown) -> None:
    shown.run("viewer.clear('no data yet')")
    assert shown.page.get_by_text("no data yet").is_visible()
    shown.show(np.zeros((3, 3), dtype="f4"))
    assert not shown.page.get_by_text("no data yet").is_visible()
    shown.set(busy="kernel busy")
    assert shown.page.get_by_text("kernel busy").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(shown: Shown, scheme: Any) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="wants the dependency group `browser`")
    shown.page.emulate_media(color_scheme=scheme)
    y, x = np.mgrid[:64, :64].astype("f4")
    curve = np.arange(30.0)
    pictures: list[tuple[Any, dict[str, Any]]] = [
        (y, {"kind": "image", "stage": "partial", "label": "30 %"}),
        (np.stack([y, x]), {"kind": "field"}),
        (curve, {"kind": "curve", "size": [30], "axes": axes()[:1]}),
    ]
    for pixels, facts in pictures:
        shown.show(pixels, **facts)
        shown.set(
            position={"y": 3, "x": 4},
            region={"kind": "ring", "cy": 30, "cx": 30, "ri": 10, "ro": 20},
            line={"y0": 1, "x0": 1, "y1": 9, "x1": 60},
            handles=[{"id": "r", "label": "disk", "y": {"name": "cy", "value": 20}, "x": {"name": "cx", "value": 30}}],
        )
        results = axe.Axe().run(shown.page)
        assert results.violations_count == 0, results.generate_report()


def test_a_small_viewer_gives_its_room_to_the_picture(ramp: Shown) -> None:
    legend = ramp.page.locator("#viewer .legend")
    assert legend.is_visible()
    ramp.run("Object.assign(viewer.style, { width: '240px', height: '240px' })")
    ramp.until("viewer.scene.view.pane[1] > 230")
    assert not legend.is_visible()
    status = ramp.page.locator("#viewer .status").bounding_box()
    chip = ramp.page.locator("#viewer .chip").bounding_box()
    assert status is not None
    assert chip is not None
    assert chip["x"] + chip["width"] < status["x"] + status["width"]
