"""Every axis of a data set has a name of its own, whatever the file calls its axes."""

import numpy as np
from hypothesis import given, strategies as st

import lamella
from lamella.reader.metadata import Axis, named_axes

NAMES = st.sampled_from(["x", "y", "kx", "nav_x", "sig_x", "frame", "scan_x", "x_2", "sig0"])


@given(st.lists(NAMES, max_size=4), st.lists(NAMES, max_size=4), st.booleans(), st.booleans())
def test_names_differ_and_come_with_what_the_file_says(nav: list[str], sig: list[str], a: bool, b: bool) -> None:
    told = [Axis(name, 2.0, i, "nm") for i, name in enumerate(nav)], [Axis(name, 3.0, 1.0, "mrad") for name in sig]
    axes = named_axes(told[0] if a else (), [5] * len(nav), told[1] if b else (), [7] * len(sig))
    assert len(axes) == len(nav) + len(sig)
    assert len({axis.name for axis in axes}) == len(axes)
    for axis, given_axis in zip(axes, (*told[0], *told[1]), strict=True):
        kept = a if given_axis.units == "nm" else b
        assert (axis.scale, axis.offset, axis.units) == (
            (given_axis.scale, given_axis.offset, given_axis.units) if kept else (1.0, 0.0, None)
        )


def test_first_names_stay() -> None:
    axes = named_axes([Axis("x")], [3], [Axis("y"), Axis("x")], [4, 5])
    assert [axis.name for axis in axes] == ["x", "y", "sig_x"]


def test_a_series_of_images_counts_frames() -> None:
    axes = named_axes((), [3], [Axis("y", 0.1, 0, "nm"), Axis("x", 0.1, 0, "nm")], [4, 5])
    assert [axis.name for axis in axes] == ["frame", "y", "x"]


def test_a_scan_has_the_usual_names() -> None:
    ds = lamella.open(np.zeros((2, 3, 4, 5), np.uint8))
    assert [axis.name for axis in ds.axes] == ["y", "x", "ky", "kx"]
