"""Figures: panels that say what they show, whatever the values are."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamella.plot.figures import figure
from lamella.plot.panels import Circle, Cross, Panel
from lamella.reader.metadata import Axis

pytest.importorskip("matplotlib")

NM = (Axis("y", 2.0, units="nm"), Axis("x", 2.0, units="nm"))
PLAIN = (Axis("y"), Axis("x"))
RAMP = np.arange(600.0).reshape(20, 30)


def image(values: Any = RAMP, **look: Any) -> Panel:
    return Panel(kind="image", title="a", data=np.asarray(values), **{"axes": NM, "limits": (0, 599)} | look)


def texts(panel: Panel) -> list[str]:
    place = figure([panel]).axes[0]
    return [text.get_text() for text in place.texts]


def test_a_scale_bar_has_the_unit_of_the_axis_and_a_round_length() -> None:
    assert texts(image(RAMP, axes=NM)) == ["10 nm"]


def test_a_scale_bar_is_as_long_as_it_says() -> None:
    (bar,) = figure([image(RAMP, axes=NM)]).axes[0].patches
    assert bar.get_width() == 10 / 2.0  # type: ignore[attr-defined]


def test_reciprocal_units_are_written_as_people_write_them() -> None:
    axes = (Axis("ky", 0.1, units="1/nm"), Axis("kx", 0.1, units="1/nm"))
    assert texts(image(RAMP, axes=axes)) == ["0.5 nm⁻¹"]


def test_axes_without_calibration_have_a_bar_in_pixels() -> None:
    assert texts(image(RAMP, axes=PLAIN)) == ["5 px"]


def test_pixels_that_are_not_square_are_shown_so() -> None:
    axes = (Axis("y", 4.0, units="nm"), Axis("x", 2.0, units="nm"))
    assert figure([image(RAMP, axes=axes)]).axes[0].get_aspect() == 2.0


def test_several_panels_are_lettered_and_one_is_not() -> None:
    panel = image(RAMP, axes=NM)
    letters = [place.get_title(loc="left") for place in figure([panel] * 4).axes if place.get_title()]
    assert letters == ["(a)", "(b)", "(c)", "(d)"]
    assert figure([panel]).axes[0].get_title(loc="left") == ""


def test_the_colour_bar_says_what_is_shown() -> None:
    (bar,) = figure([image(quantity="counts")]).axes[0].child_axes
    assert bar.get_ylabel() == "counts"


def test_signed_values_are_balanced_around_zero() -> None:
    (shown,) = figure([image(RAMP - 100, scale="balanced", limits=(-500, 500))]).axes[0].images
    low, high = shown.get_clim()
    assert (low, high) == (-500, 500)


@pytest.mark.parametrize("scale", ["linear", "log", "balanced"])
@pytest.mark.parametrize(
    "values",
    [
        np.zeros((4, 5)),
        np.full((4, 5), np.nan),
        np.full((4, 5), -3.0),
        np.where(np.eye(5), np.nan, 7e12),
        np.array([[0, 1], [1000, 2]], dtype=np.uint16),
        np.ones((1, 1)),
    ],
    ids=["zeros", "nan", "negative", "holes", "whole numbers", "one pixel"],
)
def test_all_kinds_of_values_can_be_drawn(values: np.ndarray, scale: str, tmp_path: Path) -> None:
    panel = image(values, axes=NM, scale=scale)
    figure([panel]).savefig(tmp_path / "a.png", dpi=40)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_a_curve_has_the_unit_of_its_axis(scale: Any, tmp_path: Path) -> None:
    axis = Axis("x", 2.0, offset=10.0, units="nm")
    curve = Panel(
        kind="curve",
        title="a",
        data=np.arange(5.0),
        axes=(axis,),
        quantity="counts",
        scale=scale,
        limits=(0.5, 4),
    )
    made = figure([curve])
    made.savefig(tmp_path / "a.png", dpi=40)
    (place,) = made.axes
    assert (place.get_yscale(), place.get_ylim()) == (scale, (0.5, 4))
    assert (place.get_xlabel(), place.get_ylabel()) == ("x [nm]", "counts")
    assert place.lines[0].get_xdata()[-1] == 18.0  # type: ignore[index]


def test_marks_are_drawn(tmp_path: Path) -> None:
    marks = (Circle(10, 12, 4), Circle(10, 12, 8, "--"), Cross(3, 4))
    made = figure([image(marks=marks)], caption="b")
    made.savefig(tmp_path / "a.png", dpi=40)
    outlines: list[Any] = [patch for patch in made.axes[0].patches if hasattr(patch, "radius")]
    assert {(*outline.center, outline.radius) for outline in outlines} == {(12, 10, 4), (12, 10, 8)}


def test_each_kind_of_panel_becomes_axes() -> None:
    field = Panel(kind="field", title="field", data=np.ones((2, 3, 4)), axes=PLAIN, limits=(0, 2), unit="px")
    colours = Panel(kind="rgba", title="rgba", data=np.full((3, 4, 4), 90, np.uint8), axes=PLAIN)
    table = Panel(kind="table", title="table", rows=(("name", "value"), ("a", "1")))
    lines = image(axes=(Axis("x", 2.0, units="nm"), Axis("energy", 0.5, -3.0, "eV")), note="A note.")
    made = figure([field, colours, table, lines])
    assert [place.get_title() for place in made.axes] == ["field", "rgba", "table", "a"]
    assert [text.get_text() for text in made.axes[0].child_axes[0].texts] == ["≤ 2 px"]
    assert [cell.get_text().get_text() for cell in made.axes[2].tables[0].get_celld().values()] == [
        "name",
        "value",
        "a",
        "1",
    ]
    place = made.axes[3]
    assert (place.get_xlabel(), place.get_ylabel()) == ("energy [eV]", "x [nm]")
    assert place.get_xlim() == (-3.25, -3 + 29.5 * 0.5)
    assert [text.get_text() for text in made.texts] == ["A note."]


def test_a_notebook_shows_a_figure_as_one_picture() -> None:
    assert figure([image()])._repr_png_().startswith(b"\x89PNG")  # type: ignore[attr-defined]


def test_drawing_leaves_the_state_of_pyplot_alone() -> None:
    code = """
import sys, numpy as np
from lamella.plot import Panel, figure
figure([Panel(kind="image", title="a", data=np.ones((3, 4)))])
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
