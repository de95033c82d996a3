"""The part of a scan that is written: all of it, or the lines that hold frames."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lamella.dataset.dataset import DataSet
from lamella.errors import LamellaWarning, ParameterError
from lamella.system.warn import quiet

if TYPE_CHECKING:
    from lamella.geometry.frames import FrameMap

__all__ = ["cropped"]


def cropped(dataset: DataSet, crop: str | None) -> DataSet:
    """Give the part of a data set that is wanted.

    Parameters
    ----------
    dataset
        The data.
    crop
        None for the whole scan; ``"recorded"`` for its lines from the first to the last that has a frame.

    Raises
    ------
    ParameterError
        If ``crop`` is anything else.
    """
    if crop is None:
        return dataset
    if crop != "recorded":
        raise ParameterError(f"expected 'recorded' or nothing, found {crop!r}", field="crop")
    start, shape = _recorded(dataset.frame_map)
    if shape == tuple(dataset.shape.nav):
        return dataset
    with quiet(LamellaWarning):
        return DataSet(
            dataset.source,
            provenance=dataset.provenance,
            nav_shape=shape,
            sync_offset=dataset.frame_map.sync_offset + start,
            missing=dataset.missing,
            corrections=dataset.__dict__.get("corrections", True),
            io_backend=dataset.backend,
            num_partitions=dataset.num_partitions,
            name=dataset.name,
        )


def _recorded(frames: FrameMap) -> tuple[int, tuple[int, ...]]:
    """Give the first position and the shape of the smallest part that lies in one stretch and holds all frames.

    It is cut along the slow axis, and along the next one where a single place of the slow one is left.
    """
    shape, filled = list(frames.nav_shape), frames.filled
    first, last = filled.start, filled.stop - 1
    start = 0
    for axis in range(len(shape)):
        step = math.prod(shape[axis + 1 :])
        low, high = (first - start) // step, (last - start) // step
        start += low * step
        shape[axis] = high - low + 1
        if low != high:
            break
    return start, tuple(shape)
