"""From a source and an I/O session to arrays of frames: views where possible, reused buffers otherwise."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from lamella.dataset.procedural import read_procedural
from lamella.dataset.tiling import REGION_BYTES
from lamella.geometry.frames import consecutive
from lamella.geometry.shape import SigBox
from lamella.reader.runs import Segment
from lamella.reader.source import FrameSource, LinearSource

if TYPE_CHECKING:
    from types import TracebackType

    from numpy.typing import DTypeLike, NDArray

    from lamella.corrections.corrections import Corrections
    from lamella.dataset.storedform import StoredForm
    from lamella.io.backend import IOBackend
    from lamella.reader.session import IOSession

__all__ = ["FrameReader", "Frames"]

Frames: TypeAlias = "range | NDArray[np.int64]"
"""Stored frames in the order wanted; -1 stands for a missing frame, delivered as zeros."""

# Below this share of useful bytes, a run of frames is read frame by frame instead of in one piece.
_WORTH_READING = 0.5


class FrameReader:
    """Reads frames for one worker, in the dtype and with the corrections that the computation wants.

    Parameters
    ----------
    source
        What the format plugin described.
    backend
        How bytes reach memory; None to use a ``session``.
    dtype
        Dtype of the arrays; the native dtype of the data if None.
    corrections
        Dark frame, gain map and excluded pixels to apply; the result is then floating point.
    session
        An open session with the resources of the source.
    """

    def __init__(
        self,
        source: LinearSource | FrameSource,
        backend: IOBackend | None = None,
        *,
        dtype: DTypeLike | None = None,
        corrections: Corrections | None = None,
        session: IOSession | None = None,
    ) -> None:
        self._source = source
        if session is None:
            assert backend is not None
            session = backend.open(source.resources)
        self._session = session
        self._corrections = corrections
        self.dtype = np.dtype(source.dtype if dtype is None else dtype)
        self._buffers: dict[str, NDArray[np.uint8]] = {}

    def __enter__(self) -> FrameReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None or issubclass(kind, Exception):
                self.confirm()  # what came of bytes that were not there is less to the point than why they were not
        finally:
            self.close()

    def confirm(self) -> None:
        """Raise `FormatError` if what was read are not the bytes of the files, which changed meanwhile."""
        self._session.confirm()

    def close(self) -> None:
        """Give back handles and buffers."""
        self._session.close()
        self._buffers.clear()

    def read(self, frames: Frames, box: SigBox | None = None) -> NDArray[Any]:
        """Give frames as an array of shape ``(n, *box.shape)``, read-only or reused: valid until the next call."""
        if box is None:
            box = SigBox.full(self._source.sig_shape)
        if self._corrections is None:
            return self._gather(frames, box)
        wide = self._corrections.reach(box)
        tile = self._buffer("tile", (len(frames), *wide.shape), self.dtype)
        native = self._source.dtype
        stored = self._view(frames, wide, native)
        if stored is None:
            stored = self._buffer("uncorrected", tile.shape, native)
            self._fill(frames, wide, stored)
        self._corrections.correct(stored, tile, wide)
        if not isinstance(frames, range):
            tile[frames < 0] = 0  # nothing was recorded there, so nothing is corrected
        inner = tuple(slice(o - w, o - w + n) for o, w, n in zip(box.origin, wide.origin, box.shape, strict=True))
        return tile[(slice(None), *inner)]

    def read_into(self, out: NDArray[Any], frames: Frames, box: SigBox) -> None:
        """Write frames into a C-contiguous array of shape ``(n, *box.shape)`` and the dtype of this reader."""
        view = self._view(frames, box, self.dtype) if self._corrections is None else self.read(frames, box)
        if view is None:
            self._fill(frames, box, out)
        else:
            out[...] = view

    def stored_blocks(self, frames: Frames, form: StoredForm, boxes: Sequence[SigBox]) -> Iterator[NDArray[Any]]:
        """Give the stored items of frames box by box, corrected if need be; ``boxes`` cut the flat list of items."""
        rows = self._stored_blocks(frames, form, boxes)
        if self._corrections is None:
            yield from rows
            return
        for box, block in zip(boxes, rows, strict=True):
            tile = self._buffer("tile", block.shape, self.dtype)
            self._corrections.correct_items(block, (1,) if form.swapped else (), tile, form.order, box.origin[0])
            if not isinstance(frames, range):
                tile[frames < 0] = 0  # nothing was recorded there, so nothing is corrected
            yield tile

    def _stored_blocks(self, frames: Frames, form: StoredForm, boxes: Sequence[SigBox]) -> Iterator[NDArray[Any]]:
        if isinstance(self._source, FrameSource):
            for box in boxes:
                yield self._rows_of(self._source, frames, form, box.origin[0], box.origin[0] + box.size)
            return
        n_items = sum(box.size for box in boxes)
        if self._session.zero_copy or len(frames) * n_items * form.dtype.itemsize <= REGION_BYTES:
            rows = self.read_stored(frames, form, 0, n_items)
            if len(boxes) == 1:
                yield rows
                return
            for box in boxes:
                yield rows[:, box.origin[0] : box.origin[0] + box.size]
            return
        for box in boxes:
            yield self.read_stored(frames, form, box.origin[0], box.origin[0] + box.size)

    def read_stored(self, frames: Frames, form: StoredForm, first: int, end: int) -> NDArray[Any]:
        """Give the stored items ``[first, end)`` of frames, shape ``(n, end - first)`` and dtype ``form.dtype``.

        Bytes are as they are in the file, in whatever order and byte order ``form`` says. Rows are contiguous.
        """
        assert isinstance(self._source, LinearSource)
        runs, itemsize = self._source.runs, form.dtype.itemsize
        low, nbytes = form.start + first * itemsize, (end - first) * itemsize
        if isinstance(frames, range) and frames:
            segments = list(runs.segments(frames.start, frames.stop))
            if len(segments) == 1 and self._pays(segments[0], nbytes):
                return self._rows(segments[0], low, nbytes).view(form.dtype)
        if self._scattered(frames):
            return self._picked(frames, low, nbytes).view(form.dtype)
        out = self._buffer("stored", (len(frames), end - first), form.dtype)
        target = out.view(np.uint8)
        row = 0
        for start, stop in consecutive(frames):
            if start < 0:
                target[row : row + stop - start] = 0
                row += stop - start
                continue
            for segment in runs.segments(start, stop):
                for piece in (segment,) if self._pays(segment, nbytes) else segment:
                    target[row : row + piece.count] = self._rows(piece, low, nbytes)
                    row += piece.count
        return out

    def _rows_of(self, source: FrameSource, frames: Frames, form: StoredForm, first: int, end: int) -> NDArray[Any]:
        """Give items of frames that only the code of a format can find."""
        out = self._buffer("stored", (len(frames), end - first), form.dtype)

        def read(wanted: NDArray[np.int64], target: NDArray[Any]) -> None:
            source.read_rows(self._session, wanted, first, end, target)

        read_procedural(source, read, frames, out, self._buffer)
        return out

    def _scattered(self, frames: Frames) -> bool:
        """Whether frames behind a region of interest can be picked out of one run that costs nothing to look at."""
        if isinstance(frames, range) or len(frames) < 2 or not self._session.zero_copy:
            return False
        return isinstance(self._source, LinearSource) and len(self._source.runs) == 1 and int(frames.min()) >= 0

    def _around(self, frames: NDArray[np.int64]) -> tuple[Segment, list[int]]:
        """Give the stretch of the only run that holds the frames, and the place of each frame in it."""
        assert isinstance(self._source, LinearSource)
        first = int(frames.min())
        (segment,) = self._source.runs.segments(first, int(frames.max()) + 1)
        return segment, (frames - first).tolist()

    def _picked(self, frames: Frames, low: int, nbytes: int) -> NDArray[np.uint8]:
        """Give ``nbytes`` from byte ``low`` of each of some scattered frames, shape ``(n, nbytes)``."""
        segment, places = self._around(np.asarray(frames))
        rows = self._rows(segment, low, nbytes)
        out: NDArray[np.uint8] = self._buffer("stored", (len(places), nbytes), np.dtype(np.uint8))
        for i, place in enumerate(places):
            out[i] = rows[place]
        return out

    def _pays(self, segment: Segment, nbytes: int) -> bool:
        """Whether to read a run with what lies between ``nbytes`` of each frame, and not frame by frame."""
        if self._session.zero_copy or segment.count == 1:
            return True
        whole = (segment.count - 1) * abs(segment.stride) + nbytes
        return nbytes * segment.count >= _WORTH_READING * whole

    def _rows(self, segment: Segment, low: int, nbytes: int) -> NDArray[np.uint8]:
        """Give ``nbytes`` from byte ``low`` of each frame of a run, shape ``(count, nbytes)``."""
        span = (segment.count - 1) * segment.stride
        start = segment.offset + min(span, 0) + low
        raw = self._session.view(segment.resource, start, abs(span) + nbytes)
        rows: NDArray[np.uint8] = np.ndarray(
            (segment.count, nbytes), np.uint8, raw.data, max(-span, 0), (segment.stride, 1)
        )
        rows.setflags(write=False)
        return rows

    def _gather(self, frames: Frames, box: SigBox) -> NDArray[Any]:
        view = self._view(frames, box, self.dtype)
        if view is not None:
            return view
        out = self._buffer("tile", (len(frames), *box.shape), self.dtype)
        self._fill(frames, box, out)
        return out

    def _fill(self, frames: Frames, box: SigBox, out: NDArray[Any]) -> None:
        if isinstance(self._source, FrameSource):
            source, session = self._source, self._session

            def read(wanted: NDArray[np.int64], target: NDArray[Any]) -> None:
                source.read(session, wanted, box, target)

            read_procedural(source, read, frames, out, self._buffer)
        else:
            self._fill_linear(self._source, frames, box, out)

    def _buffer(self, role: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        nbytes = math.prod(shape) * dtype.itemsize
        held = self._buffers.get(role)
        if held is None or held.size < nbytes:
            held = self._buffers[role] = np.empty(nbytes, dtype=np.uint8)
        return held[:nbytes].view(dtype).reshape(shape)

    # Views: one run of frames, stored as wanted.

    def _view(self, frames: Frames, box: SigBox, dtype: np.dtype[Any]) -> NDArray[Any] | None:
        source = self._source
        if dtype != source.dtype or not isinstance(frames, range) or frames.step != 1 or not frames:
            return None
        if isinstance(source, FrameSource):
            return source.view(frames, box)
        if source.encoding.codec is not None or source.encoding.dtype != dtype:
            return None
        segments = list(source.runs.segments(frames.start, frames.stop))
        if len(segments) != 1 or not self._in_one_piece(segments[0], source, box):
            return None
        return self._segment_view(source, segments[0], box)

    def _in_one_piece(self, segment: Segment, source: LinearSource, box: SigBox) -> bool:
        low, high = source.encoding.extent(box)
        return self._pays(segment, high - low)

    def _segment_view(self, source: LinearSource, segment: Segment, box: SigBox) -> NDArray[Any]:
        """Give frames of one run as a strided array over the bytes of the session."""
        encoding = source.encoding
        low, high = encoding.extent(box)
        span = (segment.count - 1) * segment.stride
        start = segment.offset + min(span, 0) + low
        raw = self._session.view(segment.resource, start, abs(span) + high - low)
        first = segment.offset + encoding.origin - start
        first += sum(o * stride for o, stride in zip(box.origin, encoding.strides, strict=True))
        array: NDArray[Any] = np.ndarray(
            (segment.count, *box.shape),
            dtype=encoding.dtype,
            buffer=raw.data,
            offset=first,
            strides=(segment.stride, *encoding.strides),
        )
        array.setflags(write=False)
        return array

    # Copies: anything else.

    def _fill_linear(self, source: LinearSource, frames: Frames, box: SigBox, out: NDArray[Any]) -> None:
        codec = source.encoding.codec
        if self._scattered(frames):
            if codec is not None:
                self._decode(source, self._picked(frames, 0, codec.stored_nbytes(source.encoding.sig_shape)), box, out)
                return
            segment, places = self._around(np.asarray(frames))
            view = self._segment_view(source, segment, box)
            for i, place in enumerate(places):
                out[i] = view[place]
            return
        fill = self._decode_segment if codec is not None else self._copy_segment
        row = 0
        for start, stop in consecutive(frames):
            if start < 0:
                out[row : row + stop - start] = 0
                row += stop - start
                continue
            for segment in source.runs.segments(start, stop):
                fill(source, segment, box, out[row : row + segment.count])
                row += segment.count

    def _copy_segment(self, source: LinearSource, segment: Segment, box: SigBox, out: NDArray[Any]) -> None:
        if self._in_one_piece(segment, source, box):
            np.copyto(out, self._segment_view(source, segment, box), casting="unsafe")
            return
        for i, single in enumerate(segment):
            np.copyto(out[i : i + 1], self._segment_view(source, single, box), casting="unsafe")

    def _decode_segment(self, source: LinearSource, segment: Segment, box: SigBox, out: NDArray[Any]) -> None:
        if not self._in_one_piece(segment, source, box):
            for i, single in enumerate(segment):
                self._decode_segment(source, single, box, out[i : i + 1])
            return
        assert source.encoding.codec is not None
        nbytes = source.encoding.codec.stored_nbytes(source.encoding.sig_shape)
        self._decode(source, self._rows(segment, 0, nbytes), box, out)

    def _decode(self, source: LinearSource, stored: NDArray[np.uint8], box: SigBox, out: NDArray[Any]) -> None:
        codec, sig_shape, native = source.encoding.codec, source.encoding.sig_shape, source.dtype
        assert codec is not None
        if box.covers(sig_shape) and out.dtype == native:
            codec.decode(stored, out)
            return
        decoded = self._buffer("decoded", (len(stored), *sig_shape), native)
        codec.decode(stored, decoded)
        np.copyto(out, decoded[(slice(None), *box.slices)], casting="unsafe")
