"""Which scan positions a run has processed so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.dataset.partition import Partition
    from lamella.geometry.frames import FrameMap
    from lamella.geometry.roi import Region

__all__ = ["Covered"]


class Covered:
    """Which of the selected positions of a run were processed so far.

    Nothing of the size of the scan exists before somebody asks for it: a scan may have very many positions that hold
    nothing.

    Parameters
    ----------
    frame_map
        Which positions show a frame.
    region
        The selected positions.
    zeros
        Whether positions without a frame are processed as frames of zeros.
    """

    def __init__(self, frame_map: FrameMap, region: Region, *, zeros: bool) -> None:
        self._frame_map = frame_map
        self._region = region
        self._zeros = zeros
        self._done: list[Partition] = []
        self._valid: NDArray[np.bool_] | None = None
        self._holes: NDArray[np.bool_] | None = None
        self._entered = 0  # of the partitions, into the array

    def add(self, partition: Partition) -> None:
        """Say that a partition is done."""
        self._done.append(partition)

    def so_far(self) -> Callable[[], NDArray[np.bool_]]:
        """Give a function that gives what `valid` is now, whatever is done until it is called."""
        done = len(self._done)

        def valid() -> NDArray[np.bool_]:
            flags = np.zeros(self._region.size, dtype=np.bool_)
            self._enter(self._done[:done], flags)
            return flags

        return valid

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Which positions were processed and have a frame, one flag for each selected position; not to be written."""
        if self._valid is None:
            self._valid = np.zeros(self._region.size, dtype=np.bool_)
        self._enter(self._done[self._entered :], self._valid)
        self._entered = len(self._done)
        return self._valid

    def now(self) -> NDArray[np.bool_]:
        """Give `valid`."""
        return self.valid

    @property
    def holes(self) -> NDArray[np.bool_]:
        """Which of the selected positions have no frame, and never get a result; not to be written."""
        if self._holes is None:
            self._holes = np.zeros(self._region.size, dtype=np.bool_)
            if not self._zeros:
                shown = self._frame_map.shown(0, self._region.n_positions)
                self._holes = ~(shown if self._region.mask is None else shown[self._region.mask])
        return self._holes

    def _enter(self, partitions: Sequence[Partition], flags: NDArray[np.bool_]) -> None:
        mask = self._region.mask
        for partition in partitions:
            shown = self._frame_map.shown(partition.start, partition.stop)
            if mask is not None:
                shown = shown[mask[partition.start : partition.stop]]
            first = self._region.before(partition.start)
            flags[first : first + len(shown)] = shown
