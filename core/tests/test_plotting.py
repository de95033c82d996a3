"""Figures: panels that say what they show, whatever the values are."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lamella.plot.pictures import Circle, Cross, Panel, draw, nice_length, save
from lamella.reader.metadata import Axis

pytest.importorskip("matplotlib")

NM = (Axis("y", 2.0, units="nm"), Axis("x", 2.0, units="nm"))
PLAIN = (Axis("y"), Axis("x"))
RAMP = np.arange(600.0).reshape(20, 30)


def texts(panel: Panel) -> list[str]:
    place = draw([panel]).axes[0]
    return [text.get_text() for text in place.texts]


def test_a_scale_bar_has_the_unit_of_the_axis_and_a_round_length() -> None:
    assert texts(Panel(title="a", values=RAMP, axes=NM)) == ["10 nm"]


def test_a_scale_bar_is_as_long_as_it_says() -> None:
    (bar,) = draw([Panel(title="a", values=RAMP, axes=NM)]).axes[0].patches
    assert bar.get_width() == 10 / 2.0  # type: ignore[attr-defined]


def test_reciprocal_units_are_written_as_people_write_them() -> None:
    axes = (Axis("ky", 0.1, units="1/nm"), Axis("kx", 0.1, units="1/nm"))
    assert texts(Panel(title="a", values=RAMP, axes=axes)) == ["0.5 nm⁻¹"]


def test_axes_without_calibration_have_a_bar_in_pixels() -> None:
    assert texts(Panel(title="a", values=RAMP, axes=PLAIN)) == ["5 px"]


def test_pixels_that_are_not_square_are_shown_so() -> None:
    axes = (Axis("y", 4.0, units="nm"), Axis("x", 2.0, units="nm"))
    assert draw([Panel(title="a", values=RAMP, axes=axes)]).axes[0].get_aspect() == 2.0


def test_several_panels_are_lettered_and_one_is_not() -> None:
    panel = Panel(title="a", values=RAMP, axes=NM)
    letters = [place.get_title(loc="left") for place in draw([panel] * 4).axes if place.get_title()]
    assert letters == ["(a)", "(b)", "(c)", "(d)"]
    assert draw([panel]).axes[0].get_title(loc="left") == ""


def test_the_colour_bar_says_what_is_shown() -> None:
    figure = draw([Panel(title="a", values=RAMP, axes=NM, label="counts")])
    (bar,) = figure.axes[0].child_axes
    assert bar.get_ylabel() == "counts"


def test_signed_values_are_balanced_around_zero() -> None:
    (image,) = draw([Panel(title="a", values=RAMP - 100, axes=NM, scale="balanced")]).axes[0].images
    low, high = image.get_clim()
    assert low == -high


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
    panel = Panel(title="a", values=values, axes=NM, scale=scale)  # type: ignore[arg-type]
    save(draw([panel]), tmp_path / "a.png", dpi=40)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_a_curve_has_the_unit_of_its_axis(scale: str, tmp_path: Path) -> None:
    axis = Axis("x", 2.0, offset=10.0, units="nm")
    figure = draw([Panel(title="a", values=np.arange(5.0), axes=(axis,), label="counts", scale=scale)])  # type: ignore[arg-type]
    save(figure, tmp_path / "a.png", dpi=40)
    (place,) = figure.axes
    assert (place.get_xlabel(), place.get_ylabel()) == ("x [nm]", "counts")
    assert place.lines[0].get_xdata()[-1] == 18.0  # type: ignore[index]


def test_marks_are_drawn(tmp_path: Path) -> None:
    marks = (Circle(10, 12, 4), Circle(10, 12, 8, "--"), Cross(3, 4))
    save(draw([Panel(title="a", values=RAMP, axes=NM, marks=marks)], caption="b"), tmp_path / "a.png", dpi=40)


def test_drawing_leaves_the_state_of_pyplot_alone() -> None:
    code = """
import sys, numpy as np
from lamella.reader.metadata import Axis
from lamella.plot.pictures import Panel, draw
draw([Panel(title="a", values=np.ones((3, 4)), axes=(Axis("y"), Axis("x")))])
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("about", [1e-9, 0.03, 1.0, 5.0, 49.9, 123456.0])
def test_nice_lengths_are_round_and_not_longer(about: float) -> None:
    length = nice_length(about)
    assert about / 2.6 < length <= about * 1.0001
    assert f"{length:.0e}"[0] in "125"
