"""Partitions begin where blocks of stored frames begin."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.typing import NDArray

from lamella.dataset.cutting import partition_bounds
from lamella.dataset.dataset import DataSet
from lamella.dataset.provenance import Provenance
from lamella.geometry.frames import FrameMap
from lamella.geometry.shape import SigBox
from lamella.reader.source import FrameSource, ReadHints, SourceInfo

N_FRAMES = 240


class Blocks(FrameSource):
    """Frames of zeros, of which some are stored together."""

    def __init__(self, block: int) -> None:
        super().__init__(SourceInfo(), n_frames=N_FRAMES, sig_shape=(2, 2), dtype="u1")
        self.hints = ReadHints(frame_block=block)

    def read(self, io: Any, frames: Any, box: SigBox, out: Any) -> None:
        out[...] = 0


class UnevenBlocks(Blocks):
    """Blocks, the frames of which cost more and more."""

    @property
    def costs(self) -> NDArray[np.int64]:
        return np.cumsum(np.arange(N_FRAMES + 1))


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
@pytest.mark.parametrize("kind", [Blocks, UnevenBlocks])
@given(
    block=st.integers(2, 20),
    sync_offset=st.integers(-60, 60),
    n=st.integers(1, 40),
    nav_shape=st.sampled_from([(240,), (12, 20), (7, 31), (20, 16)]),
)
def test_partitions_begin_with_blocks_of_stored_frames(
    kind: type[Blocks], block: int, sync_offset: int, n: int, nav_shape: tuple[int, ...]
) -> None:
    ds = DataSet(
        kind(block), provenance=Provenance(format="test", title="T"), nav_shape=nav_shape, sync_offset=sync_offset
    )
    partitions = ds.partitions(n)
    shown = np.flatnonzero(ds.valid_mask)
    assert [partition.start for partition in partitions] == [shown[0], *(part.stop for part in partitions[:-1])]
    assert partitions[-1].stop == shown[-1] + 1
    assert all(len(partition) > 0 for partition in partitions)
    inner = np.array([partition.start for partition in partitions[1:]])
    frames = inner + sync_offset  # a scan position shows the frame that lies that much behind it
    assert (frames % block == 0).all()


@pytest.mark.parametrize(
    ("sync_offset", "expected"), [(0, [0, 20, 40, 60, 80]), (3, [0, 17, 37, 57, 80]), (-30, [30, 40, 50, 60, 80])]
)
def test_bounds_move_down_to_the_next_block(sync_offset: int, expected: list[int]) -> None:
    frames = FrameMap(n_frames=100, nav_shape=(80,), sync_offset=sync_offset)
    assert partition_bounds(frames, Blocks(10), 8000, 4, 1) == list(itertools.pairwise(expected))


def test_a_worker_reads_no_block_of_another() -> None:
    """Each block belongs to the partition in which it begins, for frames that are skipped and positions that miss."""
    for sync_offset in (7, -7):
        frames = FrameMap(n_frames=100, nav_shape=(80,), sync_offset=sync_offset)
        blocks = [
            set((np.unique(shown[shown >= 0]) // 8).tolist())
            for start, stop in partition_bounds(frames, Blocks(8), 8000, 5, 1)
            for shown in [frames.frames(np.arange(start, stop))]
        ]
        assert sum(map(len, blocks)) == len(set().union(*blocks))
