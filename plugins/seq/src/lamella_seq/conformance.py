"""StreamPix sequences for the conformance kit."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lamella_seq.specials import (
    unusual,
    unusual_halves,
    with_bad_pixels,
    with_references,
    wrong_halves,
    wrong_headers,
    wrong_sidecars,
)
from lamella_seq.writer import START, Recording, halves_of, prebuffer, settings_xml, stamps_of
from lamella_testkit import SampleData, Sampler, Special, Wrong

__all__ = ["SeqSampler"]


class SeqSampler(Sampler):
    """Writes padded and unpadded sequences of new and old versions, and the halves of a split sensor."""

    format = "seq"
    dtypes = ("<u2", "<u1", "<u4")
    nav_ranks = (2, 1, 3)
    variants = ("padded", "unpadded", "old", "celeritas")

    def fit(self, data: SampleData) -> SampleData:
        """Give an even number of rows to a sensor that is split."""
        height, width = data.sig_shape
        return data.but(sig_shape=(height + height % 2, width)) if data.variant == "celeritas" else data

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        """Write one sequence, or two halves with the settings that belong to them."""
        if data.variant != "celeritas":
            path = directory / "a.seq"
            _sequence(data).write(path)
            return {"path": path, "nav_shape": data.nav_shape}
        upper, lower = halves_of(data)
        top = upper.write(directory / "a_Top_13-49-04.160.seq")
        lower.write(directory / "a_Bottom_13-49-04.196.seq")
        xml = settings_xml(SegmentPreBuffer=prebuffer(data.n_frames), HT=200, CameraType="Celeritas Camera")
        (directory / "a.seq.Config.Metadata.xml").write_text(xml)
        return {"path": top, "nav_shape": data.nav_shape}

    def metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give what header and settings tell."""
        known: dict[str, object] = {"title": "made for a test", "acquired": "2015-07-04T08:53:20.000250"}
        if data.variant == "old":
            known["acquired"] = "2015-07-04T08:53:20"
        return known | ({"beam_energy": 200e3, "detector": "Celeritas Camera"} if data.variant == "celeritas" else {})

    def raw_metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give every field of the header, and the settings."""
        if data.variant == "celeritas":
            count = prebuffer(data.n_frames)
            settings = {"SegmentPreBuffer": str(count), "HT": "200", "CameraType": "Celeritas Camera"}
            return {"header": halves_of(data)[0].fields(), "settings": settings}
        return {"header": _sequence(data).fields(), "settings": {}}

    def per_frame(self, data: SampleData) -> Mapping[str, object]:
        """Give the time of each frame; frames that are stored together have one."""
        return stamps_of(data.n_frames, data.variant != "old", _repeats(data))

    def corrections(self, data: SampleData) -> Mapping[str, object]:
        """Say that there are none."""
        return {}

    def expects_notes(self, data: SampleData) -> bool:
        """Say that these files are as they should be."""
        return False

    def write_special(self, directory: Path, data: SampleData) -> Iterator[Special]:
        """Write sequences with corrections beside them, with other numbers of frames, and without time stamps."""
        if data.variant == "padded":
            yield from with_references(directory, data)
            yield from with_bad_pixels(directory, data)
            yield from unusual(directory, data)
        if data.variant == "celeritas":
            yield from unusual_halves(directory, data)

    def write_wrong(self, directory: Path, data: SampleData) -> Iterator[Wrong]:
        """Write headers, references, bad pixels and halves that contradict themselves or the frames."""
        yield from wrong_headers(directory / "a.seq", data)
        yield from wrong_sidecars(directory, data)
        yield from wrong_halves(directory, data.but(sig_shape=(6, data.sig_shape[1])))

    def boundaries(self, data: SampleData) -> Mapping[str, Sequence[int]]:
        """Give the ends of header, pixels, time stamps and slots."""
        if data.variant == "celeritas":
            return {}
        sequence = _sequence(data)
        slots = [sequence.first + i * sequence.stride for i in range(data.n_frames + 1)]
        pixels = sequence.frames[0].nbytes
        return {"a.seq": [4, 28, 548, 632, 1024, *slots, *(slot + pixels for slot in slots[:-1])]}

    def write_sparse(self, directory: Path, nbytes: int) -> Special:
        """Write a sequence with a hole instead of pixels, and the last line and the time of the last frame."""
        frame = np.zeros((1, 256, 256), "<u2")
        stride = Recording(frame).stride
        n = max(1, nbytes // stride)
        path = directory / "sparse.seq"
        end = np.arange(1, 257, dtype="<u2")[np.newaxis]
        with path.open("wb") as file:
            file.write(Recording(frame, changes={"allocated": n}).header())
            file.seek(8192 + (n - 1) * stride + frame.nbytes - end.nbytes)
            file.write(end.tobytes() + struct.pack("<iHH", START, 500, 250))
            file.truncate(8192 + n * stride)
        stamp = np.asarray([START * 10**9 + 500_250_000]).view("M8[ns]")
        return Special("a large file", {"path": path}, end=end, per_frame={"acquired": stamp})


def _sequence(data: SampleData) -> Recording:
    if data.variant == "old":
        return Recording(data.frames, version=3, padding=1)
    return Recording(data.frames, padding=1 if data.variant == "unpadded" else 8192)


def _repeats(data: SampleData) -> int:
    return prebuffer(data.n_frames) if data.variant == "celeritas" else 1
