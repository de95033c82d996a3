"""Panels as HTML: what is drawn where, and texts that stay texts."""

import base64
import io
import re
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from lamella.plot.html import panel_html, thumbnail_html
from lamella.plot.panels import Circle, Cross, Kind, Panel
from lamella.reader.metadata import Axis

NM = (Axis("y", 0.5, units="nm"), Axis("x", 0.5, units="nm"))
LINES = (Axis("x", 2.0, units="nm"), Axis("energy", 0.5, -10.0, "eV"))
HOSTILE = "</style><script>alert(1)</script>\"'&\x1b[31m\u202e"


def panel(data: Any = None, kind: Kind = "image", **look: Any) -> Panel:
    data = np.arange(64.0).reshape(8, 8) if data is None else np.asarray(data)
    return Panel(kind=kind, title="Title", data=data, **{"axes": NM, "limits": (0, 63)} | look)


def tree(shown: Panel, letter: str = "") -> ET.Element:
    return ET.fromstring(panel_html(shown, letter))


def texts(element: ET.Element) -> list[str]:
    return [text.text or "" for text in element.iter("text")]


def picture(address: str) -> np.ndarray:
    pil = pytest.importorskip("PIL.Image")
    head, _, data = address.partition(",")
    assert head == "data:image/png;base64"
    with pil.open(io.BytesIO(base64.b64decode(data))) as read:
        return np.asarray(read)


def test_an_image_holds_its_pixels() -> None:
    image = next(tree(panel()).iter("image"))
    np.testing.assert_array_equal(picture(image.get("href", ""))[0, :, 0], np.arange(8) * 256 // 63)
    assert (image.get("width"), image.get("height")) == ("300", "300")


def test_marks_are_where_they_should_be() -> None:
    shown = tree(panel(marks=(Circle(3.5, 1.5, 2), Circle(3.5, 1.5, 3, "--"), Cross(0, 7))))
    rings = [ring.attrib for ring in shown.iter("ellipse")]
    scale = 300 / 8
    assert [float(rings[0][name]) for name in ("cy", "cx", "ry", "rx")] == [4 * scale, 2 * scale, 2 * scale, 2 * scale]
    assert ["stroke-dasharray" in ring for ring in rings] == [False, False, True, True]
    (cross, *_) = [path.get("d", "") for path in shown.iter("path") if "h16" in path.get("d", "")]
    assert cross.endswith(f"M{7.5 * scale:.2f} {0.5 * scale - 8:.2f}v16")


def test_a_scale_bar_is_as_long_as_it_says() -> None:
    shown = tree(panel(np.zeros((100, 100))))
    assert "10 nm" in texts(shown)
    bar = [float(rect.get("width", "0")) for rect in shown.iter("rect") if rect.get("height") == "5"]
    assert bar == [10 / 0.5 * 300 / 100]


def test_powers_of_ten_lie_at_their_heights_on_a_colour_bar() -> None:
    shown = tree(panel(scale="log", limits=(1, 1000), quantity="counts"))
    seen = {text.text: float(text.get("y", "0")) for text in shown.iter("text")}
    heights = [seen[power] - 4 for power in ("10³", "10²", "10", "1")]
    np.testing.assert_allclose(np.diff(heights), 300 / 3, atol=0.1)
    assert texts(shown)[-1] == "counts"


def test_lines_have_ticks_and_no_scale_bar() -> None:
    shown = tree(panel(np.zeros((4, 60)), axes=LINES))
    assert {"x [nm]", "energy [eV]", "−10", "0", "10"} <= set(texts(shown))
    assert not [text for text in shown.iter("text") if text.get("class") == "on"]


def test_a_curve_goes_through_its_values_and_has_gaps() -> None:
    values = np.array([0.0, 5.0, np.nan, 10.0, 0.0])
    shown = tree(panel(values, "curve", axes=LINES[1:], limits=(0, 10), quantity="counts"))
    (line,) = [path.get("d", "") for path in shown.iter("path") if path.get("stroke-linejoin")]
    points = [tuple(map(float, point.split())) for point in re.split("[ML]", line)[1:]]
    assert re.sub(r"[^ML]", "", line) == "MLML"
    np.testing.assert_allclose([y for _, y in points], [179.5, 90, 0.5, 179.5], atol=0.1)
    np.testing.assert_allclose([x for x, _ in points], np.array([0, 1, 3, 4]) / 4 * 299 + 0.5, atol=0.1)
    assert {"counts", "energy [eV]"} <= set(texts(shown))


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("field", np.ones((2, 4, 5))),
        ("rgba", np.full((4, 5, 4), 99, np.uint8)),
        ("image", np.full((4, 5), np.nan)),
        ("image", np.zeros((1, 900))),
        ("image", np.zeros((900, 1))),
        ("image", np.zeros((0, 3))),
        ("curve", np.full(9000, np.nan)),
        ("curve", np.zeros(0)),
    ],
)
@pytest.mark.parametrize("axes", [NM, LINES])
def test_every_panel_is_a_tree_and_has_a_thumbnail(kind: Kind, data: Any, axes: Any) -> None:
    axes = axes[:1] if kind == "curve" else axes
    shown = panel(data, kind, axes=axes, note="A note.")
    assert tree(shown, "a").find("figcaption") is not None
    small = ET.fromstring(thumbnail_html(shown).replace('">', '"/>') if kind != "curve" else thumbnail_html(shown))
    assert 0 < int(small.get("width", "0")) <= 96
    assert 0 < int(small.get("height", "0")) <= 96


def test_a_table_has_headings_and_cells() -> None:
    shown = tree(Panel(kind="table", title="Facts", rows=(("name", "value"), ("<b>", "1"))), "b")
    assert [cell.text for cell in shown.iter("th")] == ["name", "value"]
    assert [cell.text for cell in shown.iter("td")] == ["<b>", "1"]
    assert "".join(shown[0].itertext()) == "(b) Facts"


def test_hostile_text_stays_text() -> None:
    axes = (Axis(HOSTILE, 2.0, units=HOSTILE), Axis("x", 1.0, units="s"))
    look: dict[str, Any] = {"quantity": HOSTILE, "unit": HOSTILE, "note": HOSTILE}
    made = [
        Panel(kind="image", title=HOSTILE, data=np.zeros((3, 4)), axes=axes, **look),
        Panel(kind="image", title=HOSTILE, data=np.zeros((3, 4)), axes=(axes[0], axes[0]), **look),
        Panel(kind="curve", title=HOSTILE, data=np.arange(3.0), axes=axes[:1], limits=(0, 3), **look),
        Panel(kind="field", title=HOSTILE, data=np.zeros((2, 3, 4)), axes=axes, **look),
        Panel(kind="table", title=HOSTILE, rows=((HOSTILE, HOSTILE), (HOSTILE,))),
    ]
    for shown in made:
        html = panel_html(shown, "a") + thumbnail_html(shown)
        assert "<script" not in html
        assert "</style" not in html
        assert "\x1b" not in html
        assert "\u202e" not in html
        names = {element.tag for element in tree(shown).iter()}
        assert "script" not in names
