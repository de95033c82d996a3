"""Another detector shape for a source: the same pixels, cut into rows of another length."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.codecs.reshape import ReshapingCodec, StridedCodec, contiguous_strides
from lamella.corrections.resolve import reshaped
from lamella.errors import ParameterError
from lamella.geometry.shape import SigBox
from lamella.reader.runs import RunTable
from lamella.reader.source import Encoding, FrameSource, LinearSource, ReadHints, SourceInfo, StoredRows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.reader.session import IOSession

__all__ = ["reshape_source"]


def reshape_source(source: LinearSource | FrameSource, sig_shape: Sequence[int]) -> LinearSource | FrameSource:
    """Give a source whose frames have ``sig_shape``.

    Raises
    ------
    ParameterError
        If the number of pixels differs.
    """
    wanted, native = tuple(sig_shape), source.sig_shape
    if wanted == native:
        return source
    if math.prod(wanted) != math.prod(native):
        raise ParameterError(
            f"sig_shape {wanted} has {math.prod(wanted)} pixels, but a frame has {math.prod(native)}: {native}. "
            f"Give a shape with {math.prod(native)} pixels",
            subject="sig_shape",
        )
    axes = source.info.sig_axes if len(wanted) == len(native) else ()
    corrections = reshaped(source.info.corrections, wanted)
    info = replace(source.info, sig_axes=() if wanted != native else axes, corrections=corrections)
    hints = replace(source.hints, sig_block=None)
    if isinstance(source, FrameSource):
        return _ReshapedSource(source, wanted, info, hints)
    runs, encoding = _reshaped_encoding(source, wanted)
    if encoding.codec is not None:
        hints = replace(hints, whole_frames=True)
    return LinearSource(resources=source.resources, runs=runs, encoding=encoding, info=info, hints=hints)


def _reshaped_encoding(source: LinearSource, wanted: tuple[int, ...]) -> tuple[RunTable, Encoding]:
    encoding, runs = source.encoding, source.runs
    if encoding.codec is not None:
        return runs, replace(
            encoding, sig_shape=wanted, strides=(), codec=ReshapingCodec(encoding.codec, encoding.sig_shape)
        )
    if encoding.strides == contiguous_strides(encoding.sig_shape, encoding.dtype.itemsize):
        return runs, replace(encoding, sig_shape=wanted, strides=())
    low, high = encoding.extent()
    codec = StridedCodec(encoding.dtype, encoding.sig_shape, encoding.strides, encoding.origin - low, high - low)
    shifted = RunTable(runs.resource, runs.offset + low, runs.stride, runs.count)
    return shifted, Encoding(encoding.native, wanted, codec)


class _ReshapedSource(FrameSource):
    """Reads whole frames of another source and presents them in a new shape."""

    def __init__(self, inner: FrameSource, sig_shape: tuple[int, ...], info: SourceInfo, hints: ReadHints) -> None:
        super().__init__(
            info, n_frames=inner.n_frames, sig_shape=sig_shape, dtype=inner.dtype, resources=inner.resources
        )
        self._inner = inner
        self.hints = replace(hints, whole_frames=True)

    @property
    def identity(self) -> tuple[str, ...]:
        return self._inner.identity

    @property
    def rows(self) -> StoredRows | None:
        return self._inner.rows

    def read_rows(self, io: IOSession, frames: NDArray[np.int64], first: int, end: int, out: NDArray[Any]) -> None:
        self._inner.read_rows(io, frames, first, end, out)

    def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
        native = self._inner.sig_shape
        full = SigBox.full(native)
        if box.covers(self.sig_shape):
            self._inner.read(io, frames, full, out.reshape(len(frames), *native))
            return
        whole = np.empty((len(frames), *native), dtype=self.dtype)
        self._inner.read(io, frames, full, whole)
        out[...] = whole.reshape(len(frames), *self.sig_shape)[(slice(None), *box.slices)]

    def view(self, frames: range, box: SigBox) -> NDArray[Any] | None:
        whole = self._inner.view(frames, SigBox.full(self._inner.sig_shape))
        if whole is None or not whole.flags.c_contiguous:
            return None
        return whole.reshape(len(frames), *self.sig_shape)[(slice(None), *box.slices)]
