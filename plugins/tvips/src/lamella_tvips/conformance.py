"""TVIPS streams for the conformance kit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from lamella.reader import Axis
from lamella_testkit import Recorded, SampleData, Sampler, Special, Wrong, recorded_files
from lamella_tvips.specials import as_the_user_says, odd_parts, odd_positions, other_headers, rotators, wrong_files
from lamella_tvips.writer import (
    SECONDS,
    fields_of,
    frame_headers,
    header_nbytes,
    positions_of,
    series_header,
    stream_parts,
    stride_of,
    times_of,
)

__all__ = ["RECORDED", "TvipsSampler"]

RECORDED = {
    "test_tvips_2345_split/test_tvips_2345_split_000.tvips": (
        "8cff1d6a4806ef44b7357037e0982707e302cd3e3f81d93a396a121a584aa235"
    ),
}
"""Real files below ``LAMELLA_SAMPLES``, with their checksums."""


class TvipsSampler(Sampler):
    """Streams of both versions, in one part or several, with and without a scan in the headers of the frames."""

    format = "tvips"
    dtypes = ("<u2", "|u1", "<u4", "<u8")
    nav_ranks = (2, 1)
    variants = ("parts", "version 1", "positions", "rotator")
    unreached: ClassVar[Mapping[str, str]] = {
        "reader._scan_headers": "it is for streams of more than 65 536 frames; tests lower that number"
    }

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        """Write ``rec_000.tvips`` and further parts."""
        shape = data.nav_shape
        headers = frame_headers(data.n_frames, nbytes=header_nbytes(data), **positions_of(data))
        parts = stream_parts(
            data.frames,
            headers,
            version=1 if data.variant == "version 1" else 2,
            largest=_largest(data) if data.variant == "parts" else None,
        )
        for number, part in enumerate(parts):
            (directory / f"rec_{number:03d}.tvips").write_bytes(part)
        told = (data.variant == "positions" and len(shape) == 2 and min(shape) > 1) or (
            data.variant == "rotator" and len(shape) == 2 and shape[0] == shape[1] > 1
        )
        return {"path": directory / "rec_000.tvips", **({} if told else {"nav_shape": shape})}

    def metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give what the series header and the first frame say."""
        known = {"beam_energy": 200e3, "detector_pixel_pitch": 15.5e-6, "acquired": "2020-06-23T08:02:37.250000+00:00"}
        known["detector"] = "TVIPS"
        return known if data.variant == "version 1" else {**known, "mode": "diffraction"}

    def raw_metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give the series header, and the header of the first frame."""
        version = 1 if data.variant == "version 1" else 2
        series = {
            "header_size": 256,
            "version": version,
            "width": data.sig_shape[1],
            "height": data.sig_shape[0],
            "bits_per_pixel": 8 * data.stored_dtype.itemsize,
            "offset_x": 10,
            "offset_y": 20,
            "binning_x": 2,
            "binning_y": 2,
            "pixel_size": 15500,
            "high_tension": 200,
            "magnification": 80,
            "frame_header_nbytes": 0 if version == 1 else header_nbytes(data),
            "filler": ("TVIPS " * 34).strip(),
        }
        first = {name: array[0].item() for name, array in fields_of(data).items()}
        return {"series_header": series, "first_frame": {**first, "seconds": SECONDS, "milliseconds": 250}}

    def per_frame(self, data: SampleData) -> Mapping[str, object]:
        """Give the times of the frames, and every field of their headers."""
        return {**times_of(data.n_frames), **fields_of(data)}

    def axes(self, data: SampleData) -> Sequence[Axis]:
        """Say that the files calibrate nothing."""
        return [Axis(f"axis{i}") for i in range(len(data.nav_shape) + len(data.sig_shape))]

    def expects_notes(self, data: SampleData) -> int | None:
        """Say that these files are as they should be; another scan that is possible is told where one is given."""
        return None if data.variant in ("positions", "rotator") else 0

    def write_special(self, directory: Path, data: SampleData) -> Iterator[Special]:
        """Write streams whose frames do not follow the scan, with parts that lack frames, and other series headers."""
        if data.variant == "positions":
            yield from odd_positions(directory / "rec_000.tvips", data)
            yield from as_the_user_says(directory / "rec_000.tvips", data)
            yield from other_headers(directory / "rec_000.tvips", data)
        if data.variant == "rotator":
            yield from rotators(directory / "rec_000.tvips", data)
        if data.variant == "parts":
            yield from odd_parts(directory, data)

    def write_wrong(self, directory: Path, data: SampleData) -> Iterator[Wrong]:
        """Write headers that cannot be, parts that are missing or were cut, and parameters that cannot be followed."""
        yield from wrong_files(directory, data)

    def boundaries(self, data: SampleData) -> Mapping[str, Sequence[int]]:
        """Give the ends of the series header, and of header and pixels of the first frames of each part."""
        stride = stride_of(data)
        ends = [header_nbytes(data), stride, stride + header_nbytes(data), 2 * stride]
        boundaries = {"rec_000.tvips": [4, 52, 256, *(256 + end for end in ends)]}
        if data.variant == "parts":
            boundaries |= {f"rec_{number:03d}.tvips": ends for number in (1, 2, 3)}
        return boundaries

    def write_sparse(self, directory: Path, nbytes: int) -> Special:
        """Write a series header, frames that are a hole, and what the header and the last line of the last one hold."""
        path, edge, header = directory / "rec_000.tvips", 512, 76
        stride = header + 2 * edge * edge
        n, end = max(1, nbytes // stride), np.arange(1, 513, dtype="<u2")[np.newaxis]
        with path.open("wb") as file:
            file.write(series_header(2, (edge, edge), 16, header))
            file.seek(256 + (n - 1) * stride)
            file.write(frame_headers(1, counter=n - 1)[0])
            file.seek(2 * edge * edge - end.nbytes, 1)
            file.write(end.tobytes())
        return Special("a large file", {"path": path}, end=end, per_frame={"counter": [n - 1]})

    def recorded(self) -> Iterable[Recorded]:
        """Give real files with what other readers found in them."""
        return recorded_files(self.format, RECORDED)


def _largest(data: SampleData) -> int:
    """Give the size of parts that leaves about three of them, the first with the series header."""
    return 256 + (data.n_frames // 3 + 1) * stride_of(data)
