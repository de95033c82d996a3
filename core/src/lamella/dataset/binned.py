"""A data set whose detector has fewer and larger pixels, added up while they are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lamella.dataset.framereader import FrameReader
from lamella.geometry.bins import Bins
from lamella.geometry.frames import as_range
from lamella.geometry.shape import SigBox
from lamella.reader.metadata import Axis
from lamella.reader.source import FrameSource, LinearSource, ReadHints

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lamella.dataset.dataset import DataSet
    from lamella.reader.session import IOSession

__all__ = ["binned_dataset"]


def binned_dataset(dataset: DataSet, bins: int | Sequence[int]) -> DataSet:
    """Give a data set of the sums over bins of stored pixels, without corrections.

    Parameters
    ----------
    dataset
        The data.
    bins
        As for `lamella.udf.BinUDF`.

    Raises
    ------
    ParameterError
        If the bins do not fit the detector.
    """
    source = BinnedSource(dataset.source, Bins.of(bins, dataset.shape.sig))
    return dataset.of_source(source, corrections=None, io_backend=dataset.backend)


class BinnedSource(FrameSource):
    """Reads frames of another source and adds up their pixels."""

    def __init__(self, inner: LinearSource | FrameSource, bins: Bins) -> None:
        axes = inner.info.sig_axes
        scaled = tuple(map(_scaled, axes, bins.sizes)) if len(axes) == len(bins.sizes) else ()
        super().__init__(
            replace(inner.info, sig_axes=scaled, corrections=None),
            n_frames=inner.n_frames,
            sig_shape=bins.shape,
            dtype=bins.dtype(inner.dtype),
            resources=inner.resources,
        )
        self._inner = inner
        self._bins = bins
        hints = inner.hints
        whole = hints.whole_frames or (isinstance(inner, LinearSource) and inner.encoding.codec is not None)
        self.hints = ReadHints(frame_block=hints.frame_block, frame_bounds=hints.frame_bounds, whole_frames=whole)

    @property
    def costs(self) -> NDArray[np.int64] | None:
        return getattr(self._inner, "costs", None)

    @property
    def identity(self) -> tuple[str, ...]:
        return *getattr(self._inner, "identity", ()), f"bins {self._bins.sizes}"

    def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
        if self not in io.scratch:
            io.scratch[self] = (FrameReader(self._inner, session=io),)  # in a tuple: the session is not its to close
        inside = self._bins.box(box)
        pixels = io.scratch[self][0].read(as_range(frames), inside)
        out[...] = 0
        Bins(self._bins.sizes, inside.shape).add(pixels, SigBox.full(inside.shape), out)


def _scaled(axis: Axis, size: int) -> Axis:
    """Give the axis of bins: a bin lies at the middle of its pixels."""
    return replace(axis, scale=axis.scale * size, offset=axis.offset + axis.scale * (size - 1) / 2)
