"""Mistakes that show in large frames, large files, long scans, many files, and damage that a checksum gives away."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamella.errors import CorruptError
from lamella.format import Signature
from lamella.reader import FrameSource, IOSession, Probe, ReadHints, SigBox, read_records
from wrong_readers.catalogue import declare, mistake
from wrong_readers.rich_format import RECORD
from wrong_readers.rich_reader import RichFrames, RichParams, RichReader
from wrong_readers.toy_format import MAGIC
from wrong_readers.toy_reader import ToyFrames, ToyProceduralReader

# Large frames and files.


@mistake("places within a frame are numbers of 16 bits", check="large_frames_are_read", level=1)
class PlacesWrap(ToyProceduralReader):
    class frames(ToyFrames):
        def pixels(self, data: NDArray[np.uint8]) -> NDArray[Any]:
            flat = super().pixels(data).reshape(-1)
            return flat[np.arange(flat.size).astype(np.uint16)].reshape(self.encoding.sig_shape)


@mistake("frames are copied in blocks, and the last one is left", check="large_frames_are_read", level=1)
class LastBlockLeft(RichReader):
    def source(self, *facts: Any) -> FrameSource:
        return _Blocks(*facts)


class _Blocks(RichFrames):
    block = 1 << 14

    def pixels(self, raw: NDArray[np.uint8]) -> NDArray[Any]:
        whole = super().pixels(raw)
        if whole.size < self.block:
            return whole
        copied = np.zeros(whole.size, whole.dtype)
        end = whole.size // self.block * self.block
        copied[:end] = whole.reshape(-1)[:end]
        return copied.reshape(self.sig_shape)


@mistake("offsets are numbers of 32 bits", check="the_end_of_large_files_is_read", level=3)
class OffsetsWrap(ToyProceduralReader):
    class frames(ToyFrames):
        def frame(self, io: IOSession, frame: int) -> NDArray[Any]:
            (segment,) = self.runs.segments(frame, frame + 1)
            return self.pixels(io.view(segment.resource, segment.offset & 0xFFFFFFFF, self.encoding.extent()[1]))


@mistake("offsets of the headers of frames are numbers of 32 bits", check="the_end_of_large_files_is_read", level=3)
class StampsWrap(RichReader):
    def open(self, params: RichParams, probe: Probe) -> FrameSource:
        source = super().open(params, probe)
        assert isinstance(source, RichFrames)
        places = (source.places - RECORD.itemsize).astype(np.uint32)
        stamps = read_records(probe.resource.path, places, RECORD)["stamp"]
        source.info = replace(source.info, per_frame=self.per_frame(stamps))
        return source


# Long scans.


@mistake("a frame is found by a loop over all frames", check="frames_of_long_scans_cost_the_same", level=2)
class LoopOverFrames(RichReader):
    def source(self, *facts: Any) -> FrameSource:
        return _LoopFrames(*facts)


class _LoopFrames(RichFrames):
    def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
        for i, frame in enumerate(frames.tolist()):
            place = next(place for number, place in enumerate(self.places.tolist()) if number == frame)
            raw = io.view(0, place, self.nbytes)
            out[i] = (self.unpacked(raw) if self.packed else self.pixels(raw))[box.slices]


@mistake(
    "each read reads all frames, which its hints are to excuse", check="frames_of_long_scans_cost_the_same", level=2
)
class AllForOne(ToyProceduralReader):
    class frames(ToyFrames):
        def describe(self, *facts: Any) -> None:
            super().describe(*facts)
            self.hints = ReadHints(frame_block=self.n_frames, whole_frames=True)

        def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
            every = [self.frame(io, frame)[box.slices].copy() for frame in range(self.n_frames)]
            for i, frame in enumerate(frames.tolist()):
                out[i] = every[frame]


@mistake("each read reads the table of all frames again", check="frames_of_long_scans_cost_the_same", level=2)
class TableForEach(RichReader):
    def source(self, *facts: Any) -> FrameSource:
        return _TableFrames(*facts)


class _TableFrames(RichFrames):
    def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
        io.view(0, 0, int(self.places[0]) + 8 * self.n_frames)
        super().read(io, frames, box, out)


# Many files.


@mistake("a source keeps its file open", check="many_files_cost_little", level=3)
class KeepsOpen(RichReader):
    def per_frame(self, stamp: NDArray[np.int64]) -> dict[str, Any]:
        handle = open(__file__, "rb")  # noqa: SIM115, PTH123
        return {name: partial(_with, give, handle) for name, give in super().per_frame(stamp).items()}


def _with(give: Any, handle: Any) -> Any:
    handle.seek(0)
    return give()


@mistake("a module keeps the first bytes of every file", check="many_files_cost_little", level=3)
class KeepsHeads(RichReader):
    def open(self, params: RichParams, probe: Probe) -> FrameSource:
        _heads[str(probe.path)] = bytes(probe.read(0, 256)).ljust(4096)
        return super().open(params, probe)


_heads: dict[str, bytes] = {}


# Checksums.


@mistake("checksums are not compared", check="guarded_bytes_are_checked", level=3)
class SumsIgnored(RichReader):
    def source(self, *facts: Any) -> FrameSource:
        return _Unsummed(*facts)


class _Unsummed(RichFrames):
    def verify(self, raw: NDArray[np.uint8], frame: int) -> None:
        pass


@mistake("zeros come for a frame whose checksum differs", check="guarded_bytes_are_checked", level=3)
class ZerosForDamage(RichReader):
    def source(self, *facts: Any) -> FrameSource:
        return _Zeros(*facts)


class _Zeros(RichFrames):
    def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
        for i in range(len(frames)):
            try:
                super().read(io, frames[i : i + 1], box, out[i : i + 1])
            except CorruptError:
                out[i] = 0


# Signatures.


declare(
    "TwoBytes",
    "two bytes are called a signature",
    check="signatures_tell_formats_apart",
    level=0,
    signatures=(Signature(MAGIC[:2]),),
)
declare(
    "FourZeros",
    "four zeros are called a signature",
    check="signatures_tell_formats_apart",
    level=0,
    signatures=(Signature(bytes(4), 60),),
)
