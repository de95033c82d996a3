"""Right readers of the invented format, in small steps, so that a wrong one differs in one step only."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from lamella.errors import CorruptError, FormatError, TruncatedError, UnsupportedError
from lamella.format import Capability, FormatSpec, Param, Signature
from lamella.reader import (
    Axis,
    Confidence,
    Encoding,
    FrameSource,
    IOSession,
    LinearSource,
    Match,
    Metadata,
    Probe,
    Resource,
    RunTable,
    SigBox,
    SourceInfo,
)
from wrong_readers.toy_format import HEADER, MAGIC, NOTE, PART_HEADER, SIDECAR


@dataclass(frozen=True, kw_only=True)
class ToyParams:
    """Parameters of the invented format."""

    first_part_only: Annotated[bool, Param(doc="Leave out the files after the first.")] = False


class ToyReader:
    """Describes frames at constant distance in one or several files."""

    def detect(self, probe: Probe) -> Match | None:
        if probe.head[:4] != MAGIC or len(probe.head) < HEADER.itemsize:
            return None
        header = np.frombuffer(probe.head, HEADER, count=1)[0]
        if int(header["parts"]) not in (1, 2) or header["kind"] not in (b"u", b"i", b"f"):
            return Match(Confidence.SIGNATURE, "begins with TOYF, and goes on otherwise")
        return Match(Confidence.VERIFIED, "begins with TOYF")

    def open(self, params: ToyParams, probe: Probe) -> LinearSource | FrameSource:
        header = self.header(probe)
        dtype = self.dtype(header, probe)
        sig_shape = self.sig_shape(header)
        frame_nbytes = int(header["height"]) * int(header["width"]) * dtype.itemsize
        stride = frame_nbytes + int(header["frame_header"])
        resources, runs = self.layout(header, probe, self.n_frames(header), stride)
        tags = self.tags(header, probe)
        info = SourceInfo(
            nav_shape=self.nav_shape(header),
            nav_origin="header",
            nav_axes=self.nav_axes(header),
            sig_axes=(Axis("ky"), Axis("kx")),
            metadata=self.metadata(tags, probe),
            raw_metadata=self.raw_metadata(header, tags),
        )
        return self.source(resources, runs, Encoding(dtype, sig_shape), info)

    def header(self, probe: Probe) -> Any:
        if len(probe.head) < HEADER.itemsize:
            raise TruncatedError(
                "too short for a header", path=probe.path, expected=HEADER.itemsize, found=len(probe.head)
            )
        header = np.frombuffer(probe.head, HEADER, count=1)[0]
        self.signature(header, probe)
        self.version(int(header["version"]), probe)
        if int(header["first_frame"]) < HEADER.itemsize + int(header["tag_bytes"]):
            raise CorruptError("frames begin within the tags", path=probe.path)
        return header

    def signature(self, header: Any, probe: Probe) -> None:
        if header["magic"] != MAGIC:
            raise FormatError("not a toy file", path=probe.path, expected=MAGIC, found=bytes(header["magic"]))

    def version(self, version: int, probe: Probe) -> None:
        if version != 1:
            raise UnsupportedError("unknown version", path=probe.path, expected=1, found=version)

    def dtype(self, header: Any, probe: Probe) -> np.dtype[Any]:
        order = ">" if header["big"] else "<"
        name = f"{order}{header['kind'].decode('latin-1')}{int(header['itemsize'])}"
        if name[1:] not in ("u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8"):
            raise UnsupportedError("unknown kind of pixels", path=probe.path, found=name)
        return np.dtype(name)

    def sig_shape(self, header: Any) -> tuple[int, ...]:
        return int(header["height"]), int(header["width"])

    def nav_shape(self, header: Any) -> tuple[int, ...]:
        return int(header["ny"]), int(header["nx"])

    def n_frames(self, header: Any) -> int:
        return int(header["ny"]) * int(header["nx"])

    def nav_axes(self, header: Any) -> tuple[Axis, ...]:
        return self.nav_axis("y", float(header["scale_y"])), self.nav_axis("x", float(header["scale_x"]))

    def nav_axis(self, name: str, scale: float) -> Axis:
        return Axis(name, scale, units="nm") if math.isfinite(scale) and scale != 0 else Axis(name)

    def layout(self, header: Any, probe: Probe, n_frames: int, stride: int) -> tuple[tuple[Resource, ...], RunTable]:
        """Give the files and where frames lie in them; the second file is counted from its size."""
        skip = int(header["frame_header"])
        if stride == skip or n_frames == 0:
            raise CorruptError("the header announces no pixels", path=probe.path)
        resources = [Resource.of(str(probe.path))]
        offsets, counts = [int(header["first_frame"]) + skip], []
        if header["parts"] == 2:
            part = self.second_part(probe)
            first = self.part_first(probe, part)
            if not 0 < first < n_frames:
                raise CorruptError("the parts do not fit together", path=part, expected=n_frames, found=first)
            resources.append(Resource.of(str(part)))
            offsets.append(PART_HEADER.itemsize + skip)
            counts = [first, n_frames - first]
        else:
            counts = [n_frames]
        for resource, offset, count in zip(resources, offsets, counts, strict=True):
            needed = offset - skip + count * stride
            if needed > resource.size:
                raise TruncatedError(
                    f"the header announces {count} frames", path=resource.path, expected=needed, found=resource.size
                )
        index = list(range(len(resources)))
        return tuple(resources), RunTable(index, offsets, [stride] * len(resources), counts)

    def second_part(self, probe: Probe) -> Path:
        part = probe.sibling(f"{probe.path.name}.1") if probe.path is not None else None
        if part is None:
            raise FormatError("the second part is missing", path=probe.path, expected="a file ending in .toy.1")
        return part

    def part_first(self, probe: Probe, part: Path) -> int:
        with part.open("rb") as file:
            head = file.read(PART_HEADER.itemsize)
        if len(head) < PART_HEADER.itemsize or head[:4] != b"TOYP":
            raise CorruptError("not the second part of a toy file", path=part, found=head[:4])
        return int(np.frombuffer(head, PART_HEADER)[0]["first"])

    def tags(self, header: Any, probe: Probe) -> dict[int, bytes]:
        data = probe.read(HEADER.itemsize, int(header["tag_bytes"]))
        found: dict[int, bytes] = {}
        while data:
            length = data[0]
            if length < 2 or length > len(data):
                raise CorruptError("a tag has an impossible length", path=probe.path, found=length)
            found[data[1]] = data[2:length]
            data = data[length:]
        return found

    def metadata(self, tags: dict[int, bytes], probe: Probe) -> Metadata:
        if SIDECAR not in tags:
            return Metadata(title="toy")
        path = self.sidecar(tags[SIDECAR].decode("latin-1"), probe)
        try:
            facts = json.loads(path.read_bytes())
            energy = float(facts["beam_energy"])
            return Metadata(beam_energy=energy if math.isfinite(energy) else None)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise CorruptError("the sidecar cannot be understood", path=path, found=error) from error

    def sidecar(self, name: str, probe: Probe) -> Path:
        path = probe.sibling(name)
        if path is None:
            raise FormatError(f"the sidecar {name!r} is missing or lies elsewhere", path=probe.path)
        return path

    def raw_metadata(self, header: Any, tags: dict[int, bytes]) -> dict[str, Any]:
        return {"version": int(header["version"]), "note": tags.get(NOTE, b"").decode("latin-1")}

    def source(
        self, resources: tuple[Resource, ...], runs: RunTable, encoding: Encoding, info: SourceInfo
    ) -> LinearSource | FrameSource:
        return LinearSource(resources=resources, runs=runs, encoding=encoding, info=info)


class ToyFrames(FrameSource):
    """The same files, read by code of the format."""

    def __init__(self, resources: tuple[Resource, ...], runs: RunTable, encoding: Encoding, info: SourceInfo) -> None:
        LinearSource(resources=resources, runs=runs, encoding=encoding, info=info)  # checks that they fit
        self.describe(resources, runs, encoding, info)

    def describe(self, resources: tuple[Resource, ...], runs: RunTable, encoding: Encoding, info: SourceInfo) -> None:
        super().__init__(
            info, n_frames=runs.n_frames, sig_shape=encoding.sig_shape, dtype=encoding.dtype, resources=resources
        )
        self.runs = runs
        self.encoding = encoding

    def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
        for i, frame in enumerate(frames.tolist()):
            out[i] = self.frame(io, frame)[box.slices]

    def frame(self, io: IOSession, frame: int) -> NDArray[Any]:
        (segment,) = self.runs.segments(frame, frame + 1)
        _, nbytes = self.encoding.extent()
        return self.pixels(io.view(segment.resource, segment.offset, nbytes))

    def pixels(self, data: NDArray[np.uint8]) -> NDArray[Any]:
        return data.view(self.encoding.dtype).reshape(self.encoding.sig_shape)


class ToyProceduralReader(ToyReader):
    """Gives a source that reads by itself."""

    frames: type[ToyFrames] = ToyFrames

    def source(
        self, resources: tuple[Resource, ...], runs: RunTable, encoding: Encoding, info: SourceInfo
    ) -> LinearSource | FrameSource:
        return self.frames(resources, runs, encoding, info)


RIGHT = FormatSpec(
    name="toy",
    title="A format invented for tests",
    api=(1, 0),
    reader="wrong_readers.toy_reader:ToyReader",
    params="wrong_readers.toy_reader:ToyParams",
    extensions=("toy",),
    signatures=(Signature(MAGIC),),
    capabilities=frozenset(
        {
            Capability.IO_BACKENDS,
            Capability.ZERO_COPY,
            Capability.SIG_RESHAPE,
            Capability.MULTI_FILE,
            Capability.METADATA,
        }
    ),
)
PROCEDURAL = replace(
    RIGHT,
    reader="wrong_readers.toy_reader:ToyProceduralReader",
    capabilities=RIGHT.capabilities - {Capability.ZERO_COPY},
)
