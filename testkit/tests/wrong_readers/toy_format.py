"""A format invented for these tests: header, tags, a sidecar, frame headers, several files. And who writes it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from lamella.errors import UnsupportedError
from lamella.reader import Axis
from lamella_testkit import SampleData, Sampler, Special, Wrong

HEADER = np.dtype(
    [
        ("magic", "S4"),  # TOYF
        ("version", "<u2"),  # 1
        ("first_frame", "<u2"),  # offset of the first frame record
        ("kind", "S1"),  # u, i or f
        ("itemsize", "u1"),
        ("big", "u1"),  # 1: big-endian pixels
        ("parts", "u1"),  # number of files
        ("ny", "<u4"),
        ("nx", "<u4"),
        ("height", "<u4"),
        ("width", "<u4"),
        ("frame_header", "<u2"),  # bytes before the pixels of each frame
        ("tag_bytes", "<u2"),  # length of the tags that follow
        ("scale_y", "<f4"),  # nm
        ("scale_x", "<f4"),
    ]
)
PART_HEADER = np.dtype([("magic", "S4"), ("first", "<u4")])  # TOYP, index of the first frame of this part
NOTE, SIDECAR = 1, 2  # kinds of tags; a tag is: length (2 to 255, itself included), kind, payload
MAGIC = b"TOYF"


def tag(kind: int, payload: bytes) -> bytes:
    return bytes([len(payload) + 2, kind]) + payload


class ToySampler(Sampler):
    """Writes one file, a file with a sidecar, or several files."""

    format = "toy"
    dtypes = ("<u2", ">i2", "<f4", "|u1", ">u4", "|i1", ">f8")
    variants: ClassVar[tuple[str, ...]] = ("one", "sidecar", "parts")
    frame_header = 8
    unsaid: ClassVar[Mapping[str, str]] = {"parameters.first_part_only": "right readers do nothing with it"}

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        tags = tag(NOTE, b"made by a sampler")
        if data.variant == "sidecar":
            tags += tag(SIDECAR, b"scan.json")
            (directory / "scan.json").write_text(json.dumps({"beam_energy": 200e3}))
        split = -(-data.n_frames // 2) if data.variant == "parts" else data.n_frames
        main = directory / f"{data.stem}.toy"
        main.write_bytes(self.header(data, tags).tobytes() + tags + self.records(data, 0, split))
        if split < data.n_frames:
            part = np.zeros((), PART_HEADER)
            part["magic"], part["first"] = b"TOYP", split
            (directory / f"{data.stem}.toy.1").write_bytes(part.tobytes() + self.records(data, split, data.n_frames))
        return {"path": main}

    def header(self, data: SampleData, tags: bytes) -> np.ndarray[Any, np.dtype[Any]]:
        header = np.zeros((), HEADER)
        dtype = data.stored_dtype
        header["magic"], header["version"] = MAGIC, 1
        header["first_frame"], header["tag_bytes"] = HEADER.itemsize + len(tags), len(tags)
        header["kind"], header["itemsize"], header["big"] = dtype.kind, dtype.itemsize, dtype.str[0] == ">"
        header["parts"] = 2 if data.variant == "parts" and data.n_frames > 1 else 1
        header["ny"], header["nx"] = data.nav_shape
        header["height"], header["width"] = data.sig_shape
        header["frame_header"] = self.frame_header
        header["scale_y"], header["scale_x"] = (axis.scale for axis in data.nav_axes)
        return header

    def records(self, data: SampleData, start: int, stop: int) -> bytes:
        return b"".join(
            i.to_bytes(4, "little").ljust(self.frame_header, b"\xee") + data.frames[i].tobytes()
            for i in range(start, stop)
        )

    def axes(self, data: SampleData) -> Sequence[Axis]:
        return (*data.nav_axes, Axis("ky"), Axis("kx"))

    def metadata(self, data: SampleData) -> Mapping[str, object]:
        return {"beam_energy": 200e3} if data.variant == "sidecar" else {"title": "toy"}

    def raw_metadata(self, data: SampleData) -> Mapping[str, object]:
        return {"version": 1, "note": "made by a sampler"}

    def expects_notes(self, data: SampleData) -> bool:
        return False

    def write_wrong(self, directory: Path, data: SampleData) -> Iterator[Wrong | tuple[str, Mapping[str, Any]]]:
        path = self.write(directory, data)["path"]
        header = np.frombuffer(path.read_bytes(), HEADER, count=1).copy()
        for name, value in (("itemsize", 3), ("height", 0), ("first_frame", 3), ("version", 2)):
            wrong = header.copy()
            wrong[name] = value
            path.write_bytes(wrong.tobytes() + path.read_bytes()[HEADER.itemsize :])
            yield f"{name} {value}", {"path": path}
        yield Wrong("version 2", {"path": path}, UnsupportedError, confidence=100)

    def write_sparse(self, directory: Path, nbytes: int) -> Special:
        edge = 256
        frame = 2 * edge * edge
        data = SampleData((max(1, nbytes // (frame * 4096)), 4096), (edge, edge), "<u2")
        end = np.arange(1, 1 + 4 * edge, dtype="<u2").reshape(4, edge)
        path = directory / "sparse.toy"
        with path.open("wb") as file:
            file.write(self.header(data, b"").tobytes())
            file.seek(HEADER.itemsize + data.n_frames * (self.frame_header + frame) - end.nbytes)
            file.write(end.tobytes())
        return Special("a large file", {"path": path}, end=end)


class LinearSampler(ToySampler):
    """For the reader that gives linear sources; the module also holds what gives procedural ones."""

    unreached: ClassVar[Mapping[str, str]] = {
        f"toy_reader.{name}": "the other right reader uses it"
        for name in (
            "ToyFrames.__init__",
            "ToyFrames.describe",
            "ToyFrames.read",
            "ToyFrames.frame",
            "ToyFrames.pixels",
            "ToyProceduralReader.source",
        )
    }


class ProceduralSampler(ToySampler):
    """For the reader that gives procedural sources."""

    unreached: ClassVar[Mapping[str, str]] = {"toy_reader.ToyReader.source": "the other right reader uses it"}
