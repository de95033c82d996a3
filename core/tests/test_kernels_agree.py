"""Compiled kernels and their NumPy versions give the same numbers: sums are as good as double precision makes them.

Both are compared with sums that NumPy takes pairwise in double precision (in integers, exactly).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

import lamella
from lamella.kernels import builtin
from lamella.kernels.library import Kernel
from lamella.udf import UDF, ApplyMasksUDF, CoMUDF, StdDevUDF, SumSigUDF, SumUDF
from lamella.udf.builtin.weighing import weights_by_pixel

Array = NDArray[Any]

TOLERANCE = 1e-13
"""Of the sum of the absolute values."""

ORDERED = ("?", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8")
SWAPPED = ("u2", "i2", "u4", "i4")
"""Which kernels take as they are stored; others are brought into the order of the machine before."""
COMMON = (("u2", ()), ("u2", (1,)), ("f4", ()))
"""What most detectors store; for each of the others, all kernels have to be compiled, which takes half a minute."""


def cases(*choices: Any) -> list[Any]:
    return [pytest.param(*case, marks=() if case in COMMON else pytest.mark.slow) for case in choices]


SMALL_KINDS = ("?", "u1", "i1", "u2", "i2")
DENSE = cases(*((dtype, ()) for dtype in ORDERED), *((dtype, (1,)) for dtype in SWAPPED))
MOMENTS = [
    pytest.param(*case.values, marks=pytest.mark.slow) if case.values[0] in SMALL_KINDS else case for case in DENSE
]
"""Whole numbers of 16 bits are summed by other kernels, see `SMALL`."""
SMALL = [case for case in DENSE if case.values[0] in SMALL_KINDS]
EVENTS = [pytest.param(dtype, marks=() if dtype in ("u1", "f4") else pytest.mark.slow) for dtype in ORDERED]

SHAPES = ((1, 1), (2, 100_003), (5, 9), (9, 4099), (257, 8), (100_000, 3))
"""Frames and pixels: one frame, few of many pixels, many of few, and numbers that no block divides."""


def filled(dtype: str, shape: tuple[int, int], how: str) -> Array:
    """Give frames that are hard to add up."""
    rng = np.random.default_rng(shape[0] + shape[1])
    kind = np.dtype(dtype)
    if kind.kind == "b":
        return rng.random(shape) < 0.4
    if kind.kind in "iu":
        info = np.iinfo(kind)
        return rng.integers(info.min, info.max, shape, kind, endpoint=True)
    if how == "constant":
        return np.full(shape, 0.1, kind)
    if how == "offset":
        return (1e6 + rng.normal(size=shape)).astype(kind)
    return (rng.normal(size=shape) * 10.0 ** rng.uniform(-6, 6, shape)).astype(kind)


def tiles(dtype: str) -> Iterator[Array]:
    hows = ("constant", "offset", "mixed") if dtype in ("f4", "f8") else ("full range",)
    return (filled(dtype, shape, how) for shape in SHAPES for how in hows)


def sums_dtype(frames: Array) -> type[np.float64] | type[np.int64]:
    return np.float64 if frames.dtype.kind == "f" else np.int64


def total(wide: Array, axis: int) -> Array:
    """Add up pairwise, which NumPy does along the last axis only."""
    return np.asarray(np.ascontiguousarray(np.moveaxis(wide, axis, -1)).sum(axis=-1))


class Shared(np.ndarray[Any, Any]):
    """An array of one of several workers: what holds the GIL while it computes would make the others wait."""

    def byteswap(self, inplace: Any = False) -> Any:
        raise AssertionError("byteswap holds the GIL: convert a view of the other byte order")

    def __matmul__(self, other: Any) -> Any:
        raise AssertionError("@ holds the GIL where results are small: use numpy.dot")

    __rmatmul__ = __matmul__

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: tuple[Any, ...] = (), **how: Any) -> Any:
        if method == "reduceat" and inputs[0].ndim > 1:
            raise AssertionError("reduceat holds the GIL where there are several rows: make one of them")
        if out:
            how["out"] = tuple(map(np.asarray, out))
        own = (tuple(map(np.asarray, one)) if isinstance(one, tuple) else np.asarray(one) for one in inputs)
        done = getattr(ufunc, method)(*own, **how)
        return done.view(Shared) if isinstance(done, np.ndarray) else done


def both(kernel: Kernel, *arguments: Any) -> Iterator[tuple[str, Any]]:
    """Run the two versions on copies of what they write to; gives name and arguments."""
    for name in ("NumPy", "compiled"):
        own = [arguments[0], *(item.copy() if isinstance(item, np.ndarray) else item for item in arguments[1:])]
        if name == "compiled":
            kernel.compile_for(*own)
            kernel(*own)
        else:
            kernel.fallback(*(item.view(Shared) if isinstance(item, np.ndarray) else item for item in own))
        yield f"{kernel!r}, {name}, {arguments[0].dtype}, {arguments[0].shape}", own


def agree(found: Array, expected: Array, size: Array, what: str) -> None:
    """Whole numbers are exact, others differ by less than a share of the sum of the absolute values."""
    if found.dtype.kind == "i":
        np.testing.assert_array_equal(found, expected, err_msg=what)
        return
    assert found.dtype == np.float64
    worst = np.max(np.abs(found - expected) / np.where(size > 0, size, 1), initial=0)
    assert worst <= TOLERANCE, f"{what}: off by {worst:.1e} of the sum of the absolute values"


def as_stored(frames: Array, swapped: tuple[int, ...]) -> Array:
    stored = frames.byteswap() if swapped else frames.copy()
    stored.flags.writeable = False
    return stored


def weights_for(frames: Array, count: int) -> Array:
    values = np.random.default_rng(count).normal(size=(count, frames.shape[1]))
    return values.astype(np.result_type(frames.dtype, np.float32))


def weighed(frames: Array, weights: Array) -> tuple[Array, Array]:
    """Give sums under weights, and the sums of absolute values."""
    wide = frames.astype(np.float64)
    sums = [(wide * row).sum(axis=1) for row in weights.astype(np.float64)]
    sizes = [np.abs(wide * row).sum(axis=1) for row in weights.astype(np.float64)]
    return np.stack(sums, axis=-1), np.stack(sizes, axis=-1)


@pytest.mark.parametrize(("dtype", "swapped"), DENSE)
def test_sums_of_frames_and_of_pixels(dtype: str, swapped: tuple[int, ...]) -> None:
    for frames in tiles(dtype):
        wide, stored = frames.astype(sums_dtype(frames)), as_stored(frames, swapped)
        for kernel, axis in ((builtin.add_frames, 0), (builtin.add_pixels, 1)):
            expected, size = total(wide, axis), total(np.abs(wide), axis)
            for what, (*_, found) in both(kernel, stored, swapped, np.zeros_like(expected)):
                agree(found, expected, size, what)


@pytest.mark.parametrize(("dtype", "swapped"), DENSE)
def test_sums_under_weights(dtype: str, swapped: tuple[int, ...]) -> None:
    for frames in tiles(dtype):
        stored = as_stored(frames, swapped)
        for count in (1, 2, 3, 4, 8) if frames.size < 10**5 else (1, 3):
            weights = weights_for(frames, count)
            expected, size = weighed(frames, weights)
            for what, (*_, found) in both(builtin.weigh_pixels, stored, swapped, weights, np.zeros_like(expected)):
                agree(found, expected, size, f"{what}, {count} masks")


@pytest.mark.parametrize("count", [1, 2, 3])
def test_an_infinite_pixel_is_infinite_in_the_sums_it_counts_in(count: int) -> None:
    frames, weights = np.ones((2, 5), np.float32), np.ones((count, 5), np.float32)
    frames[0, 1] = np.inf
    for what, (*_, found) in both(builtin.weigh_pixels, frames, (), weights, np.zeros((2, count))):
        np.testing.assert_array_equal(found, [[np.inf] * count, [5] * count], err_msg=what)


@pytest.mark.parametrize(("dtype", "swapped"), DENSE)
def test_sums_under_weights_of_listed_pixels(dtype: str, swapped: tuple[int, ...]) -> None:
    for frames in tiles(dtype):
        stored = as_stored(frames, swapped)
        weights = weights_for(frames, 2).astype(np.float64)
        weights[:, 1::3] = 0
        expected, size = weighed(frames, weights)
        items, numbers = np.nonzero(weights.T)
        listed = items, numbers, weights[numbers, items]
        for what, (*_, found) in both(builtin.weigh_items, stored, swapped, *listed, np.zeros_like(expected)):
            agree(found, expected, size, what)


@pytest.mark.parametrize("dtype", ["u1", "u2", ">u2", "f4"])
def test_sums_of_listed_pixels_of_frames_that_lie_apart(dtype: str) -> None:
    frames = np.random.default_rng(0).integers(0, 200, (9, 4099)).astype(dtype)
    apart = np.zeros((9, 4103), dtype)
    apart[:, 1:-3] = frames
    swapped = () if frames.dtype.isnative else (1,)
    listed = np.array([4, 4, 4000, 4098]), np.array([3, 0, 3, 0]), np.array([1.5, 2, 0.5, 4])
    expected = np.zeros((9, 4))
    expected[:, 0] = 2.0 * frames[:, 4] + 4.0 * frames[:, 4098]
    expected[:, 3] = 1.5 * frames[:, 4] + 0.5 * frames[:, 4000]
    for rows in (frames, apart[:, 1:-3]):
        found = np.zeros((9, 4))
        builtin.weigh_items.fallback(rows.view(frames.dtype.newbyteorder("=")), swapped, *listed, found)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("dtype", "swapped"), MOMENTS)
def test_moments(dtype: str, swapped: tuple[int, ...]) -> None:
    for frames in tiles(dtype):
        shift = frames[0].astype(np.float64)
        rest = frames.astype(np.float64) - shift
        none = np.zeros(frames.shape[1])
        for what, (*_, first, second) in both(
            builtin.add_moments, as_stored(frames, swapped), swapped, shift, none, none
        ):
            agree(first, total(rest, 0), total(np.abs(rest), 0), what)
            agree(second, total(rest**2, 0), total(rest**2, 0), what)


@pytest.mark.parametrize(("dtype", "swapped"), SMALL)
def test_squares_of_small_whole_numbers(dtype: str, swapped: tuple[int, ...]) -> None:
    for frames in tiles(dtype):
        wide, none = frames.astype(np.int64), np.zeros(frames.shape[1], np.int64)
        for what, (*_, first, second) in both(builtin.add_squares, as_stored(frames, swapped), swapped, none, none):
            agree(first, total(wide, 0), first, what)
            agree(second, total(wide**2, 0), second, what)


@pytest.mark.parametrize(("dtype", "swapped"), DENSE)
def test_everything_in_one_call(dtype: str, swapped: tuple[int, ...]) -> None:
    exact = dtype in SMALL_KINDS
    for frames in tiles(dtype):
        wide, weights = frames.astype(sums_dtype(frames)), weights_for(frames, 3)
        shift = np.zeros(frames.shape[1]) if exact else frames[0].astype(np.float64)
        rest = wide if exact else frames.astype(np.float64) - shift
        none = np.zeros(frames.shape[1], rest.dtype)
        sums, size = weighed(frames, weights)
        for what, (_, _, _, first, second, pixels, _, found) in both(
            builtin.reduce_rows,
            as_stored(frames, swapped),
            swapped,
            shift,
            none,
            none,
            np.zeros(len(frames), wide.dtype),
            weights,
            np.zeros_like(sums),
        ):
            agree(first, total(rest, 0), total(np.abs(rest), 0), what)
            agree(second, total(rest**2, 0), total(rest**2, 0), what)
            agree(pixels, total(wide, 1), total(np.abs(wide), 1), what)
            agree(found, sums, size, what)


@pytest.mark.parametrize(("dtype", "swapped"), DENSE)
def test_corrected_pixels_are_the_same_to_the_last_digit(dtype: str, swapped: tuple[int, ...]) -> None:
    result = np.result_type(dtype, np.float32)
    for frames in tiles(dtype):
        rng = np.random.default_rng(0)
        dark, gain = rng.random((2, frames.shape[1])).astype(result)
        for factor in (gain, gain[:0]):
            arguments = as_stored(frames, swapped), swapped, dark, factor, np.zeros(frames.shape, result)
            (_, numpys), (what, compiled) = both(builtin.correct_rows, *arguments)
            np.testing.assert_array_equal(numpys[-1], compiled[-1], err_msg=what)


# Events.


PIXELS = {"u1": np.uint16, "f4": np.uint64}
"""Types of the numbers of pixels; `test_event_kernels.py` has the same, so that they are compiled once."""


def listed(dtype: str, lengths: tuple[int, ...], how: str) -> tuple[Array, Array, Array]:
    """Give values, pixels and starts of events of frames with so many events each."""
    values = filled(dtype, (1, sum(lengths)), how)[0]
    pixels = np.random.default_rng(0).integers(0, 300, values.size).astype(PIXELS.get(dtype, np.uint32))
    for array in (values, pixels):
        array.flags.writeable = False
    return values, pixels, np.concatenate([[0], np.cumsum(lengths)])


def all_events(dtype: str) -> Iterator[tuple[Array, Array, Array]]:
    for lengths in ((0, 1, 15, 17, 0, 1000), (100_003,)):
        for how in ("constant", "offset", "mixed") if dtype in ("f4", "f8") else ("full range",):
            yield listed(dtype, lengths, how)


@pytest.mark.parametrize("dtype", EVENTS)
def test_sums_of_events(dtype: str) -> None:
    for values, pixels, starts in all_events(dtype):
        wide = values.astype(sums_dtype(values))
        frames = np.split(wide, starts[1:-1])
        expected, size = (np.array([f(part).sum() for part in frames]) for f in (np.asarray, np.abs))
        for what, (*_, found) in both(builtin.add_rows, values, starts, np.zeros_like(expected)):
            agree(found, expected, size, what)
        by_pixel = [wide[pixels == pixel] for pixel in range(300)]
        expected, size = (np.array([f(part).sum() for part in by_pixel]) for f in (np.asarray, np.abs))
        for what, (*_, found) in both(builtin.add_events, values, pixels, np.zeros_like(expected)):
            agree(found, expected, size, what)


@pytest.mark.parametrize("count", [1, 3, 7])
@pytest.mark.parametrize("dtype", EVENTS)
def test_sums_of_events_under_weights(dtype: str, count: int) -> None:
    weights = weights_for(np.zeros((1, 300), np.result_type(dtype, np.float32)), count)
    by_pixel = np.arange(301) * count, np.tile(np.arange(count), 300), np.ascontiguousarray(weights.T).reshape(-1)
    for values, pixels, starts in all_events(dtype):
        products = values.astype(np.float64) * weights.astype(np.float64)[:, pixels]
        frames = np.split(products, starts[1:-1], axis=1)
        expected, size = (np.stack([f(part).sum(axis=1) for part in frames]) for f in (np.asarray, np.abs))
        none = np.zeros_like(expected)
        for what, (*_, found) in both(builtin.weigh_events, values, pixels, starts, weights_by_pixel(weights), none):
            agree(found, expected, size, f"{what}, {count} masks")
        for what, (*_, found) in both(builtin.weigh_listed, values, pixels, starts, *by_pixel, none):
            agree(found, expected, size, f"{what}, {count} masks")


@pytest.mark.parametrize("dtype", EVENTS)
def test_events_become_the_same_frames(dtype: str) -> None:
    for values, pixels, starts in all_events(dtype):
        (_, numpys), (what, compiled) = both(
            builtin.spread_events, values, pixels, starts, np.zeros((len(starts) - 1, 300), dtype)
        )
        np.testing.assert_array_equal(numpys[-1], compiled[-1], err_msg=what)


# Whatever else there is.


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_numbers_in_any_shape(data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(["u2", "f4"]))
    shape = data.draw(st.tuples(st.integers(1, 600), st.integers(1, 40)))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    spread, offset = data.draw(st.floats(0, 12)), data.draw(st.sampled_from([0.0, 1.0, -1e3, 1e9]))
    if dtype == "u2":
        frames = rng.integers(0, 1 << 16, shape).astype(dtype)
    else:
        frames = (offset + rng.normal(size=shape) * 10 ** rng.uniform(-spread, spread, shape)).astype(dtype)
    wide, weights = frames.astype(sums_dtype(frames)), weights_for(frames, data.draw(st.integers(1, 9)))
    sums, size = weighed(frames, weights)
    for what, (*_, found) in both(builtin.add_frames, frames, (), np.zeros(shape[1], wide.dtype)):
        agree(found, total(wide, 0), total(np.abs(wide), 0), what)
    for what, (*_, found) in both(builtin.add_pixels, frames, (), np.zeros(shape[0], wide.dtype)):
        agree(found, total(wide, 1), total(np.abs(wide), 1), what)
    for what, (*_, found) in both(builtin.weigh_pixels, frames, (), weights, np.zeros_like(sums)):
        agree(found, sums, size, what)


# Results.


def jobs(masks: Array) -> list[UDF]:
    sums = [SumUDF(), SumSigUDF(), SumUDF(dtype="f4"), SumSigUDF(dtype="f4")]
    return [*sums, StdDevUDF(), CoMUDF(), ApplyMasksUDF(lambda: masks), ApplyMasksUDF(lambda: masks, use_sparse=True)]


@pytest.mark.parametrize(
    "dtype",
    ["<u2", ">u2", "<f4", *(pytest.param(dtype, marks=pytest.mark.slow) for dtype in ("u1", ">i4", ">f4", ">f8"))],
)
def test_results_do_not_depend_on_the_compiler(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    low = 0 if np.dtype(dtype).kind == "u" else -200
    frames = rng.integers(low, 256, (5, 60, 16, 20)).astype(dtype)
    if np.dtype(dtype).kind == "f":
        frames = (frames * 1.1).astype(dtype)
    masks = rng.normal(size=(3, 16, 20)).astype(np.float32)
    ds = lamella.open(frames, format="memory", num_partitions=3)
    call, found = Kernel.__call__, {}
    for version in ("numpy", "compiled"):
        monkeypatch.setenv("LAMELLA_KERNELS", version)
        chosen = call if version == "compiled" else lambda kernel, *arguments: kernel.fallback(*arguments)
        monkeypatch.setattr(Kernel, "__call__", chosen)
        with lamella.Context("inline") as ctx:
            found[version] = [ctx.run_udf(ds, udf) for udf in jobs(masks)]
    flat = frames.astype(np.float64).reshape(300, -1)
    size = np.abs(flat) @ np.abs(masks.astype(np.float64)).reshape(3, -1).T
    exact = (flat[:, None] * masks.astype(np.float64).reshape(3, -1)).sum(axis=-1)
    for one, other in zip(found["numpy"], found["compiled"], strict=True):
        for name in one:
            first, second = one[name].data, other[name].data
            if first.dtype == np.float32:
                close = np.spacing(np.abs(first)) + TOLERANCE * np.abs(flat).sum()
                assert (np.abs(first.astype(np.float64) - second) <= close).all(), name
            else:
                np.testing.assert_allclose(first, second, rtol=1e-10, atol=1e-9, err_msg=name)
    for version in ("numpy", "compiled"):
        for result in found[version][-2:]:
            data = result["intensity"].raw_data
            limit = TOLERANCE * size + (np.spacing(np.abs(data)) if data.dtype == np.float32 else 0)
            assert (np.abs(data - exact) <= limit).all()


@pytest.mark.parametrize("version", ["numpy", "compiled"])
def test_a_single_precision_result_is_rounded_once(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large number, and many that are lost if they are added to it one by one in single precision."""
    monkeypatch.setenv("LAMELLA_KERNELS", version)
    frames = np.ones((2, 2000, 8, 8), np.float32)
    frames[0, 0] = 1 << 24
    ds = lamella.open(frames, format="memory", num_partitions=4)
    with lamella.Context("inline") as ctx:
        image = ctx.run_udf(ds, SumUDF(dtype="f4"))["intensity"].data
    assert image.dtype == np.float32
    np.testing.assert_array_equal(image, np.float32((1 << 24) + 3999))
