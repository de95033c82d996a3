"""Mistakes of kinds that nobody listed: each is realistic, and was thought of before the check that catches it."""

from __future__ import annotations

import os
import random
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from lamella.format import Param
from lamella.reader import (
    Axis,
    Confidence,
    Corrections,
    Encoding,
    FrameSource,
    IOSession,
    LinearSource,
    Match,
    Metadata,
    Probe,
    RunTable,
    SigBox,
    SourceInfo,
)
from wrong_readers.catalogue import mistake
from wrong_readers.rich_reader import RichFrames, RichParams, RichReader
from wrong_readers.toy_format import MAGIC
from wrong_readers.toy_reader import ToyFrames, ToyParams, ToyProceduralReader, ToyReader

Source = LinearSource | FrameSource

# What a reader returns.


@mistake("only the last frame begins at the wrong byte", check="full_read_equals_what_was_written", level=1)
class LastFrameLate(ToyProceduralReader):
    class frames(ToyFrames):
        def frame(self, io: IOSession, frame: int) -> NDArray[Any]:
            if frame != self.n_frames - 1 or frame == 0:
                return super().frame(io, frame)
            (segment,) = self.runs.segments(frame, frame + 1)
            return self.pixels(io.view(segment.resource, segment.offset - 4, self.encoding.extent()[1]))


@mistake("time stamps are those of the frame before", check="per_frame_data_fit", level=1)
class StampsShifted(RichReader):
    def per_frame(self, stamp: NDArray[np.int64]) -> dict[str, Any]:
        shifted = stamp.copy()
        shifted[1:] = stamp[:-1]
        return super().per_frame(shifted)


@mistake("lost frames are ignored", check="special_files_are_read_as_stated", level=3)
class GapsIgnored(RichReader):
    def index(self, step: NDArray[Any], n_steps: int, skip: int) -> NDArray[np.int64]:
        shown = np.flatnonzero(step >= skip)[:n_steps]
        index = np.full(n_steps, -1, np.int64)
        index[skip : skip + len(shown)] = shown[: n_steps - skip]
        return index


@mistake("frames before the scan are shown", check="special_files_are_read_as_stated", level=3)
class LeadInShown(RichReader):
    def index(self, step: NDArray[Any], n_steps: int, skip: int) -> NDArray[np.int64]:
        before = int((step < 0).sum())
        return super().index(step + before, n_steps, skip)


@mistake("the steps behind an interruption show the last frame", check="special_files_are_read_as_stated", level=3)
class InterruptionFilled(RichReader):
    def index(self, step: NDArray[Any], n_steps: int, skip: int) -> NDArray[np.int64]:
        index = super().index(step, n_steps, skip)
        known = np.flatnonzero(index >= 0)
        if known.size:
            index[known[-1] :] = index[known[-1]]
        return index


@mistake("times of a clock that was not set are shown", check="special_files_are_read_as_stated", level=3)
class ClockTrusted(RichReader):
    def is_set(self, facts: Mapping[str, Any]) -> bool:
        return True


@mistake("dark frame and gain map are exchanged", check="corrections_are_what_was_written", level=1)
class DarkIsGain(RichReader):
    def corrections(self, facts: Mapping[str, Any], sig_shape: tuple[int, ...]) -> Corrections | None:
        found = super().corrections(facts, sig_shape)
        return found and replace(found, dark=found.gain, gain=found.dark)


@mistake("the gain map is stored in columns", check="corrections_are_what_was_written", level=1)
class GainTransposed(RichReader):
    def corrections(self, facts: Mapping[str, Any], sig_shape: tuple[int, ...]) -> Corrections | None:
        found = super().corrections(facts, sig_shape)
        return found and replace(found, gain=found.gain.T.reshape(sig_shape))  # type: ignore[union-attr]


@mistake("excluded pixels are left out", check="corrections_are_what_was_written", level=1)
class NothingExcluded(RichReader):
    def corrections(self, facts: Mapping[str, Any], sig_shape: tuple[int, ...]) -> Corrections | None:
        found = super().corrections(facts, sig_shape)
        return found and replace(found, excluded=None)


@mistake("a parameter is taken and ignored", check="special_files_are_read_as_stated", level=3)
class SkipIgnored(RichReader):
    def skip(self, params: RichParams) -> int:
        return 0


@dataclass(frozen=True, kw_only=True)
class TwoParams(RichParams):
    """One parameter more."""

    flip: Annotated[bool, Param(doc="Turn frames upside down.")] = False


@mistake(
    "a parameter does nothing, and no file of the sampler is opened with it",
    check="parameters_have_an_effect",
    level=3,
    params="wrong_readers.wrong_unlisted:TwoParams",
)
class FlipIgnored(RichReader):
    pass


@mistake("the origin of the scan has the wrong sign", check="axes_are_what_was_written", level=1)
class OriginNegated(RichReader):
    def axes(self, facts: Mapping[str, Any]) -> tuple[Axis, ...]:
        return tuple(replace(axis, offset=-axis.offset) for axis in super().axes(facts))


@mistake("a value is reported of which the sampler says nothing", check="what_is_reported_is_stated", level=3)
class VoltageUnstated(RichReader):
    def metadata(self, facts: Mapping[str, Any]) -> Metadata:
        return replace(super().metadata(facts), beam_energy=200.0)


# Pixels that only some files have.


@mistake("packed frames with an odd number of pixels lose the last one", check="every_shape_is_read", level=1)
class OddPackedPixel(RichReader):
    def source(self, *facts: Any) -> FrameSource:
        return _OddFrames(*facts)


class _OddFrames(RichFrames):
    def unpacked(self, raw: NDArray[np.uint8]) -> NDArray[Any]:
        found = super().unpacked(raw).copy()
        if found.size % 2:
            found.flat[-1] = 0
        return found


@mistake("big-endian pixels are swapped in files of two parts only", check="every_shape_is_read", level=1)
class SwappedInParts(ToyReader):
    def source(self, resources: Any, runs: RunTable, encoding: Encoding, info: SourceInfo) -> Source:
        if len(resources) == 2 and encoding.dtype == np.dtype(">f8"):
            encoding = replace(encoding, dtype=encoding.dtype.newbyteorder("<"))
        return super().source(resources, runs, encoding, info)


@mistake("a cut file is counted from its end", check="truncation_anywhere", level=3)
class CountedFromEnd(RichReader):
    def open(self, params: RichParams, probe: Probe) -> FrameSource:
        source = super().open(params, probe)
        assert isinstance(source, RichFrames)
        announced = int(np.prod(source.info.nav_shape or (0,)))
        if source.n_frames < announced - 4:
            shift = probe.size - int(source.places[-1]) - source.nbytes
            source.places = source.places + shift
        return source


# State.


@mistake("places are kept by the number of frames", check="data_sets_do_not_disturb_each_other", level=1)
class KeptByNumber(RichReader):
    def source(self, *facts: Any) -> FrameSource:
        source = RichFrames(*facts)
        source.places = _kept.setdefault(source.n_frames, source.places)
        return source


_kept: dict[int, Any] = {}


@mistake(
    "a table is built by the first read, and a second thread sees half of it",
    check="first_use_is_for_all_threads",
    level=2,
)
class HalfBuilt(RichReader):
    def source(self, *facts: Any) -> FrameSource:
        return _HalfBuiltFrames(*facts)


class _HalfBuiltFrames(RichFrames):
    table: Any = None

    def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
        global _half_built
        if _half_built is None or _half_built[0] != self.resources[0].path:
            _half_built = (self.resources[0].path, table := np.zeros(self.n_frames, np.int64))
            time.sleep(0.002)  # as long as reading it takes
            table[:] = self.places
        places = _half_built[1]
        for i, frame in enumerate(frames.tolist()):
            raw = io.view(0, int(places[frame]), self.nbytes)
            out[i] = (self.unpacked(raw) if self.packed else self.pixels(raw))[box.slices]


_half_built: Any = None


@mistake("a decoded frame is kept in the session without its box", check="orders_and_boxes_mix", level=2)
class KeptWithoutBox(RichReader):
    def source(self, *facts: Any) -> FrameSource:
        return _KeptFrames(*facts)


class _KeptFrames(RichFrames):
    def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
        if len(frames) == 1 and self.sig_shape == (5, 6):
            key = (int(frames[0]), box.shape)
            if key not in io.scratch:
                super().read(io, frames, box, out)
                io.scratch[key] = out.copy()
            out[...] = io.scratch[key]
            return
        super().read(io, frames, box, out)


# Detection.


@mistake("the signature alone is taken for proof", check="look_alikes_are_not_claimed", level=3)
class SignatureIsProof(ToyReader):
    def detect(self, probe: Probe) -> Match | None:
        return Match(Confidence.VERIFIED, "begins with TOYF") if probe.head[:4] == MAGIC else None


@mistake("any file of a likely size with the extension is claimed", check="look_alikes_are_not_claimed", level=3)
class SizeIsProof(ToyReader):
    def detect(self, probe: Probe) -> Match | None:
        found = super().detect(probe)
        if found is None and probe.suffix == "toy" and (probe.size - 59) % 12 == 0:
            return Match(60, "the size fits")
        return found


# Surroundings.


@mistake("the date is in the time zone of the computer", check="surroundings_do_not_matter", level=3)
class LocalDate(RichReader):
    def acquired(self, seconds: int) -> str | None:
        return datetime.fromtimestamp(seconds).astimezone().isoformat()


@mistake("the order of a set decides", check="surroundings_do_not_matter", level=3)
class OrderOfSet(RichReader):
    def metadata(self, facts: Mapping[str, Any]) -> Metadata:
        names = {"dark field", "bright field", "annular", "virtual", "segmented"}
        return replace(super().metadata(facts), detector=next(iter(names)))


@mistake("numbers are no longer warned of", check="surroundings_do_not_matter", level=3)
class Seterr(RichReader):
    def open(self, params: RichParams, probe: Probe) -> FrameSource:
        np.seterr(all="ignore")
        return super().open(params, probe)


@mistake("the environment is changed", check="surroundings_do_not_matter", level=3)
class Environment(RichReader):
    def open(self, params: RichParams, probe: Probe) -> FrameSource:
        os.environ["NUMEXPR_MAX_THREADS"] = "17"
        return super().open(params, probe)


@mistake("the random numbers of the user are seeded", check="surroundings_do_not_matter", level=3)
class Seeds(RichReader):
    def open(self, params: RichParams, probe: Probe) -> FrameSource:
        random.seed(0)
        return super().open(params, probe)


@mistake("warnings of the user are turned off", check="surroundings_do_not_matter", level=3)
class Silencer(RichReader):
    def open(self, params: RichParams, probe: Probe) -> FrameSource:
        warnings.simplefilter("ignore", DeprecationWarning)
        return super().open(params, probe)


# Files.


@mistake("a descriptor is left open by each use of an array per frame", check="descriptors_are_given_back", level=3)
class LeakingStamps(RichReader):
    def per_frame(self, stamp: NDArray[np.int64]) -> dict[str, Any]:
        return {name: partial(_leaking, give) for name, give in super().per_frame(stamp).items()}


def _leaking(give: Any) -> Any:
    os.open(__file__, os.O_RDONLY)
    return give()


@mistake("a sidecar that decides on pixels is not among the resources", check="changed_bytes_are_noticed", level=3)
class SidecarForgotten(ToyProceduralReader):
    def open(self, params: ToyParams, probe: Probe) -> Source:
        source = super().open(params, probe)
        path = None if probe.path is None else probe.sibling("scan.json")
        if path is not None and isinstance(source, ToyFrames):
            source.turn = sum(path.read_bytes()) % 2 == 1  # type: ignore[attr-defined]
        return source

    class frames(ToyFrames):
        turn = False

        def frame(self, io: IOSession, frame: int) -> NDArray[Any]:
            return super().frame(io, frame)[::-1] if self.turn else super().frame(io, frame)
