"""Shapes, boxes, regions and the rule which frame a scan position shows."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

from lamella.errors import FrameMissingError, ParameterError
from lamella.geometry.frames import FrameMap, consecutive
from lamella.geometry.roi import Region, region_of
from lamella.geometry.shape import Shape, SigBox, scan_shapes, split_shape

dims = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple)


# Shape and SigBox


@given(nav=dims, sig=dims)
def test_a_shape_is_a_tuple_that_knows_where_it_is_cut(nav: tuple[int, ...], sig: tuple[int, ...]) -> None:
    shape = Shape(nav, sig)
    assert shape == (*nav, *sig)
    assert (shape.nav, shape.sig) == (nav, sig)
    assert (shape.size, shape.nav.size, shape.sig.size) == (math.prod(nav + sig), math.prod(nav), math.prod(sig))
    assert (shape.dims, shape.nav.dims, shape.sig.dims) == (len(nav + sig), len(nav), len(sig))
    assert type(shape.to_tuple()) is tuple


def test_a_shape_survives_pickling() -> None:
    shape = pickle.loads(pickle.dumps(Shape((3, 4), (5,))))
    assert (shape.nav, shape.sig, repr(shape)) == ((3, 4), (5,), "Shape(nav=(3, 4), sig=(5,))")


def test_a_box_is_an_index() -> None:
    frame = np.arange(30).reshape(5, 6)
    box = SigBox((1, 2), (3, 4))
    np.testing.assert_array_equal(frame[box.slices], frame[1:4, 2:6])
    assert box.size == 12
    assert not box.covers((5, 6))
    assert SigBox.full((5, 6)).covers((5, 6))


# Region


@given(mask=st.lists(st.booleans(), max_size=60), block=st.sampled_from([1, 2, 7, 64]), data=st.data())
def test_a_region_counts_and_lists_what_its_mask_selects(mask: list[bool], block: int, data: st.DataObject) -> None:
    flat = np.asarray(mask, dtype=bool)
    region = Region((len(mask),), flat)
    region._BLOCK = block
    start = data.draw(st.integers(0, len(mask)))
    stop = data.draw(st.integers(start, len(mask)))
    assert region.size == sum(mask)
    assert region.before(start) == sum(mask[:start])
    np.testing.assert_array_equal(region.positions(start, stop), [i for i in range(start, stop) if mask[i]])


def test_a_region_without_a_mask_is_everything() -> None:
    region = Region((3, 4))
    assert region.everything
    assert (region.size, region.before(7), region.positions(2, 5)) == (12, 7, range(2, 5))


def test_a_region_counts_across_its_blocks() -> None:
    mask = np.random.default_rng(0).random(3 * 65536 + 17) < 0.3
    region = Region(mask.shape, mask)
    for position in (0, 1, 65535, 65536, 65537, 131072, mask.size - 1, mask.size):
        assert region.before(position) == np.count_nonzero(mask[:position])


@pytest.mark.parametrize(
    ("roi", "selected"),
    [
        (None, range(12)),
        ((1, 2), [6]),
        ((-1, -1), [11]),
        ([((0, 1), True), ((2, 3), True)], [1, 11]),
        ([((0, 1), False), ([2, 3], False)], [i for i in range(12) if i not in (1, 11)]),
        (np.arange(12).reshape(3, 4) % 5 == 0, [0, 5, 10]),
        ((np.arange(12).reshape(3, 4) % 5 == 0).astype("u1"), [0, 5, 10]),
        ((np.arange(12).reshape(3, 4) % 5 == 0).tolist(), [0, 5, 10]),
        (np.zeros((3, 4), dtype=bool), []),
    ],
)
def test_a_region_of_interest_is_given_in_many_forms(roi: object, selected: Any) -> None:
    region = region_of(roi, (3, 4))
    assert list(region.positions(0, 12)) == list(selected)
    assert region_of(region, (3, 4)) is region


@pytest.mark.parametrize(
    ("roi", "words"),
    [
        (np.zeros((4, 3), dtype=bool), r"roi has shape \(4, 3\), the scan has \(3, 4\)"),
        ((1, 4), "lies outside the scan"),
        ((1, -5), "lies outside the scan"),
        ((1,), "needs 2 numbers"),
        ([((0, 1), True), ((2, 3), False)], "with True and with False"),
    ],
)
def test_a_region_that_does_not_fit_is_refused(roi: object, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        region_of(roi, (3, 4))


def test_a_sparse_region_is_taken() -> None:
    scipy_sparse: Any = pytest.importorskip("scipy.sparse")
    mask = np.arange(12).reshape(3, 4) % 5 == 0
    assert list(region_of(scipy_sparse.csr_array(mask), (3, 4)).positions(0, 12)) == [0, 5, 10]


# FrameMap


@st.composite
def frame_maps(draw: st.DrawFn) -> FrameMap:
    nav_shape = draw(dims)
    n_frames = draw(st.integers(1, 40))
    offset = draw(st.integers(-60, 60))
    index: NDArray[np.int64] | None = None
    if draw(st.booleans()):
        index = np.asarray(draw(st.lists(st.integers(-1, 9), min_size=n_frames, max_size=n_frames)), dtype=np.int64)
    return FrameMap(n_frames=n_frames, nav_shape=nav_shape, sync_offset=offset, index=index)


def model(frame_map: FrameMap) -> list[int]:
    """The frame of each position, -1 where there is none, one position after the other."""
    frames = []
    for position in range(frame_map.n_positions):
        step = position + frame_map.sync_offset
        if not 0 <= step < frame_map.n_frames:
            frames.append(-1)
        else:
            frames.append(step if frame_map.index is None else int(frame_map.index[step]))
    return frames


@given(frame_map=frame_maps())
def test_positions_show_the_frames_of_the_model(frame_map: FrameMap) -> None:
    frames = model(frame_map)
    np.testing.assert_array_equal(frame_map.frames(range(len(frames))), frames)
    np.testing.assert_array_equal(frame_map.valid_mask.reshape(-1), np.asarray(frames) >= 0)
    for position, frame in enumerate(frames):
        if frame >= 0:
            assert frame_map.frame_at(position) == frame
        else:
            with pytest.raises(FrameMissingError):
                frame_map.frame_at(position)


@given(frame_map=frame_maps())
def test_every_position_and_every_frame_is_counted_once(frame_map: FrameMap) -> None:
    counts, frames = frame_map.counts, model(frame_map)
    assert counts.shown == sum(frame >= 0 for frame in frames)
    assert counts.missing == sum(frame < 0 for frame in frames)
    assert counts.shown + counts.missing == counts.positions == len(frames)
    assert counts.skipped_start + counts.shown + counts.lost + counts.ignored_end == counts.frames
    assert min(counts.skipped_start, counts.ignored_end, counts.missing_start, counts.missing_end, counts.lost) >= 0


@settings(max_examples=3 * settings().max_examples)
@given(frame_map=frame_maps(), data=st.data(), zeros=st.booleans())
def test_stretches_hold_every_selected_frame_once_and_in_order(
    frame_map: FrameMap, data: st.DataObject, zeros: bool
) -> None:
    frames = model(frame_map)
    n = len(frames)
    mask = data.draw(st.none() | st.lists(st.booleans(), min_size=n, max_size=n))
    region = Region(frame_map.nav_shape, None if mask is None else np.asarray(mask).reshape(frame_map.nav_shape))
    cuts = sorted({0, n, *data.draw(st.lists(st.integers(0, n), max_size=3))})
    selected = [k for k in range(n) if mask is None or mask[k]]
    got: dict[int, tuple[int, int]] = {}
    for start, stop in zip(cuts[:-1], cuts[1:], strict=True):
        for stretch in frame_map.stretches(region, start, stop, deliver_missing=zeros):
            assert len(stretch) > 0
            for i, (position, frame) in enumerate(zip(stretch.positions, stretch.frames, strict=True)):
                assert start <= position < stop
                assert stretch.start + i not in got
                got[stretch.start + i] = (int(position), int(frame))
    assert got == {i: (k, frames[k]) for i, k in enumerate(selected) if zeros or frames[k] >= 0}


def test_a_stretch_can_be_cut() -> None:
    (stretch,) = FrameMap(n_frames=12, nav_shape=(3, 4), sync_offset=2).stretches(Region((3, 4)), 4, 9)
    part = stretch.cut(1, 3)
    assert (part.start, part.positions, part.frames) == (5, range(5, 7), range(7, 9))


def test_a_whole_scan_costs_nothing_to_describe() -> None:
    frame_map = FrameMap(n_frames=10**15, nav_shape=(10**8, 10**7))
    (stretch,) = frame_map.stretches(Region(frame_map.nav_shape), 0, 10**15)
    assert len(stretch) == frame_map.counts.shown == 10**15


def test_the_valid_mask_cannot_be_changed() -> None:
    mask = FrameMap(n_frames=3, nav_shape=(2, 2)).valid_mask
    with pytest.raises(ValueError, match="read-only"):
        mask[0, 0] = False


# Small decisions


@given(frames=st.lists(st.integers(-1, 6), max_size=30))
def test_runs_of_consecutive_frames_bring_every_frame_in_order(frames: list[int]) -> None:
    rebuilt: list[int] = []
    for start, stop in consecutive(np.asarray(frames, dtype=np.int64)):
        assert stop > start
        rebuilt += range(start, stop) if start >= 0 else [-1] * (stop - start)
    assert rebuilt == frames


@given(frames=st.lists(st.integers(0, 6), max_size=30))
def test_runs_are_as_long_as_they_can_be(frames: list[int]) -> None:
    runs = list(consecutive(np.asarray(frames, dtype=np.int64)))
    assert all(first[1] != second[0] for first, second in zip(runs[:-1], runs[1:], strict=True))


def test_ranges_are_runs() -> None:
    assert list(consecutive(range(3, 7))) == [(3, 7)]
    assert list(consecutive(range(3, 3))) == []
    assert list(consecutive(range(3, 8, 2))) == [(3, 4), (5, 6), (7, 8)]


@given(n_frames=st.integers(1, 5000))
def test_proposed_scans_hold_every_frame_and_are_not_too_long(n_frames: int) -> None:
    shapes = scan_shapes(n_frames)
    assert len(shapes) <= 3
    for height, width in shapes:
        assert height * width == n_frames
        assert 1 < height <= width <= 4 * height
    root = math.isqrt(n_frames)
    if root * root == n_frames > 1:
        assert shapes[0] == (root, root)


@given(nav=dims, sig=dims)
def test_the_shape_of_an_array_is_cut_where_it_was_joined(nav: tuple[int, ...], sig: tuple[int, ...]) -> None:
    assert split_shape((*nav, *sig), len(sig)) == (nav, sig)
    assert split_shape((*nav, *sig), len(sig), sig) == (nav, sig)
    cut = split_shape((*nav, *sig), 99, (math.prod(sig),))
    assert cut is not None
    assert math.prod(cut[1]) == math.prod(sig)


def test_a_single_frame_is_a_scan_of_one() -> None:
    assert split_shape((5, 6), 2) == ((1,), (5, 6))
    assert split_shape((5, 6), 3) is None
    assert split_shape((5, 6), 2, (7,)) is None


def test_the_ends_of_a_region_are_counted_right() -> None:
    mask = np.zeros((300, 300), dtype=bool)
    mask[[0, 17, 299], [0, 5, 299]] = True
    for region, size in ((Region((300, 300), mask), 3), (Region((300, 300), ~mask), 89997)):
        assert [region.before(p) for p in (0, 1, 89999, 90000)] == [0, int(size == 3), size - int(size == 3), size]
