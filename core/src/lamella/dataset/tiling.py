"""How a partition is cut into tiles: one pure decision from sizes, wishes of computations and hints of the source."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from lamella.geometry.shape import SigBox
from lamella.reader.source import ReadHints

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["TileWish", "TilingScheme", "negotiate", "negotiate_blocks", "usual_target"]

TILE_BYTES = 1 << 20
"""Target size of a tile [stored bytes]: large enough to hide the cost of Python, small enough for the cache."""
LONE_TILE_BYTES = 16 << 20
"""Target size where one call of a kernel does all work on mapped memory: it takes care of the cache itself."""
NUMPY_TILE_BYTES = 8 << 20
"""Target size where a NumPy version does all work on frames that are read into memory: small arrays cost it more than
the nearest cache is worth."""
DECODED_TILE_BYTES = 4 << 20
"""Target size where one call of a kernel does all work on frames that are decoded first: threads that decode more at
once meet less often, which is worth more than the nearest cache."""
BOX_BYTES = 4 << 20
"""Largest target for eight frames of a box: deeper tiles have no larger boxes, which weights and sums are made for."""
MAX_TILE_BYTES = 2 << 20
MIN_DEPTH = 8
BLOCK_DEPTH = 32
"""Frames of a tile where frames are stored in blocks: a few blocks of many frames, so that sums stay in the cache."""
REGION_BYTES = 32 << 20
"""Largest stretch of a file over which boxes that share frames may jump about; it is read in one piece."""


@dataclass(frozen=True, slots=True)
class TileWish:
    """What one computation wants: parts of frames, whole frames or the whole partition, how deep and how large.

    ``depth`` is the wanted number of frames. ``share`` is the number of frames that have to share a box for the
    computation to be fast: boxes are made small enough for them.
    """

    method: Literal["tile", "frame", "partition"] = "tile"
    depth: int | None = None
    total_size: int | None = None
    share: int = 1


@dataclass(frozen=True, slots=True)
class TilingScheme:
    """The boxes that cover the detector exactly once, and the number of frames per tile."""

    depth: int
    boxes: tuple[SigBox, ...]
    sig_shape: tuple[int, ...]
    method: Literal["tile", "frame", "partition"] = "tile"
    notes: tuple[str, ...] = field(default=(), compare=False)

    def __len__(self) -> int:
        return len(self.boxes)

    def __iter__(self) -> Iterator[SigBox]:
        return iter(self.boxes)

    def __getitem__(self, index: int) -> SigBox:
        return self.boxes[index]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the largest tile."""
        return (self.depth, *self.boxes[0].shape)

    @property
    def whole_frames(self) -> bool:
        """Whether every tile holds complete frames."""
        return len(self.boxes) == 1


def usual_target(hints: ReadHints) -> int:
    """Give the target size [bytes] for tiles that a computation of any kind gets as arrays of the detector.

    Where a source stores parts of frames, to find and decode a block takes Python's time, and threads meet at the GIL:
    its tiles are larger.
    """
    return TILE_BYTES if hints.sig_block is None else DECODED_TILE_BYTES


def negotiate(
    *,
    sig_shape: Sequence[int],
    itemsize: int,
    n_frames: int,
    hints: ReadHints | None = None,
    wishes: Sequence[TileWish] = (TileWish(),),
    target: int = TILE_BYTES,
) -> TilingScheme:
    """Decide how partitions are cut into tiles.

    Parameters
    ----------
    sig_shape
        Shape of a frame.
    itemsize
        Bytes of a pixel in memory while it is computed with: the stored dtype, or a wider one that was asked for.
    n_frames
        Frames of the largest partition.
    hints
        What the source would like.
    wishes
        One for each computation of the run; the widest method wins.
    target
        Wanted size of a tile [bytes].

    Returns
    -------
    TilingScheme
        Boxes in C order; all of one shape but those at the far edges.
    """
    hints = hints or ReadHints()
    full = SigBox.full(sig_shape)
    methods = {wish.method for wish in wishes}
    n_frames = max(1, n_frames)
    if "partition" in methods:
        return TilingScheme(n_frames, (full,), tuple(sig_shape), "partition")
    sizes = [wish.total_size for wish in wishes if wish.total_size]
    depths = [wish.depth for wish in wishes if wish.depth]
    target = max(1, min([target, *sizes]))
    limit = max(target, min([MAX_TILE_BYTES, *sizes]))
    box_limit = min(limit, BOX_BYTES)
    frame_nbytes = math.prod(sig_shape) * itemsize
    share = max(wish.share for wish in wishes)
    frames = max(min(MIN_DEPTH, n_frames), min(n_frames, share, REGION_BYTES // max(1, frame_nbytes)))
    whole = "frame" in methods or hints.whole_frames or frame_nbytes * frames <= box_limit
    part = min(target, box_limit) // frames
    if hints.sig_block is None:
        part = min(part, TILE_BYTES)  # weights and sums of a box take several times its room
    box = tuple(sig_shape) if whole else _box_shape(sig_shape, itemsize, part, hints.sig_block)
    box_nbytes = math.prod(box) * itemsize
    depth = _depth(box_nbytes, target, limit, max(depths, default=None), hints.frame_block)
    return TilingScheme(
        min(depth, n_frames),
        tuple(_boxes(sig_shape, box)),
        tuple(sig_shape),
        "frame" if "frame" in methods else "tile",
    )


def negotiate_blocks(
    bounds: NDArray[np.int64], *, itemsize: int, n_frames: int, wishes: Sequence[TileWish], target: int = TILE_BYTES
) -> TilingScheme:
    """Decide how partitions are cut where a frame is one row of items that are stored in blocks.

    Parameters
    ----------
    bounds
        Where blocks begin, from 0 to the number of items, shape ``(n_blocks + 1,)``.
    itemsize, n_frames, wishes, target
        As for `negotiate`; tiles become somewhat larger, because to find and check blocks takes Python's time.

    Returns
    -------
    TilingScheme
        Boxes of whole blocks of the flat list of items; all of about the same size.
    """
    sizes = [wish.total_size for wish in wishes if wish.total_size]
    limit = max(1, min([max(min(target, BOX_BYTES), MAX_TILE_BYTES), *sizes]))
    block_nbytes = int(np.diff(bounds).max()) * itemsize
    wanted = max([BLOCK_DEPTH, *(max(wish.depth or 0, wish.share) for wish in wishes)])
    depth = max(1, min(n_frames, wanted, limit // block_nbytes))
    depth = -(-n_frames // -(-n_frames // depth)) if n_frames else 1  # no small rest
    step = max(1, limit // (depth * block_nbytes))
    edges = bounds[[*range(0, len(bounds) - 1, step), len(bounds) - 1]].tolist()
    boxes = tuple(SigBox((first,), (end - first,)) for first, end in itertools.pairwise(edges))
    return TilingScheme(depth, boxes, (edges[-1],))


def _depth(box_nbytes: int, target: int, limit: int, wanted: int | None, block: int) -> int:
    if wanted is not None:
        return max(1, min(wanted, max(1, limit // box_nbytes)))
    depth = target // box_nbytes
    if depth < MIN_DEPTH:
        depth = MIN_DEPTH if box_nbytes * MIN_DEPTH <= limit else max(1, limit // box_nbytes)
    if depth > block > 1:
        depth -= depth % block
    return max(1, depth)


def _box_shape(sig_shape: Sequence[int], itemsize: int, target: int, block: tuple[int, ...] | None) -> tuple[int, ...]:
    """Give the shape of a box near ``target`` bytes: complete rows as far as they fit, in multiples of ``block``."""
    steps = block if block is not None and len(block) == len(sig_shape) else (1,) * len(sig_shape)
    shape = [min(step, length) for step, length in zip(steps, sig_shape, strict=True)]
    for axis in reversed(range(len(sig_shape))):
        others = math.prod(shape[:axis] + shape[axis + 1 :]) * itemsize
        fits = max(1, target // (others * steps[axis])) * steps[axis]
        shape[axis] = min(sig_shape[axis], fits)
        if shape[axis] < sig_shape[axis]:
            break
    return tuple(shape)


def _boxes(sig_shape: Sequence[int], shape: Sequence[int]) -> Iterator[SigBox]:
    starts = [range(0, length, step) for length, step in zip(sig_shape, shape, strict=True)]
    for origin in itertools.product(*starts):
        cut = (min(n, length - o) for o, n, length in zip(origin, shape, sig_shape, strict=True))
        yield SigBox(origin, tuple(cut))
