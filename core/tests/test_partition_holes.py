"""Partitions and frame maps where frames are missing: in front, behind, and in between."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.typing import NDArray

from lamella.dataset.coverage import check_room, check_visible
from lamella.dataset.cutting import partition_bounds
from lamella.errors import CorruptError, ParameterError
from lamella.geometry.frames import FrameMap, as_numbers
from lamella.geometry.shape import SigBox
from lamella.reader.source import FrameSource, ReadHints, SourceInfo


class Frames(FrameSource):
    """Frames of zeros: some stored together, some cheaper than others."""

    def __init__(self, n_frames: int, block: int = 1, costs: NDArray[np.int64] | None = None) -> None:
        super().__init__(SourceInfo(), n_frames=n_frames, sig_shape=(2, 2), dtype="u1")
        self.hints = ReadHints(frame_block=block)
        self._costs = costs

    @property
    def costs(self) -> NDArray[np.int64] | None:
        return self._costs

    def read(self, io: Any, frames: Any, box: SigBox, out: Any) -> None:
        out[...] = 0


@st.composite
def frame_maps(draw: st.DrawFn) -> FrameMap:
    """Maps with a few frames, announced for a scan that may be far larger."""
    n_frames = draw(st.integers(1, 40))
    index = None
    if draw(st.booleans()):
        index = np.array(draw(st.lists(st.integers(-1, n_frames - 1), min_size=1, max_size=60)), dtype=np.int64)
    sequence = n_frames if index is None else len(index)
    nav_shape = draw(st.sampled_from([(30,), (5, 8), (1, 1), (7, 1000), (40, 3)]))
    return FrameMap(sequence, nav_shape, draw(st.integers(-300, 50)), index)


def shown_by_the_model(frames: FrameMap) -> list[int]:
    """Flat positions that show a frame, one after the other by the definition."""
    found = []
    for position in range(frames.n_positions):
        step = position + frames.sync_offset
        if 0 <= step < frames.n_frames and (frames.index is None or frames.index[step] >= 0):
            found.append(position)
    return found


@given(
    frames=frame_maps(),
    count=st.none() | st.integers(1, 50),
    workers=st.integers(1, 8),
    block=st.integers(1, 7),
    uneven=st.booleans(),
    seed=st.integers(0, 99),
)
def test_partitions_hold_every_frame_once_and_begin_and_end_with_one(
    frames: FrameMap, count: int | None, workers: int, block: int, uneven: bool, seed: int
) -> None:
    shown = shown_by_the_model(frames)
    if not shown:
        return
    rng = np.random.default_rng(seed)
    costs = np.concatenate([[0], np.cumsum(rng.integers(0, 9, frames.n_frames))]) if uneven else None
    bounds = partition_bounds(frames, Frames(frames.n_frames, block, costs), 1 << 30, count, workers)
    assert all(start in shown and stop - 1 in shown for start, stop in bounds if frames.index is not None)
    assert (bounds[0][0], bounds[-1][1]) == (shown[0], shown[-1] + 1)
    assert all(start < stop for start, stop in bounds)
    assert all(before[1] <= after[0] for before, after in zip(bounds[:-1], bounds[1:], strict=True))
    covered = {position for start, stop in bounds for position in range(start, stop)}
    assert covered >= set(shown)
    assert len(bounds) <= min(count or len(shown), len(shown) if frames.index is None else len(covered))
    everything = partition_bounds(frames, Frames(frames.n_frames), 1 << 30, count, workers, everything=True)
    assert [position for start, stop in everything for position in range(start, stop)] == list(
        range(frames.n_positions)
    )


@given(frames=frame_maps(), start=st.integers(0, 7000), length=st.integers(0, 7000), step=st.integers(1, 3))
def test_what_is_shown_is_what_the_model_says(frames: FrameMap, start: int, length: int, step: int) -> None:
    shown = shown_by_the_model(frames)
    start = min(start, frames.n_positions)
    stop = min(start + length, frames.n_positions)
    assert (np.flatnonzero(frames.shown(start, stop)) + start).tolist() == [p for p in shown if start <= p < stop]
    assert frames.filled == (range(shown[0], shown[-1] + 1) if shown else frames.filled[:0])
    assert [p for first, end in frames.stretches_shown() for p in range(first, end)] == shown
    stretch = range(start, stop)
    for positions in (stretch, np.arange(start, stop)[::-step]):
        places, found = frames.present(positions)
        there = np.arange(len(positions)) if places is None else as_numbers(places)
        expected = frames.frames(positions)
        np.testing.assert_array_equal(there, np.flatnonzero(expected >= 0))
        np.testing.assert_array_equal(as_numbers(found), expected[expected >= 0])


def test_a_stretch_without_frames_takes_no_partition() -> None:
    index = np.full(1 << 20, -1, dtype=np.int64)
    index[[3, 4, 5, (1 << 20) - 2]] = [0, 1, 2, 3]
    bounds = partition_bounds(FrameMap(1 << 20, (1 << 16, 1 << 16), 0, index), Frames(4), 4 << 26, 4, 1)
    assert bounds == [(3, 4), (4, 5), (5, 6), ((1 << 20) - 2, (1 << 20) - 1)]


@pytest.mark.parametrize("asked", [False, True])
@pytest.mark.parametrize("positions", [65_536, 1 << 32])
def test_a_scan_may_announce_up_to_a_limit(asked: bool, positions: int) -> None:
    frames = FrameMap(12, (positions,))
    check_visible(frames, missing="skip", name="a", path=None, asked=asked)
    absurd = FrameMap(12, (positions, (1 << 32) // positions + 1))
    with pytest.raises(ParameterError if asked else CorruptError, match="nav_shape") as caught:
        check_visible(absurd, missing="skip", name="a", path=None, asked=asked)
    assert str(absurd.n_positions) in str(caught.value)
    assert "4294967296 (2^32)" in str(caught.value)


@pytest.mark.parametrize("asked", [False, True])
def test_results_at_positions_without_a_frame_may_take_a_quarter_of_the_memory(
    monkeypatch: pytest.MonkeyPatch, asked: bool
) -> None:
    monkeypatch.setattr("lamella.dataset.coverage.memory_size", lambda: 1 << 30)
    frames = FrameMap(12, (1 << 16, 1 << 10))
    check_room(frames, 1 << 28, "results", path="a.raw", asked=asked)
    with pytest.raises(ParameterError if asked else CorruptError, match="268435456 bytes") as caught:
        check_room(frames, (1 << 28) + 1, "results", path="a.raw", asked=asked)
    text = str(caught.value)
    assert "67108864 scan positions, of which 12 have a frame" in text
    assert "268435457" in text
    assert "nav_shape" in text
