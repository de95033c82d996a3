"""Series for the conformance kit."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lamella.reader import Axis
from lamella_ser.specials import METADATA, other_scans, other_settings, wrong_files
from lamella_ser.writer import (
    CODES,
    TIME,
    emi_bytes,
    series_bytes,
    series_head,
    series_tag,
    steps_of,
    times_of,
)
from lamella_testkit import Recorded, SampleData, Sampler, Special, Wrong, recorded_files

__all__ = ["SerSampler"]

_SIZES = {"_y": "size_y", "_x": "size_x", "": "length"}


RECORDED = {
    "new_128x128-TEM_search_1/128x128-TEM_search_1.ser": (
        "8b79f81363d41f759ecda84fb91d50463e2a828f532d5b8f9378960e57fc3ae7"
    ),
    "new_128x128x5-diffraction_preview_1/128x128x5-diffraction_preview_1.ser": (
        "a605aae2e51ba2507e4c5e3af409677e4a178b1139016077c45d42646c224f27"
    ),
    "new_16x16-line_profile_horizontal_5x128x128_EDS_2/16x16-line_profile_horizontal_5x128x128_EDS_2.ser": (
        "44313deaa13c7d8ea6c65f190e978ab310a7e68c420022b5224de3f2ce78bcd7"
    ),
    "old_16x16-line_profile_diagonal_10x1024_1/16x16-line_profile_diagonal_10x1024_1.ser": (
        "f9758f56c7ccab50e295f982cf9a7fd8f6ef13513b5512997ac6194f6cb38a62"
    ),
    "old_64x64x5_TEM_preview_1/64x64x5_TEM_preview_1.ser": (
        "08f1dc9d52bfb6da3d7d9ae4db16dbd5783332186bacbd4769e9f97a14f31d70"
    ),
}
"""Real files below ``LAMELLA_SAMPLES``, with their checksums."""


class SerSampler(Sampler):
    """Series of both versions, with settings beside them, and with gaps between elements."""

    format = "ser"
    dtypes = ("<u2", "|u1", "<u4", "|i1", "<i2", "<i4", "<f4", "<f8", "<c8", "<c16")
    nav_ranks = (2, 1)
    sig_ranks = (2, 1)
    variants = ("new", "old", "gaps")

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        """Write ``scan_1.ser`` and ``scan.emi``."""
        path = directory / "scan_1.ser"
        path.write_bytes(
            series_bytes(
                data.frames,
                version=0x0210 if data.variant == "old" else 0x0220,
                scan=data.nav_shape,
                steps=steps_of(data.nav_axes, 1e-9),
                detector_steps=steps_of(data.sig_axes, 1e9),
                gaps=(0, 5, 1) if data.variant == "gaps" else (0,),
            )
        )
        (directory / "scan.emi").write_bytes(emi_bytes(path.name))
        return {"path": path}

    def axes(self, data: SampleData) -> Sequence[Axis]:
        """Give the axes: positions in nm, angles in 1/nm, spectra in eV."""
        names = "yx"[-len(data.nav_shape) :]
        nav = [Axis(name, axis.scale, 0.0, "nm") for name, axis in zip(names, data.nav_axes, strict=True)]
        kinds = [("ky", "1/nm"), ("kx", "1/nm")] if len(data.sig_shape) == 2 else [("energy", "eV")]
        steps = steps_of(data.sig_axes, 1 if len(data.sig_shape) == 2 else 1e9)
        sig = [
            Axis(name, step, -length / 2 * step, units)
            for (name, units), step, length in zip(kinds, steps, data.sig_shape, strict=True)
        ]
        return [*nav, *sig]

    def metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give what ``scan.emi`` says."""
        return METADATA

    def raw_metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give the header of the first element."""
        names = ("_y", "_x") if len(data.sig_shape) == 2 else ("",)
        calibration: dict[str, object] = {}
        for suffix, step, length in zip(names, steps_of(data.sig_axes, 1e9), data.sig_shape, strict=True):
            calibration |= {f"calibration_offset{suffix}": -length / 2 * step, f"calibration_delta{suffix}": step}
            calibration |= {f"calibration_element{suffix}": 0, f"array_{_SIZES[suffix]}": length}
        return {"first_element": {**calibration, "data_type": CODES[data.dtype[1:]]}}

    def per_frame(self, data: SampleData) -> Mapping[str, object]:
        """Give the time of each element, and its position."""
        rows, columns = np.divmod(np.arange(data.n_frames), data.nav_shape[-1])
        steps = steps_of(data.nav_axes, 1e-9)
        return {**times_of(data.n_frames), "position_x": columns * steps[-1], "position_y": rows * steps[0]}

    def expects_notes(self, data: SampleData) -> bool:
        """Say that these files are as they should be."""
        return False

    def write_special(self, directory: Path, data: SampleData) -> Iterator[Special]:
        """Write series with other settings beside them, and with other dimensions, elements and tags."""
        if data.variant == "new":
            yield from other_settings(directory, data)
            yield from other_scans(directory / "scan_1.ser", data)

    def write_wrong(self, directory: Path, data: SampleData) -> Iterator[Wrong]:
        """Write headers and elements that contradict themselves or the file, and settings of no series."""
        yield from wrong_files(directory, data)

    def boundaries(self, data: SampleData) -> Mapping[str, Sequence[int]]:
        """Give the ends of the header, of the tables, and of the first elements."""
        new = data.variant != "old"
        table = (34 if new else 30) + len(data.nav_shape) * (24 + 4 + len("Position") + 4 + len("meters"))
        width = 8 if new else 4
        first = table + 2 * width * data.n_frames
        head = 50 if len(data.sig_shape) == 2 else 26
        element = head + data.nbytes // data.n_frames
        ends = [6, 22, table, table + width * data.n_frames, first, first + head, first + element, first + element + 24]
        return {"scan_1.ser": ends}

    def write_sparse(self, directory: Path, nbytes: int) -> Special:
        """Write the header, the tables, the headers of few but huge elements, and pixels and tag of the last one."""
        edge = 1 << 14
        stride = 50 + 2 * edge * edge + 24
        count = max(1, nbytes // stride)
        head, start = series_head(0x0220, 3, (count,), True, count, count, (1e-9,))
        path = directory / "huge_1.ser"
        end = np.arange(1, 17, dtype="<u2")[np.newaxis]
        with path.open("wb") as file:
            offsets = [start + i * stride for i in range(count)]
            file.write(head + struct.pack(f"<{2 * count}Q", *offsets, *(offset + stride - 24 for offset in offsets)))
            for offset in offsets:
                file.seek(offset)
                file.write(struct.pack("<ddIddIHII", 0.0, 1e8, 0, 0.0, 1e8, 0, 2, edge, edge))
            file.seek(2 * edge - end.nbytes, 1)
            file.write(end.tobytes())  # the last line of an image is stored first
            file.seek(offsets[-1] + stride - 24)
            file.write(series_tag(count - 1, (0, count - 1), (1e-9,), True))
        last = {"acquired": np.asarray([(TIME + count - 1) * 10**9]).view("M8[ns]")}
        return Special("a large file", {"path": path}, end=end, per_frame=last)

    def recorded(self) -> Iterable[Recorded]:
        """Give real files with what other readers found in them."""
        return recorded_files(self.format, RECORDED)
