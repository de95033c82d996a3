"""What hands do on a picture: handles, the cross, regions; with the mouse and with keys."""

from typing import Any

import numpy as np
import pytest

from lamella_viewer.live import region_mask

from .conftest import Shown, axes

pytestmark = pytest.mark.browser

RING = {
    "id": "ring",
    "label": "ring",
    "y": {"name": "cy", "value": 50},
    "x": {"name": "cx", "value": 50},
    "radii": [
        {"name": "ri", "value": 10, "label": "inner radius"},
        {"name": "ro", "value": 30, "label": "outer radius"},
    ],
}


@pytest.fixture
def ring(shown: Shown) -> Shown:
    shown.show(np.zeros((101, 101), dtype="f4"))
    shown.set(handles=[RING])
    return shown


def values(events: list[dict[str, Any]]) -> dict[str, float]:
    return {name: value for event in events for name, value in event["values"].items()}


def test_dragging_the_centre_tells_where_it_is(ring: Shown) -> None:
    ring.drag((50, 50), (60, 70), (40, 20))
    events = ring.told("handle")
    assert events[-1] == {"id": "ring", "values": {"cy": 40, "cx": 20}, "live": False}
    assert len(events) > 2
    assert all(event["live"] for event in events[:-1])


def test_a_ring_is_dragged_by_its_outline(ring: Shown) -> None:
    ring.drag((50 + 30 * 0.6, 50 + 30 * 0.8), (50 + 45 * 0.6, 50 + 45 * 0.8))
    assert values(ring.told("handle")) == {"ro": 45}
    ring.drag((50, 40), (50, 0))  # the inner one ends at the outer one
    assert values(ring.told("handle"))["ri"] == 45


def test_keys_move_the_handle_that_has_the_focus(ring: Shown) -> None:
    page = ring.page
    centre = page.get_by_role("slider", name="ring centre")
    centre.focus()
    for key in ("ArrowRight", "Shift+ArrowDown", "Alt+ArrowLeft", "]", "Shift+["):
        page.keyboard.press(key)
    assert values(ring.told("handle")) == {"cy": 60, "cx": 50.9, "ro": 21}
    assert all(not event["live"] for event in ring.told("handle"))
    page.keyboard.press("Tab")
    assert page.get_by_role("slider", name="ring inner radius").evaluate("one => one.matches(':focus')")
    page.keyboard.press("ArrowUp")
    assert values(ring.told("handle"))["ri"] == 11


def test_the_picture_is_picked_by_press_drag_and_arrows(shown: Shown) -> None:
    shown.show(np.zeros((20, 30), dtype="f4"))
    shown.set(tool="pick")
    shown.drag((3, 4), (3, 4.4), (12.6, 25.2))
    picks = shown.told("pick")
    assert picks[0] == {"y": 3, "x": 4, "live": True}
    assert picks[-1] == {"y": 13, "x": 25, "live": False}
    shown.page.keyboard.press("ArrowUp")
    shown.page.keyboard.press("Shift+ArrowRight")
    assert shown.told("pick")[-1] == {"y": 12, "x": 29, "live": False}
    assert shown.run("window.viewer.position") == {"y": 12, "x": 29}


def test_escape_takes_a_drag_back(ring: Shown) -> None:
    ring.page.mouse.move(*ring.at(50, 50))
    ring.page.mouse.down()
    ring.page.mouse.move(*ring.at(80, 80), steps=3)
    ring.painted()
    ring.page.keyboard.press("Escape")
    ring.page.mouse.up()
    assert ring.told("handle")[-1] == {"id": "ring", "values": {"cy": 50, "cx": 50}, "live": False}
    assert ring.run("window.viewer.handles") == [RING]


def test_a_handle_that_is_held_keeps_what_the_hand_gives_it(ring: Shown) -> None:
    """The page sets handles anew with each answer of the server, which is late."""
    ring.page.mouse.move(*ring.at(50, 50))
    ring.page.mouse.down()
    ring.page.mouse.move(*ring.at(70, 60), steps=2)
    ring.set(handles=[RING, {**RING, "id": "other", "label": "other"}])
    assert ring.run("window.viewer.handles.map((one) => one.y.value)") == [70, 50]
    ring.page.mouse.up()
    ring.set(handles=[RING])
    assert ring.run("window.viewer.handles.map((one) => one.y.value)") == [50]
    assert ring.page.get_by_role("slider", name="ring centre").evaluate("one => one.matches(':focus')")


def test_handles_that_are_read_only_are_outlines(shown: Shown) -> None:
    shown.show(np.zeros((101, 101), dtype="f4"))
    shown.set(handles=[{**RING, "readonly": True}])
    shown.drag((50, 80), (50, 95))
    assert shown.told("handle") == []
    assert shown.page.get_by_role("slider", name="ring").count() == 0
    assert shown.colours([(50 + 30 * 0.6, 50 + 30 * 0.8)])[0][0] > 200  # amber


def test_an_angle_is_turned(shown: Shown) -> None:
    shown.show(np.zeros((101, 101), dtype="f4"))
    angle = {"name": "turn", "value": 0, "label": "rotation"}
    shown.set(handles=[{"id": "com", "label": "scan", "angle": angle, "centre": {"y": 50, "x": 50}}])
    shown.drag((50, 75), (75, 50))
    turned = values(shown.told("handle"))["turn"]
    assert turned == pytest.approx(90, abs=1)
    shown.page.keyboard.press("Shift+ArrowRight")
    assert values(shown.told("handle")) == {"turn": turned + 10}


REGIONS = [
    ("rect", [(5, 6), (14, 25)], {"kind": "rect", "y0": 5, "x0": 6, "y1": 15, "x1": 26}),
    ("disk", [(20, 20), (20, 30)], {"kind": "disk", "cy": 20, "cx": 20, "r": 10}),
    ("ring", [(20, 20), (30, 20)], {"kind": "ring", "cy": 20, "cx": 20, "ri": 5, "ro": 10}),
]


def test_regions_are_drawn_as_the_server_takes_them(shown: Shown) -> None:
    shown.show(np.zeros((41, 41), dtype="f4"))
    for tool, path, expected in REGIONS:
        shown.set(region=None, tool=tool)
        shown.drag(path[0], *path[1:])
        assert shown.told("region")[-1] == {"region": expected, "live": False}
        assert region_mask(expected, (41, 41)) is not None
    shown.set(region=None, tool="polygon")
    shown.drag((5, 5), (5, 30), (30, 30), (5, 5))
    drawn = shown.told("region")[-1]["region"]
    mask = region_mask(drawn, (41, 41))
    assert mask is not None
    assert [bool(mask[place]) for place in [(10, 25), (25, 10), (35, 35)]] == [True, False, False]


def test_a_region_is_moved_changed_and_removed(shown: Shown) -> None:
    shown.show(np.zeros((41, 41), dtype="f4"))
    shown.set(region={"kind": "rect", "y0": 10, "x0": 10, "y1": 20, "x1": 30}, tool="rect")
    shown.drag((14.5, 9.5), (19.5, 11.5))  # by its outline
    assert shown.told("region")[-1]["region"] == {"kind": "rect", "y0": 15, "x0": 12, "y1": 25, "x1": 32}
    page = shown.page
    page.get_by_role("slider", name="region, lower right corner").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+ArrowLeft")
    assert shown.told("region")[-1]["region"] == {"kind": "rect", "y0": 15, "x0": 12, "y1": 26, "x1": 22}
    page.keyboard.press("Delete")
    assert shown.told("region")[-1] == {"region": None, "live": False}
    page.keyboard.press("Enter")  # keys alone make a region too
    assert shown.told("region")[-1]["region"] == {"kind": "rect", "y0": 15, "x0": 15, "y1": 26, "x1": 26}


def test_a_line_gives_a_profile(shown: Shown) -> None:
    y, x = np.mgrid[:21, :31].astype("f4")
    shown.show(10 * y + x, axes=axes(0.5, "nm"), unit="counts")
    shown.set(tool="line")
    shown.drag((2, 3), (2, 23))
    assert shown.told("line")[-1] == {"line": {"y0": 2, "x0": 3, "y1": 2, "x1": 23}, "live": False}
    profile = shown.run("(({ header, pixels }) => ({ header, pixels: [...pixels] }))(window.viewer.lineProfile())")
    assert profile["pixels"] == pytest.approx(np.arange(23, 44))
    assert profile["header"]["axes"] == [{"name": "distance", "scale": 0.5, "offset": 0, "unit": "nm"}]
    radial = shown.run("[...window.viewer.radialProfile({ y: 10, x: 15 }).pixels]")
    assert radial[0] == 115
    assert radial[1] == pytest.approx(115)
    rings = 100 - np.rint(np.hypot(y - 12, x - 9))
    shown.show(rings[4:20, 4:24], size=[21, 31], box=[4, 4, 20, 24])  # a part, and means over blocks
    radial = shown.run("[...viewer.radialProfile({ y: 12, x: 9 }).pixels]")
    np.testing.assert_allclose(radial[:10], 100 - np.arange(10))
    blocks = rings[:20, :30].reshape(10, 2, 15, 2).mean(axis=(1, 3))
    shown.show(blocks, size=[21, 31], box=[0, 0, 20, 30])
    radial = np.array(shown.run("[...viewer.radialProfile({ y: 12, x: 9 }).pixels]"))
    np.testing.assert_allclose(radial[2:10], 100 - np.arange(2, 10), atol=0.8)
    shown.page.get_by_role("slider", name="line, second end").focus()
    shown.page.keyboard.press("ArrowDown")
    assert shown.told("line")[-1]["line"]["y1"] == 3


def test_the_fourier_transform_is_that_of_numpy(shown: Shown) -> None:
    y, x = np.mgrid[:48, :64]
    image = (100 + 10 * np.cos(2 * np.pi * (y / 8 + x / 4))).astype("f4")
    valid = np.ones(image.shape, dtype=bool)
    valid[3:5, 7:9] = False
    shown.show(image, valid, axes=axes(0.5, "nm"))
    got = shown.run("(({ header, pixels }) => ({ header, pixels: [...pixels] }))(window.viewer.fourier())")
    fades = [np.sin(np.pi * (np.arange(n) + 0.5) / n) ** 2 for n in image.shape]
    faded = np.where(valid, image - image[valid].mean(), 0) * np.outer(*fades)
    expected = np.abs(np.fft.fftshift(np.fft.fft2(faded, (64, 64)))) / image.size
    np.testing.assert_allclose(np.reshape(got["pixels"], (64, 64)), expected, atol=1e-5)
    bright = np.unravel_index(np.argmax(expected), expected.shape)
    step = got["header"]["axes"][1]
    assert (step["unit"], abs(step["offset"] + bright[1] * step["scale"])) == ("1/nm", pytest.approx(1 / (4 * 0.5)))
    shown.show(image.reshape(24, 2, 32, 2).mean(axis=(1, 3)), size=[48, 64], axes=axes(0.5, "nm"))
    assert shown.run("window.viewer.fourier().header.axes[1].scale") == pytest.approx(1 / 32)
    shown.show(image, axes=axes(0.5, "1/nm"))
    assert shown.run("window.viewer.fourier().header.axes[1].unit") == "nm"


def test_a_pointer_in_another_picture_is_marked_and_tells_no_one(shown: Shown) -> None:
    shown.show(np.arange(400, dtype="f4").reshape(20, 20))
    shown.set(pointer={"y": 10, "x": 4})
    assert "204" in shown.run("window.viewer.shadowRoot.textContent")
    assert shown.run("window.viewer.shadowRoot.querySelector('path.dashed').getAttribute('d').length") > 20
    shown.set(pointer=None)
    assert shown.run("window.viewer.shadowRoot.querySelector('path.dashed').getAttribute('d')") == ""
    assert shown.told("cursor") == []


def test_zoom_and_pan_stay_when_the_next_frame_comes(shown: Shown) -> None:
    frame = np.arange(64 * 64, dtype="f4").reshape(64, 64)
    shown.show(frame)
    page = shown.page
    page.mouse.move(*shown.at(16, 16))
    page.mouse.wheel(0, -600)
    shown.painted()
    box = shown.run("window.viewer.box")
    assert box[2] - box[0] < 30
    assert box[0] < 16 < box[2]
    shown.show(frame * 2)
    assert shown.run("window.viewer.box") == box
    shown.drag((16, 16), (12, 12))
    moved = shown.run("window.viewer.box")
    assert [after - before for after, before in zip(moved, box, strict=True)] == pytest.approx([4] * 4, abs=1)
    shown.until(f"window.told.findLast((one) => one.name === 'view')?.box.join() === '{','.join(map(str, moved))}'")
    view = shown.told("view")[-1]
    assert view["size"][0] / (moved[2] - moved[0]) == pytest.approx(shown.run("window.viewer.scene.view.k"), rel=0.1)
    page.mouse.dblclick(*shown.at(16, 16))
    assert shown.run("window.viewer.box") == [0, 0, 64, 64]
    for key, width in (("+", 43), ("-", 64), ("0", 64)):
        page.keyboard.press(key)
        assert shown.run("window.viewer.box[2] - window.viewer.box[0]") == pytest.approx(width, abs=2)
    shown.show(frame[:32])
    assert shown.run("window.viewer.box") == [0, 0, 32, 64]


def test_the_cursor_is_told_with_its_value(shown: Shown) -> None:
    pixels = np.arange(20 * 30, dtype="f4").reshape(20, 30)
    shown.show(pixels, axes=axes(0.5, "nm"), unit="counts")
    shown.page.mouse.move(*shown.at(7, 11))
    shown.painted()
    assert shown.told("cursor")[-1] == {"y": 7, "x": 11, "value": pixels[7, 11]}
    assert shown.page.get_by_text("y 3.5, x 5.5 nm").is_visible()
    assert shown.page.get_by_text("(7, 11)").is_visible()
    assert shown.page.get_by_text(f"{pixels[7, 11]:g} counts").is_visible()
    shown.page.mouse.move(900, 650)
    shown.painted()
    assert shown.told("cursor")[-1] == {"y": None, "x": None, "value": None}


def test_statistics_of_a_region_are_told_and_count_what_the_server_selects(shown: Shown) -> None:
    pixels = np.random.default_rng(1).random((31, 41)).astype("f4")
    pixels[3:6, 20] = np.nan
    shown.show(pixels, unit="counts")
    regions: list[dict[str, Any]] = [
        {"kind": "rect", "y0": 12, "x0": 30, "y1": 2, "x1": 10},
        {"kind": "disk", "cy": 10.3, "cx": 20.1, "r": 7.4},
        {"kind": "ring", "cy": 15, "cx": 20, "ri": 3, "ro": 18.5},
        {"kind": "point", "y": 4.6, "x": 7.2},
        {"kind": "polygon", "points": [[1.5, 2.5], [1.5, 30.2], [25.1, 35], [14.2, 15], [28, 3]]},
    ]
    code = "import('/static/statistics.js').then((one) => one.regionStatistics(viewer.frame, value))"
    for region in regions:
        mask = region_mask(region, pixels.shape)
        assert mask is not None
        inside = pixels[mask & np.isfinite(pixels)].astype("f8")
        found = shown.run(code, region)
        assert found == pytest.approx({"count": inside.size, "mean": inside.mean(), "deviation": inside.std()})
    shown.set(region=regions[0])
    assert shown.page.get_by_text(f"region: {np.nanmean(pixels[2:12, 10:30]):.4g} ± ").is_visible()


def test_two_fingers_zoom(shown: Shown) -> None:
    shown.show(np.zeros((64, 64), dtype="f4"))
    shown.set(tool="pick")
    x, y = shown.at(30, 20)
    fingers = shown.page.context.new_cdp_session(shown.page)
    for kind, apart in (("touchStart", 20), ("touchMove", 40), ("touchMove", 60), ("touchEnd", 0)):
        places = [{"x": x + apart, "y": y, "id": 1}, {"x": x - apart, "y": y, "id": 2}] if apart else []
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})
        shown.painted()
    box = shown.run("viewer.box")
    assert box[2] - box[0] == pytest.approx(64 / 3, abs=2)
    assert shown.at(30, 20) == pytest.approx((x, y), abs=3)
    assert box[0] < 30 < box[2]
    assert box[1] < 20 < box[3]


def test_a_viewer_that_was_moved_on_the_page_goes_on(shown: Shown) -> None:
    for painter in ("webgl2", "canvas"):
        shown.run("viewer.setAttribute('painter', value)", painter)
        shown.show(np.full((8, 8), 3, dtype="f4"), range=[0, 3])
        shown.run("(window.parent_ = viewer.parentNode, viewer.remove())")
        shown.page.wait_for_timeout(50)
        shown.run("parent_.insertBefore(viewer, document.getElementById('colours'))")
        shown.painted()
        assert shown.colours([(4, 4)]) == [(255, 255, 255)]
        assert shown.run("viewer.painter") == painter
        assert shown.run("viewer.shadowRoot.querySelectorAll('.pane canvas').length") == 1
