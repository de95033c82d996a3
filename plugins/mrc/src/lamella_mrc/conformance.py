"""MRC files for tests, written byte by byte without the reader."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lamella.errors import CorruptError, FormatError, TruncatedError, UnsupportedError
from lamella.reader import Axis
from lamella_testkit import Sampler, Special, Wrong, recorded_files

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella_testkit import Recorded, SampleData

__all__ = ["MrcSampler", "fei_record", "header_bytes", "info_text", "pack_nibbles"]

MODES = {"i1": 0, "i2": 1, "f4": 2, "c8": 4, "u2": 6, "f2": 12}


def header_bytes(
    size: Sequence[int],
    mode: int,
    order: str = "<",
    *,
    grid: Sequence[int] | None = None,
    cell: Sequence[float] = (0.0, 0.0, 0.0),
    axes: Sequence[int] = (1, 2, 3),
    density: Sequence[float] = (0.0, -1.0, -2.0),
    space_group: int = 0,
    extended: bytes = b"",
    extended_type: bytes = b"",
    extended_nbytes: int | None = None,
    imod_flags: int | None = None,
    marker: bytes = b"MAP ",
    stamp: bytes | None = None,
    labels: Sequence[str] = (),
) -> bytes:
    """Give 1024 bytes of header and the extended header behind them; ``size`` is (columns, rows, sections)."""
    nbytes = len(extended) if extended_nbytes is None else extended_nbytes
    words = struct.pack(f"{order}10i", *size, mode, 0, 0, 0, *(grid or size))
    words += struct.pack(f"{order}6f3i3f2i", *cell, 90.0, 90.0, 90.0, *axes, *density, space_group, nbytes)
    words += bytes(8) + extended_type.ljust(4, b"\0") + struct.pack(f"{order}i", 20140)
    imod = b"" if imod_flags is None else struct.pack(f"{order}2i", 1146047817, imod_flags)
    words += (bytes(40) + imod).ljust(84, b"\0") + struct.pack(f"{order}3f", 0.0, 0.0, 0.0)
    words += marker + (stamp if stamp is not None else {"<": b"DD\0\0", ">": b"\x11\x11\0\0"}[order])
    words += struct.pack(f"{order}fi", -1.0, len(labels))
    words += b"".join(label.encode().ljust(80) for label in labels).ljust(800, b"\0")
    assert len(words) == 1024
    return words + extended


def fei_record(order: str = "<", *, version: int = 2, tilt: float = 0.0, **known: Any) -> bytes:
    """Give a record of type FEI1 (``version`` 0) or FEI2 (``version`` 2) with few fields filled in.

    Parameters
    ----------
    order
        Byte order.
    version
        0 for FEI1, 2 for FEI2.
    tilt
        Alpha tilt [degree].
    known
        ``high_tension`` [V], ``pixel_size`` [m or 1/m], ``projection`` (1: diffraction), ``detector``,
        ``camera_length`` [m], ``dwell`` [s].
    """
    record = bytearray(888 if version else 768)

    def put(offset: int, kind: str, *values: Any) -> None:
        struct.pack_into(f"{order}{kind}", record, offset, *values)

    put(0, "ii", len(record), version)
    bits = 1 << 0 | 1 << 5 | 1 << 7 | 1 << 14 | 1 << 15 | 1 << 25 | 1 << 26
    struct.pack_into("<I", record, 8, bits)
    put(12, "d", 45000.5)
    put(84, "d", known.get("high_tension", 300e3))
    put(100, "d", tilt)
    put(156, "dd", *[known.get("pixel_size", 2e-9)] * 2)
    put(244, "ii", 2, known.get("projection", 2))
    struct.pack_into("<I", record, 297, 1 << 0)
    put(301, "d", known.get("camera_length", 0.125))
    struct.pack_into("<I", record, 490, 1 << 7 | 1 << 15)
    put(519, "16s", known.get("detector", b""))
    put(571, "d", known.get("dwell", 1e-3))
    return bytes(record)


_SETTINGS = {
    "acquired": "2025-04-29T19:45:00+00:00",
    "software": "Direct Electron server 2.7.5.10756",
    "detector": "DESim",
    "mode": "STEM",
    "beam_energy": 200e3,
    "camera_length": 0.125,
    "exposure_time": 1e-3,
    "dwell_time": 5e-4,
    "detector_pixel_pitch": 1e-5,
}
"""What `info_text` says."""


def info_text(nav_shape: Sequence[int], changes: Mapping[str, object] | None = None) -> str:
    """Give the text of an ``_info.txt`` for a raster scan, with some entries changed."""
    entries: dict[str, object] = {
        "Server Software Version": "2.7.5.10756",
        "Timestamp (seconds since Epoch)": 1745955900,
        "Autosave Movie": "Save",
        "Camera Model": "DESim",
        "Diffraction Pixel Size X": 0.5,
        "Diffraction Pixel Size Y": 0.25,
        "Frame Time (nanoseconds)": 1000000,
        "Instrument Accelerating Voltage (V)": 200000,
        "Instrument Project Camera Length (centimeters)": 12.5,
        "Instrument Project Magnification": -1,
        "Instrument Project TEMorSTEM Mode": 1,
        "Scan - Camera Frames Per Point": 1,
        "Scan - Dwell Time (microseconds)": 500,
        "Scan - Enable": "Enable",
        "Scan - ROI Enable": "Disable",
        "Scan - Repeats": 1,
        "Scan - Size X": nav_shape[-1],
        "Scan - Size Y": nav_shape[-2],
        "Scan - Type": "Raster",
        "Scan - XY File": "",
        "Sensor Pixel Pitch (micrometers)": 10,
        "Specimen Pixel Size X (nanometers)": 2,
        "Specimen Pixel Size Y (nanometers)": 3,
    }
    entries |= changes or {}
    return "".join(f"{key:<64}= {value}\r\n" for key, value in entries.items())


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
        "header._lacks_extended": "sizes and modes that are refused afterwards end it early",
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
        return _SETTINGS if data.variant else {}

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
            return [*_movie_axes(), Axis("ky", 0.25, 0.0, "1/nm"), Axis("kx", 0.5, 0.0, "1/nm")]
        if data.variant == "fei2":
            return [*nav, Axis("ky", 2.0, 0.0, "nm"), Axis("kx", 2.0, 0.0, "nm")]
        return [*nav, Axis("ky"), Axis("kx")]

    def expects_notes(self, data: SampleData) -> bool:
        """Say that these files are as they should be."""
        return False

    def write_special(self, directory: Path, data: SampleData) -> Iterator[Special]:
        """Write other kinds of pixels and headers, volumes, and movies with other sidecars."""
        if data.variant == "":
            yield from _other_pixels(directory / "a.mrc", data)
            yield from _other_headers(directory / "a.mrc", data)
            yield from _extended_headers(directory / "a.mrc", data)
        if data.variant == "direct-electron":
            yield from _other_movies(directory, data)

    def write_wrong(self, directory: Path, data: SampleData) -> Iterator[Wrong]:
        """Write headers that cannot be, packed files, and movies whose sidecars do not fit."""
        yield from _wrong_headers(directory / "a.mrc", data)
        yield from _wrong_movies(directory, data)

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


def pack_nibbles(frames: NDArray[np.uint8]) -> bytes:
    """Give frames of values below 16 as mode 101 stores them."""
    width = frames.shape[-1]
    padded = np.zeros((*frames.shape[:-1], width + width % 2), dtype=np.uint8)
    padded[..., :width] = frames
    return bytes(padded[..., 0::2] | padded[..., 1::2] << 4)


def _movie_axes() -> list[Axis]:
    return [Axis("y", 3.0, 0.0, "nm"), Axis("x", 2.0, 0.0, "nm")]


def _other_pixels(path: Path, data: SampleData) -> Iterator[Special]:
    """Packed and complex pixels, and bytes whose sign the header tells in several ways."""
    n, (height, width) = data.n_frames, data.sig_shape
    for columns in (width, width - 1):
        nibbles = np.ascontiguousarray(data.frames[..., :columns] & 15).astype(np.uint8)
        path.write_bytes(header_bytes((columns, height, n), 101) + pack_nibbles(nibbles))
        yield Special(f"4 bits per pixel, {columns} columns", {"path": path}, pixels=nibbles, notes=0)
    parts = np.stack([data.frames, data.frames[::-1]], axis=-1).astype("<i2")
    numbers = (parts[..., 0].astype("f4") + 1j * parts[..., 1].astype("f4")).astype("c8")
    for order in "<>":
        stored = parts.astype(f"{order}i2").tobytes()
        path.write_bytes(header_bytes((width, height, n), 3, order) + stored)
        yield Special(f"complex integers {order}", {"path": path}, pixels=numbers, notes=0)
    octets = data.frames.astype(np.uint8)
    size = (width, height, n)
    for text, known, keywords, dtype, notes in (
        ("bytes that IMOD calls unsigned", {"imod_flags": 0}, {}, "u1", 0),
        ("bytes that IMOD calls signed", {"imod_flags": 1}, {}, "i1", 0),
        ("bytes with a value of 200", {"density": (0.0, 200.0, 90.0)}, {}, "u1", 1),
        ("bytes with a value of 128", {"density": (0.0, 128.0, 90.0)}, {}, "u1", 1),
        ("bytes with a value of 127", {"density": (0.0, 127.0, 90.0)}, {}, "i1", 0),
        ("bytes that the user calls signed", {"imod_flags": 0}, {"signed": True}, "i1", 0),
        ("bytes that the user calls unsigned", {}, {"signed": False}, "u1", 0),
    ):
        path.write_bytes(header_bytes(size, 0, **known) + octets.tobytes())
        yield Special(text, {"path": path, **keywords}, pixels=octets.view(dtype), notes=notes)


def _other_headers(path: Path, data: SampleData) -> Iterator[Special]:
    """Headers that contradict themselves, calibrations, volumes, and recordings that continue."""
    n, (height, width) = data.n_frames, data.sig_shape
    size, pixels = (width, height, n), data.tobytes()
    wrong = header_bytes(size, 6, stamp=b"\x11\x11\0\0")
    path.write_bytes(wrong + pixels)
    yield Special("a stamp of the other byte order", {"path": path}, pixels=data.frames, notes=1)
    keywords = {"path": path, "byte_order": "little"}
    yield Special("a byte order from the user", keywords, pixels=data.frames, notes=0)
    big = data.frames.astype(">u2").tobytes()
    path.write_bytes(header_bytes(size, 6, ">", stamp=b"\x44\x44\0\0") + big)
    keywords = {"path": path, "byte_order": "big"}
    yield Special("another byte order from the user", keywords, pixels=data.frames, notes=0)
    path.write_bytes(header_bytes(size, 6, stamp=b"\x44\x41\0\0") + pixels)
    yield Special("the other stamp of little-endian files", {"path": path}, pixels=data.frames, notes=0)
    path.write_bytes(header_bytes(size, 6, marker=bytes(4), stamp=bytes(4)) + pixels)
    yield Special("an old file without mark and stamp", {"path": path}, pixels=data.frames, notes=0, confidence=60)
    path.write_bytes(header_bytes((width, height, 0), 6) + pixels)
    yield Special("a recording that continues", {"path": path}, pixels=data.frames, notes=1)
    path.write_bytes(header_bytes(size, 6, extended_nbytes=5000) + pixels)
    yield Special("an extended header that is not there", {"path": path}, pixels=data.frames, notes=1)
    tension = data.frames.copy()
    tension.reshape(-1)[28:30] = np.asarray([200e3], "<f4").view("<u2")  # where records of the older kind have it
    path.write_bytes(header_bytes(size, 6, extended_nbytes=1024 * 128) + tension.tobytes())
    known: dict[str, object] = {"beam_energy": None}
    yield Special("records that are not there", {"path": path}, pixels=tension, metadata=known, notes=1)
    path.write_bytes(header_bytes(size, 6) + pixels[:-7])
    yield Special("a section that was cut", {"path": path}, pixels=data.frames[:-1], notes=1)
    cell = (30.0 * width, 20.0 * height, 40.0 * n)
    axes = [Axis("ky", 2.0, 0.0, "nm"), Axis("kx", 3.0, 0.0, "nm")]
    path.write_bytes(header_bytes(size, 6, cell=cell) + pixels)
    yield Special("a stack of images with a cell", {"path": path}, axes=[Axis("frame"), *axes], notes=0)
    path.write_bytes(header_bytes(size, 6, cell=cell, space_group=1) + pixels)
    volume = [Axis("z", 4.0, 0.0, "nm"), Axis("y", 2.0, 0.0, "nm"), Axis("x", 3.0, 0.0, "nm")]
    yield Special("a volume", {"path": path}, pixels=data.frames, axes=volume, notes=0)
    turned = (cell[1] * width / height, cell[0] * height / width, cell[2])
    path.write_bytes(
        header_bytes(size, 6, cell=turned, axes=(2, 1, 3), grid=(width, height, n), space_group=1) + pixels
    )
    swapped = [volume[0], Axis("y", turned[0] / width / 10, 0.0, "nm"), Axis("x", turned[1] / height / 10, 0.0, "nm")]
    yield Special("a volume whose columns run along y", {"path": path}, axes=swapped, notes=0)
    path.write_bytes(header_bytes(size, 6, cell=cell, space_group=1, axes=(1, 1, 1)) + pixels)
    yield Special("a volume without an order of axes", {"path": path}, axes=volume, notes=0)
    odd = (-1.0, math.inf, math.nan)
    path.write_bytes(header_bytes(size, 6, cell=odd, space_group=1) + pixels)
    yield Special("a cell of nonsense", {"path": path}, axes=[Axis(name) for name in ("frame", "y", "x")], notes=0)
    grid = (width, height, n // 3)
    path.write_bytes(header_bytes(size, 6, cell=(0.0, 0.0, 10.0 * (n // 3)), space_group=401, grid=grid) + pixels)
    several = data.frames.reshape(3, n // 3, height, width)
    axes = [Axis("volume"), Axis("z", 1.0, 0.0, "nm"), Axis("y"), Axis("x")]
    yield Special("a stack of volumes", {"path": path}, pixels=several, axes=axes, notes=0)
    path.write_bytes(header_bytes(size, 6, space_group=401, grid=(width, height, n - 1)) + pixels)
    yield Special("volumes that do not fill the stack", {"path": path}, pixels=data.frames, notes=0)
    for group, shown in ((400, data.frames), (401, several), (630, several), (631, data.frames)):
        path.write_bytes(header_bytes(size, 6, space_group=group, grid=grid) + pixels)
        yield Special(f"space group {group}", {"path": path}, pixels=shown, notes=0)


def _wrong_headers(path: Path, data: SampleData) -> Iterator[Wrong]:
    n, (height, width) = data.n_frames, data.sig_shape
    size, pixels, given = (width, height, n), data.tobytes(), {"path": path}
    right = header_bytes(size, 6) + pixels
    for text, content, error in (
        ("a file that is packed by gzip", b"\x1f\x8b" + right, UnsupportedError),
        ("a file that is packed by bzip2", b"BZ" + right, UnsupportedError),
        ("no columns", header_bytes((0, height, n), 6) + pixels, CorruptError),
        ("no rows", header_bytes((width, 0, n), 6) + pixels, CorruptError),
        ("fewer sections than none", header_bytes((width, height, -1), 6) + pixels, CorruptError),
        ("pixels of mode 5", header_bytes(size, 5) + pixels, UnsupportedError),
        ("a long extended header", header_bytes(size, 6, extended_nbytes=999_999) + pixels + b"x", TruncatedError),
        ("a negative extended header", header_bytes(size, 6, extended_nbytes=-1) + pixels + b"x", TruncatedError),
        ("less than a header", right[:1000], TruncatedError),
        ("less than a section", right[: 1024 + data.frames[0].nbytes - 1], TruncatedError),
    ):
        path.write_bytes(content)
        yield Wrong(text, given, error)


def _wrong_movies(directory: Path, data: SampleData) -> Iterator[Wrong]:
    n, nx, (height, width) = data.n_frames, data.nav_shape[1], data.sig_shape
    stem = "20250429_06699"
    info, path, listed = (directory / f"{stem}{end}" for end in ("_info.txt", "_0_movie.mrc", "_scan_coordinates.csv"))
    info.write_text(info_text(data.nav_shape), encoding="utf-8", newline="")
    yield Wrong("settings without a movie", {"path": info}, FormatError)
    for movie in (path, directory / f"{stem}_1_movie.mrc"):
        movie.write_bytes(header_bytes((width, height, n), 6) + data.tobytes())
    yield Wrong("settings of two movies", {"path": info}, FormatError)
    right = [f"{i % nx},{i // nx}" for i in range(n)]
    for text, lines in (
        ("positions in words", ["one,two", *right[1:]]),
        ("positions of three numbers", [f"{line},0" for line in right]),
        ("a position of one number", ["1", *right[1:]]),
        ("too few positions", right[1:]),
        ("too many positions", [*right, "0,0"]),
        ("no positions", []),
        ("a position before the first", ["-1,0", *right[1:]]),
        ("a position that is too large", [f"{1 << 31},0", *right[1:]]),
        ("positions that lie far apart", ["3000,3000", *right[1:]]),
    ):
        listed.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        yield Wrong(text, {"path": path}, CorruptError)


def _extended_headers(path: Path, data: SampleData) -> Iterator[Special]:
    """Records of the older kind and of FEI1, diffraction, and headers that are not understood."""
    n, (height, width) = data.n_frames, data.sig_shape
    size = (width, height, n)
    for order in "<>":
        records = [struct.pack(f"{order}15f", 7.0, *range(1, 14), 200e3).ljust(128, b"\0") for i in range(1024)]
        records[1] = struct.pack(f"{order}15f", 9.0, *range(1, 14), 200e3).ljust(128, b"\0")
        stored = data.frames.astype(f"{order}u2").tobytes()
        path.write_bytes(header_bytes(size, 6, order, extended=b"".join(records)) + stored)
        tilts = np.full(n, 7.0)
        tilts[1] = 9.0
        yield Special(
            f"records of the older kind {order}",
            {"path": path},
            pixels=data.frames,
            per_frame={"alpha tilt": tilts, "defocus": np.full(n, 7.0)},
            metadata={"beam_energy": 200e3, "exposure_time": 8.0, "magnification": 12.0, "acquired": None},
            axes=[Axis("frame"), Axis("ky", 11e9, 0.0, "nm"), Axis("kx", 11e9, 0.0, "nm")],
        )
    known = fei_record(version=0, projection=1, pixel_size=3e9)
    path.write_bytes(header_bytes(size, 6, extended=known * n, extended_type=b"FEI1") + data.tobytes())
    axes = [Axis("frame"), Axis("ky", 3.0, 0.0, "1/nm"), Axis("kx", 3.0, 0.0, "1/nm")]
    metadata = {"beam_energy": 300e3, "mode": "STEM", "detector": None}
    yield Special("records of FEI1, diffraction", {"path": path}, pixels=data.frames, axes=axes, metadata=metadata)
    path.write_bytes(header_bytes((width, height, 1), 6, extended=fei_record(), extended_type=b"FEI2") + data.tobytes())
    energy = {"beam_energy": 300e3}
    alone = [Axis("frame"), Axis("y", 2.0, 0.0, "nm"), Axis("x", 2.0, 0.0, "nm")]
    only: dict[str, Any] = {"metadata": energy, "per_frame": {"HT": [300e3]}}
    yield Special("a record for the only section", {"path": path}, axes=alone, **only)
    two = header_bytes((width, height, 2), 6, extended=fei_record(pixel_size=2e-10) * 2, extended_type=b"FEI2")
    path.write_bytes(two + data.frames[:2].tobytes())
    fine = [Axis("frame"), Axis("ky", 0.2, 0.0, "nm"), Axis("kx", 0.2, 0.0, "nm")]
    yield Special("records for two sections of fine pixels", {"path": path}, axes=fine)
    few = fei_record() * (n - 1)
    path.write_bytes(header_bytes(size, 6, extended=few, extended_type=b"FEI2") + data.tobytes())
    yield Special("fewer records than sections", {"path": path}, pixels=data.frames, metadata=energy)
    unknown: dict[str, object] = {"beam_energy": None}
    path.write_bytes(header_bytes(size, 6, extended=bytes(888 * n), extended_type=b"FEI2") + data.tobytes())
    yield Special("records of length zero", {"path": path}, pixels=data.frames, metadata=unknown)
    path.write_bytes(header_bytes(size, 6, extended=b"x" * 160, extended_type=b"SERI") + data.tobytes())
    yield Special("records of another program", {"path": path}, pixels=data.frames, metadata=unknown)


def _other_movies(directory: Path, data: SampleData) -> Iterator[Special]:
    """Movies by their settings, with an image of the scan, with listed positions, and with settings that do not fit."""
    n, (ny, nx), (height, width) = data.n_frames, data.nav_shape, data.sig_shape
    stem = "20250429_06699"
    info, path, listed = (directory / f"{stem}{end}" for end in ("_info.txt", "_0_movie.mrc", "_scan_coordinates.csv"))
    path.write_bytes(header_bytes((width, height, n), 6) + data.tobytes())
    yield Special("a movie without settings", {"path": path}, pixels=data.frames, notes=1)

    def settings(**changes: object) -> None:
        text = info_text(data.nav_shape, {key.replace("__", " - ").replace("_", " "): v for key, v in changes.items()})
        info.write_text(text, encoding="utf-8", newline="")

    settings()
    yield Special("a movie by its settings", {"path": info}, pixels=data.pixels, metadata=_SETTINGS, notes=0)
    alone = {"path": path, "sidecars": False}
    yield Special("settings that are not wanted", alone, pixels=data.frames, metadata={"beam_energy": None}, notes=0)
    image = np.arange(ny * nx, dtype="<f4").reshape(ny, nx)
    (directory / f"{stem}_1_a.mrc").write_bytes(b"damaged")
    other = (image + 1).tobytes()
    (directory / f"{stem}_2_b.mrc").write_bytes(header_bytes((nx, ny, 2), 2) + other + other)
    (directory / f"{stem}_2_c.mrc").write_bytes(header_bytes((nx, ny, 1), 3) + other)
    (directory / f"{stem}_3.mrc").write_bytes(header_bytes((ny, nx, 1), 2) + image.tobytes())
    (directory / f"{stem}_virt4_c.mrc").write_bytes(header_bytes((nx, ny, 1), 2) + image.tobytes())
    yield Special("an image of the scan", {"path": path}, navigator=image, notes=0)
    settings(Scan__Enable="Disable")
    yield Special("a scan that was disabled", {"path": path}, pixels=data.frames, notes=1, warnings=0)
    settings(Scan__Size_X=nx + 1)
    yield Special("a scan of another size", {"path": path}, pixels=data.frames, notes=1)
    times = {"Scan__Repeat_Delay_(seconds)": 2, "Scan__Time_Per_Scan_(seconds)": 3}
    settings(**{"Scan__Size_X": nx // 2, "Scan__Repeats": 2, **times})
    pixels = data.frames.reshape(2, ny, nx // 2, height, width)
    detector = [Axis("ky", 0.25, 0.0, "1/nm"), Axis("kx", 0.5, 0.0, "1/nm")]
    axes = [Axis("repeat", 5.0, 0.0, "s"), *_movie_axes(), *detector]
    yield Special("two scans, one after the other", {"path": path}, pixels=pixels, axes=axes, notes=0)
    settings(Scan__Size_X=nx // 2, Scan__Camera_Frames_Per_Point=2)
    pixels = data.frames.reshape(ny, nx // 2, 2, height, width)
    axes = [*_movie_axes(), Axis("frame"), *detector]
    yield Special("two frames at each position", {"path": path}, pixels=pixels, axes=axes, notes=0)
    roi = {"Scan__ROI_Enable": "Enable", "Scan__ROI_Type": "Raster", "Scan__ROI_Size_X": ny, "Scan__ROI_Size_Y": nx}
    settings(**roi)
    pixels = data.frames.reshape(nx, ny, height, width)
    yield Special("part of a scan", {"path": path}, pixels=pixels, notes=0)
    settings(**roi, Scan__Type="Serpentine")
    yield Special("part of a scan of another type", {"path": path}, pixels=pixels, notes=0)
    settings(**{**roi, "Scan__ROI_Type": "Serpentine"})
    yield Special("a part of another type of a scan", {"path": path}, pixels=pixels, notes=1)
    settings(Scan__Type="Serpentine")
    yield Special("a scan of another type", {"path": path}, pixels=data.pixels, notes=1)
    settings()
    steps = np.arange(n)[::-1]
    listed.write_text("".join(f"{step % nx},{step // nx}\n" for step in steps), encoding="utf-8")
    yield Special("positions in reverse", {"path": path}, pixels=data.pixels[::-1, ::-1], notes=0)
    steps = np.minimum(np.arange(n), n - 2)  # the last position but one is visited twice, the last one never
    listed.write_text("".join(f"{step % nx},{step // nx}\n" for step in steps), encoding="utf-8")
    pixels = np.zeros((2, ny, nx, height, width), data.dtype)
    valid = np.zeros((2, ny, nx), np.bool_)
    pixels[0], valid[0] = data.pixels, True
    valid[0, -1, -1] = False
    pixels[1, -1, -2], valid[1, -1, -2] = data.frames[-1], True
    yield Special("a position that was visited twice", {"path": path}, pixels=pixels, valid=valid, notes=0)
    steps = np.arange(n)
    for row, column in ((1, 0), (0, 1)):
        pixels, valid = (
            np.zeros((ny + row, nx + column, height, width), data.dtype),
            np.zeros((ny + row, nx + column), "?"),
        )
        pixels[row:, column:], valid[row:, column:] = data.pixels, True
        listed.write_text("".join(f"{step % nx + column},{step // nx + row}\n" for step in steps), encoding="utf-8")
        text = f"positions beyond the settings by {row} and {column}"
        yield Special(text, {"path": path}, pixels=pixels, valid=valid, notes=0)
    settings(Scan__Enable="Disable")
    pixels = np.zeros((ny + 1, nx + 1, height, width), data.dtype)
    pixels[1:, 1:] = data.pixels
    valid = np.zeros((ny + 1, nx + 1), np.bool_)
    valid[1:, 1:] = True
    listed.write_text("".join(f"{step % nx + 1},{step // nx + 1}\n" for step in steps), encoding="utf-8")
    yield Special("positions without a scan", {"path": path}, pixels=pixels, valid=valid, notes=0)
    path.write_bytes(header_bytes((width, height, n), 6) + data.tobytes()[:-7])
    valid = valid.copy()
    valid[-1, -1] = False
    yield Special("positions, and a frame that was cut", {"path": path}, pixels=pixels, valid=valid, notes=1)
