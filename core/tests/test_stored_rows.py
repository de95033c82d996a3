"""Sources of their own code that give rows of items in the order in which they store them."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.typing import NDArray

import lamella
from lamella.corrections.corrections import Corrections
from lamella.dataset.dataset import DataSet
from lamella.dataset.provenance import Provenance
from lamella.dataset.tiling import TileWish, negotiate_blocks
from lamella.geometry.pixelorder import BoxOrder, IndexOrder
from lamella.geometry.shape import SigBox
from lamella.opening.reshape import reshape_source
from lamella.reader.resource import Resource
from lamella.reader.runs import RunTable
from lamella.reader.session import IOSession
from lamella.reader.source import Encoding, FrameSource, LinearSource, SourceInfo, StoredRows
from lamella.udf.base import UDF
from lamella.udf.builtin.com import CoMUDF
from lamella.udf.builtin.masks import ApplyMasksUDF
from lamella.udf.builtin.stddev import StdDevUDF
from lamella.udf.builtin.sum import SumUDF
from lamella.udf.builtin.sumsig import SumSigUDF

SHAPE = (6, 10)
BOXES = (  # from right to left, the lower ones shorter
    SigBox((0, 6), (4, 4)),
    SigBox((0, 3), (4, 3)),
    SigBox((0, 0), (4, 3)),
    SigBox((4, 6), (2, 4)),
    SigBox((4, 0), (2, 6)),
)


def in_boxes(frames: NDArray[Any]) -> NDArray[Any]:
    return np.stack([np.concatenate([frame[box.slices].reshape(-1) for box in BOXES]) for frame in frames])


class Blocks(FrameSource):
    """Frames in memory, kept block by block."""

    def __init__(self, frames: NDArray[Any]) -> None:
        super().__init__(SourceInfo(), n_frames=len(frames), sig_shape=SHAPE, dtype=frames.dtype)
        self.stored = in_boxes(frames)
        self.pixels = frames
        self.refuses_pixels = False

    @cached_property
    def rows(self) -> StoredRows:
        order = BoxOrder(SHAPE, BOXES)
        return StoredRows(self.dtype, order, order.bounds)

    def read_rows(self, io: IOSession, frames: NDArray[np.int64], first: int, end: int, out: NDArray[Any]) -> None:
        assert {first, end} <= set(BoxOrder(SHAPE, BOXES).bounds.tolist())
        out[...] = self.stored[frames, first:end]

    def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
        assert not self.refuses_pixels
        out[...] = self.pixels[frames][(slice(None), *box.slices)]


class Started(UDF):
    """A sum that begins with an image of its own, and weighs with another."""

    def preprocess(self) -> None:
        if self.meta.in_task:
            self.results.total[:] += np.arange(60, dtype=np.int64).reshape(SHAPE)

    def get_result_buffers(self) -> Any:
        return {"total": self.buffer("sig", dtype=np.int64)}

    def get_method(self) -> Any:
        return "rows"

    def process_rows(self, rows: NDArray[Any], swapped: tuple[int, ...]) -> None:
        self.results.total += rows.sum(axis=0, dtype=np.int64)
        assert self.results.total.shape == self.params.offset.shape == self.meta.row_pixels.shape
        np.testing.assert_array_equal(self.params.offset, self.meta.row_pixels)

    def merge(self, dest: Any, src: Any) -> None:
        dest.total += src.total


def opened(frames: NDArray[Any], *, sig_shape: tuple[int, int] = SHAPE, **options: Any) -> DataSet:
    source = reshape_source(Blocks(frames), sig_shape)
    return DataSet(source, provenance=Provenance(format="test", title="Test", target="blocks"), **options)


@pytest.fixture
def frames() -> NDArray[Any]:
    return np.random.default_rng(5).integers(0, 4096, (11, *SHAPE)).astype(np.uint16)


@pytest.mark.parametrize("kernels", ["numpy", "compiled"])
@pytest.mark.parametrize("partitions", [1, 4])
@pytest.mark.parametrize("depth", [2, 32])
def test_computations_take_blocks_as_they_are_stored(
    frames: NDArray[Any], kernels: str, partitions: int, depth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAMELLA_KERNELS", kernels)
    monkeypatch.setattr("lamella.dataset.tiling.BLOCK_DEPTH", depth)
    ds = opened(frames, num_partitions=partitions)
    ds.source.refuses_pixels = True  # type: ignore[union-attr]
    masks = np.random.default_rng(3).random((3, *SHAPE)).astype(np.float32)
    roi = np.arange(11) % 3 != 1
    for region, chosen in ((None, frames), (roi, frames[roi])):
        with lamella.Context("inline") as ctx:
            total, pixels, spread, weighed, com = ctx.run_udf(
                ds, [SumUDF(), SumSigUDF(), StdDevUDF(), ApplyMasksUDF(lambda: masks), CoMUDF()], roi=region
            )
        exact = chosen.astype(np.float64)
        np.testing.assert_array_equal(total["intensity"].data, exact.sum(axis=0))
        np.testing.assert_array_equal(pixels["intensity"].raw_data, exact.sum(axis=(1, 2)))
        np.testing.assert_allclose(spread["std"].data, exact.std(axis=0), rtol=1e-12)
        expected = exact.reshape(len(exact), -1) @ masks.reshape(3, -1).T
        np.testing.assert_allclose(weighed["intensity"].raw_data, expected, rtol=1e-6)
        y = (exact * np.arange(6)[:, None]).sum(axis=(1, 2)) / exact.sum(axis=(1, 2))
        np.testing.assert_allclose(com["raw_com"].raw_data[:, 0], y, rtol=1e-5)


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_missing_frames_are_zeros_where_that_is_asked_for(frames: NDArray[Any]) -> None:
    ds = opened(frames, sync_offset=-2, missing="zero")
    with lamella.Context("inline") as ctx:
        pixels = ctx.run_udf(ds, SumSigUDF())["intensity"].raw_data
    np.testing.assert_array_equal(pixels, [0, 0, *frames.sum(axis=(1, 2), dtype=np.int64)[:-2]])


@pytest.mark.parametrize("depth", [2, 32])
def test_what_a_udf_begins_with_is_brought_into_the_order_of_blocks(
    frames: NDArray[Any], depth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lamella.dataset.tiling.BLOCK_DEPTH", depth)
    ds = opened(frames, num_partitions=3)
    offset = np.arange(60).reshape(SHAPE)
    with lamella.Context("inline") as ctx:
        total = ctx.run_udf(ds, Started(offset=UDF.aux_data(offset, kind="sig")))["total"].data
    np.testing.assert_array_equal(total, frames.sum(axis=0, dtype=np.int64) + 3 * offset)


def test_frames_in_another_shape_are_computed_from_the_same_blocks(frames: NDArray[Any]) -> None:
    ds = opened(frames, sig_shape=(10, 6))
    with lamella.Context("inline") as ctx:
        total = ctx.run_udf(ds, SumUDF())["intensity"].data
    np.testing.assert_array_equal(total, frames.sum(axis=0, dtype=np.int64).reshape(10, 6))


def test_boxes_and_an_index_say_the_same() -> None:
    boxes = BoxOrder(SHAPE, BOXES)
    index = IndexOrder(boxes.pixels(0, 60))
    np.testing.assert_array_equal(index.index, in_boxes(np.arange(60).reshape(1, *SHAPE))[0])
    np.testing.assert_array_equal(boxes.coordinates(16, 40), np.unravel_index(index.pixels(16, 40), SHAPE))
    planes = np.random.default_rng(1).random((2, 60))
    np.testing.assert_array_equal(boxes.take(planes, 16, 40), index.take(planes, 16, 40))
    vectors = np.random.default_rng(2).random((60, 2))
    np.testing.assert_array_equal(boxes.to_items(vectors, 0, 60), index.to_items(vectors, 0, 60))
    for order in (boxes, index):
        back = np.zeros((60, 2))
        for first, end in ((0, 16), (16, 60)):
            order.put(order.to_items(vectors, first, end), back, first)
        np.testing.assert_array_equal(back, vectors)


@given(data=st.data())
def test_boxes_side_by_side_are_copied_together_as_one_by_one(data: st.DataObject) -> None:
    """Boxes of equal and different width, in any order, with or without axes behind the pixel, of any dtype."""
    heights = data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    widths = data.draw(st.lists(st.sampled_from([1, 2, 2, 2, 5]), min_size=1, max_size=6))
    tops, lefts = np.cumsum([0, *heights]).tolist(), np.cumsum([0, *widths]).tolist()
    boxes = [
        SigBox((top, left), (height, width))
        for top, height in zip(tops, heights, strict=False)
        for left, width in zip(lefts, widths, strict=False)
    ]
    if data.draw(st.booleans()):
        boxes = data.draw(st.permutations(boxes))
    order = BoxOrder((tops[-1], lefts[-1]), tuple(boxes))
    index = IndexOrder(order.pixels(0, order.bounds[-1]))
    first, end = sorted(data.draw(st.lists(st.sampled_from(order.bounds.tolist()), min_size=2, max_size=2)))
    dtype = data.draw(st.sampled_from(["u1", ">u2", "f4", "c16"]))
    rng = np.random.default_rng(1)
    planes = rng.integers(0, 200, (2, order.bounds[-1])).astype(dtype)
    np.testing.assert_array_equal(order.take(planes, first, end), index.take(planes, first, end))
    rest: tuple[int, ...] = data.draw(st.sampled_from([(), (2,), (2, 3)]))
    pixels = rng.integers(0, 200, (order.bounds[-1], *rest)).astype(dtype)
    if rest and rng.integers(2):
        pixels = np.asfortranarray(pixels)
    items = order.to_items(pixels, first, end)
    np.testing.assert_array_equal(items, index.to_items(pixels, first, end))
    wider = np.zeros(pixels.shape, data.draw(st.sampled_from([dtype, "c16"])))
    expected = wider.copy()
    order.put(items, wider, first)
    index.put(items, expected, first)
    np.testing.assert_array_equal(wider, expected)


@pytest.mark.parametrize(
    ("boxes", "identity"),
    [
        ((SigBox((0, 0), (2, 10)), SigBox((2, 0), (4, 10))), True),
        ((SigBox((2, 0), (4, 10)), SigBox((0, 0), (2, 10))), False),
        ((SigBox((0, 0), (6, 5)), SigBox((0, 5), (6, 5))), False),
        ((SigBox((0, 0), SHAPE),), True),
    ],
)
def test_boxes_of_whole_rows_in_order_are_no_order(boxes: tuple[SigBox, ...], identity: bool) -> None:
    assert BoxOrder(SHAPE, boxes).is_identity is identity


def test_tiles_of_blocks_are_deep_and_end_where_blocks_do() -> None:
    bounds = np.arange(0, 256 * 14880 + 1, 14880)
    scheme = negotiate_blocks(bounds, itemsize=2, n_frames=100, wishes=[TileWish()])
    assert scheme.depth == 25  # four equal parts of at most 32
    assert scheme.sig_shape == (256 * 14880,)
    edges = [box.origin[0] for box in scheme.boxes]
    assert set(edges) <= set(bounds.tolist())
    assert sum(box.size for box in scheme.boxes) == 256 * 14880
    assert scheme.depth * scheme.boxes[0].size * 2 <= 2 << 20


def test_a_block_larger_than_a_tile_is_not_cut() -> None:
    scheme = negotiate_blocks(np.array([0, 4 << 20]), itemsize=2, n_frames=9, wishes=[TileWish(total_size=1 << 20)])
    assert (scheme.depth, len(scheme)) == (1, 1)


# Corrections.


@pytest.mark.parametrize("kernels", ["numpy", "compiled"])
def test_blocks_are_corrected_in_their_order(
    frames: NDArray[Any], kernels: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAMELLA_KERNELS", kernels)
    rng = np.random.default_rng(9)
    dark, gain = rng.random(SHAPE) * 100, rng.random(SHAPE) + 0.5
    ds = opened(frames, num_partitions=2)
    ds.source.refuses_pixels = True  # type: ignore[union-attr]
    expected = (frames - dark) * gain
    for corrections, exact in (
        (Corrections(dark=dark, gain=gain), expected),
        (Corrections(dark=dark), frames - dark),
        (Corrections(gain=gain), frames * gain),
    ):
        with lamella.Context("inline") as ctx:
            total, pixels = ctx.run_udf(ds, [SumUDF(), SumSigUDF()], corrections=corrections)
        np.testing.assert_allclose(total["intensity"].data, exact.sum(axis=0), rtol=1e-6)
        np.testing.assert_allclose(pixels["intensity"].raw_data, exact.sum(axis=(1, 2)), rtol=1e-6)


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_where_nothing_was_recorded_nothing_is_corrected(frames: NDArray[Any]) -> None:
    ds = opened(frames, sync_offset=-2, missing="zero")
    with lamella.Context("inline") as ctx:
        pixels = ctx.run_udf(ds, SumSigUDF(), corrections=Corrections(dark=np.ones(SHAPE)))["intensity"].raw_data
    np.testing.assert_array_equal(pixels, [0, 0, *(frames.sum(axis=(1, 2), dtype=np.int64)[:-2] - 60)])


def test_pixels_that_need_their_neighbours_are_decoded(frames: NDArray[Any]) -> None:
    excluded = np.zeros(SHAPE, dtype=np.bool_)
    excluded[2, 6] = True
    around = frames[:, 1:4, 5:8].reshape(11, 9).astype(np.float64)
    with lamella.Context("inline") as ctx:
        total = ctx.run_udf(opened(frames), SumUDF(), corrections=Corrections(excluded=excluded))["intensity"].data
    np.testing.assert_allclose(total[2, 6], np.delete(around, 4, axis=1).mean(axis=1).sum(), rtol=1e-6)


@pytest.mark.parametrize("kernels", ["numpy", "compiled"])
def test_frames_of_another_byte_order_are_corrected_where_they_lie(
    tmp_path: Path, frames: NDArray[Any], kernels: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAMELLA_KERNELS", kernels)
    frames[:, ::-1].astype(">u2").tofile(tmp_path / "a.bin")
    source = LinearSource(
        resources=(Resource.of(tmp_path / "a.bin"),),
        runs=RunTable.single(offset=0, stride=120, count=11),
        encoding=Encoding(np.dtype(">u2"), SHAPE, strides=(-20, 2), origin=100),
        info=SourceInfo(),
    )
    ds = DataSet(source, provenance=Provenance(format="test", title="Test", target="swapped"))
    dark = np.arange(60.0).reshape(SHAPE)
    with lamella.Context("inline") as ctx:
        total, com = ctx.run_udf(ds, [SumUDF(), CoMUDF()], corrections=Corrections(dark=dark))
    exact = frames - dark
    np.testing.assert_allclose(total["intensity"].data, exact.sum(axis=0), rtol=1e-6)
    y = (exact * np.arange(6)[:, None]).sum(axis=(1, 2)) / exact.sum(axis=(1, 2))
    np.testing.assert_allclose(com["raw_com"].raw_data[:, 0], y, rtol=1e-5)
