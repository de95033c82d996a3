"""How partitions are cut into tiles: every pixel once, at sizes that suit cache, source and computation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from lamella.dataset.tiling import MAX_TILE_BYTES, MIN_DEPTH, TILE_BYTES, TileWish, TilingScheme, negotiate
from lamella.reader.source import ReadHints

sig_shapes = st.one_of(  # at most a million pixels; a filter would throw most shapes of three axes away
    *(
        st.tuples(*[st.integers(1, most) for most in sides])
        for sides in [(3000,), (256, 256), (1000, 64), (64, 1000), (1024, 1024)]
    ),
    st.tuples(*[st.integers(1, 40)] * 3),
)
wishes = st.lists(
    st.builds(
        TileWish,
        method=st.sampled_from(["tile", "frame", "partition"]),
        depth=st.none() | st.integers(1, 500),
        total_size=st.none() | st.integers(1, 1 << 22),
    ),
    min_size=1,
    max_size=3,
)


@st.composite
def hints(draw: st.DrawFn) -> ReadHints:
    block = draw(st.none() | st.lists(st.integers(1, 700), min_size=1, max_size=3).map(tuple))
    return ReadHints(frame_block=draw(st.integers(1, 40)), sig_block=block, whole_frames=draw(st.booleans()))


@settings(max_examples=2 * settings().max_examples)
@given(
    sig_shape=sig_shapes,
    itemsize=st.sampled_from([1, 2, 4, 8, 16]),
    n_frames=st.integers(0, 10**6),
    hint=st.none() | hints(),
    wish=wishes,
)
def test_boxes_cover_the_detector_exactly_once(
    sig_shape: tuple[int, ...], itemsize: int, n_frames: int, hint: ReadHints | None, wish: list[TileWish]
) -> None:
    scheme = negotiate(sig_shape=sig_shape, itemsize=itemsize, n_frames=n_frames, hints=hint, wishes=wish)
    assert 1 <= scheme.depth <= max(1, n_frames)
    assert sum(box.size for box in scheme) == math.prod(sig_shape)
    if len(scheme) < 1000 and math.prod(sig_shape) <= 1 << 18:
        covered = np.zeros(sig_shape, dtype=np.uint8)
        for box in scheme:
            covered[box.slices] += 1
        assert covered.min() == covered.max() == 1


@settings(max_examples=2 * settings().max_examples)
@given(sig_shape=sig_shapes, itemsize=st.sampled_from([1, 2, 4, 8, 16]), wish=wishes, hint=hints())
def test_the_widest_wish_wins(sig_shape: tuple[int, ...], itemsize: int, wish: list[TileWish], hint: ReadHints) -> None:
    scheme = negotiate(sig_shape=sig_shape, itemsize=itemsize, n_frames=1000, wishes=wish, hints=hint)
    methods = {one.method for one in wish}
    expected = "partition" if "partition" in methods else "frame" if "frame" in methods else "tile"
    assert scheme.method == expected
    if expected != "tile" or hint.whole_frames:
        assert scheme.whole_frames
    if expected == "partition":
        assert scheme.depth == 1000


@given(sig_shape=sig_shapes, itemsize=st.sampled_from([1, 2, 4, 8, 16]))
def test_tiles_fit_the_cache(sig_shape: tuple[int, ...], itemsize: int) -> None:
    scheme = negotiate(sig_shape=sig_shape, itemsize=itemsize, n_frames=1 << 30)
    nbytes = math.prod(scheme.shape) * itemsize
    assert nbytes <= MAX_TILE_BYTES
    assert scheme.depth >= MIN_DEPTH
    frame = math.prod(sig_shape) * itemsize
    if frame >= TILE_BYTES // MIN_DEPTH:
        assert nbytes >= TILE_BYTES // 4


@given(total=st.integers(1, 1 << 22))
def test_no_tile_is_larger_than_what_was_asked_for(total: int) -> None:
    scheme = negotiate(sig_shape=(256, 256), itemsize=2, n_frames=10**6, wishes=[TileWish(total_size=total)])
    smallest = 2  # one pixel
    assert math.prod(scheme.shape) * 2 <= max(total, smallest)


@pytest.mark.parametrize(("sig_shape", "depth"), [((256, 256), 8), ((128, 128), 32), ((16, 16), 2048)])
def test_small_frames_are_taken_whole(sig_shape: tuple[int, int], depth: int) -> None:
    scheme = negotiate(sig_shape=sig_shape, itemsize=2, n_frames=10**6)
    assert scheme.whole_frames
    assert scheme.depth == depth


def test_large_frames_are_cut_into_complete_rows() -> None:
    scheme = negotiate(sig_shape=(4096, 4096), itemsize=2, n_frames=1000)
    assert scheme.shape[2] == 4096
    assert not scheme.whole_frames


@pytest.mark.parametrize("n_frames", [1, 2, 3, 5, 7, 8, 100])
def test_few_frames_have_tiles_as_large_as_many(n_frames: int) -> None:
    scheme = negotiate(sig_shape=(4096, 4096), itemsize=2, n_frames=n_frames)
    assert math.prod(scheme.shape) * 2 >= TILE_BYTES // 2


def test_boxes_follow_the_blocks_of_the_source() -> None:
    hint = ReadHints(sig_block=(64, 100), frame_block=5)
    scheme = negotiate(sig_shape=(1024, 1000), itemsize=4, n_frames=1000, hints=hint)
    for box in scheme:
        assert box.origin[0] % 64 == 0
        assert box.origin[1] % 100 == 0
    assert scheme.depth % 5 == 0


def test_a_wanted_depth_is_kept_as_far_as_it_fits() -> None:
    assert negotiate(sig_shape=(64, 64), itemsize=2, n_frames=999, wishes=[TileWish(depth=5)]).depth == 5
    deep = negotiate(sig_shape=(64, 64), itemsize=2, n_frames=10**6, wishes=[TileWish(depth=10**6)])
    assert deep.depth == MAX_TILE_BYTES // (64 * 64 * 2)


def test_depth_is_never_more_than_there_is() -> None:
    assert negotiate(sig_shape=(4, 4), itemsize=1, n_frames=3).depth == 3


def test_a_scheme_is_a_sequence_of_boxes() -> None:
    scheme: TilingScheme = negotiate(sig_shape=(4096, 4096), itemsize=2, n_frames=1000)
    assert list(scheme) == [scheme[i] for i in range(len(scheme))] == list(scheme.boxes)
