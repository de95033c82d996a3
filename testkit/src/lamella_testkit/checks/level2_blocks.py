"""Level 2, tiled: sources that make frames in blocks and keep them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamella.dataset.framereader import FrameReader
from lamella.io import IOBackend
from lamella.io.buffered import BufferedBackend
from lamella.io.mmap import MmapBackend
from lamella.reader import FrameSource, LinearSource, SigBox
from lamella_testkit.checking import check
from lamella_testkit.diagnose import expect_equal
from lamella_testkit.kit import Kit
from lamella_testkit.sample import SampleData

_NAV_SHAPE = (5, 4)
_SIG_SHAPES = ((512, 512), (1024, 1024))
_MOST = 64 << 20  # bytes of a scan


@check(level=2)
def blocks_of_frames_fit_together(kit: Kit) -> None:
    """Frames of a scan of several blocks come right within a block, across blocks, and when a worker comes back.

    For sources that name a `frame_block` in their hints. The last block is shorter; none begins at frame zero but one.
    """
    some = False
    for variant in kit.sampler.variants:
        if isinstance(kit.source(kit.written(kit.data(variant=variant))), LinearSource):
            continue
        found = _several_blocks(kit, variant)
        if found is None:
            continue
        data, source, block = found
        some = True
        for backend in (BufferedBackend(),) if kit.profile.quick else (BufferedBackend(), MmapBackend()):
            with kit.case(f"{data}, blocks of {block} frames, {backend.name}", seconds=60):
                _expect_frames(source, data, block, backend)
        if kit.profile.quick:
            break
    kit.needs(some, "no scan of moderate size consists of several blocks")


def _several_blocks(kit: Kit, variant: str) -> tuple[SampleData, LinearSource | FrameSource, int] | None:
    """Give a scan of several blocks, its source and the length of a block; None if none of moderate size has them."""
    for sig_shape in _SIG_SHAPES:
        data = kit.data(_NAV_SHAPE, sig_shape, variant=variant)
        if data.nbytes > _MOST:
            return None
        source = kit.source(kit.written(data))
        block = source.hints.frame_block
        if block < data.n_frames:  # of larger frames, no more are in a block
            return (data, source, block) if block > 1 else None
    return None


def _expect_frames(source: LinearSource | FrameSource, data: SampleData, block: int, backend: IOBackend) -> None:
    full = SigBox.full(data.sig_shape)
    part = SigBox(tuple(n // 3 for n in data.sig_shape), tuple(max(1, n // 5) for n in data.sig_shape))
    with FrameReader(source, backend) as reader:
        for frames in _chosen(data.n_frames, block):
            box = full if len(frames) == data.n_frames else part
            found = reader.read(frames, box)
            wanted: Any = (np.asarray(frames), *box.slices)
            expect_equal(found, data.frames[wanted], f"frames {list(frames)}")


def _chosen(n_frames: int, block: int) -> Iterator[range | NDArray[Any]]:
    """Give frames in one block twice, those around its end, some of each block, and all of them."""
    yield range(2)
    yield range(1, 3)
    yield range(block - 1, block + 1)
    yield np.arange(0, n_frames, 3)
    yield range(n_frames)
