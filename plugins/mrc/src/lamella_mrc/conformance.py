"""MRC files for the conformance kit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from lamella.reader import Axis
from lamella_mrc.specials import (
    extended_headers,
    other_headers,
    other_movies,
    other_pixels,
    wrong_headers,
    wrong_movies,
)
from lamella_mrc.writer import MODES, SETTINGS, fei_record, header_bytes, info_text, movie_axes
from lamella_testkit import Recorded, SampleData, Sampler, Special, Wrong, recorded_files

__all__ = ["MrcSampler"]

RECORDED = {
    "20241021_00405_movie/20241021_00405_movie.mrc": "e7b2a476bb64818454edc428d21e4d40da08e0a6362bfbe2d95a74084c22f718",
    "HAADFscan/HAADFscan.mrc": "873e9f862eb8f2372589be366317c9940ed71e94e440a219be07c0db977de758",
    "mrcfile__EMD-3197_mrc/EMD-3197.mrc": "351d5090d4c56eb5fc41796842ad64abecc238b8da6181f8857be5844dbbc262",
}
"""Real files below ``LAMELLA_SAMPLES``, with their checksums."""


class MrcSampler(Sampler):
    """Writes plain stacks, stacks with an extended header, and Direct Electron movies."""

    format = "mrc"
    dtypes = ("<u2", "<i1", "<i2", "<f4", "<f2", "<c8", ">u2", ">f4")
    nav_ranks = (2, 1, 3)
    variants = ("", "direct-electron", "fei2")
    unreached: ClassVar[Mapping[str, str]] = {
        "reader._detect_info": "it answers for text files that are no settings as well, which tests ask about",
    }
    unsaid: ClassVar[Mapping[str, str]] = {"raw_metadata": "all fields of the headers; tests compare single ones"}
    signed = False  # files of before 2000 have neither mark nor stamp

    def fit(self, data: SampleData) -> SampleData:
        """Give a scan of two axes to a movie, whose settings describe no other."""
        if data.variant == "direct-electron" and len(data.nav_shape) != 2:
            return data.but(nav_shape=(data.n_frames // data.nav_shape[-1], data.nav_shape[-1]))
        return data

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        """Write one file, or a movie with its settings beside it."""
        if data.variant == "direct-electron":
            (directory / "20250429_06699_info.txt").write_text(info_text(data.nav_shape), encoding="utf-8", newline="")
            path = directory / "20250429_06699_0_movie.mrc"
            path.write_bytes(self._header(data) + data.tobytes())
            return {"path": path}
        path = directory / "a.mrc"
        path.write_bytes(self._header(data) + data.tobytes())
        return {"path": path, "nav_shape": data.nav_shape}

    def metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give what the extended header or the settings tell."""
        if data.variant == "fei2":
            known = {"beam_energy": 300e3, "camera_length": 0.125, "dwell_time": 1e-3, "mode": "STEM"}
            return {**known, "acquired": "2023-03-15T12:00:00"}
        return SETTINGS if data.variant else {}

    def raw_metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give the settings of a movie, as text."""
        if data.variant != "direct-electron":
            return {}
        pairs = [line.split("=") for line in info_text(data.nav_shape).splitlines()]
        return {"info": {key.strip(): value.strip() for key, value in pairs}}

    def per_frame(self, data: SampleData) -> Mapping[str, object]:
        """Give the valid numbers of the records, and the times that follow from them."""
        if data.variant != "fei2":
            return {}
        n = data.n_frames
        known = {"Timestamp": 45000.5, "HT": 300e3, "Pixel size X": 2e-9, "Pixel size Y": 2e-9, "Instrument mode": 2}
        known |= {"Projection mode": 2, "Camera length": 0.125, "Dwell time": 1e-3, "time": 0.0}
        arrays: dict[str, object] = {name: np.full(n, value) for name, value in known.items()}
        return {**arrays, "Alpha tilt": np.arange(n), "acquired": np.full(n, "2023-03-15T12:00:00", "M8[ns]")}

    def axes(self, data: SampleData) -> Sequence[Axis]:
        """Give the calibration of the settings or of the records."""
        nav = [Axis(f"axis{i}") for i in range(len(data.nav_shape))]
        if data.variant == "direct-electron":
            return [*movie_axes(), Axis("ky", 0.25, 0.0, "1/nm"), Axis("kx", 0.5, 0.0, "1/nm")]
        if data.variant == "fei2":
            return [*nav, Axis("ky", 2.0, 0.0, "nm"), Axis("kx", 2.0, 0.0, "nm")]
        return [*nav, Axis("ky"), Axis("kx")]

    def expects_notes(self, data: SampleData) -> bool:
        """Say that these files are as they should be."""
        return False

    def write_special(self, directory: Path, data: SampleData) -> Iterator[Special]:
        """Write other kinds of pixels and headers, volumes, and movies with other sidecars."""
        if data.variant == "":
            yield from other_pixels(directory / "a.mrc", data)
            yield from other_headers(directory / "a.mrc", data)
            yield from extended_headers(directory / "a.mrc", data)
        if data.variant == "direct-electron":
            yield from other_movies(directory, data)

    def write_wrong(self, directory: Path, data: SampleData) -> Iterator[Wrong]:
        """Write headers that cannot be, packed files, and movies whose sidecars do not fit."""
        yield from wrong_headers(directory / "a.mrc", data)
        yield from wrong_movies(directory, data)

    def boundaries(self, data: SampleData) -> Mapping[str, Sequence[int]]:
        """Give the ends of the headers and of each section."""
        header = len(self._header(data))
        frame = data.nbytes // data.n_frames
        name = "20250429_06699_0_movie.mrc" if data.variant == "direct-electron" else "a.mrc"
        return {name: sorted({208, 216, 224, 1024, *(header + i * frame for i in range(data.n_frames + 1))})}

    def write_sparse(self, directory: Path, nbytes: int) -> Special:
        """Write a stack with a hole instead of pixels, and its last line."""
        side = 256
        sections = max(1, nbytes // (2 * side * side))
        path = directory / "sparse.mrc"
        end = np.arange(1, 257, dtype="<u2")[np.newaxis]
        with path.open("wb") as file:
            file.write(header_bytes((side, side, sections), 6))
            file.seek(1024 + sections * 2 * side * side - end.nbytes)
            file.write(end.tobytes())
        return Special("a large file", {"path": path}, end=end)

    def recorded(self) -> Iterable[Recorded]:
        """Give real files with what other readers found in them."""
        return recorded_files(self.format, RECORDED)

    def _header(self, data: SampleData) -> bytes:
        dtype = data.stored_dtype
        order = ">" if dtype.byteorder == ">" else "<"
        extended = b""
        if data.variant == "fei2":
            extended = b"".join(fei_record(order, tilt=float(i)) for i in range(data.n_frames))
        size = (data.sig_shape[1], data.sig_shape[0], data.n_frames)
        mode = MODES[f"{dtype.kind}{dtype.itemsize}"]
        grid = size if data.variant == "direct-electron" else (*size[:2], 1)  # MRC2014: a stack of images
        kind = b"FEI2" if extended else b""
        return header_bytes(size, mode, order, grid=grid, extended=extended, extended_type=kind)
