"""Compiled reductions of events do what their NumPy versions do, for frames of any length and all dtypes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lamella.kernels import builtin, sparse_fallback
from lamella.kernels.library import Kernel
from lamella.udf.builtin.weighing import weights_by_pixel

N_PIXELS = 300
LENGTHS = (0, 1, 15, 16, 17, 0, 64, 100, 3)


def events(values: str, pixels: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    rng = np.random.default_rng(1)
    starts = np.concatenate([[0], np.cumsum(LENGTHS)])
    most = min(N_PIXELS, np.iinfo(pixels).max + 1)
    return (
        rng.integers(0, 2 if values == "?" else 50, starts[-1]).astype(values),
        _pixels(rng, starts, most, pixels),
        starts,
    )


def _pixels(rng: np.random.Generator, starts: np.ndarray[Any, Any], most: int, dtype: str) -> np.ndarray[Any, Any]:
    found: np.ndarray[Any, Any] = rng.integers(0, most, starts[-1]).astype(dtype)
    found.flags.writeable = False
    return found


def compiled(kernel: Kernel) -> Callable[..., None]:
    def call(*arguments: Any) -> None:
        kernel.compile_for(*arguments)
        kernel(*arguments)

    return call


DTYPES = [("u1", "u2"), ("i4", "u4"), ("f4", "u8"), ("?", "u1")]


@pytest.mark.parametrize(("values", "pixels"), DTYPES)
def test_sums_of_events_are_exact(values: str, pixels: str) -> None:
    value, pixel, _ = events(values, pixels)
    expected = np.bincount(pixel.astype(int), weights=value, minlength=N_PIXELS)
    for kernel in (compiled(builtin.add_events), sparse_fallback.add_events):
        total = np.zeros(N_PIXELS, np.float64 if values == "f4" else np.int64)
        kernel(value, pixel, total)
        np.testing.assert_array_equal(total, expected)


@pytest.mark.parametrize(("values", "total"), [("u2", "i8"), ("f8", "f8")])
def test_numpy_adds_more_events_than_fit_into_the_cache(values: str, total: str) -> None:
    pixel = np.random.default_rng(3).integers(0, N_PIXELS, 600_001).astype("u4")
    value = (np.arange(pixel.size) % 1000).astype(values)
    found = np.ones(N_PIXELS, total)
    sparse_fallback.add_events(value, pixel, found)
    np.testing.assert_array_equal(found, 1 + np.bincount(pixel, weights=value, minlength=N_PIXELS))


@pytest.mark.parametrize("dtype", ["u1", "f4", "?"])
@pytest.mark.parametrize("pixel", [[1, 2, 5, 0, 7, 8], [1, 2, 2, 2, 7, 8], [5, 1, 2, 8, 7, 0], [5, 1, 5, 8, 8, 5]])
def test_events_become_frames_in_any_order_and_add_up(pixel: list[int], dtype: str) -> None:
    value, starts = np.array([1, 2, 3, 0, 5, 6]).astype(dtype), np.array([0, 3, 3, 6])
    expected, found = np.zeros((3, 9), dtype), np.zeros((3, 9), dtype)
    np.add.at(expected, ([0, 0, 0, 2, 2, 2], pixel), value)
    sparse_fallback.spread_events(value, np.array(pixel, "u2"), starts, found)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("values", "pixels", "dtype"),
    [
        ("u1", "u2", "f4"),
        pytest.param("f4", "u8", "f8", marks=pytest.mark.slow),
        pytest.param("?", "u1", "f4", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("count", [1, 2, 4, 5, 8, 9, 17])
def test_any_number_of_masks_is_weighed(values: str, pixels: str, count: int, dtype: str) -> None:
    value, pixel, starts = events(values, pixels)
    masks = np.random.default_rng(count).random((count, N_PIXELS)).astype(dtype)
    places = pixel.astype(int)
    expected = 1 + np.stack(
        [
            masks[:, places[a:b]].astype(float) @ value[a:b].astype(float)
            for a, b in zip(starts[:-1], starts[1:], strict=True)
        ]
    )
    weights = weights_by_pixel(masks)
    assert weights.dtype == dtype
    for kernel in (compiled(builtin.weigh_events), sparse_fallback.weigh_events):
        found = np.ones((len(LENGTHS), count))
        kernel(value, pixel, starts, weights, found)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize(("values", "pixels"), DTYPES[:2])
def test_masks_that_list_their_pixels_are_weighed(values: str, pixels: str) -> None:
    value, pixel, starts = events(values, pixels)
    masks = np.random.default_rng(0).integers(0, 3, (4, N_PIXELS)).astype(float)
    by_pixel = masks.T
    first = np.concatenate([[0], np.cumsum((by_pixel != 0).sum(axis=1))])
    numbers = np.nonzero(by_pixel)[1]
    expected = np.zeros((len(LENGTHS), 4))
    sparse_fallback.weigh_events(value, pixel, starts, weights_by_pixel(masks), expected)
    for kernel in (compiled(builtin.weigh_listed), sparse_fallback.weigh_listed):
        found = np.zeros_like(expected)
        kernel(value, pixel, starts, first, numbers, by_pixel[by_pixel != 0], found)
        np.testing.assert_array_equal(found, expected)


def test_weights_stay_in_double_precision_where_single_would_change_them() -> None:
    masks = np.array([[1.5, 1 / 3], [1e300, 0]])
    np.testing.assert_array_equal(weights_by_pixel(masks)[0, :, :2].T, masks)
    assert weights_by_pixel(np.full((3, 5), 0.25)).dtype == np.float32


@pytest.mark.parametrize("place", [0, 600, 1029])
@pytest.mark.parametrize("wrong", [N_PIXELS, 1 << 40, (1 << 64) - 1])
@pytest.mark.parametrize("version", ["compiled", "NumPy"])
def test_pixels_outside_the_frame_are_refused(version: str, place: int, wrong: int) -> None:
    add, weigh, weigh_listed = (
        compiled(kernel) if version == "compiled" else kernel.fallback
        for kernel in (builtin.add_events, builtin.weigh_events, builtin.weigh_listed)
    )
    value, pixel = np.ones(1030, np.float32), np.zeros(1030, np.uint64)
    starts = np.array([0, 5, 1030])
    pixel[place] = wrong
    pixel.flags.writeable = False
    with pytest.raises(IndexError, match="outside the frame"):
        add(value, pixel, np.zeros(N_PIXELS))
    for count in (1, 4, 8):
        weights = np.ones((1, N_PIXELS, count), np.float32)
        with pytest.raises(IndexError, match="outside the frame"):
            weigh(value, pixel, starts, weights, np.zeros((2, count)))
    first, numbers = np.arange(N_PIXELS + 1), np.zeros(N_PIXELS, int)
    with pytest.raises(IndexError, match="outside the frame"):
        weigh_listed(value, pixel, starts, first, numbers, np.ones(N_PIXELS, np.float32), np.zeros((2, 1)))


def test_numpy_weighs_large_tiles_in_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    value, pixel, starts = events("i4", "u4")
    weights = weights_by_pixel(np.random.default_rng(0).random((3, N_PIXELS)))
    expected, found = np.zeros((len(LENGTHS), 3)), np.zeros((len(LENGTHS), 3))
    sparse_fallback.weigh_events(value, pixel, starts, weights, expected)
    seen: list[int] = []
    weigh = sparse_fallback._weigh

    def watched(values: Any, *others: Any) -> None:
        seen.append(len(values))
        weigh(values, *others)

    monkeypatch.setattr(sparse_fallback, "_AT_A_TIME", 20)
    monkeypatch.setattr(sparse_fallback, "_weigh", watched)
    sparse_fallback.weigh_events(value, pixel, starts, weights, found)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert seen == [16, 16, 17, 64, 100, 3]
