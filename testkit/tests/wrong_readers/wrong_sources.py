"""Level 2: sources that go wrong when they are cut, shared, sent away or asked in another order."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lamella.format import Capability, Param
from lamella.reader import (
    Encoding,
    FrameSource,
    IOSession,
    LinearSource,
    Probe,
    ReadHints,
    RunTable,
    SigBox,
    SourceInfo,
)
from wrong_readers.catalogue import mistake
from wrong_readers.toy_reader import RIGHT, ToyFrames, ToyProceduralReader, ToyReader

Source = LinearSource | FrameSource


@mistake("the box is ignored but for its shape", check="indexing_is_numpys", level=2)
class BoxIgnored(ToyProceduralReader):
    class frames(ToyFrames):
        def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
            corner = SigBox((0,) * len(box.shape), box.shape)
            super().read(io, frames, corner, out)


@mistake("frames are read in a row from the first one", check="regions_of_interest_are_kept", level=2)
class RegionIgnored(ToyProceduralReader):
    class frames(ToyFrames):
        def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
            first = int(frames[0]) if frames.size else 0
            row = np.minimum(first + np.arange(len(frames)), self.n_frames - 1)
            super().read(io, row, box, out)


@mistake("the sync offset is ignored", check="sync_offset_shifts_frames", level=2)
class OffsetIgnored(ToyProceduralReader):
    class frames(ToyFrames):
        def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
            whole = len(frames) > self.n_frames // 2
            super().read(io, np.arange(len(frames)) if whole else frames, box, out)


@mistake("the last partial block of frames is dropped", check="every_pixel_comes_once", level=2)
class PartialBlockDropped(ToyProceduralReader):
    class frames(ToyFrames):
        def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
            out[...] = 0
            whole = len(frames) - len(frames) % 2 if len(frames) > 2 else len(frames)
            super().read(io, frames[:whole], box, out[:whole])


@mistake("a scan of fewer positions loses its last frame", check="partitions_cover_the_scan", level=2)
class PartitionEnd(ToyProceduralReader):
    class frames(ToyFrames):
        def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
            super().read(io, frames, box, out)
            if len(frames) == 1 and 0 < frames[0] < self.n_frames - 1:
                out[...] = 0


@mistake("zeros are not written, whatever was there before", check="source_reads_what_it_is_asked_for", level=2)
class SparseWriting(ToyProceduralReader):
    class frames(ToyFrames):
        def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
            for i, frame in enumerate(frames.tolist()):
                pixels = self.frame(io, frame)[box.slices]
                np.copyto(out[i], pixels, where=np.abs(pixels.astype(np.float64)) > np.median(pixels))


@mistake("frames come sorted", check="source_reads_what_it_is_asked_for", level=2)
class Sorted(ToyProceduralReader):
    class frames(ToyFrames):
        def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
            super().read(io, np.sort(frames), box, out)


@mistake("a buffer of the I/O is kept and used later", check="source_reads_what_it_is_asked_for", level=2)
class StaleBuffer(ToyProceduralReader):
    class frames(ToyFrames):
        def frame(self, io: IOSession, frame: int) -> NDArray[Any]:
            if frame not in io.scratch:
                io.scratch[frame] = super().frame(io, frame)
            kept: NDArray[Any] = io.scratch[frame]
            return kept


@mistake("two threads share one buffer", check="threads_read_the_same", level=2)
class SharedBuffer(ToyProceduralReader):
    class frames(ToyFrames):
        buffer = np.zeros(1 << 20, dtype=np.uint8)

        def pixels(self, data: NDArray[np.uint8]) -> NDArray[Any]:
            mine = self.buffer[: data.size]
            mine[...] = data
            time.sleep(0)
            return mine.view(self.encoding.dtype).reshape(self.encoding.sig_shape)


@mistake("where a read stands is kept in the source", check="reading_is_reentrant", level=2)
class PositionKept(ToyProceduralReader):
    class frames(ToyFrames):
        place: ClassVar[list[int]] = [0]

        def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
            for self.place[0], frame in enumerate(frames.tolist()):
                pixels = self.frame(io, frame)[box.slices]
                out[min(self.place[0], len(out) - 1)] = pixels


@mistake("the source remembers the last frame", check="sources_do_not_change", level=2)
class Remembers(ToyProceduralReader):
    class frames(ToyFrames):
        last: Any = None

        def frame(self, io: IOSession, frame: int) -> NDArray[Any]:
            self.last = (frame, super().frame(io, frame).copy())
            pixels: NDArray[Any] = self.last[1]
            return pixels


@mistake("decoded frames are cached by their number alone", check="any_sequence_of_uses_works", level=2)
class CachedByNumber(ToyProceduralReader):
    class frames(ToyFrames):
        cache: ClassVar[dict[tuple[Any, ...], NDArray[Any]]] = {}

        def frame(self, io: IOSession, frame: int) -> NDArray[Any]:
            key = (frame, self.encoding.dtype, self.encoding.sig_shape, self.n_frames)
            if key not in self.cache:
                self.cache[key] = super().frame(io, frame).copy()
            return self.cache[key]


@mistake("all sources read from one place", check="tiles_of_several_data_sets_mix", level=2)
class OneForAll(ToyProceduralReader):
    class frames(ToyFrames):
        newest: ClassVar[list[Any]] = []

        def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
            if frames[:1] == 0:
                self.newest[:] = [self.runs]
            runs, self.runs = self.runs, self.newest[0] if self.newest else self.runs
            try:
                super().read(io, frames, box, out)
            finally:
                self.runs = runs


@mistake("the source cannot be sent to another process", check="sources_pickle", level=2)
class Unpicklable(ToyProceduralReader):
    class frames(ToyFrames):
        def __init__(self, *facts: Any) -> None:
            super().__init__(*facts)
            self.shape_of = lambda box: box.shape


@mistake("the source needs what only the process that opened it has", check="spawned_process_reads_the_same", level=2)
class NeedsItsProcess(ToyProceduralReader):
    class frames(ToyFrames):
        known: ClassVar[dict[str, RunTable]] = {}

        def __init__(self, *facts: Any) -> None:
            super().__init__(*facts)
            self.known[self.resources[0].path] = self.runs
            del self.runs

        def frame(self, io: IOSession, frame: int) -> NDArray[Any]:
            (segment,) = self.known[self.resources[0].path].segments(frame, frame + 1)
            return self.pixels(io.view(segment.resource, segment.offset, self.encoding.extent()[1]))


class _Views(ToyFrames):
    """Gives views of the whole file."""

    def view(self, frames: range, box: SigBox) -> NDArray[Any] | None:
        segments = list(self.runs.segments(frames.start, frames.stop))
        if len(segments) != 1 or not self.encoding.dtype.isnative:
            return None
        (one,) = segments
        stored = np.memmap(self.resources[one.resource].path, dtype=np.uint8, mode="c")
        pixels: NDArray[Any] = np.ndarray(
            (one.count, *self.encoding.sig_shape),
            self.encoding.dtype,
            stored.data,
            one.offset,
            (one.stride, *self.encoding.strides),
        )
        return self.shown(pixels, box)

    def shown(self, pixels: NDArray[Any], box: SigBox) -> NDArray[Any]:
        return pixels[(slice(None), *box.slices)]


@mistake("views can be written to", check="views_are_read_only", level=2)
class WritableViews(ToyProceduralReader):
    frames = _Views


class _FullViews(_Views):
    def shown(self, pixels: NDArray[Any], box: SigBox) -> NDArray[Any]:
        corner = pixels[(slice(None), *(slice(0, n) for n in box.shape))]
        corner.setflags(write=False)
        return corner


@mistake("views ignore the box", check="views_are_read_only", level=2)
class ViewsOfTheCorner(ToyProceduralReader):
    frames = _FullViews


@mistake("pixels are read past the I/O backend", check="io_backends_agree", level=2)
class OwnFiles(ToyProceduralReader):
    class frames(ToyFrames):
        def frame(self, io: IOSession, frame: int) -> NDArray[Any]:
            (segment,) = self.runs.segments(frame, frame + 1)
            path, nbytes = self.resources[segment.resource].path, self.encoding.extent()[1]
            return self.pixels(np.fromfile(path, np.uint8, nbytes, offset=segment.offset))


@mistake(
    "I/O backends are declared, but only one of them works",
    check="io_backends_agree",
    level=2,
)
class MappedOnly(ToyProceduralReader):
    class frames(ToyFrames):
        def frame(self, io: IOSession, frame: int) -> NDArray[Any]:
            if not io.zero_copy:
                return np.zeros(self.encoding.sig_shape, self.encoding.dtype)
            return super().frame(io, frame)


@mistake("a frame costs the whole file", check="reads_stay_small", level=2)
class WholeFileEachTime(ToyProceduralReader):
    class frames(ToyFrames):
        def frame(self, io: IOSession, frame: int) -> NDArray[Any]:
            (segment,) = self.runs.segments(frame, frame + 1)
            low, nbytes = segment.offset, self.encoding.extent()[1]
            whole = io.view(segment.resource, 0, self.resources[segment.resource].size)
            return self.pixels(whole[low : low + nbytes])


@mistake("hints for a detector of another rank", check="negotiated_tiles_cover_frames", level=2)
class WrongHints(ToyProceduralReader):
    class frames(ToyFrames):
        hints = ReadHints(sig_block=(0, 1))


@mistake("numbers of the header are NumPy numbers", check="source_is_consistent", level=2)
class NumpyShape(ToyReader):
    def nav_shape(self, header: Any) -> tuple[int, ...]:
        return header["ny"], header["nx"]


@mistake("frames overlap", check="source_is_consistent", level=2)
class Overlapping(ToyReader):
    def source(self, resources: Any, runs: RunTable, encoding: Encoding, info: SourceInfo) -> Source:
        low = int(runs.offset.min())
        wide = replace(encoding, strides=encoding.strides, origin=0)
        offset = np.where(runs.stride > 0, runs.offset - 0, low)
        return super().source(resources, RunTable(runs.resource, offset, runs.stride * 0, runs.count), wide, info)


@mistake("pixels are converted before they are asked for", check="other_dtypes_are_converted", level=2)
class Rounded(ToyProceduralReader):
    class frames(ToyFrames):
        def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
            super().read(io, frames, box, out)
            if len(frames) == 3 and box.covers(self.sig_shape):
                np.copyto(out, out.astype(np.float16), casting="unsafe")


@mistake("another scan shape changes the order of frames", check="scan_shape_can_be_changed", level=2)
class RowsCounted(ToyProceduralReader):
    class frames(ToyFrames):
        def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
            assert self.info.nav_shape is not None
            row = self.info.nav_shape[1]
            crosses = len(frames) > 1 and frames[0] // row != frames[-1] // row
            super().read(io, frames[::-1] if crosses else frames, box, out)


@dataclass(frozen=True, kw_only=True)
class ShapeParams:
    """A shape that the reader wants to handle by itself."""

    sig_shape: Annotated[tuple[int, ...] | None, Param(doc="Shape of a frame.", ge=1)] = None


@mistake(
    "another detector shape exchanges x and y",
    check="sig_shape_can_be_changed",
    level=2,
    params="wrong_readers.wrong_sources:ShapeParams",
)
class ReshapedWrong(ToyReader):
    def open(self, params: Any, probe: Probe) -> Source:
        source = super().open(params, probe)
        if params.sig_shape is None or not isinstance(source, LinearSource):
            return source
        encoding = replace(source.encoding, strides=source.encoding.strides[::-1], sig_shape=params.sig_shape)
        if encoding.extent() != source.encoding.extent():
            return source
        return replace(source, encoding=encoding)


@mistake(
    "zero copy works, but is not declared",
    check="zero_copy_holds",
    level=4,
    capabilities=RIGHT.capabilities - {Capability.ZERO_COPY},
)
class ZeroCopyUndeclared(ToyReader):
    pass


@mistake("missing frames come as frame 0", check="missing_frames_follow_the_policy", level=2)
class MissingIsFirst(ToyProceduralReader):
    class frames(ToyFrames):
        def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
            super().read(io, frames, box, out)
            if 0 < len(frames) < self.n_frames and frames[-1] == self.n_frames - 1:
                out[-1] = 0


@mistake("codes of compiled kernels see other strides", check="computations_equal_the_model", level=2)
class EvenRowsOnly(ToyReader):
    def source(self, resources: Any, runs: RunTable, encoding: Encoding, info: SourceInfo) -> Source:
        height, width = encoding.sig_shape
        if (height, width) != (6, 8):
            return super().source(resources, runs, encoding, info)
        return super().source(resources, runs, replace(encoding, strides=(encoding.strides[0], 0)), info)


@mistake("blocks of frames are all taken for the first", check="blocks_of_frames_fit_together", level=2)
class FirstBlock(ToyProceduralReader):
    class frames(ToyFrames):
        def __init__(self, *facts: Any) -> None:
            super().__init__(*facts)
            self.hints = ReadHints(frame_block=16)

        def frame(self, io: IOSession, frame: int) -> NDArray[Any]:
            return super().frame(io, frame % 16)
