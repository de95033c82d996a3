"""Level 3: readers that trust the file."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from lamella.errors import CorruptError, FormatError, TruncatedError
from lamella.format import Capability, Param
from lamella.reader import (
    Encoding,
    FrameSource,
    IOSession,
    LinearSource,
    Metadata,
    Probe,
    Resource,
    RunTable,
    SourceInfo,
)
from lamella_testkit import SampleData
from wrong_readers.catalogue import mistake
from wrong_readers.toy_format import HEADER, NOTE, SIDECAR, ToySampler, tag
from wrong_readers.toy_reader import RIGHT, ToyFrames, ToyParams, ToyProceduralReader, ToyReader

Source = LinearSource | FrameSource
Layout = tuple[tuple[Resource, ...], RunTable]


@mistake("a short header raises what NumPy raises", check="truncation_at_boundaries", level=3)
class ShortHeader(ToyReader):
    def header(self, probe: Probe) -> Any:
        np.frombuffer(probe.head, HEADER, count=1)
        return super().header(probe)


class _Padding(ToyFrames):
    """Fills up with zeros what the file no longer has."""

    def __init__(self, resources: Any, runs: RunTable, encoding: Encoding, info: SourceInfo) -> None:
        self.describe(resources, runs, encoding, info)

    def frame(self, io: IOSession, frame: int) -> NDArray[Any]:
        (segment,) = self.runs.segments(frame, frame + 1)
        nbytes = self.encoding.extent()[1]
        there = max(0, min(nbytes, self.resources[segment.resource].size - segment.offset))
        data = io.view(segment.resource, segment.offset, there).tobytes() if there else b""
        return self.pixels(np.frombuffer(data.ljust(nbytes, b"\0"), np.uint8))


class _Trusting(ToyProceduralReader):
    """Believes the header about the number of frames."""

    frames = _Padding

    def layout(self, header: Any, probe: Probe, n_frames: int, stride: int) -> Layout:
        skip = int(header["frame_header"])
        if stride == skip or n_frames == 0:
            raise CorruptError("no pixels", path=probe.path)
        if header["parts"] == 2:
            return super().layout(header, probe, n_frames, stride)
        first = int(header["first_frame"]) + skip
        return (probe.resource,), RunTable.single(offset=first, stride=stride, count=n_frames)


@mistake("frames that were cut off come as zeros", check="truncation_anywhere", level=3)
class PaddedWithZeros(_Trusting):
    pass


@mistake("bytes after the frames shift all of them", check="longer_files_are_read", level=3)
class CountsFromTheEnd(ToyReader):
    def layout(self, header: Any, probe: Probe, n_frames: int, stride: int) -> Layout:
        resources, runs = super().layout(header, probe, n_frames, stride)
        if len(resources) > 1:
            return resources, runs
        return resources, RunTable.single(offset=probe.size - n_frames * stride + 8, stride=stride, count=n_frames)


@mistake("a file that was cut is not called so", check="truncation_is_named", level=3)
class CutIsCorrupt(ToyReader):
    def open(self, params: ToyParams, probe: Probe) -> Source:
        try:
            return super().open(params, probe)
        except TruncatedError as error:
            raise CorruptError(error.problem, path=error.path) from None


@mistake(
    "files that were cut are refused, although the capability is declared",
    check="truncated_capability_holds",
    level=3,
    capabilities=RIGHT.capabilities | {Capability.TRUNCATED},
)
class TruncatedDeclared(ToyReader):
    pass


@mistake("files that were cut open silently", check="truncated_capability_holds", level=3)
class TruncatedSilently(ToyReader):
    def layout(self, header: Any, probe: Probe, n_frames: int, stride: int) -> Layout:
        if header["parts"] == 2:
            return super().layout(header, probe, n_frames, stride)
        first, skip = int(header["first_frame"]), int(header["frame_header"])
        count = min(n_frames, max(0, probe.size - first) // stride)
        if count == 0:
            raise TruncatedError("no complete frame", path=probe.path)
        return (probe.resource,), RunTable.single(offset=first + skip, stride=stride, count=count)


@mistake(
    "files that were cut are told in a note that is no warning",
    check="truncated_capability_holds",
    level=3,
    capabilities=RIGHT.capabilities | {Capability.TRUNCATED},
)
class TruncatedInANote(TruncatedSilently):
    def open(self, params: ToyParams, probe: Probe) -> Source:
        source = super().open(params, probe)
        assert isinstance(source, LinearSource)
        note = f"the file has {probe.size} bytes and {source.n_frames} frames"
        return replace(source, info=replace(source.info, notes=(note,)))


class _Mapped(ToyFrames):
    """Maps the file by itself."""

    def frame(self, io: IOSession, frame: int) -> NDArray[Any]:
        (segment,) = self.runs.segments(frame, frame + 1)
        path = self.resources[segment.resource].path
        if path not in io.scratch:
            io.scratch[path] = np.memmap(path, np.uint8, "r")
        nbytes = self.encoding.extent()[1]
        return self.pixels(io.scratch[path][segment.offset : segment.offset + nbytes])


@mistake("a file that shrinks ends the process", check="files_may_shrink_while_open", level=3)
class MapsByItself(ToyProceduralReader):
    frames = _Mapped


class _FromTheEnd(ToyFrames):
    """Finds frames from the present end of the file."""

    def frame(self, io: IOSession, frame: int) -> NDArray[Any]:
        if len(self.resources) > 1:
            return super().frame(io, frame)
        nbytes, stride = self.encoding.extent()[1], int(self.runs.stride[0])
        size = Path(self.resources[0].path).stat().st_size
        begin = size - (self.n_frames - frame) * stride + stride - nbytes
        return self.pixels(np.fromfile(self.resources[0].path, np.uint8, nbytes, offset=begin))


@mistake("a file that grows shifts its frames", check="files_may_grow_while_open", level=3)
class FindsFromTheEnd(ToyProceduralReader):
    frames = _FromTheEnd


class _Unguarded(ToyFrames):
    """Opens the file whenever a frame is wanted, whatever has become of it."""

    def frame(self, io: IOSession, frame: int) -> NDArray[Any]:
        (segment,) = self.runs.segments(frame, frame + 1)
        path, nbytes = self.resources[segment.resource].path, self.encoding.extent()[1]
        try:
            return self.pixels(np.fromfile(path, np.uint8, nbytes, offset=segment.offset))
        except (OSError, ValueError) as error:
            raise FormatError("reading failed", path=path) from error


@mistake("another file under the same name is read on", check="files_may_vanish_while_open", level=3)
class ReplacementRead(ToyProceduralReader):
    frames = _Unguarded


@mistake("an unknown code raises KeyError", check="flipped_bits_are_survived", level=3)
class KeyErrorOnDamage(ToyReader):
    def dtype(self, header: Any, probe: Probe) -> np.dtype[Any]:
        kind = {b"u": "unsigned", b"i": "signed", b"f": "real"}[header["kind"]]
        assert kind
        return super().dtype(header, probe)


@mistake("text is taken for UTF-8", check="flipped_bits_are_survived", level=3)
class AssumesUtf8(ToyReader):
    def raw_metadata(self, header: Any, tags: dict[int, bytes]) -> dict[str, Any]:
        return {"note": b"".join(tags.values()).decode("utf-8")}


@mistake("an array is sized by the header", check="claims_are_checked", level=3)
class AllocatesUnchecked(ToyReader):
    def n_frames(self, header: Any) -> int:
        count = super().n_frames(header)
        np.zeros(count, dtype=np.int64)
        return count


@mistake("an array is sized by the header, and the MemoryError is hidden", check="claims_are_checked", level=3)
class HidesMemoryError(ToyReader):
    def n_frames(self, header: Any) -> int:
        count = super().n_frames(header)
        try:
            np.zeros(count, dtype=np.int64)
        except MemoryError:
            raise CorruptError("too many frames") from None
        return count


LONG_NOTE = 3
"""A kind of tag that no other sampler writes: a text says how long a note is that stands elsewhere."""


class LongNoteSampler(ToySampler):
    """Knows of a claim that stands in no header."""

    def write_costly(self, directory: Path, data: SampleData) -> Iterator[tuple[str, Mapping[str, Any]]]:
        tags = tag(LONG_NOTE, b"268435456")
        path = directory / "claim.toy"
        records = self.records(data, 0, data.n_frames)
        header = self.header(replace(data, variant="one"), tags)
        path.write_bytes(header.tobytes() + tags + records)
        yield "a long note", {"path": path}


@mistake(
    "room for a note is made before the note is looked for",
    check="claims_are_checked",
    level=3,
    sampler=LongNoteSampler,
)
class AllocatesWhatIsClaimed(ToyReader):
    def raw_metadata(self, header: Any, tags: dict[int, bytes]) -> dict[str, Any]:
        if LONG_NOTE in tags:
            np.full(int(tags[LONG_NOTE]), 32, np.uint8)
        return super().raw_metadata(header, tags)


@mistake("a loop is sized by the header", check="claims_are_checked", level=3)
class LoopsUnchecked(ToyReader):
    def n_frames(self, header: Any) -> int:
        count = 0
        for _ in range(int(header["ny"])):
            for _ in range(int(header["nx"])):
                count += 1
        return count


@mistake("a tag of length zero is read for ever", check="extreme_fields_are_survived", level=3)
class ZeroLengthTag(ToyReader):
    def tags(self, header: Any, probe: Probe) -> dict[int, bytes]:
        data = probe.read(HEADER.itemsize, int(header["tag_bytes"]))
        found: dict[int, bytes] = {}
        at = 0
        while at + 2 <= len(data):
            found[data[at + 1]] = data[at + 2 : at + data[at]]
            at += data[at]
        return found


@mistake("a tag that is always there is not looked for", check="scrambled_structure_is_survived", level=3)
class TagExpected(ToyReader):
    def raw_metadata(self, header: Any, tags: dict[int, bytes]) -> dict[str, Any]:
        return {"note": tags[NOTE].decode("latin-1")}


@mistake("a contradiction is an assertion", check="random_damage_is_survived", level=3)
class Asserts(ToyReader):
    def tags(self, header: Any, probe: Probe) -> dict[int, bytes]:
        assert int(header["first_frame"]) == HEADER.itemsize + int(header["tag_bytes"])
        return super().tags(header, probe)


@mistake("a file of another kind ends the process", check="foreign_files_are_refused", level=3)
class Exits(ToyReader):
    def header(self, probe: Probe) -> Any:
        if not probe.head:
            os._exit(3)
        return super().header(probe)


@mistake("a file of another kind calls sys.exit", check="foreign_files_are_refused", level=3)
class SysExits(ToyReader):
    def header(self, probe: Probe) -> Any:
        if not probe.head.startswith(b"TOYF"):
            sys.exit("not a toy file")
        return super().header(probe)


@mistake("a sidecar is followed out of the directory", check="sidecars_stay_in_their_directory", level=3)
class FollowsSidecar(ToyReader):
    def sidecar(self, name: str, probe: Probe) -> Path:
        assert probe.path is not None
        path = probe.path.parent / name
        if "\0" in name or not path.is_file():
            raise FormatError("the sidecar is missing", path=probe.path)
        return path


@mistake("a link is followed out of the directory", check="sidecars_stay_in_their_directory", level=3)
class FollowsLink(ToyReader):
    def second_part(self, probe: Probe) -> Path:
        assert probe.path is not None
        part = probe.path.with_name(f"{probe.path.name}.1")
        if not part.is_file():
            raise FormatError("the second part is missing", path=probe.path)
        return part


@mistake("a missing sidecar raises TypeError", check="missing_sidecars_are_survived", level=3)
class SidecarExpected(ToyReader):
    def sidecar(self, name: str, probe: Probe) -> Path:
        return Path(probe.sibling(name))  # type: ignore[arg-type]


@mistake("a damaged sidecar raises what JSON raises", check="damaged_sidecars_are_survived", level=3)
class SidecarTrusted(ToyReader):
    def metadata(self, tags: dict[int, bytes], probe: Probe) -> Metadata:
        if SIDECAR not in tags:
            return Metadata(title="toy")
        path = self.sidecar(tags[SIDECAR].decode("latin-1"), probe)
        return Metadata(beam_energy=float(json.loads(path.read_bytes())["beam_energy"]))


@mistake("a descriptor is left open where an error comes", check="descriptors_are_given_back", level=3)
class LeaksOnError(ToyReader):
    def header(self, probe: Probe) -> Any:
        handle = os.open(str(probe.path), os.O_RDONLY)
        found = super().header(probe)
        os.close(handle)
        return found


@mistake("closing a file is left to the garbage collector", check="descriptors_are_given_back", level=3)
class LeavesToCollector(ToyReader):
    def part_first(self, probe: Probe, part: Path) -> int:
        open(part, "rb").read(1)  # noqa: SIM115, PTH123
        return super().part_first(probe, part)


@mistake("what was read is kept for ever", check="nothing_piles_up", level=3)
class KeepsEverything(ToyReader):
    kept: dict[Any, bytes] = {}  # noqa: RUF012

    def header(self, probe: Probe) -> Any:
        self.kept[probe.path] = probe.read(0, 1 << 20)
        return super().header(probe)


@dataclass(frozen=True, kw_only=True)
class SkippingParams:
    """A parameter that nobody bounds."""

    first_part_only: Annotated[bool, Param(doc="Leave out the files after the first.")] = False
    skip: Annotated[int, Param(doc="Bytes to skip.", unit="B")] = 0


@mistake(
    "a parameter of any size goes into an offset",
    check="strange_parameters_are_survived",
    level=3,
    params="wrong_readers.wrong_robustness:SkippingParams",
)
class UnboundedParameter(ToyReader):
    def open(self, params: Any, probe: Probe) -> Source:
        source = super().open(params, probe)
        assert isinstance(source, LinearSource)
        runs = source.runs
        shifted = RunTable(runs.resource, [int(o) + params.skip for o in runs.offset], runs.stride, runs.count)
        return replace(source, runs=shifted)


@mistake("the signature is not looked at", check="foreign_files_are_refused", level=3)
class AnySignature(ToyReader):
    def signature(self, header: Any, probe: Probe) -> None:
        pass


@mistake("every version is read as the one that is known", check="wrong_files_are_refused", level=3)
class AnyVersion(ToyReader):
    def version(self, version: int, probe: Probe) -> None:
        pass


@mistake("a version that nobody knows is called damage", check="wrong_files_are_refused", level=3)
class VersionIsDamage(ToyReader):
    def version(self, version: int, probe: Probe) -> None:
        if version != 1:
            raise CorruptError("the version is wrong", path=probe.path, expected=1, found=version)


@mistake("numbers beside the frames are used as indices", check="extreme_fields_are_survived", level=3)
class TrustedNumbers(ToyReader):
    def source(self, resources: Any, runs: RunTable, encoding: Encoding, info: SourceInfo) -> Source:
        def times() -> NDArray[Any]:
            contents = [Path(resource.path).read_bytes() for resource in resources]
            places = [(one.resource, one.offset) for segment in runs.runs() for one in segment]
            numbers = [int.from_bytes(contents[file][place - 8 : place - 4], "little") for file, place in places]
            return np.arange(runs.n_frames)[numbers]

        return super().source(resources, runs, encoding, replace(info, per_frame={"time": times}))
