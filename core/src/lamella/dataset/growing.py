"""Files that grow: which files hold frames and where, and a data set as it was when it had fewer of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from lamella.reader.source import LinearSource

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from lamella.dataset.dataset import DataSet
    from lamella.reader.resource import Resource

__all__ = ["Extent", "FirstFrames", "frame_places", "holding_frames"]

_MOST_PLACES = 1024
"""Frames, spread over all, whose places tell one recording from another."""


def holding_frames(source: LinearSource) -> list[Resource]:
    """Give the files that hold frames, without those that lie beside them."""
    return [source.resources[i] for i in np.unique(source.runs.resource[source.runs.count > 0])]


def frame_places(source: LinearSource, frames: ArrayLike) -> list[tuple[str, int]]:
    """Give the location of the file in which each of some frames begins, and the byte."""
    files, offsets = source.runs.places(np.asarray(frames))
    return [
        (source.resources[file].location, offset) for file, offset in zip(files.tolist(), offsets.tolist(), strict=True)
    ]


@dataclass(frozen=True, slots=True)
class FirstFrames:
    """How many frames a data set has, and for which scan: from a later and longer one, it gives the data set as it was.

    Attributes
    ----------
    n_frames
        How many frames are stored.
    n_steps
        How many steps of the scan they are for, lost ones included.
    nav_shape, sync_offset
        The scan.
    """

    n_frames: int
    n_steps: int
    nav_shape: tuple[int, ...]
    sync_offset: int

    @classmethod
    def of(cls, dataset: DataSet) -> Self:
        """Give what a data set has now."""
        frames = dataset.frame_map
        return cls(dataset.source.n_frames, frames.n_frames, tuple(dataset.shape.nav), frames.sync_offset)

    def taken_from(self, dataset: DataSet) -> DataSet | None:
        """Give a data set, made of runs, with these frames only; None if it is not made of runs, or has fewer."""
        source = dataset.source
        if not isinstance(source, LinearSource) or source.n_frames < self.n_frames:
            return None
        index = source.info.index
        info = source.info if index is None else replace(source.info, index=index[: self.n_steps])
        before = replace(source, runs=source.runs.until(self.n_frames), info=info)
        return dataset.of_source(before, nav_shape=self.nav_shape, sync_offset=self.sync_offset)


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a recording had come, in short: by it a data set is found again in files that grew since.

    ``last`` is size and identity of the file that held the last frame; ``rest`` tells everything else that stays.
    """

    first: FirstFrames
    last: tuple[int, int | str]
    rest: str

    @classmethod
    def of(cls, dataset: DataSet) -> Self | None:
        """Give the extent of a data set; None if it is not made of runs, so that no recording appends to it."""
        source = dataset.source
        if not isinstance(source, LinearSource) or not source.n_frames:
            return None
        last = source.resources[_last_file(source)]
        return cls(FirstFrames.of(dataset), (last.size, last.identity), _rest(dataset, set()))

    def before_growth(self, dataset: DataSet) -> DataSet | None:
        """Give the data set as it was, from what its files hold now; None if they did not only become longer."""
        before = self.first.taken_from(dataset)
        if before is None:
            return None
        assert isinstance(dataset.source, LinearSource)
        assert isinstance(before.source, LinearSource)
        last = before.source.resources[_last_file(before.source)]
        if last.size <= self.last[0] and (last.size, last.identity) != self.last:
            return None
        new = _files_of_frames(dataset.source) - _files_of_frames(before.source)
        return before if _rest(before, new) == self.rest else None


def _files_of_frames(source: LinearSource) -> set[int]:
    return set(source.runs.resource[source.runs.count > 0].tolist())


def _last_file(source: LinearSource) -> int:
    return int(source.runs.resource[source.runs.count > 0][-1])


def _rest(dataset: DataSet, new: set[int]) -> str:
    """Give in short what stays while a recording grows: where frames lie, and all files but the last and new ones."""
    source = dataset.source
    assert isinstance(source, LinearSource)
    last, index = _last_file(source), dataset.frame_map.index
    some = np.unique(np.linspace(0, source.n_frames - 1, _MOST_PLACES).astype(np.int64))
    facts = (
        [(one.size, one.identity) for i, one in enumerate(source.resources) if i != last and i not in new],
        source.encoding.dtype.str,
        source.encoding.strides,
        source.encoding.origin,
        source.sig_shape,
        [numbers.tolist() for numbers in source.runs.places(some)],
        None if index is None else hashlib.sha256(index.tobytes()).hexdigest(),
    )
    return hashlib.sha256(repr(facts).encode(errors="surrogateescape")).hexdigest()[:32]
