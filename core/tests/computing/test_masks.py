"""Mask factories and stacks of masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lamella import masks
from lamella.errors import ParameterError
from lamella.geometry.shape import SigBox
from lamella.kernels.accumulate import Widened
from lamella.masks.stack import DenseMasks, SparseMasks, make_masks, shift_into

PLACE: dict[str, Any] = {"centerX": 4.2, "centerY": 3, "imageSizeX": 9, "imageSizeY": 7}
Y, X = np.mgrid[:7, :9]
DISTANCE: NDArray[np.float64] = np.hypot(Y - 3, X - 4.2)


def test_a_circle_includes_its_edge() -> None:
    disk = masks.circular(centerX=2, centerY=2, imageSizeX=5, imageSizeY=5, radius=2)
    assert disk.dtype == bool
    assert disk[2, 0]
    assert disk[0, 2]
    assert not disk[0, 0]
    np.testing.assert_array_equal(masks.circular(**PLACE, radius=2.3), DISTANCE <= 2.3)


def test_a_ring_is_a_circle_without_a_circle() -> None:
    found = masks.ring(**PLACE, radius=3, radius_inner=1.2)
    np.testing.assert_array_equal(found, (DISTANCE <= 3) & (DISTANCE > 1.2))


def test_soft_edges_fall_over_one_pixel() -> None:
    disk = masks.circular(**PLACE, radius=2.3, antialiased=True)
    np.testing.assert_allclose(disk, np.clip(2.8 - DISTANCE, 0, 1))
    around = masks.ring(**PLACE, radius=3, radius_inner=1.3, antialiased=True)
    np.testing.assert_allclose(
        around + masks.circular(**PLACE, radius=1.3, antialiased=True),
        masks.circular(**PLACE, radius=3, antialiased=True),
    )


def test_a_radial_gradient_rises_to_one() -> None:
    np.testing.assert_allclose(masks.radial_gradient(**PLACE, radius=3), np.where(DISTANCE <= 3, DISTANCE / 3, 0))
    soft = masks.radial_gradient(**PLACE, radius=3, antialiased=True)
    assert 0 <= soft.min() <= soft.max() <= 1


@pytest.mark.parametrize("antialiased", [False, True])
def test_a_subtracted_background_leaves_nothing_of_a_constant(antialiased: bool) -> None:
    found = masks.background_subtraction(**PLACE, radius=3, radius_inner=2, antialiased=antialiased)
    assert abs(found.sum()) < 1e-12
    assert found[3, 4] == 1
    assert found[3, 1 if antialiased else 2] < 0.3


def test_a_background_without_a_ring_subtracts_nothing() -> None:
    found = masks.background_subtraction(**PLACE, radius=2, radius_inner=2)
    np.testing.assert_array_equal(found, masks.circular(**PLACE, radius=2))


def test_a_template_with_a_bright_edge() -> None:
    r = np.array([0, 1, 1.5, 1.75, 2, 2.25, 2.5, 3, 3.1])
    found = masks.radial_gradient_background_subtraction(r, r0=2, r_outer=3, delta=1)
    np.testing.assert_allclose(found, [0, 0.5, 1, 0.5, 0, -0.5, -1, -1, 0])


def test_polar_coordinates() -> None:
    r, phi = masks.polar_map(**PLACE)
    np.testing.assert_allclose(r, DISTANCE)
    np.testing.assert_allclose(r * np.exp(1j * phi), (X - 4.2) + 1j * (Y - 3), atol=1e-12)


def test_elliptic_coordinates() -> None:
    r, phi = masks.polar_map(**PLACE, stretchY=2, angle=np.pi / 2)
    np.testing.assert_allclose(r, np.hypot(Y - 3, (X - 4.2) / 2), atol=1e-12)
    np.testing.assert_allclose(r * np.exp(1j * phi), (Y - 3) - 0.5j * (X - 4.2), atol=1e-12)


def test_a_balanced_template_sums_to_zero() -> None:
    template = np.arange(12.0).reshape(3, 4) - 3
    found = masks.balance(template)
    assert abs(found.sum()) < 1e-12
    np.testing.assert_array_equal(found[template > 0], template[template > 0])
    np.testing.assert_array_equal(masks.balance(np.ones((2, 2))), 1)


@pytest.mark.parametrize(
    ("place", "radius"), [((0, 0, 10, 10), 16), ((5, 5, 10, 10), 9), ((4.2, 3, 9, 7), 8), ((-3, 2, 10, 10), 17)]
)
def test_the_bounding_radius_reaches_beyond_the_corners(place: tuple[float, float, int, int], radius: int) -> None:
    assert masks.bounding_radius(*place) == radius


@pytest.mark.parametrize("n_bins", [1, 3, 8, 40, 100])
@pytest.mark.parametrize("use_sparse", [None, True, False])
def test_radial_bins_cover_everything_once(n_bins: int, use_sparse: bool | None) -> None:
    found = masks.radial_bins(**PLACE, n_bins=n_bins, use_sparse=use_sparse)
    assert isinstance(found, SparseMasks) == (use_sparse if use_sparse is not None else n_bins >= 64)
    dense = np.asarray(found)
    assert dense.shape == (n_bins, 7, 9)
    np.testing.assert_allclose(dense.sum(axis=0), 1)


def test_radial_bins_have_edges_a_number_and_a_sum() -> None:
    bins = np.asarray(masks.radial_bins(**PLACE, radius=3, radius_inner=1, n_bins=2))
    np.testing.assert_allclose(bins.sum(axis=0), masks.ring(**PLACE, radius=3, radius_inner=1, antialiased=True))
    assert len(masks.radial_bins(32.3, 30, 64, 64, radius=20.6, radius_inner=3)) == 18
    assert len(masks.radial_bins(32.3, 30, 64, 64, radius=0.3)) == 1
    means = np.asarray(masks.radial_bins(**PLACE, radius=3, n_bins=3, normalize=True, dtype="float32"))
    np.testing.assert_allclose(means.sum(axis=(1, 2)), 1, rtol=1e-6)
    assert means.dtype == np.float32


@pytest.mark.parametrize(
    ("corner", "size", "part"),
    [
        ((2, 1), (4, 3), np.s_[1:5, 2:7]),
        ((6, 4), (-3, -2), np.s_[2:5, 3:7]),
        ((2.5, 1.5), (4, 3), np.s_[1:5, 2:7]),
        ((-3, -3), (4, 4), np.s_[:2, :2]),
        ((20, 20), (3, 3), np.s_[:0, :0]),
    ],
)
def test_a_rectangle_includes_both_corners(corner: Any, size: Any, part: Any) -> None:
    expected = np.zeros((7, 9), bool)
    expected[part] = True
    found = masks.rectangular(X=corner[0], Y=corner[1], Width=size[0], Height=size[1], imageSizeX=9, imageSizeY=7)
    np.testing.assert_array_equal(found, expected)


def test_gradients_are_coordinates() -> None:
    np.testing.assert_array_equal(masks.gradient_x(9, 7), X)
    np.testing.assert_array_equal(masks.gradient_y(9, 7, dtype="int16"), Y)
    assert masks.gradient_y(9, 7, dtype="int16").dtype == np.int16


def test_many_circles() -> None:
    found = masks.sparse_circular_multi_stack([0, 1, 1, 1], [0, 3.5, 4, 50], [0, 2, 3, 50], 9, 7, radius=2)
    dense = found.toarray()
    assert dense.dtype == bool
    np.testing.assert_array_equal(dense[0], masks.circular(0, 0, 9, 7, 2))
    np.testing.assert_array_equal(dense[1], masks.circular(3.5, 2, 9, 7, 2) | masks.circular(4, 3, 9, 7, 2))


def test_many_templates_add_up_and_are_cut_at_the_edge() -> None:
    template = np.array([[1.0, 2, 3], [4, 5, 6]])
    found = masks.sparse_template_multi_stack([0, 2, 2], [-1, 3, 4], [-1, 2, 2], template, 9, 7).toarray()
    expected = np.zeros((3, 7, 9))
    expected[0, 0, :2] = [5, 6]
    expected[2, 2:4, 3:6] += template
    expected[2, 2:4, 4:7] += template
    np.testing.assert_array_equal(found, expected)


def test_a_template_is_an_image() -> None:
    with pytest.raises(ParameterError, match="a template is an image"):
        masks.sparse_template_multi_stack([0], [0], [0], np.ones(3), 9, 7)


# Stacks.


def random_stack() -> NDArray[np.float64]:
    rng = np.random.default_rng(3)
    stack: NDArray[np.float64] = rng.random((4, 7, 9)) * (rng.random((4, 7, 9)) < 0.3)
    stack[2] = 0
    return stack


@pytest.mark.parametrize(
    "box", [SigBox((0, 0), (7, 9)), SigBox((2, 0), (3, 9)), SigBox((1, 3), (4, 2)), SigBox((0, 0), (1, 1))]
)
@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_boxes_add_up_to_the_whole(box: SigBox, kind: str) -> None:
    stack = random_stack()
    tile = np.random.default_rng(0).integers(0, 100, (5, *box.shape)).astype(np.uint16)
    out = np.ones((5, 4))
    made = DenseMasks(stack) if kind == "dense" else SparseMasks.of(stack)
    dtype = np.dtype(np.float64)
    made.cut(box, dtype).project(tile, Widened(dtype), out)
    np.testing.assert_allclose(out, 1 + np.einsum("fyx,nyx->fn", tile, stack[(slice(None), *box.slices)]))
    assert made.cut(box, dtype) is made.cut(box, dtype)


def test_dense_and_sparse_are_the_same_masks() -> None:
    stack = random_stack()
    sparse = SparseMasks.of(stack)
    np.testing.assert_array_equal(sparse.toarray(), stack)
    np.testing.assert_array_equal(np.asarray(sparse, dtype="float32"), stack.astype("float32"))
    assert sparse.astype("float32").dtype == np.float32
    assert (len(sparse), sparse.shape) == (4, stack.shape)
    np.testing.assert_array_equal(sparse.shifted((1, -2)).toarray(), DenseMasks(stack).shifted((1, -2)).toarray())


def test_entries_for_one_pixel_add_up() -> None:
    np.testing.assert_array_equal(SparseMasks((1, 1, 2), [0, 0], [1, 1], [2.0, 3.0]).toarray(), [[[0, 5]]])


def test_the_kind_of_a_stack_can_be_chosen() -> None:
    stack = random_stack()
    assert isinstance(make_masks(lambda: stack, (7, 9), sparse=True), SparseMasks)
    assert isinstance(make_masks(lambda: SparseMasks.of(stack), (7, 9), sparse=False), DenseMasks)
    assert make_masks([stack, stack[0]], (7, 9), dtype="float32").dtype == np.float32
    np.testing.assert_array_equal(
        make_masks([SparseMasks.of(stack)] * 2, (7, 9)).toarray(), np.concatenate([stack] * 2)
    )


@pytest.mark.parametrize("shift", [(0, 0), (1, 2), (-1, 3), (2, -2), (9, 0), (0, -9)])
def test_images_are_shifted(shift: tuple[int, int]) -> None:
    image = np.arange(12.0).reshape(3, 4) + 1
    moved = np.zeros_like(image)
    shift_into(moved, image, shift)
    for y, x in np.ndindex(3, 4):
        inside = 0 <= y - shift[0] < 3 and 0 <= x - shift[1] < 4
        assert moved[y, x] == (image[y - shift[0], x - shift[1]] if inside else 0)
