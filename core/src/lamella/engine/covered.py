"""Which scan positions a run has processed so far."""

from __future__ import annotations

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
        self._known: NDArray[np.bool_] | None = None
        self._new: list[Partition] = []
        self._spans: list[tuple[int, int]] = []

    def add(self, partition: Partition, span: tuple[int, int]) -> None:
        """Say that a partition is done, whose results lie at ``span`` of the compressed scan axis."""
        self._new.append(partition)
        if self._zeros:
            self._spans.append(span)

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Which positions were processed and have a frame, one flag for each selected position; not to be written."""
        if self._known is None:
            self._known = np.zeros(self._region.size, dtype=np.bool_)
        mask = self._region.mask
        while self._new:
            partition = self._new.pop()
            shown = self._frame_map.shown(partition.start, partition.stop)
            first = self._region.before(partition.start)
            if mask is not None:
                shown = shown[mask[partition.start : partition.stop]]
            self._known[first : first + len(shown)] = shown
        return self._known

    @property
    def delivered(self) -> NDArray[np.bool_]:
        """Which positions were processed, as a frame or as zeros in place of one."""
        valid = self.valid
        if not self._zeros:
            return valid
        delivered = np.zeros(len(valid), dtype=np.bool_)
        for start, stop in self._spans:
            delivered[start:stop] = True
        return delivered
