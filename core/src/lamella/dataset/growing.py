"""Files that grow: which files hold frames, and a data set as it was when it had fewer of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lamella.reader.source import LinearSource

if TYPE_CHECKING:
    from lamella.dataset.dataset import DataSet
    from lamella.reader.resource import Resource

__all__ = ["first_frames", "holding_frames"]


def holding_frames(source: LinearSource) -> list[Resource]:
    """Give the files that hold frames, without those that lie beside them."""
    return [source.resources[i] for i in np.unique(source.runs.resource[source.runs.count > 0])]


def first_frames(
    dataset: DataSet, n_frames: int, *, steps: int, nav_shape: tuple[int, ...], sync_offset: int
) -> DataSet:
    """Give a data set as it was when so many frames were stored.

    Parameters
    ----------
    dataset
        The data set, made of runs.
    n_frames
        How many of its frames count.
    steps
        How many steps of the scan they were for, lost ones included.
    nav_shape, sync_offset
        The scan as it was.
    """
    source = dataset.source
    assert isinstance(source, LinearSource)
    index = source.info.index
    info = source.info if index is None else replace(source.info, index=index[:steps])
    before = replace(source, runs=source.runs.until(n_frames), info=info)
    return dataset.of_source(before, nav_shape=nav_shape, sync_offset=sync_offset)
