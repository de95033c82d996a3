"""Binned frames: exact sums in a dtype that holds them, whatever the shape, the region and the way of computing."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse  # type: ignore[import-untyped]
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

import lamella
from computing.conftest import MakeScan
from lamella.errors import ParameterError
from lamella.geometry.bins import Bins
from lamella.geometry.shape import SigBox
from lamella.masks import binned
from lamella.udf import ApplyMasksUDF, BinUDF, SumSigUDF

DTYPES = ("?", "u1", "i1", "<u2", ">u2", ">i2", "u4", "i4", "u8", "i8", "f4", ">f8", "c8")


def values(shape: tuple[int, ...], dtype: str, seed: int = 0) -> NDArray[Any]:
    """Give pixels over the whole range of their dtype."""
    rng = np.random.default_rng(seed)
    kind = np.dtype(dtype)
    if kind.kind == "b":
        return rng.random(shape) < 0.5
    if kind.kind in "iu":
        info = np.iinfo(kind)
        return rng.integers(info.min, info.max, shape, kind.newbyteorder("="), endpoint=True).astype(kind)
    return (rng.normal(size=shape) * 1e3 + (1j if kind.kind == "c" else 0)).astype(kind)


def summed(frames: NDArray[Any], sizes: tuple[int, ...]) -> NDArray[Any]:
    """Add up bins pixel by pixel, whole numbers without a limit."""
    cut = frames.ndim - len(sizes)
    exact = frames.astype(object) if frames.dtype.kind in "biu" else frames.astype(np.result_type(frames, "f8"))
    for axis, size in enumerate(sizes, start=cut):
        whole = exact.shape[axis] // size * size
        blocks = np.split(exact.take(range(whole), axis=axis), whole // size, axis=axis)
        exact = np.stack([block.sum(axis=axis) for block in blocks], axis=axis)
    return exact


@st.composite
def boxes(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...], list[SigBox]]:
    """Give a detector, bins that fit, and boxes that cover it, which cut bins."""
    shape = tuple(draw(st.lists(st.integers(1, 11), min_size=1, max_size=3)))
    sizes = tuple(draw(st.integers(1, length)) for length in shape)
    cuts = [sorted({0, length, *draw(st.lists(st.integers(0, length), max_size=2))}) for length in shape]
    whole = [list(zip(edges[:-1], edges[1:], strict=True)) for edges in cuts]
    found: list[tuple[tuple[int, int], ...]] = [()]
    for pieces in whole:
        found = [(*box, piece) for box in found for piece in pieces]
    return shape, sizes, [SigBox(tuple(a for a, _ in box), tuple(b - a for a, b in box)) for box in found]


@settings(max_examples=120)
@given(boxes(), st.sampled_from(DTYPES), st.integers(1, 3))
def test_bins_are_exact_for_every_dtype_and_tiling(
    case: tuple[tuple[int, ...], tuple[int, ...], list[SigBox]], dtype: str, depth: int
) -> None:
    shape, sizes, parts = case
    frames = values((depth, *shape), dtype)
    bins = Bins.of(sizes, shape)
    out = np.zeros((depth, *bins.shape), bins.dtype(frames.dtype))
    for box in parts:
        bins.add(frames[(slice(None), *box.slices)], box, out)
    expected = summed(frames, sizes)
    if frames.dtype.kind in "fc":
        assert out.dtype == np.result_type(frames.dtype, "f8")
        assert np.allclose(out, expected, rtol=1e-13, atol=1e-9)
    elif frames.dtype.itemsize < 8:
        assert np.array_equal(out.astype(object), expected)
    else:
        assert np.array_equal(out.astype(object) % 2**64, expected % 2**64)
        wide = np.zeros(out.shape)
        for box in parts:
            bins.add(frames[(slice(None), *box.slices)], box, wide)
        assert np.allclose(wide, expected.astype(float), rtol=1e-12, atol=1e4)


def test_dtypes_are_the_smallest_that_hold_the_largest_sum() -> None:
    cases = {("?", 2): "u1", ("u1", 2): "u2", ("u1", 16): "u2", ("u1", 32): "u4", ("i1", 2): "i2", (">u2", 2): "u4"}
    cases |= {("u4", 2): "u8", ("i4", 1): "i4", ("i8", 4): "i8", ("f4", 2): "f8", ("c8", 2): "c16"}
    for (dtype, size), expected in cases.items():
        assert Bins.of(size, (64, 64)).dtype(np.dtype(dtype)) == np.dtype(expected), dtype


@pytest.mark.parametrize(("nav", "sig", "sizes", "dtype"), [
    ((3, 5), (17, 23), (4, 5), "<u2"),
    ((4, 4), (300, 300), (7, 2), ">u2"),
    ((7,), (33,), (2,), "f4"),
])  # fmt: skip
def test_runs_give_binned_frames(
    ctx: lamella.Context, make_scan: MakeScan, nav: tuple[int, ...], sig: tuple[int, ...], sizes: Any, dtype: str
) -> None:
    data = values((*nav, *sig), dtype)
    ds = make_scan(data, sig_shape=sig, nav_shape=nav)
    result = ctx.run_udf(ds, BinUDF(sizes))["intensity"].data
    expected = summed(data, sizes)
    assert np.allclose(result.astype(float), expected.astype(float), rtol=1e-13)
    assert result.shape == (*nav, *Bins.of(sizes, sig).shape)


def test_regions_offsets_and_missing_frames(threads: lamella.Context, make_scan: MakeScan) -> None:
    data = values((4, 5, 9, 9), "u1")
    flat = summed(data, (3, 3)).reshape(20, 3, 3)
    ds = make_scan(data, nav_shape=(4, 5), sync_offset=3)
    roi = np.zeros((4, 5), bool)
    roi[1:, ::2] = True
    result = threads.run_udf(ds, [BinUDF(3), BinUDF(3, dtype="float32")], roi=roi)
    for found in (one["intensity"] for one in result):
        shown = found.valid_mask.reshape(20, 3, 3)[:, 0, 0] if found.valid_mask.ndim == 4 else found.valid_mask.ravel()
        places = np.flatnonzero(shown)
        assert np.array_equal(places, [p for p in np.flatnonzero(roi.ravel()) if p + 3 < 20])
        assert np.array_equal(found.data.reshape(20, 3, 3)[places].astype(int), flat[places + 3].astype(int))
    assert np.isnan(result[1]["intensity"].data[0]).all()


def test_binned_masks_on_binned_frames_are_masks_on_frames(inline: lamella.Context, make_scan: MakeScan) -> None:
    data = values((2, 3, 8, 12), "u2")
    masks = np.repeat(np.repeat(np.arange(12.0).reshape(2, 2, 3), 4, axis=1), 4, axis=2)
    ds = make_scan(data)
    small = inline.run_udf(ds, BinUDF(4))["intensity"].data
    few = binned(masks, 4)
    assert few.shape == (2, 2, 3)
    expected = inline.run_udf(ds, ApplyMasksUDF(lambda: masks))["intensity"].data
    assert np.allclose(np.einsum("yxij,mij->yxm", small, few), expected)


@pytest.mark.parametrize("bins", [0, 10, -1, (2,), (2, 3, 4), 2.5, True, "22", (2, 2.0)])
def test_bins_that_do_not_fit_are_refused(inline: lamella.Context, make_scan: MakeScan, bins: Any) -> None:
    with pytest.raises(ParameterError, match="bins"):
        inline.run_udf(make_scan(values((2, 2, 8, 9), "u1")), BinUDF(bins))


@pytest.mark.parametrize(
    ("masks", "found"),
    [
        ([1, 1, 0, 0], r"shape \(4,\)"),
        (5, r"shape \(\)"),
        ([[1, 2], [3]], "inhomogeneous"),
        (scipy.sparse.eye(4, format="csr"), r"csr.*toarray"),
        ([scipy.sparse.eye(4, format="csr")] * 2, "dtype object"),
        (lambda: np.ones((4, 4)), "function"),
        ("disk", "str"),
    ],
)
def test_what_is_no_mask_is_not_binned(masks: Any, found: str) -> None:
    with pytest.raises(ParameterError, match=rf"masks: expected a dense array.*2 axes of the detector.*{found}"):
        binned(masks, 2)


@pytest.mark.parametrize("corrections", [True, False])
def test_exports_are_binned(ctx: lamella.Context, make_scan: MakeScan, tmp_path: Path, corrections: bool) -> None:
    data = values((3, 4, 9, 14), ">u2")
    ds = make_scan(data, sync_offset=2, corrections=corrections)
    path = tmp_path / "small.npy"
    report = ctx.export_dataset(ds, path, bins=(2, 4), fill=7)
    found = np.load(path)
    expected = summed(data, (2, 4)).reshape(12, 4, 3)
    assert found.dtype == np.uint32
    assert report.missing == 2
    assert np.array_equal(found.reshape(12, 4, 3)[:10].astype(object), expected[2:])
    assert (found.reshape(12, 4, 3)[10:] == 7).all()
    again = lamella.open(path)
    total = ctx.run_udf(again, SumSigUDF())["intensity"].data
    assert total.shape == (3, 4)
