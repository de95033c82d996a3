"""Where the direct beam is: a look at a few frames, so that detectors sit where they should."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lamella.analysis.disk import disk_in
from lamella.geometry.roi import region_of
from lamella.geometry.shape import SigBox

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.dataset.dataset import DataSet

__all__ = ["Beam", "NoBeam", "corrected", "find_beam", "locate"]

_FRAMES = 64


@dataclass(frozen=True, slots=True)
class Beam:
    """The direct beam: where it is, how it was found, and the detectors that fit it. It is true; `NoBeam` is false.

    Parameters
    ----------
    cy, cx
        Its centre [px].
    radius
        Its radius [px].
    origin
        How it was found, in words.
    sig_shape
        Height and width of the frame [px].
    """

    cy: float
    cx: float
    radius: float
    origin: str
    sig_shape: tuple[int, int]

    @property
    def disk(self) -> tuple[float, float, float]:
        """A bright-field detector: cy, cx, radius, a little wider than the beam."""
        return self.cy, self.cx, round(1.2 * self.radius + 0.5, 2)

    @property
    def ring(self) -> tuple[float, float, float, float]:
        """An annular detector: cy, cx, inner and outer radius; from clear of the beam to the nearest edge."""
        height, width = self.sig_shape
        edges = (self.cy, self.cx, height - 1 - self.cy, width - 1 - self.cx)
        inner, outer = 1.6 * self.radius + 1, min(edges)
        if outer < inner + 1:
            outer = max(math.hypot(y, x) for y in edges[::2] for x in edges[1::2])
        return self.cy, self.cx, round(min(inner, 0.8 * outer), 2), round(outer, 2)


@dataclass(frozen=True, slots=True)
class NoBeam:
    """No direct beam was found; it is false.

    Parameters
    ----------
    reason
        Why, as the end of a sentence.
    """

    reason: str

    def __bool__(self) -> Literal[False]:
        return False

    def __str__(self) -> str:
        return f"no direct beam found: {self.reason}"


def find_beam(dataset: DataSet, roi: object = None) -> Beam | NoBeam:
    """Look for the direct beam in the mean of at most 64 frames, evenly taken from the scan.

    A beam is a round region that is clearly brighter than everything else, and lies within the frame. Noise, test
    patterns and images have none.

    Parameters
    ----------
    dataset
        The data; the detector has two axes.
    roi
        Scan positions to look at, in any form that `lamella.Context.run_udf` takes; all by default.

    Returns
    -------
    Beam or NoBeam
        A result that is true, with centre and radius [px], or one that is false, with the reason.

    Raises
    ------
    FormatError
        If the frames cannot be read.

    Examples
    --------
    >>> import numpy as np, lamella
    >>> from lamella.analysis import find_beam
    >>> y, x = np.mgrid[:40, :40]
    >>> frame = np.where(np.hypot(y - 18, x - 21) <= 5, 100, 1).astype("u2")
    >>> beam = find_beam(lamella.open(np.stack([frame] * 6), nav_shape=(2, 3)))
    >>> beam.cy, beam.cx, round(beam.radius)
    (18.0, 21.0, 5)
    """
    sig = tuple(dataset.shape.sig)
    if len(sig) != 2:
        return NoBeam("the detector does not have two axes")
    chosen = _sample(dataset, region_of(roi, dataset.shape.nav).mask)
    if not len(chosen):
        return NoBeam("there is no frame to look at")
    total, known = np.zeros(sig), np.zeros(sig, dtype=np.int64)
    for position in chosen:
        place = tuple(int(i) for i in np.unravel_index(position, tuple(dataset.shape.nav)))
        frame = corrected(dataset[place], dataset)
        is_known = np.isfinite(frame)
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite then does not count
            total += np.where(is_known, np.abs(frame) if np.iscomplexobj(frame) else frame, 0)
        known += is_known
    mean = np.where(known > 0, total / np.maximum(known, 1), np.nan)
    count = len(chosen)
    return locate(mean, f"found in {count} frame{'s' if count > 1 else ''}")


def corrected(frame: NDArray[Any], dataset: DataSet) -> NDArray[Any]:
    """Give a frame as computations see it: with the corrections of the data."""
    corrections = dataset.corrections
    if not corrections:
        return frame
    tile = frame[np.newaxis].astype(corrections.result_dtype(frame.dtype))
    corrections.apply(tile, SigBox.full(tuple(dataset.shape.sig)))
    return np.asarray(tile[0])


def _sample(dataset: DataSet, mask: NDArray[np.bool_] | None) -> NDArray[np.int64]:
    """Choose flat scan positions that have a frame."""
    filled = dataset.frame_map.filled
    if mask is None:
        spread = np.unique(np.linspace(filled.start, filled.stop - 1, _FRAMES).astype(np.int64))
        present = spread[dataset.frame_map.frames(spread) >= 0]
        if len(present) or not len(filled):
            return present
        mask = np.ones(1, dtype=np.bool_)
        wanted = np.arange(filled.start, filled.stop)
    else:
        wanted = np.flatnonzero(mask[filled.start : filled.stop]) + filled.start
    wanted = wanted[dataset.frame_map.shown(filled.start, filled.stop)[wanted - filled.start]]
    return wanted[np.unique(np.linspace(0, len(wanted) - 1, _FRAMES).astype(np.int64))] if len(wanted) else wanted


def locate(pattern: NDArray[np.float64], origin: str = "found") -> Beam | NoBeam:
    """Look for the direct beam in one pattern; see `find_beam`."""
    found = disk_in(pattern)
    if isinstance(found, str):
        return NoBeam(found)
    height, width = pattern.shape
    cy, cx, radius = (round(number, 2) for number in found)
    return Beam(cy, cx, radius, origin, (height, width))
