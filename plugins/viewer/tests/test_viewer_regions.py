"""Regions of the scan as masks, compared with what each kind means, position by position."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from lamella.errors import ParameterError
from lamella_viewer.live import region_mask

SHAPE = (9, 11)
PLACE = st.floats(-3, 13, allow_nan=False).map(lambda value: round(value, 2))


def expected(inside: Any) -> np.ndarray:
    return np.array([[bool(inside(y, x)) for x in range(SHAPE[1])] for y in range(SHAPE[0])])


def check(region: dict[str, Any], inside: Any) -> None:
    wanted = expected(inside)
    if not wanted.any():
        with pytest.raises(ParameterError, match="no scan position") as caught:
            region_mask(region, SHAPE)
        assert caught.value.problems[0].field == "region"
        return
    np.testing.assert_array_equal(region_mask(region, SHAPE), wanted)


@given(PLACE, PLACE, PLACE, PLACE)
def test_rectangles_are_half_open(y0: float, x0: float, y1: float, x1: float) -> None:
    rows, columns = sorted((y0, y1)), sorted((x0, x1))
    region = {"kind": "rect", "y0": y0, "x0": x0, "y1": y1, "x1": x1}
    check(region, lambda y, x: rows[0] <= y < rows[1] and columns[0] <= x < columns[1])


@given(PLACE, PLACE, st.floats(0, 9), st.floats(0, 9))
def test_disks_and_rings_hold_what_is_near(cy: float, cx: float, ri: float, ro: float) -> None:
    check({"kind": "disk", "cy": cy, "cx": cx, "r": ro}, lambda y, x: np.hypot(y - cy, x - cx) <= ro)
    ring = {"kind": "ring", "cy": cy, "cx": cx, "ri": ri, "ro": ro}
    check(ring, lambda y, x: ri <= np.hypot(y - cy, x - cx) <= ro)


@given(PLACE, PLACE)
def test_a_point_is_the_nearest_position(y: float, x: float) -> None:
    nearest = math.floor(y + 0.5), math.floor(x + 0.5)
    check({"kind": "point", "y": y, "x": x}, lambda row, column: (row, column) == nearest)


def test_polygons_may_be_hollow_where_they_cross_themselves() -> None:
    triangle = {"kind": "polygon", "points": [[-0.5, -0.5], [-0.5, 8.7], [8.7, -0.5]]}
    check(triangle, lambda y, x: y + x < 8.2)
    square = [[0.5, 0.5], [0.5, 8.5], [8.5, 8.5], [8.5, 0.5]]
    hole = [[2.5, 2.5], [2.5, 5.5], [5.5, 5.5], [5.5, 2.5]]
    both = {"kind": "polygon", "points": [*square, square[0], hole[0], *hole[::-1], square[0]]}
    check(both, lambda y, x: 0.5 < y < 8.5 and 0.5 < x < 8.5 and not (2.5 < y < 5.5 and 2.5 < x < 5.5))


def test_regions_lie_in_the_last_two_axes_of_a_scan() -> None:
    region = {"kind": "rect", "y0": 0, "x0": 1, "y1": 1, "x1": 3}
    assert region_mask(None, (4, 5)) is None
    np.testing.assert_array_equal(region_mask(region, (5,)), [False, True, True, False, False])
    whole = region_mask(region, (2, 3, 4))
    assert whole is not None
    assert whole.shape == (2, 3, 4)
    assert whole.sum(axis=(1, 2)).tolist() == [2, 2]


@pytest.mark.parametrize(
    "region",
    [
        5,
        {},
        {"kind": "disk", "cy": 1, "cx": 1},
        {"kind": "disk", "cy": 1, "cx": 1, "r": 2, "more": 1},
        {"kind": "disk", "cy": math.nan, "cx": 1, "r": 2},
        {"kind": "disk", "cy": True, "cx": 1, "r": 2},
        {"kind": "disk", "cy": "1", "cx": 1, "r": 2},
        {"kind": "polygon", "points": [[0, 0], [1, 1]]},
        {"kind": "polygon", "points": [[0, 0], [1, 1], [2]]},
        {"kind": "polygon", "points": [[0, 0]] * 1001},
    ],
)
def test_what_is_no_region_is_refused(region: Any) -> None:
    with pytest.raises(ParameterError) as caught:
        region_mask(region, SHAPE)
    assert caught.value.problems[0].field == "region"
