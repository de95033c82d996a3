"""Level 1: wrong ways with files, names, metadata and messages."""

from __future__ import annotations

import glob
import logging
import mmap
import os
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamella.errors import FormatError
from lamella.format import Capability
from lamella.reader import Axis, Encoding, FrameSource, LinearSource, Metadata, Probe, Resource, RunTable, SourceInfo
from lamella_testkit import SampleData
from wrong_readers.catalogue import mistake
from wrong_readers.toy_format import NOTE, ToySampler
from wrong_readers.toy_reader import RIGHT, ToyFrames, ToyParams, ToyProceduralReader, ToyReader

Source = LinearSource | FrameSource
Layout = tuple[tuple[Resource, ...], RunTable]


@mistake("a relative path is kept", check="any_kind_of_path_is_taken", level=1)
class RelativePath(ToyReader):
    def layout(self, header: Any, probe: Probe, n_frames: int, stride: int) -> Layout:
        resources, runs = super().layout(header, probe, n_frames, stride)
        return tuple(replace(one, location=os.path.relpath(one.location)) for one in resources), runs


@mistake("paths have to be text", check="any_kind_of_path_is_taken", level=1)
class TextPathOnly(ToyReader):
    def open(self, params: ToyParams, probe: Probe) -> Source:
        Path("/" + probe.target)  # type: ignore[operator]
        return super().open(params, probe)


@mistake("names are patterns for glob", check="any_file_name_is_taken", level=1)
class Globbing(ToyReader):
    def second_part(self, probe: Probe) -> Path:
        found = glob.glob(f"{probe.path}.1")  # noqa: PTH207
        if not found:
            raise FormatError("the second part is missing", path=probe.path)
        return Path(found[0])


@mistake("names are cut at their first dot", check="any_file_name_is_taken", level=1)
class FirstDot(ToyReader):
    def second_part(self, probe: Probe) -> Path:
        assert probe.path is not None
        found = probe.sibling(probe.path.name.partition(".")[0] + ".toy.1")
        if found is None:
            raise FormatError("the second part is missing", path=probe.path)
        return found


@mistake("a file with a similar name is taken for a part", check="neighbours_are_left_alone", level=1)
class GreedyParts(ToyReader):
    def second_part(self, probe: Probe) -> Path:
        assert probe.path is not None
        like = [name for name in probe.siblings if name.startswith(probe.stem) and name.endswith(".toy.1")]
        if not like:
            raise FormatError("the second part is missing", path=probe.path)
        return probe.path.parent / like[-1]


@mistake("a cache is written beside the data", check="files_are_only_read", level=1)
class CacheWritten(ToyReader):
    def open(self, params: ToyParams, probe: Probe) -> Source:
        assert probe.path is not None
        probe.path.with_suffix(".cache").write_bytes(b"cache")
        return super().open(params, probe)


@mistake("the data are opened for writing", check="files_are_only_read", level=1)
class OpenedForWriting(ToyReader):
    def open(self, params: ToyParams, probe: Probe) -> Source:
        assert probe.path is not None
        with probe.path.open("r+b") as file:
            file.read(4)
        return super().open(params, probe)


@mistake("the whole file is read on opening", check="open_reads_a_header_only", level=1)
class ReadsAll(ToyReader):
    def open(self, params: ToyParams, probe: Probe) -> Source:
        assert probe.path is not None
        assert probe.path.read_bytes()
        return super().open(params, probe)


@mistake("the whole file is mapped and searched on opening", check="open_reads_a_header_only", level=1)
class MapsAll(ToyReader):
    def open(self, params: ToyParams, probe: Probe) -> Source:
        assert probe.path is not None
        with probe.path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            mapped.find(b"END OF FILE")
        return super().open(params, probe)


@mistake("the file stays open", check="open_holds_no_file", level=1)
class StaysOpen(ToyProceduralReader):
    class frames(ToyFrames):
        def __init__(self, *facts: Any) -> None:
            super().__init__(*facts)
            self.file = open(self.resources[0].path, "rb")  # noqa: SIM115, PTH123


@mistake(
    "several files, but no capability for it",
    check="several_files_are_declared",
    level=1,
    capabilities=RIGHT.capabilities - {Capability.MULTI_FILE},
)
class Undeclared(ToyReader):
    pass


@mistake("metadata hold NumPy numbers", check="metadata_is_json", level=1)
class NumpyMetadata(ToyReader):
    def raw_metadata(self, header: Any, tags: dict[int, bytes]) -> dict[str, Any]:
        return {"version": header["version"]}


@mistake("metadata hold bytes", check="metadata_is_json", level=1)
class BytesMetadata(ToyReader):
    def raw_metadata(self, header: Any, tags: dict[int, bytes]) -> dict[str, Any]:
        return {"magic": bytes(header["magic"])}


@mistake("metadata hold NaN", check="metadata_is_json", level=1)
class NanMetadata(ToyReader):
    def raw_metadata(self, header: Any, tags: dict[int, bytes]) -> dict[str, Any]:
        return {"temperature": float("nan")}


@mistake("metadata have keys that are numbers", check="metadata_is_json", level=1)
class NumberedMetadata(ToyReader):
    def raw_metadata(self, header: Any, tags: dict[int, bytes]) -> dict[str, Any]:
        return {"tags": {kind: text.decode("latin-1") for kind, text in tags.items()}}


@mistake("an energy is given as text", check="metadata_is_typed", level=1)
class TextEnergy(ToyReader):
    def metadata(self, tags: dict[int, bytes], probe: Probe) -> Metadata:
        return Metadata(beam_energy="200 kV")  # type: ignore[arg-type]


@mistake("a time is written as people write it", check="metadata_is_typed", level=1)
class LocalTime(ToyReader):
    def metadata(self, tags: dict[int, bytes], probe: Probe) -> Metadata:
        return replace(super().metadata(tags, probe), acquired="3 May 2024, 10 o'clock")


@mistake("an energy is given in keV", check="metadata_is_what_was_written", level=1)
class EnergyInKev(ToyReader):
    def metadata(self, tags: dict[int, bytes], probe: Probe) -> Metadata:
        found = super().metadata(tags, probe)
        return found if found.beam_energy is None else replace(found, beam_energy=found.beam_energy / 1000)


@mistake("the calibration of x and y is exchanged", check="axes_are_what_was_written", level=1)
class AxesSwapped(ToyReader):
    def nav_axes(self, header: Any) -> tuple[Axis, ...]:
        y, x = super().nav_axes(header)
        return replace(y, scale=x.scale), replace(x, scale=y.scale)


@mistake("a calibration without units", check="axes_are_complete", level=1)
class NoUnits(ToyReader):
    def nav_axes(self, header: Any) -> tuple[Axis, ...]:
        return tuple(replace(axis, units=None) for axis in super().nav_axes(header))


@mistake("an axis for one of two dimensions", check="axes_are_complete", level=1)
class HalfTheAxes(ToyReader):
    def nav_axes(self, header: Any) -> tuple[Axis, ...]:
        return super().nav_axes(header)[:1]


@mistake("a note on every file", check="notes_have_a_reason", level=1)
class AlwaysNotes(ToyReader):
    def source(self, resources: Any, runs: RunTable, encoding: Encoding, info: SourceInfo) -> Source:
        return super().source(resources, runs, encoding, replace(info, notes=("it may be cut",)))


@mistake("time stamps for one frame more than there are", check="per_frame_data_fit", level=1)
class LongTimes(ToyReader):
    def source(self, resources: Any, runs: RunTable, encoding: Encoding, info: SourceInfo) -> Source:
        count = runs.n_frames + 1
        return super().source(resources, runs, encoding, replace(info, per_frame={"time": lambda: np.zeros(count)}))


@mistake("time stamps in seconds since 1970", check="time_stamps_are_alike", level=1)
class AbsoluteTimes(ToyReader):
    def source(self, resources: Any, runs: RunTable, encoding: Encoding, info: SourceInfo) -> Source:
        seconds = 1_456_168_703.0 + np.arange(runs.n_frames)
        return super().source(resources, runs, encoding, replace(info, per_frame={"time": lambda: seconds}))


@mistake("moments in local time, seconds in another clock", check="time_stamps_are_alike", level=1)
class TwoClocks(ToyReader):
    def source(self, resources: Any, runs: RunTable, encoding: Encoding, info: SourceInfo) -> Source:
        seconds = np.arange(runs.n_frames, dtype=np.float64)
        moments = np.datetime64("2016-02-22", "ns") + (2e9 * seconds).astype("m8[ns]")
        stamps = {"time": lambda: seconds, "acquired": lambda: moments}
        return super().source(resources, runs, encoding, replace(info, per_frame=stamps))


class NumberingSampler(ToySampler):
    """Knows the numbers that it writes before each frame, and an image of the scan."""

    def per_frame(self, data: SampleData) -> Mapping[str, object]:
        return {"number": list(range(data.n_frames))}

    def navigator(self, data: SampleData) -> object:
        return np.arange(data.n_frames).reshape(data.nav_shape)


class _Numbering(ToyReader):
    def source(self, resources: Any, runs: RunTable, encoding: Encoding, info: SourceInfo) -> Source:
        return super().source(resources, runs, encoding, replace(info, **self.numbers(np.arange(runs.n_frames), info)))

    def numbers(self, index: NDArray[Any], info: SourceInfo) -> dict[str, Any]:
        return {"per_frame": {"number": index.copy}, "navigator": index.reshape(info.nav_shape).copy}


@mistake("numbers of frames are those of the next", check="per_frame_data_fit", level=1, sampler=NumberingSampler)
class NextNumbers(_Numbering):
    def numbers(self, index: NDArray[Any], info: SourceInfo) -> dict[str, Any]:
        return super().numbers(index, info) | {"per_frame": {"number": (index + 1).copy}}


@mistake("the image of the scan is upside down", check="per_frame_data_fit", level=1, sampler=NumberingSampler)
class FlippedNavigator(_Numbering):
    def numbers(self, index: NDArray[Any], info: SourceInfo) -> dict[str, Any]:
        return super().numbers(index, info) | {"navigator": index.reshape(info.nav_shape)[::-1].copy}


@mistake(
    "there is an image of the scan, but it is not given", check="per_frame_data_fit", level=1, sampler=NumberingSampler
)
class NoNavigator(_Numbering):
    def numbers(self, index: NDArray[Any], info: SourceInfo) -> dict[str, Any]:
        return super().numbers(index, info) | {"navigator": None}


@mistake("the last letter of a note is lost", check="raw_metadata_are_complete", level=1)
class ShortNote(ToyReader):
    def raw_metadata(self, header: Any, tags: dict[int, bytes]) -> dict[str, Any]:
        return super().raw_metadata(header, tags) | {"note": tags.get(NOTE, b"")[:-1].decode("latin-1")}


@mistake("a note is left out", check="raw_metadata_are_complete", level=1)
class NoNote(ToyReader):
    def raw_metadata(self, header: Any, tags: dict[int, bytes]) -> dict[str, Any]:
        return {"version": int(header["version"])}


@mistake("the second file is not among the resources", check="fingerprint_follows_the_content", level=1)
class HiddenFile(ToyProceduralReader):
    class frames(ToyFrames):
        def __init__(self, resources: tuple[Resource, ...], *facts: Any) -> None:
            super().__init__(resources, *facts)
            self.hidden = resources
            self.resources = resources[:1]

        def frame(self, io: Any, frame: int) -> Any:
            (segment,) = self.runs.segments(frame, frame + 1)
            nbytes = self.encoding.extent()[1]
            if segment.resource == 0:
                return self.pixels(io.view(0, segment.offset, nbytes))
            return self.pixels(np.fromfile(self.hidden[1].path, np.uint8, nbytes, offset=segment.offset))


@mistake("an error does not name the file", check="errors_name_the_file", level=1)
class Anonymous(ToyReader):
    def open(self, params: ToyParams, probe: Probe) -> Source:
        try:
            return super().open(params, probe)
        except FormatError as error:
            raise FormatError(error.problem) from None


@mistake("it prints", check="nothing_is_printed", level=1)
class Printing(ToyReader):
    def open(self, params: ToyParams, probe: Probe) -> Source:
        os.write(1, b"opening ...\n")
        return super().open(params, probe)


@mistake("it warns by itself", check="nothing_is_printed", level=1)
class Warning_(ToyReader):
    def open(self, params: ToyParams, probe: Probe) -> Source:
        warnings.warn("this file looks old", stacklevel=2)
        return super().open(params, probe)


@mistake("it logs to standard error", check="nothing_is_printed", level=1)
class Logging(ToyReader):
    def open(self, params: ToyParams, probe: Probe) -> Source:
        handler = logging.StreamHandler()
        logger = logging.getLogger("toy")
        logger.addHandler(handler)
        logger.warning("opening")
        logger.removeHandler(handler)
        return super().open(params, probe)


class LinkedSampler(ToySampler):
    """Writes one file only."""

    variants = ("one",)


@mistake("links are refused", check="links_are_followed", level=1, sampler=LinkedSampler)
class NoLinks(ToyReader):
    def open(self, params: ToyParams, probe: Probe) -> Source:
        assert probe.path is not None
        if probe.path.is_symlink():
            raise FormatError("links are not allowed", path=probe.path)
        return super().open(params, probe)


class RecordedSampler(LinkedSampler):
    """Has a recorded file that somebody replaced."""

    def recorded(self) -> Any:
        from lamella_testkit import Recorded

        return [Recorded(path=Path(__file__), sha256="0" * 64, expected=np.zeros((1, 1, 1, 1)), keywords={})]


@mistake("a recorded file is another one", check="recorded_files_are_read", level=1, sampler=RecordedSampler)
class WrongRecording(ToyReader):
    pass
