"""Built-in UDFs against NumPy, for every kind of data."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import lamella
from lamella import masks
from lamella.corrections.corrections import Corrections
from lamella.errors import ParameterError, UDFError
from lamella.masks.stack import SparseMasks
from lamella.udf.base import UDF
from lamella.udf.builtin.auto import AutoUDF
from lamella.udf.builtin.com import CoMUDF
from lamella.udf.builtin.logsum import LogsumUDF
from lamella.udf.builtin.masks import ApplyMasksUDF
from lamella.udf.builtin.noop import NoOpUDF
from lamella.udf.builtin.raw import PickUDF
from lamella.udf.builtin.record import RecordUDF
from lamella.udf.builtin.stddev import StdDevUDF
from lamella.udf.builtin.sum import SumUDF
from lamella.udf.builtin.sumsig import SumSigUDF

NAV, SIG = (5, 6), (12, 14)
DTYPES = ["uint8", "uint16", ">u2", "int16", ">i4", "uint32", "int64", "float16", "float32", ">f4", "float64"]
MORE = [*DTYPES, "bool", "complex64", "complex128"]

MakeScan = Callable[..., lamella.DataSet]
Array = NDArray[Any]


def data_of(dtype: str, nav: tuple[int, ...] = NAV) -> Array:
    """Values over the whole range of small types, and over the exact range of sums for the others."""
    rng = np.random.default_rng(11)
    kind = np.dtype(dtype)
    shape = (*nav, *SIG)
    if kind.kind in "iu":
        info = np.iinfo(kind)
        return rng.integers(max(info.min, -(1 << 40)), min(info.max, 1 << 40), shape, endpoint=True).astype(kind)
    if kind.kind == "b":
        return rng.random(shape) < 0.3
    values = rng.random(shape) * 100 - 20
    if kind.kind == "c":
        values = values + 1j * rng.random(shape)
    return values.astype(kind)


def wide(data: Array) -> Array:
    return data.astype({"b": "u8", "u": "u8", "i": "i8", "f": "f8", "c": "c16"}[data.dtype.kind])


def close(found: Array, expected: Array) -> None:
    """Whole numbers are exact, others as good as double precision sums make them."""
    if expected.dtype.kind in "iu":
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max(initial=0))


@pytest.fixture(scope="module", params=[1, 4])
def pieces(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.mark.parametrize("dtype", MORE)
def test_sums_over_the_scan(inline: lamella.Context, make_scan: MakeScan, dtype: str, pieces: int) -> None:
    data = data_of(dtype)
    result = inline.run_udf(make_scan(data, num_partitions=pieces), SumUDF())["intensity"]
    assert result.kind == "sig"
    close(result.data, wide(data).sum(axis=(0, 1)))


@pytest.mark.parametrize("dtype", MORE)
def test_sums_over_the_detector(inline: lamella.Context, make_scan: MakeScan, dtype: str, pieces: int) -> None:
    data = data_of(dtype)
    result = inline.run_udf(make_scan(data, num_partitions=pieces), SumSigUDF())["intensity"]
    assert result.kind == "nav"
    close(result.data, wide(data).sum(axis=(2, 3)))


def test_sums_come_in_another_dtype_where_asked(inline: lamella.Context, make_scan: MakeScan) -> None:
    data = data_of("uint16")
    both = inline.run_udf(make_scan(data), [SumUDF(dtype="float32"), SumSigUDF(dtype="float32")])
    assert [result["intensity"].dtype for result in both] == ["float32", "float32"]
    np.testing.assert_allclose(both[1]["intensity"].data, data.sum(axis=(2, 3)))


def test_sums_do_not_overflow(ctx: lamella.Context, make_scan: MakeScan) -> None:
    data = np.full((300, *SIG), 65535, dtype=np.uint16)
    both = ctx.run_udf(make_scan(data), [SumUDF(), SumSigUDF()])
    assert (both[0]["intensity"].data == 300 * 65535).all()
    assert (both[1]["intensity"].data == SIG[0] * SIG[1] * 65535).all()


# Standard deviation.


@pytest.mark.parametrize("dtype", [*DTYPES, "complex64"])
def test_standard_deviation(inline: lamella.Context, make_scan: MakeScan, dtype: str, pieces: int) -> None:
    data = data_of(dtype)
    exact = data.astype(np.result_type(data.dtype, np.float64))
    result = inline.run_udf(make_scan(data, num_partitions=pieces), StdDevUDF())
    axes = (0, 1)
    np.testing.assert_allclose(result["std"].data, exact.std(axis=axes), rtol=1e-10)
    np.testing.assert_allclose(result["var"].data, exact.var(axis=axes), rtol=1e-10)
    np.testing.assert_allclose(result["mean"].data, exact.mean(axis=axes), rtol=1e-10)
    np.testing.assert_allclose(result["sum"].data, exact.sum(axis=axes), rtol=1e-10)
    np.testing.assert_allclose(result["varsum"].data, exact.var(axis=axes) * 30, rtol=1e-10)
    assert result["num_frames"].data[0] == 30


def test_a_large_offset_does_not_spoil_the_standard_deviation(ctx: lamella.Context, make_scan: MakeScan) -> None:
    noise = np.random.default_rng(5).normal(size=(500, *SIG))
    data = (1e6 + noise).astype(np.float32)
    result = ctx.run_udf(make_scan(data, num_partitions=7), StdDevUDF())["std"].data
    np.testing.assert_allclose(result, data.astype(np.float64).std(axis=0), rtol=1e-9)


def test_missing_frames_do_not_count(ctx: lamella.Context, make_scan: MakeScan) -> None:
    data = data_of("uint16")
    ds = make_scan(data, sync_offset=-7, num_partitions=4)
    result = ctx.run_udf(ds, StdDevUDF())
    shown = data.reshape(30, *SIG)[:23].astype(np.float64)
    assert result["num_frames"].data[0] == 23
    np.testing.assert_allclose(result["std"].data, shown.std(axis=0), rtol=1e-10)
    np.testing.assert_allclose(result["mean"].data, shown.mean(axis=0), rtol=1e-10)


def test_the_deviation_of_nothing_is_nan(inline: lamella.Context, make_scan: MakeScan) -> None:
    result = inline.run_udf(make_scan(data_of("uint16")), StdDevUDF(), np.zeros(NAV, bool))
    assert np.isnan(result["std"].data).all()
    assert result["num_frames"].data[0] == 0


# Logarithmic sum.


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_logarithmic_sum(ctx: lamella.Context, make_scan: MakeScan, dtype: str) -> None:
    data = data_of(dtype).astype(np.float64)
    result = ctx.run_udf(make_scan(data_of(dtype), num_partitions=3), LogsumUDF())["logsum"]
    lowest = data.min(axis=(2, 3), keepdims=True)
    np.testing.assert_allclose(result.data, np.log(data - lowest + 1).sum(axis=(0, 1)), rtol=1e-5)


# Masks.


def stack(dtype: str, count: int) -> Array:
    rng = np.random.default_rng(count)
    values = rng.random((count, *SIG)) * (rng.random((count, *SIG)) < 0.3)
    return (values > 0) if dtype == "bool" else values.astype(dtype)


@pytest.mark.parametrize("dtype", MORE)
@pytest.mark.parametrize("mask_dtype", ["bool", "float32", "complex64"])
def test_masks_weigh_and_sum(
    inline: lamella.Context, make_scan: MakeScan, dtype: str, mask_dtype: str, pieces: int
) -> None:
    data, weights = data_of(dtype), stack(mask_dtype, 3)
    result = inline.run_udf(make_scan(data, num_partitions=pieces), ApplyMasksUDF(mask_factories=list(weights)))
    assert result["intensity"].dtype == np.result_type(data.dtype, weights.dtype, np.float32)
    expected = np.einsum("...yx,nyx->...n", wide(data).astype("c16"), weights)
    found = result["intensity"].data
    expected = expected if found.dtype.kind == "c" else expected.real
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("count", [1, 2, 8, 65])
@pytest.mark.parametrize("sparse", [True, False])
def test_any_number_of_masks(ctx: lamella.Context, make_scan: MakeScan, count: int, sparse: bool) -> None:
    data, weights = data_of("uint16"), stack("float32", count)
    udf = ApplyMasksUDF(mask_factories=lambda: weights, use_sparse=sparse)
    found = ctx.run_udf(make_scan(data, num_partitions=3), udf)["intensity"].data
    assert found.shape == (*NAV, count)
    np.testing.assert_allclose(found, np.einsum("...yx,nyx->...n", data.astype(float), weights), rtol=1e-5)


class Foreign:
    """A sparse array of another library, with coordinates."""

    def __init__(self, array: Array) -> None:
        self.coords = np.nonzero(array)
        self.data = array[self.coords]
        self.shape = array.shape


@pytest.mark.parametrize(
    "given",
    [
        lambda weights: weights,
        lambda weights: lambda: weights,
        lambda weights: [partial(np.array, mask) for mask in weights],
        lambda weights: [weights[:2], weights[2]],
        lambda weights: lambda: SparseMasks.of(weights),
        lambda weights: lambda: Foreign(weights),
        lambda weights: [Foreign(mask) for mask in weights],
        lambda weights: [SparseMasks.of(weights[:1]), weights[1:]],
    ],
    ids=["array", "function", "functions", "parts", "sparse", "foreign", "foreign list", "mixed"],
)
def test_masks_may_be_given_in_many_ways(inline: lamella.Context, make_scan: MakeScan, given: Any) -> None:
    data, weights = data_of("uint16"), stack("float32", 3)
    found = inline.run_udf(make_scan(data), ApplyMasksUDF(mask_factories=given(weights)))["intensity"].data
    np.testing.assert_allclose(found, np.einsum("...yx,nyx->...n", data.astype(float), weights), rtol=1e-5)


def test_no_mask_at_all_is_refused(inline: lamella.Context, make_scan: MakeScan) -> None:
    with pytest.raises(ParameterError, match="there is no mask"):
        inline.run_udf(make_scan(data_of("uint8")), ApplyMasksUDF(mask_factories=[]))


def test_masks_are_made_once_in_each_process(threads: lamella.Context, make_scan: MakeScan) -> None:
    calls = []

    def make() -> Array:
        calls.append(1)
        return stack("float32", 2)

    threads.run_udf(make_scan(data_of("uint16"), num_partitions=5), ApplyMasksUDF(mask_factories=make))
    assert len(calls) == 1


def test_number_and_dtype_of_masks_can_be_said(inline: lamella.Context, make_scan: MakeScan) -> None:
    udf = ApplyMasksUDF(
        mask_factories=lambda: stack("float64", 2), mask_count=2, mask_dtype="float32", preferred_dtype="float64"
    )
    assert inline.run_udf(make_scan(data_of("uint16")), udf)["intensity"].dtype == np.float64


def test_a_mask_of_another_shape_is_refused(inline: lamella.Context, make_scan: MakeScan) -> None:
    with pytest.raises(ParameterError, match=r"mask 1 has shape \(3, 3\), the detector has \(12, 14\)"):
        inline.run_udf(make_scan(data_of("uint8")), ApplyMasksUDF(mask_factories=[np.ones(SIG), np.ones((3, 3))]))


def shifted(mask: Array, dy: int, dx: int) -> Array:
    moved = np.zeros_like(mask)
    for y, x in np.ndindex(mask.shape):
        if 0 <= y - dy < mask.shape[0] and 0 <= x - dx < mask.shape[1]:
            moved[y, x] = mask[y - dy, x - dx]
    return moved


@pytest.mark.parametrize("shift", [(0, 0), (2, -3), (-4, 1), (30, 0), (0.4, 1.6)])
@pytest.mark.parametrize("sparse", [True, False])
def test_masks_move_by_whole_pixels(
    inline: lamella.Context, make_scan: MakeScan, shift: tuple[float, float], sparse: bool
) -> None:
    data, weights = data_of("uint16"), stack("float64", 2)
    udf = ApplyMasksUDF(mask_factories=list(weights), shifts=shift, use_sparse=sparse)
    found = inline.run_udf(make_scan(data), udf)["intensity"].data
    moved = np.stack([shifted(mask, round(shift[0]), round(shift[1])) for mask in weights])
    np.testing.assert_allclose(found, np.einsum("...yx,nyx->...n", data.astype(float), moved))


@pytest.mark.parametrize("sparse", [True, False])
def test_masks_follow_each_frame(ctx: lamella.Context, make_scan: MakeScan, sparse: bool) -> None:
    data, weights = data_of("uint16"), stack("float64", 2)
    shifts = np.random.default_rng(0).integers(-4, 5, (*NAV, 2))
    aux = UDF.aux_data(shifts, kind="nav", extra_shape=(2,), dtype=int)
    udf = ApplyMasksUDF(mask_factories=list(weights), shifts=aux, use_sparse=sparse)
    found = ctx.run_udf(make_scan(data, num_partitions=3), udf, roi=np.indices(NAV).sum(axis=0) % 2 == 0)
    for y, x in np.ndindex(NAV):
        moved = np.stack([shifted(mask, *shifts[y, x]) for mask in weights])
        expected = np.einsum("yx,nyx->n", data[y, x].astype(float), moved)
        value = found["intensity"].data[y, x]
        assert np.isnan(value).all() if (y + x) % 2 else np.allclose(value, expected)


# Centre of mass.


def centre_of_mass(data: Array, cy: float, cx: float, r: float = np.inf, ri: float = 0) -> Array:
    y, x = np.mgrid[: SIG[0], : SIG[1]]
    distance = np.hypot(y - cy, x - cx)
    mask = (distance <= r) & (distance > ri if ri else True)
    weights = data.astype(np.float64) * mask
    total = weights.sum(axis=(-2, -1))
    return np.stack([(weights * axis).sum(axis=(-2, -1)) / total for axis in (y, x)], axis=-1)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", ">u4", "float32", "float64"])
def test_centre_of_mass(inline: lamella.Context, make_scan: MakeScan, dtype: str, pieces: int) -> None:
    data = np.abs(data_of(dtype).astype(float)).astype(dtype)
    result = inline.run_udf(make_scan(data, num_partitions=pieces), CoMUDF())
    np.testing.assert_allclose(result["raw_com"].data, centre_of_mass(data, 6, 7), rtol=1e-6)
    np.testing.assert_allclose(result["raw_shifts"].data, centre_of_mass(data, 6, 7) - (6, 7), atol=1e-5)
    np.testing.assert_allclose(result["magnitude"].data, np.hypot(*np.moveaxis(result["raw_shifts"].data, -1, 0)))


@pytest.mark.parametrize(("cy", "cx", "r", "ri"), [(4, 5, 3, 1), (5.3, 6.7, 4.1, 0), (6, 7, 100, 2.5)])
def test_centre_of_mass_within_radii(
    inline: lamella.Context, make_scan: MakeScan, cy: float, cx: float, r: float, ri: float
) -> None:
    data = data_of("uint16")
    result = inline.run_udf(make_scan(data), CoMUDF.with_params(cy=cy, cx=cx, r=r, ri=ri))["raw_com"].data
    np.testing.assert_allclose(result, centre_of_mass(data, cy, cx, r, ri), rtol=1e-6)


def peaks(where: Callable[[int, int], tuple[int, int]]) -> Array:
    """Frames with one bright pixel each."""
    data = np.zeros((*NAV, *SIG), dtype=np.float32)
    for y, x in np.ndindex(NAV):
        data[(y, x, *where(y, x))] = 1
    return data


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({}, (-2, 2)),
        ({"flip_y": True}, (2, 2)),
        ({"scan_rotation": 90}, (2, 2)),
        ({"flip_y": True, "scan_rotation": 30}, (1 + 3**0.5, 3**0.5 - 1)),
    ],
)
def test_the_field_is_flipped_then_rotated(
    inline: lamella.Context, make_scan: MakeScan, parameters: dict[str, Any], field: tuple[float, float]
) -> None:
    ds = make_scan(peaks(lambda y, x: (4, 9)))
    result = inline.run_udf(ds, CoMUDF(cy=6, cx=7, **parameters))
    np.testing.assert_allclose(result["field"].data[2, 3], field, atol=1e-12)
    np.testing.assert_allclose(result["field_y"].data[2, 3], field[0], atol=1e-12)
    np.testing.assert_allclose(result["field_x"].data[2, 3], field[1], atol=1e-12)
    np.testing.assert_allclose(result["magnitude"].data[2, 3], 8**0.5)


def test_divergence_and_curl(inline: lamella.Context, make_scan: MakeScan) -> None:
    source = inline.run_udf(make_scan(peaks(lambda y, x: (y + 2, 2 * x + 1))), CoMUDF())
    np.testing.assert_allclose(source["divergence"].data, 3)
    np.testing.assert_allclose(source["curl"].data, 0, atol=1e-12)
    vortex = inline.run_udf(make_scan(peaks(lambda y, x: (x + 2, 2 * y + 1))), CoMUDF())
    np.testing.assert_allclose(vortex["divergence"].data, 0, atol=1e-12)
    np.testing.assert_allclose(vortex["curl"].data, -1)


@pytest.mark.parametrize(
    ("regression", "coefficients", "left"),
    [
        (-1, [[0, 0], [0, 0], [0, 0]], (-1, 1)),
        (0, [[-2, -1], [0, 0], [0, 0]], (1, 2)),
        (1, [[-4, -6], [1, 0], [0, 2]], (0, 1)),
        (np.array([[1, 2], [0.5, 0.25], [0.1, 0.2]]), [[1, 2], [0.5, 0.25], [0.1, 0.2]], (-3.9, -2.35)),
    ],
    ids=["nothing", "mean", "plane", "given"],
)
def test_a_regression_is_subtracted(
    inline: lamella.Context,
    make_scan: MakeScan,
    regression: Any,
    coefficients: list[list[float]],
    left: tuple[float, float],
) -> None:
    data = peaks(lambda y, x: (y + 2, 2 * x + 1))
    data[3, 4] = 0
    data[3, 4, 5, 10] = 1  # one pixel off the plane, x = 9
    result = inline.run_udf(make_scan(data), CoMUDF(cy=6, cx=7, regression=regression))
    shifts = result["raw_shifts"].data[3, 4]
    np.testing.assert_allclose(shifts, (-1, 3))
    y, x = 3, 4
    found = result["regression"].data
    np.testing.assert_allclose(found, coefficients, atol=0.15)
    np.testing.assert_allclose(result["field"].data[3, 4], shifts - found[0] - y * found[1] - x * found[2], atol=1e-9)


def test_the_regression_uses_valid_positions_only(inline: lamella.Context, make_scan: MakeScan) -> None:
    data = peaks(lambda y, x: (y + 2, 2 * x + 1))
    roi = np.ones(NAV, bool)
    roi[0, 1] = False
    frames = data.reshape(-1, *SIG)[2:]
    ds = make_scan(frames, nav_shape=NAV, sync_offset=-2)
    result = inline.run_udf(ds, CoMUDF(cy=6, cx=7, regression=1), roi)
    np.testing.assert_allclose(result["regression"].data, [[-4, -6], [1, 0], [0, 2]], atol=1e-9)
    assert np.isnan(result["field"].data[0, :2]).all()
    np.testing.assert_allclose(result["field"].data[1:], 0, atol=1e-9)


def test_an_empty_frame_has_its_mass_in_the_centre(inline: lamella.Context, make_scan: MakeScan) -> None:
    data = peaks(lambda y, x: (4, 9))
    data[1, 1] = 0
    result = inline.run_udf(make_scan(data), CoMUDF(cy=5, cx=6))
    np.testing.assert_array_equal(result["raw_com"].data[1, 1], (5, 6))
    np.testing.assert_array_equal(result["field"].data[1, 1], (0, 0))


@pytest.mark.parametrize("nav", [(30,), (2, 3, 5), (1, 30)])
def test_maps_need_two_scan_axes(inline: lamella.Context, make_scan: MakeScan, nav: tuple[int, ...]) -> None:
    data = data_of("uint16", nav)
    result = inline.run_udf(make_scan(data), CoMUDF(regression=1 if len(nav) < 3 else -1))
    assert {"divergence", "curl"}.isdisjoint(result)
    np.testing.assert_allclose(result["raw_com"].data, centre_of_mass(data, 6, 7), rtol=1e-6)


def test_a_centre_of_mass_needs_a_plane_detector(inline: lamella.Context, make_scan: MakeScan) -> None:
    with pytest.raises(UDFError, match="detector with two axes"):
        inline.run_udf(make_scan(np.zeros((4, 9)), sig_dims=1), CoMUDF())


def test_radii_must_leave_something() -> None:
    with pytest.raises(ParameterError, match="inner radius 5 must be smaller"):
        CoMUDF(r=4, ri=5)


def test_a_regression_of_another_kind_is_refused(inline: lamella.Context, make_scan: MakeScan) -> None:
    with pytest.raises(ParameterError, match="2 is not -1, 0, 1"):
        inline.run_udf(make_scan(data_of("uint16")), CoMUDF(regression=2))


# Frames.


@pytest.mark.parametrize("dtype", MORE)
def test_frames_are_picked_as_they_are(ctx: lamella.Context, make_scan: MakeScan, dtype: str) -> None:
    data = data_of(dtype)
    roi = np.random.default_rng(1).random(NAV) < 0.3
    result = ctx.run_udf(make_scan(data, num_partitions=3), PickUDF(), roi)["intensity"]
    assert result.dtype == data.dtype.newbyteorder("=")
    np.testing.assert_array_equal(result.data, data[roi])


def test_a_missing_frame_is_picked_as_zeros_and_not_valid(inline: lamella.Context, make_scan: MakeScan) -> None:
    ds = make_scan(data_of("uint16"), sync_offset=-1)
    result = inline.run_udf(ds, PickUDF(), ds.roi[0, :2])["intensity"]
    assert (result.data[0] == 0).all()
    assert not result.valid_mask[0].any()
    assert result.valid_mask[1].all()


@pytest.mark.parametrize(
    ("f", "dtype", "extra"),
    [
        (np.max, "float32", ()),
        (lambda frame: frame.sum(axis=0), "float32", (14,)),
        (lambda frame: 3, "int64", ()),
        (lambda frame: [1.5, 2], "float64", (2,)),
        (lambda frame: frame.max() > 3, "bool", ()),
        (lambda frame: {"peak": frame.max()}, "object", ()),
        (lambda frame: None, "object", ()),
    ],
)
def test_any_function_becomes_a_udf(
    inline: lamella.Context, make_scan: MakeScan, f: Any, dtype: str, extra: tuple[int, ...]
) -> None:
    data = data_of("uint16")
    result = inline.run_udf(make_scan(data), AutoUDF(f=f))["result"]
    assert (result.dtype, result.extra_shape) == (np.dtype(dtype), extra)
    expected = f(data[1, 2].astype(np.float32))
    assert np.array_equal(result.data[1, 2], expected) or result.data[1, 2] == expected


# Recording and doing nothing.


@pytest.mark.parametrize("dtype", ["uint16", ">f4", "complex64"])
def test_a_run_is_recorded(ctx: lamella.Context, make_scan: MakeScan, tmp_path: Path, dtype: str) -> None:
    data = data_of(dtype)
    result = ctx.run_udf(make_scan(data, num_partitions=4), RecordUDF(tmp_path / "copy.npy"))
    assert result == {}
    np.testing.assert_array_equal(np.load(tmp_path / "copy.npy"), data)


def test_selected_frames_are_recorded_one_after_the_other(
    ctx: lamella.Context, make_scan: MakeScan, tmp_path: Path
) -> None:
    data, roi = data_of("uint16"), np.random.default_rng(1).random(NAV) < 0.3
    ctx.run_udf(make_scan(data, num_partitions=4), RecordUDF(tmp_path / "copy.npy"), roi)
    np.testing.assert_array_equal(np.load(tmp_path / "copy.npy"), data[roi])


def test_missing_frames_are_recorded_as_zeros(inline: lamella.Context, make_scan: MakeScan, tmp_path: Path) -> None:
    data = data_of("uint16")
    inline.run_udf(make_scan(data, sync_offset=-3), RecordUDF(tmp_path / "copy.npy"))
    flat = np.load(tmp_path / "copy.npy").reshape(30, *SIG)
    assert (flat[:3] == 0).all()
    np.testing.assert_array_equal(flat[3:], data.reshape(30, *SIG)[:-3])


def test_corrected_data_are_recorded_as_corrected(inline: lamella.Context, make_scan: MakeScan, tmp_path: Path) -> None:
    data = data_of("uint16")
    corrections = Corrections.of(SIG, gain=np.full(SIG, 0.5))
    inline.run_udf(make_scan(data), RecordUDF(tmp_path / "copy.npy"), corrections=corrections)
    np.testing.assert_array_equal(np.load(tmp_path / "copy.npy"), data * np.float32(0.5))


def test_doing_nothing_gives_nothing(ctx: lamella.Context, make_scan: MakeScan) -> None:
    assert ctx.run_udf(make_scan(data_of("uint16")), NoOpUDF()) == {}
    assert ctx.run_udf(make_scan(data_of("uint16")), NoOpUDF(preferred_input_dtype=np.float64)) == {}


# All in one pass, on data that are corrected, cut and incomplete.


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_built_in_udfs_share_one_pass(ctx: lamella.Context, make_scan: MakeScan, dtype: str) -> None:
    data = data_of(dtype)
    dark, gain = np.full(SIG, 7.0), np.linspace(0.5, 1.5, SIG[0] * SIG[1]).reshape(SIG)
    corrections = Corrections.of(SIG, dark=dark, gain=gain)
    ds = make_scan(data, sync_offset=4, num_partitions=5)
    roi = np.random.default_rng(8).random(NAV) < 0.6
    udfs = [
        SumUDF(),
        SumSigUDF(),
        StdDevUDF(),
        CoMUDF(),
        ApplyMasksUDF(mask_factories=[masks.circular(7, 6, 14, 12, 4)]),
    ]
    total, sums, std, com, disk = ctx.run_udf(ds, udfs, roi, corrections)
    shown = roi & ds.valid_mask
    frames = ((data.reshape(30, *SIG)[np.flatnonzero(shown) + 4].astype(np.float64)) - dark) * gain
    np.testing.assert_allclose(total["intensity"].data, frames.sum(axis=0), rtol=1e-5)
    np.testing.assert_allclose(sums["intensity"].data[shown], frames.sum(axis=(1, 2)), rtol=1e-5)
    np.testing.assert_allclose(std["std"].data, frames.std(axis=0), rtol=1e-5)
    np.testing.assert_allclose(com["raw_com"].data[shown], centre_of_mass(frames, 6, 7), rtol=1e-4)
    inside = masks.circular(7, 6, 14, 12, 4)
    np.testing.assert_allclose(disk["intensity"].data[shown][:, 0], (frames * inside).sum(axis=(1, 2)), rtol=1e-5)
    for result in (sums["intensity"], com["field"], disk["intensity"]):
        assert np.isnan(result.data[~shown]).all()


def test_sparse_masks_leave_pixels_alone_that_are_not_numbers(ctx: lamella.Context, make_scan: MakeScan) -> None:
    data = data_of("float32")
    data[..., 0, 0] = np.nan
    weights = np.zeros((2, *data.shape[2:]), dtype=np.float32)
    weights[:, 1:] = 1
    found = ctx.run_udf(make_scan(data), ApplyMasksUDF(lambda: weights, use_sparse=True))["intensity"].data
    np.testing.assert_allclose(found[..., 0], data[:, :, 1:].sum(axis=(2, 3)), rtol=1e-5)


@pytest.mark.parametrize("dtype", ["int64", "uint64"])
@pytest.mark.parametrize("udf", [SumUDF, SumSigUDF])
def test_sums_beyond_64_bits_wrap_around_or_are_floating(
    inline: lamella.Context, make_scan: MakeScan, udf: type[UDF], dtype: str
) -> None:
    data = np.full((*NAV, *SIG), np.iinfo(dtype).max // 16, dtype)
    count = data[0, 0].size if udf is SumSigUDF else NAV[0] * NAV[1]
    exact = int(data.flat[0]) * count
    assert exact > np.iinfo(dtype).max
    ds = make_scan(data)
    wrapped = inline.run_udf(ds, udf())["intensity"].data
    assert (int(wrapped.flat[0]) - exact) % 2**64 == 0
    wide = inline.run_udf(ds, udf(dtype="float64"))["intensity"].data
    assert np.allclose(wide, float(exact), rtol=1e-15)
