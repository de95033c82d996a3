"""Level 3: detection that is wrong, loud or expensive. Level 4: readers that are slow."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamella.format import Capability, Signature
from lamella.reader import (
    Confidence,
    Encoding,
    FrameSource,
    IOSession,
    LinearSource,
    Match,
    Probe,
    RunTable,
    SigBox,
    SourceInfo,
)
from lamella_testkit import SampleData
from wrong_readers.catalogue import mistake
from wrong_readers.rich_format import RECORD
from wrong_readers.rich_reader import RichReader
from wrong_readers.toy_format import HEADER, ToySampler
from wrong_readers.toy_reader import RIGHT, ToyFrames, ToyProceduralReader, ToyReader

Source = LinearSource | FrameSource


@mistake("every file is claimed", check="foreign_files_are_not_claimed", level=3)
class ClaimsAll(ToyReader):
    def detect(self, probe: Probe) -> Match | None:
        return Match(80, "why not")


@mistake("every file with the extension is claimed", check="foreign_files_are_not_claimed", level=3)
class ClaimsExtension(ToyReader):
    def detect(self, probe: Probe) -> Match | None:
        return super().detect(probe) or (Match(60, "called .toy") if probe.suffix == "toy" else None)


@mistake(
    "a file of another format is claimed by its name",
    check="files_of_others_are_left_to_them",
    level=3,
    extensions=("toy", "npy"),
    signatures=(),
)
class ClaimsNamesOfOthers(ToyReader):
    def detect(self, probe: Probe) -> Match | None:
        return super().detect(probe) or (Match(95, "called .npy") if probe.suffix == "npy" else None)


@mistake("an unknown version is an error of detection", check="wrong_files_are_refused", level=3)
class DetectionRefusesVersions(ToyReader):
    def detect(self, probe: Probe) -> Match | None:
        match = super().detect(probe)
        if match is not None and len(probe.head) >= HEADER.itemsize:
            self.version(int(np.frombuffer(probe.head, HEADER, count=1)[0]["version"]), probe)
        return match


@mistake("a file of an unknown version is of no format", check="wrong_files_are_refused", level=3)
class UnknownVersionsAreStrangers(ToyReader):
    def detect(self, probe: Probe) -> Match | None:
        match = super().detect(probe)
        known = match is not None and int(np.frombuffer(probe.head, HEADER, count=1)[0]["version"]) == 1
        return match if known else None


@mistake("a scan that was interrupted is not recognised", check="special_files_are_read_as_stated", level=3)
class WholeScansOnly(RichReader):
    def detect(self, probe: Probe) -> Match | None:
        match = super().detect(probe)
        if match is None or match.confidence < Confidence.VERIFIED:
            return match
        facts = self.facts(probe)
        frame = self.frame_nbytes(tuple(facts["shape"][2:]), facts["dtype"]) + RECORD.itemsize
        whole = facts["first"] + facts["shape"][0] * facts["shape"][1] * frame <= probe.size
        return match if whole else None


@mistake("detection raises for short files", check="detection_never_raises", level=3)
class DetectionRaises(ToyReader):
    def detect(self, probe: Probe) -> Match | None:
        np.frombuffer(probe.head, HEADER, count=1)
        return super().detect(probe)


@mistake("detection reads everything", check="detection_is_cheap", level=3)
class DetectionReadsAll(ToyReader):
    def detect(self, probe: Probe) -> Match | None:
        probe.read(0, probe.size)
        return super().detect(probe)


@mistake("detection takes its time", check="detection_is_cheap", level=3)
class DetectionSlow(ToyReader):
    def detect(self, probe: Probe) -> Match | None:
        time.sleep(0.03)
        return super().detect(probe)


@mistake("its own files are recognised half-heartedly", check="own_files_are_recognised", level=3)
class Timid(ToyReader):
    def detect(self, probe: Probe) -> Match | None:
        found = super().detect(probe)
        return None if found is None else replace(found, confidence=40)


@mistake("the name decides, not the content", check="detection_survives_strange_names", level=3)
class NameDecides(ToyReader):
    def detect(self, probe: Probe) -> Match | None:
        return super().detect(probe) if probe.suffix == "toy" else None


@mistake("detection finds parameters that do not exist", check="detected_parameters_open", level=3)
class UnknownParameters(ToyReader):
    def detect(self, probe: Probe) -> Match | None:
        found = super().detect(probe)
        return None if found is None else replace(found, params={"width": 6}, origin={"width": "header"})


@mistake("detection does not say where a parameter comes from", check="detected_parameters_open", level=3)
class SilentParameters(ToyReader):
    def detect(self, probe: Probe) -> Match | None:
        found = super().detect(probe)
        return None if found is None else replace(found, params={"first_part_only": False})


class AlsoNpySampler(ToySampler):
    """Writes files that are valid .npy files as well."""

    variants = ("one",)

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        path = directory / f"{data.stem}.npy"
        np.save(path, data.pixels)
        return {"path": path}


@mistake(
    "its files are those of another format",
    check="no_other_format_claims_it",
    level=3,
    sampler=AlsoNpySampler,
    signatures=(Signature(b"\x93NUMPY"),),
)
class SameFiles(ToyReader):
    def detect(self, probe: Probe) -> Match | None:
        return Match(85, "an array") if probe.head.startswith(b"\x93NUMPY") else None


@mistake("a loop over all frames on opening", check="a_tebibyte_opens_at_once", level=4)
class LoopsOverFrames(ToyReader):
    def source(self, resources: Any, runs: RunTable, encoding: Encoding, info: SourceInfo) -> Source:
        offsets = [int(runs.offset[0]) + i * int(runs.stride[0]) for i in range(int(runs.count[0]))]
        if len(runs) == 1:
            runs = RunTable.from_offsets(offsets)
        return super().source(resources, runs, encoding, info)


@mistake("offsets of 32 bits", check="a_tebibyte_opens_at_once", level=4)
class NarrowOffsets(ToyReader):
    def source(self, resources: Any, runs: RunTable, encoding: Encoding, info: SourceInfo) -> Source:
        end = int(runs.offset[0] + runs.count[0] * runs.stride[0])
        assert np.int32(end % (1 << 31)) == end
        return super().source(resources, runs, encoding, info)


@mistake("Python code for every row", check="sums_are_near_to_numpy", level=4)
class RowByRow(ToyProceduralReader):
    class frames(ToyFrames):
        def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
            for i, frame in enumerate(frames.tolist()):
                pixels = self.frame(io, frame)[box.slices]
                for j in range(len(pixels)):
                    for k in range(0, len(pixels[j]), 16):
                        out[i, j, k : k + 16] = pixels[j, k : k + 16]


@mistake("all frames are loaded on the first read", check="memory_stays_in_budget", level=4)
class LoadsAll(ToyProceduralReader):
    class frames(ToyFrames):
        def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
            if "all" not in io.scratch:
                whole = np.empty((self.n_frames, *self.sig_shape), self.dtype)
                super().read(io, np.arange(self.n_frames), SigBox.full(self.sig_shape), whole)
                io.scratch["all"] = whole
            out[...] = io.scratch["all"][frames][(slice(None), *box.slices)]


@mistake(
    "zero copy is declared, but pixels are copied",
    check="zero_copy_holds",
    level=4,
    capabilities=RIGHT.capabilities | {Capability.ZERO_COPY},
)
class ZeroCopyPromised(ToyProceduralReader):
    pass


@mistake("one lock for all threads", check="two_workers_are_faster_than_one", level=4)
class OneLock(ToyProceduralReader):
    class frames(ToyFrames):
        def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
            with _lock:
                time.sleep(0.002 * len(frames))
                super().read(io, frames, box, out)


_lock = threading.Lock()
