"""Acquisitions of a pnCCD camera for the conformance kit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from lamella_frms6.specials import corrected, incomplete, other_dark_frames, other_headers, parts_alone, wrong_files
from lamella_frms6.writer import (
    BASE,
    FRAME_HEADER,
    HEADER,
    file_header,
    folded,
    frame_header,
    header_text,
    part_bytes,
    part_of,
    per_frame_of,
)
from lamella_testkit import SampleData, Sampler, Special

__all__ = ["Frms6Sampler"]

_DARK_FRAMES = 2


class Frms6Sampler(Sampler):
    """Acquisitions of one and of two parts, with and without dark frames, with binned rows, and with older headers."""

    format = "frms6"
    dtypes = ("<u2",)
    nav_ranks = (2, 1)
    variants = ("two parts", "dark", "binned", "old", "no header")
    floor = 0.25  # every pixel moves
    unreached: ClassVar[Mapping[str, str]] = (
        {} if find_spec("scipy") is not None else {"gain._from_matlab": "SciPy is not installed"}
    )

    def fit(self, data: SampleData) -> SampleData:
        """Give images with an even number of rows; without a header file, a scan is a series."""
        height, width = data.sig_shape
        nav = (data.n_frames,) if data.variant == "no header" else data.nav_shape
        return data.but(sig_shape=(height + height % 2, width), nav_shape=nav)

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        """Write the header and the parts; part 001 has one frame less than half of them where there are two."""
        base, frames = directory / BASE, folded(data.frames)
        first = _first_part(data)
        old = data.variant == "old"
        if data.variant == "dark":
            # Dark frames of zeros, so that what is computed equals what was written.
            part_of(base, 0).write_bytes(part_bytes(np.zeros_like(frames[:_DARK_FRAMES])))
        for number, piece in enumerate(filter(len, (frames[:first], frames[first:])), start=1):
            part_of(base, number).write_bytes(part_bytes(piece, announce=not old))
        if data.variant == "no header":
            return {"path": part_of(base, 1), "binning": 1}
        keywords = {"unbin": False} if data.variant == "binned" else {}
        header = directory / f"{BASE}.hdr"
        scan = data.nav_shape if len(data.nav_shape) == 2 else None
        dark = len(frames[:_DARK_FRAMES]) if data.variant == "dark" else 0
        binning = 2 if data.variant == "binned" else 1
        header.write_text(header_text(data.n_frames, scan, binning=binning, dark_frames=dark))
        return {"path": part_of(base, 1), **keywords}

    def metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give the time of the first frame and what the header file says."""
        known = {"acquired": "2015-12-03T12:00:00+00:00", "detector": "PNDetector pnCCD", "title": "synthetic"}
        return known if data.variant == "no header" else {**known, "dwell_time": 0.000625}

    def raw_metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give the header file, and the header and the first frame header of each part."""
        first = _first_part(data)
        height, width = data.sig_shape[0] // 2, 2 * data.sig_shape[1]
        counts = {1: first, 2: data.n_frames - first}
        if data.variant == "dark":
            counts = {0: min(_DARK_FRAMES, data.n_frames), **counts}
        parts = {
            part_of(Path(BASE), number).name: _fields(width, height, 0 if data.variant == "old" and number else count)
            for number, count in counts.items()
            if count
        }
        return {"hdr": {} if data.variant == "no header" else _sections(data), "parts": parts}

    def per_frame(self, data: SampleData) -> Mapping[str, object]:
        """Give what the header of each frame counts, from 0 in each part."""
        first = _first_part(data)
        return per_frame_of(data, np.concatenate([np.arange(first), np.arange(data.n_frames - first)]))

    def corrections(self, data: SampleData) -> Mapping[str, object]:
        """Give the dark frame of zeros."""
        return {"dark": np.zeros(data.sig_shape)} if data.variant == "dark" else {}

    def expects_notes(self, data: SampleData) -> int:
        """Say that these files are as they should be."""
        return 0

    def write_special(self, directory: Path, data: SampleData) -> Iterator[Special]:
        """Write dark frames and gain maps, other headers, and acquisitions that are not complete."""
        wide = data.but(sig_shape=(6, 4))  # not square
        if data.variant == "dark":
            yield from corrected(directory, wide)
            yield from other_dark_frames(directory, wide)
        if data.variant == "two parts":
            yield from other_headers(directory, wide)
            yield from incomplete(directory, wide)
        if data.variant == "no header":
            yield from parts_alone(directory, wide)

    def write_wrong(self, directory: Path, data: SampleData) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Write parts of other versions and kinds, parts that do not fit together, and wrong header files."""
        binned = data.but(variant="binned")  # one part, so that no other contradicts it
        yield from wrong_files(directory, binned, self.write(directory, binned))

    def promised(self, data: SampleData) -> Sequence[str]:
        """Give the part with dark frames, and the parts behind the first, whose frames the header counts."""
        names = {"dark": [f"{BASE}_000.frms6"], "two parts": [f"{BASE}_002.frms6"]}
        return names.get(data.variant, [])

    def boundaries(self, data: SampleData) -> Mapping[str, Sequence[int]]:
        """Give the ends of the file header, of the first frame header, and of the first frames."""
        stride = FRAME_HEADER + data.nbytes // data.n_frames
        first = [HEADER + FRAME_HEADER, *(HEADER + i * stride for i in range(3))]
        return {f"{BASE}_001.frms6": [8, 90, 92, 1020, *sorted(first)]}

    def write_sparse(self, directory: Path, nbytes: int) -> Special:
        """Write a part with a hole instead of frames, and what the header and the last line of the last one hold."""
        stride = FRAME_HEADER + 2 * 528 * 132
        count = max(1, (nbytes - HEADER) // stride)
        path = directory / "huge_001.frms6"
        end = np.arange(1, 265, dtype="<u2")[np.newaxis]
        with path.open("wb") as file:
            file.write(file_header(528, 132, count))
            file.seek(HEADER + (count - 1) * stride)
            file.write(frame_header(count - 1, 0, 132))
            file.seek(2 * 264, 1)
            file.write(end[:, ::-1].tobytes())  # the lower half is turned around
            file.truncate(HEADER + count * stride)
        last = {"frame number": [count - 1], "trigger": [count + 6], "auxiliary": [count + 99]}
        return Special("a large file", {"path": path}, end=end, per_frame=last)


def _sections(data: SampleData) -> dict[str, dict[str, str]]:
    """Give the header file as it is read: names in lower case."""
    info = {
        "signalframes": str(data.n_frames),
        "darkframes": str(min(_DARK_FRAMES, data.n_frames) if data.variant == "dark" else 0),
        "gain": "1",
    }
    if len(data.nav_shape) == 2:
        info["stemimagesize"] = "{}x{}".format(*data.nav_shape)
    info["readoutmode"] = f'"bin: {2 if data.variant == "binned" else 1}, windowing: 132 x 264"'
    return {"measurementInfo": {**info, "dwelltimemicroseconds": "625"}}


def _fields(width: int, height: int, announced: int) -> dict[str, object]:
    """Give the fields of a part, and those of its first frame."""
    zeros = dict.fromkeys(("width_v5", "max_height_v5"), 0)
    sizes = {"header_nbytes": HEADER, "frame_header_nbytes": FRAME_HEADER, "n_ccds": 1, "version": 6}
    frame = {
        **dict.fromkeys(("start_line_v5", "flags", "height_v5", "microseconds", "index", "start_line"), 0),
        "ccd": 1,
        "seconds": 1_449_144_000,
        "temperature": -1.25,
        "lines": height,
        "trigger": 7,
        "auxiliary": 100,
    }
    known = {"dataset_id": "synthetic", "width": width, "height": height, "n_frames": announced}
    return {**zeros, **sizes, **known, "first frame": frame}


def _first_part(data: SampleData) -> int:
    """Give the number of frames in part 001."""
    return max(1, data.n_frames // 2) if data.variant == "two parts" else data.n_frames
