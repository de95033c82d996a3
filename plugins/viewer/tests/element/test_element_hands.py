"""What hands do on a picture: handles, the cross, regions; with the mouse and with keys."""

from typing import Any

import numpy as np
import pytest

from .conftest import Shown

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
