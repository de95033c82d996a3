"""What a picture looks like on the screen: places, colours, scales, unknown pixels."""

from typing import Any

import numpy as np
import pytest

from lamella.plot.colours import COLOUR_MAPS, colour_table, field_colours, mapped
from lamella.plot.panels import Scale

from .conftest import Shown, axes

pytestmark = pytest.mark.browser


@pytest.fixture(params=["webgl2", "canvas"])
def painted(shown: Shown, request: pytest.FixtureRequest) -> Shown:
    """The element, drawing with the graphics card and without."""
    shown.run("window.viewer.setAttribute('painter', value)", request.param)
    shown.show(np.zeros((2, 2), dtype="f4"))
    assert shown.run("window.viewer.painter") == request.param
    return shown


def near(shown: Any, expected: Any) -> None:
    """Compare colours; one step of a map may lie between numbers of 32 and of 64 bits."""
    np.testing.assert_allclose(np.asarray(shown, dtype=int), np.asarray(expected, dtype=int), atol=6)


def test_rows_go_down_and_columns_to_the_right(painted: Shown) -> None:
    pixels = np.arange(24, dtype="f4").reshape(4, 6)
    painted.show(pixels)
    places = [(y, x) for y in range(4) for x in range(6)]
    near([red for red, _, _ in painted.colours(places)], (pixels / 23 * 255).astype(int).reshape(-1))


def test_colours_are_those_of_python(painted: Shown) -> None:
    pixels = np.geomspace(1, 1000, 40).reshape(4, 10)
    places = [(y, x) for y in range(4) for x in range(10)]
    looks: list[tuple[Scale, tuple[float, float], str]] = [
        ("linear", (0, 500), "viridis"),
        ("log", (3, 800), "inferno"),
        ("balanced", (-1000, 1000), "RdBu_r"),
    ]
    for scale, limits, colours in looks:
        painted.show(pixels, scale=scale, range=limits, colours=colours)
        near(painted.colours(places), mapped(pixels, scale, limits, colours)[..., :3].reshape(-1, 3))
    painted.set(scale="gamma", gamma=0.5, range=[0, 1000], colours="cividis")
    near(painted.colours(places), colour_table("cividis")[(np.sqrt(pixels / 1000) * 255.99).astype(int)].reshape(-1, 3))


def test_fields_have_the_colours_of_python(painted: Shown) -> None:
    y, x = np.mgrid[-2:3, -3:4].astype("f4")
    painted.show(np.stack([y, x]), kind="field", range=[0, 3], unit="px")
    places = [(i, j) for i in range(5) for j in range(7)]
    near(painted.colours(places), field_colours(y, x, 3)[..., :3].reshape(-1, 3))
    assert painted.run("window.viewer.valueAt(4, 6)") == [2, 3]


def test_colour_pictures_are_shown_as_they_are(painted: Shown) -> None:
    pixels = np.zeros((2, 3, 4), dtype="u1")
    pixels[..., 3], pixels[0, 1], pixels[1, 2] = 255, (10, 200, 30, 255), (250, 0, 120, 255)
    painted.show(pixels, kind="rgba", size=[2, 3])
    near(painted.colours([(0, 1), (1, 2), (1, 0)]), [(10, 200, 30), (250, 0, 120), (0, 0, 0)])


def test_what_is_not_known_is_hatched(painted: Shown) -> None:
    pixels = np.full((3, 4), 5, dtype="f4")
    pixels[0, 0] = np.nan
    valid = np.ones((3, 4), dtype=np.bool_)
    valid[2, 3] = False
    painted.show(pixels, valid, range=[0, 5])
    for y, x in [(0, 0), (2, 3)]:
        stripes = painted.colours([(y + d, x + d) for d in np.linspace(-0.3, 0.3, 40)])
        assert {round(red / 20) for red, _, _ in stripes} == {5, 7}
        assert painted.run(f"window.viewer.valueAt({y}, {x})") is None
    assert painted.colours([(1, 1)]) == [(255, 255, 255)]


def test_numbers_that_are_not_finite_do_not_hide_others(painted: Shown) -> None:
    pixels = np.array([[np.inf, -np.inf, 2.0, 1e30]])
    painted.show(pixels, range=[0, 4], extremes=[2, 1e30])
    assert [red for red, _, _ in painted.colours([(0, 0), (0, 1), (0, 2), (0, 3)])] == [255, 0, 128, 255]


def test_small_differences_of_large_numbers_are_seen(painted: Shown) -> None:
    pixels = 1e9 + np.array([[0.0, 1.0, 2.0, 3.0]])
    painted.show(pixels, range=[1e9, 1e9 + 3], extremes=[1e9, 1e9 + 3])
    near([red for red, _, _ in painted.colours([(0, 0), (0, 1), (0, 2), (0, 3)])], [0, 85, 170, 255])


def test_a_coarse_grid_is_drawn_as_blocks_of_the_whole(shown: Shown) -> None:
    """Each fourth position of 10 x 10: the last block reaches beyond the scan and is cut."""
    coarse = np.arange(9, dtype="f4").reshape(3, 3)
    shown.show(coarse, size=[10, 10], box=[0, 0, 10, 10], step=[4, 4], range=[0, 8], stage="coarse", label="1/16")
    corners = [(0, 0), (3, 3), (4, 3), (3, 4), (7, 7), (8, 8), (9, 9)]
    expected = [0, 0, 3, 1, 4, 8, 8]
    near([red for red, _, _ in shown.colours(corners)], [colour_table("gray")[min(255, 32 * n)][0] for n in expected])
    assert shown.run("window.viewer.valueAt(9, 4)") == 7
    assert shown.page.locator("#viewer").get_by_text("1/16", exact=True).is_visible()


def test_a_part_of_a_large_picture_lies_where_it_belongs(shown: Shown) -> None:
    shown.show(np.full((2, 2), 1, dtype="f4"), size=[8, 8], box=[4, 2, 8, 6], range=[0, 1])
    assert [red for red, _, _ in shown.colours([(4, 2), (7, 5), (3, 2), (7, 6)])] == [255, 255, 0, 0]


def test_pixels_have_their_true_shape(shown: Shown) -> None:
    shown.show(np.zeros((10, 10), dtype="f4"), axes=axes(0.5, "nm", tall=3))
    (top, left), (bottom, right) = shown.screen((-0.5, -0.5)), shown.screen((9.5, 9.5))
    assert (bottom - top) / (right - left) == pytest.approx(3)


def test_a_finer_screen_gets_finer_pictures(painted: Shown) -> None:
    pixels = np.arange(24, dtype="f4").reshape(4, 6)
    painted.show(pixels)
    screen = {"width": 1000, "height": 700, "deviceScaleFactor": 2, "mobile": False}
    painted.page.context.new_cdp_session(painted.page).send("Emulation.setDeviceMetricsOverride", screen)
    painted.set(range=[0, 23])
    canvas = painted.run("(({ width, clientWidth }) => width / clientWidth)(viewer.scene.screen.canvas)")
    assert canvas == pytest.approx(2, abs=0.01)
    places = [(y, x) for y in range(4) for x in range(6)]
    near([red for red, _, _ in painted.colours(places)], (pixels / 23 * 255).astype(int).reshape(-1))


def test_many_pixels_for_one_of_the_screen_are_averaged(painted: Shown) -> None:
    """A single bright pixel among many, such as a reflection, does not vanish; stripes become grey."""
    pixels = np.zeros((2000, 1990), dtype="f4")
    pixels[:, :900:2] = 1
    pixels[1500, 1500] = np.nan
    pixels[1501, 1501] = 100
    painted.show(pixels, range=[0, 1])
    reds = [red for red, _, _ in painted.colours([(y, y % 800 + 50) for y in range(100, 1900, 50)])]
    assert 90 < np.mean(reds) < 165
    assert np.ptp(reds) < 80
    around = painted.colours([(y, x) for y in range(1496, 1507) for x in range(1496, 1507)])
    assert max(red for red, _, _ in around) == 255
    assert painted.colours([(1700, 1700)]) == [(0, 0, 0)]
    painted.run("viewer.box = [1496, 1496, 1506, 1506]")  # near by, each pixel is its own
    painted.painted()
    assert [red for red, _, _ in painted.colours([(1501, 1501), (1501, 1502)])] == [255, 0]


def test_tables_of_colours_are_those_of_python(shown: Shown) -> None:
    names = [*COLOUR_MAPS, "viridis_r", "RdBu", "gray_r"]
    tables = shown.run(
        "import('/static/maps.js').then((maps) => value.map((name) => [...maps.colourTable(name)]))", names
    )
    for name, table in zip(names, tables, strict=True):
        np.testing.assert_array_equal(np.reshape(table, (256, 4))[:, :3], colour_table(name), err_msg=name)


def test_a_processor_does_not_stand_in_for_a_graphics_card(shown: Shown) -> None:
    """The program that draws for a graphics card is slower than a canvas; this browser has one, or a real card."""
    shown.show(np.zeros((2, 2), dtype="f4"))
    card = shown.run(
        "import('/static/painter_gl.js').then((one) => new one.GraphicsPainter(true)).then(({ gl }) => gl)"
        ".then((gl) => gl.getParameter(gl.getExtension('WEBGL_debug_renderer_info').UNMASKED_RENDERER_WEBGL))"
    )
    assert shown.run("window.viewer.painter") == ("canvas" if "SwiftShader" in card else "webgl2")


def test_a_lost_graphics_card_is_replaced(shown: Shown) -> None:
    shown.run("window.viewer.setAttribute('painter', 'webgl2')")
    shown.show(np.full((4, 4), 7, dtype="f4"), range=[0, 7])
    assert shown.run("window.viewer.painter") == "webgl2"
    shown.run(
        "window.viewer.shadowRoot.querySelector('canvas').getContext('webgl2').getExtension('WEBGL_lose_context').loseContext()"
    )
    shown.until("window.viewer.painter === 'canvas'")
    assert shown.colours([(1, 1)]) == [(255, 255, 255)]


def test_many_viewers_draw_on_one_page(shown: Shown, page_faults: list[str]) -> None:
    """Browsers give a page about 16 contexts of the graphics card; further ones draw without."""
    shown.run("window.viewer.setAttribute('painter', 'webgl2')")
    shown.show(np.full((2, 2), 3, dtype="f4"), range=[0, 3])
    shown.run(
        "await Promise.all(Array.from({ length: 20 }, () => {"
        "  const one = document.createElement('lamella-viewer');"
        "  one.setAttribute('painter', 'webgl2');"
        "  document.querySelector('main').append(one);"
        "  return one.show(window.viewer.frame);"
        "}))"
    )
    shown.until("[...document.querySelectorAll('lamella-viewer')].some((one) => one.painter === 'canvas')")
    assert shown.colours([(0, 0), (1, 1)]) == [(255, 255, 255)] * 2
    assert all("Too many active WebGL contexts" in one for one in page_faults)
    page_faults.clear()


def test_a_newer_frame_takes_the_place_of_one_that_waits(shown: Shown) -> None:
    shown.show(np.zeros((2, 2), dtype="f4"), lane="scan", id=5)
    drawn = shown.run(
        "(({ frame }) => Promise.all(["
        "  viewer.show({ ...frame, header: { ...frame.header, id: 6 } }),"
        "  viewer.show({ ...frame, header: { ...frame.header, id: 7 } }),"
        "  viewer.show({ ...frame, header: { ...frame.header, id: 6 } }),"
        "]))(window.viewer)"
    )
    assert drawn == [False, True, False]
    assert shown.run("window.viewer.frame.header.id") == 7
