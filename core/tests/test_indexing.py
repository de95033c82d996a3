"""An index into a data set means what it means to NumPy, axis by axis where several arrays are in it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from lamella.dataset.dataset import DataSet
from lamella.dataset.indexing import Selection
from lamella.geometry.shape import Shape
from lamella.opening.open import open_dataset


def picked(data: NDArray[Any], index: Any, nav_dims: int) -> Any:
    """What a selection gives, by the steps that a data set takes."""
    shape = Shape(data.shape[:nav_dims], data.shape[nav_dims:])
    selection = Selection.of(index, shape)
    frames = data.reshape(-1, *shape.sig)[selection.positions]
    return selection.pixels(frames[(slice(None), *selection.box.slices)]).reshape(selection.shape)


@st.composite
def arrays_and_indices(draw: st.DrawFn) -> tuple[NDArray[Any], Any, int]:
    shape = tuple(draw(st.lists(st.integers(1, 5), min_size=2, max_size=5)))
    index = draw(hnp.basic_indices(shape, allow_newaxis=False, allow_ellipsis=True))
    return np.arange(np.prod(shape)).reshape(shape), index, draw(st.integers(1, len(shape) - 1))


@settings(max_examples=5 * settings().max_examples)
@given(case=arrays_and_indices())
def test_any_index_gives_what_numpy_gives(case: tuple[NDArray[Any], Any, int]) -> None:
    data, index, nav_dims = case
    expected, got = data[index], picked(data, index, nav_dims)
    np.testing.assert_array_equal(got, expected)
    assert np.shape(got) == np.shape(expected)


@settings(max_examples=2 * settings().max_examples)
@given(case=arrays_and_indices())
def test_no_more_pixels_than_the_smallest_box_are_asked_for(case: tuple[NDArray[Any], Any, int]) -> None:
    data, index, nav_dims = case
    shape = Shape(data.shape[:nav_dims], data.shape[nav_dims:])
    selection = Selection.of(index, shape)
    expected = data[index]
    if expected.size:
        pixels = np.unravel_index(np.unique(expected) % shape.sig.size, shape.sig)
        assert selection.box.origin == tuple(int(axis.min()) for axis in pixels)
        assert selection.box.shape == tuple(int(np.ptp(axis)) + 1 for axis in pixels)


@pytest.fixture
def ds() -> DataSet:
    return open_dataset("memory", np.arange(360).reshape(3, 4, 5, 6), {})


@pytest.mark.parametrize(
    ("index", "words"),
    [
        ((3,), "index 3 is out of bounds for axis 0 with size 3"),
        ((0, 0, 0, -7), "index -7 is out of bounds for axis 3 with size 6"),
        ((0, 0, 0, 0, 0), "too many indices: 5 for 4 axes"),
        ((..., 0, ...), "one Ellipsis only"),
        (None, "takes integers, slices, Ellipsis, and 1-D arrays of integers or booleans, not newaxis"),
        ("0", "not str"),
        (True, "not bool"),
        (np.True_, "not bool"),
        (1.0, "not float"),
        ([0.0, 1.0], "not list of float64"),
        ([[0], [0, 1]], "not a list of unequal parts"),
        ([0, 3], "index 3 is out of bounds for axis 0 with size 3"),
        ((0, [1, -5]), "index -5 is out of bounds for axis 1 with size 4"),
        ((..., np.array([1 << 63], dtype=np.uint64)), f"index {1 << 63} is out of bounds for axis 3"),
        ([True, False], "boolean array for axis 0 needs 3 values, found 2"),
        (np.ix_([0, 1], [2, 3]), r"one axis, found shape \(2, 1\).*outer product.*without np.ix_"),
        (np.zeros((3, 5), dtype=bool), r"must have the shape of the scan \(3, 4\), found \(3, 5\)"),
        ((..., np.zeros((5, 6), dtype=bool)), r"only be the first index .*shape \(5, 6\)"),
        ((np.zeros((3, 4), dtype=bool), 0, 0, 0), "too many indices: 5 for 4 axes"),
    ],
)
def test_an_index_that_does_not_fit_is_refused(ds: DataSet, index: Any, words: str) -> None:
    with pytest.raises(IndexError, match=words):
        ds[index]
    with pytest.raises(IndexError, match=words):
        ds.read(index, fill=0, out=np.empty((3, 4, 5, 6)))


def test_a_step_of_zero_is_refused(ds: DataSet) -> None:
    with pytest.raises(ValueError, match="zero"):
        ds[::0]


def test_numpy_integers_are_integers(ds: DataSet) -> None:
    assert ds[np.int64(2), np.uint8(3), 4, 5] == 359


def test_one_pixel_is_a_scalar(ds: DataSet) -> None:
    assert isinstance(ds[0, 1, 2, 3], np.integer)


def test_what_is_read_belongs_to_the_reader(ds: DataSet) -> None:
    first = ds[0, 0]
    second = ds[0, 1]
    first[...] = -1
    np.testing.assert_array_equal(second, np.arange(30, 60).reshape(5, 6))
    np.testing.assert_array_equal(ds[0, 0], np.arange(30).reshape(5, 6))


def test_a_small_part_does_not_keep_the_rest_in_memory(ds: DataSet) -> None:
    corners = ds[0, 0, ::4, ::5]
    assert corners.base is None or corners.base.size == corners.size
