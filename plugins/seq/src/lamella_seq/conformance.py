"""StreamPix sequences for tests, written byte by byte without the reader."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import CorruptError, FormatError, ParameterError, TruncatedError, UnsupportedError
from lamella_testkit import Sampler, Special, Wrong

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella_testkit import SampleData

__all__ = ["Recording", "SeqSampler", "mrc_bytes", "readout_bytes", "settings_xml"]

START = 1_436_000_000


@dataclass(frozen=True)
class Recording:
    """A sequence to write.

    Parameters
    ----------
    frames
        Pixels, shape ``(n, height, width)``, little-endian and unsigned.
    version
        5 and more: time stamps of 8 bytes, frames from byte 8192. Before: 6 bytes, byte 1024.
    padding
        Frames begin at multiples of it [bytes]; 1 for none.
    changes
        Header fields to write instead: ``version``, ``bit_depth``, ``image_size``, ``image_format``, ``allocated``,
        ``true_size``, ``compression``, ``description``, ``description_format``, ``rate``, ``magic``.
    """

    frames: NDArray[Any]
    version: int = 5
    padding: int = 8192
    changes: Mapping[str, Any] | None = None

    @property
    def first(self) -> int:
        """Where frames begin."""
        return 8192 if self.version >= 5 else 1024

    @property
    def stride(self) -> int:
        """Distance of frames [bytes]."""
        used: int = self.frames[0].nbytes + (8 if self.version >= 5 else 6)
        return -(-used // self.padding) * self.padding

    def header(self) -> bytes:
        """Give everything before the first frame."""
        n, height, width = self.frames.shape
        bits = 8 * self.frames.dtype.itemsize
        known = {
            "magic": 0xFEED,
            "version": self.version,
            "description": "made for a test",
            "bit_depth": bits,
            "image_size": self.frames[0].nbytes,
            "image_format": 100,
            "allocated": n,
            "true_size": self.stride,
            "rate": 10.0,
            "compression": 0,
            "description_format": 0,
            **(self.changes or {}),
        }
        start = struct.pack(
            "<I24sii512s",
            known["magic"],
            "Norpix seq".encode("utf-16-le"),
            known["version"],
            1024,
            known["description"].encode("latin-1" if known["description_format"] else "utf-16-le"),
        )
        sizes = struct.pack(
            "<9I",
            width,
            height,
            known["bit_depth"],
            min(12, bits),
            known["image_size"],
            known["image_format"],
            known["allocated"],
            0,
            known["true_size"],
        )
        rest = struct.pack(
            "<diIIIiiiIiHH",
            known["rate"],
            known["description_format"],
            0,
            0,
            0,
            0,
            0,
            0,
            known["compression"],
            START,
            0,
            0,
        )
        return (start + sizes + rest).ljust(self.first, b"\0")

    def fields(self) -> dict[str, object]:
        """Give the fields of the header, as raw metadata hold them."""
        n, height, width = self.frames.shape
        bits = 8 * self.frames.dtype.itemsize
        zeros = (
            *("origin", "description_format", "reference_frame", "fixed_size", "flags", "bayer_pattern", "time_offset"),
            *("extended_header_size", "compression_format", "reference_time_ms", "reference_time_us"),
        )
        return {
            "magic": 0xFEED,
            "name": "Norpix seq",
            "version": self.version,
            "header_size": 1024,
            "description": "made for a test",
            "width": width,
            "height": height,
            "bit_depth": bits,
            "bit_depth_real": min(12, bits),
            "image_size": self.frames[0].nbytes,
            "image_format": 100,
            "allocated_frames": n,
            "true_image_size": self.stride,
            "frame_rate": 10.0,
            "reference_time": START,
            "rest": bytes(392).hex(),
            **dict.fromkeys(zeros, 0),
        }

    def tobytes(self) -> bytes:
        """Give the content of the file; a frame is taken every 33 ms."""
        slots = [self.header()]
        for i, frame in enumerate(self.frames):
            seconds, ms = divmod(33 * i, 1000)
            stamp = struct.pack("<iHH", START + seconds, ms, 250)[: 8 if self.version >= 5 else 6]
            slots.append((frame.tobytes() + stamp).ljust(self.stride, b"\0"))
        return b"".join(slots)

    def write(self, path: Path) -> Path:
        """Write the file."""
        path.write_bytes(self.tobytes())
        return path


def mrc_bytes(image: NDArray[Any], mode: int = 2) -> bytes:
    """Give a dark frame or gain map as an MRC file."""
    head = struct.pack("<10i", image.shape[1], image.shape[0], 1, mode, 0, 0, 0, image.shape[1], image.shape[0], 1)
    return head.ljust(208, b"\0") + b"MAP DD\0\0".ljust(816, b"\0") + image.tobytes()


def readout_bytes(
    height: int, width: int, top: int = 0, left: int = 0, *, binning: int = 1, rotation: int = 0, flip: int = 0
) -> bytes:
    """Give the binary ``.metadata`` of a camera that read out part of its sensor."""
    numbers = (44, 1, width, height, left, top, binning, 12, 100, rotation, flip)
    return bytes(282) + struct.pack("<11i?", *numbers, False) + bytes(64)


def settings_xml(maps: str = "", **info: object) -> str:
    """Give a ``Config.Metadata.xml`` with bad pixel maps and entries of ``FileInfo``."""
    entries = "".join(f'<{name} Value="{value}" />' for name, value in info.items())
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes" ?>\n<Configuration>'
        f"<BadPixels><!-- examples --> {maps}</BadPixels><FileInfo>{entries}</FileInfo></Configuration>"
    )


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
        upper, lower = _halves(data)
        top = upper.write(directory / "a_Top_13-49-04.160.seq")
        lower.write(directory / "a_Bottom_13-49-04.196.seq")
        xml = settings_xml(SegmentPreBuffer=_prebuffer(data.n_frames), HT=200, CameraType="Celeritas Camera")
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
            count = _prebuffer(data.n_frames)
            settings = {"SegmentPreBuffer": str(count), "HT": "200", "CameraType": "Celeritas Camera"}
            return {"header": _halves(data)[0].fields(), "settings": settings}
        return {"header": _sequence(data).fields(), "settings": {}}

    def per_frame(self, data: SampleData) -> Mapping[str, object]:
        """Give the time of each frame; frames that are stored together have one."""
        return _stamps(data.n_frames, data.variant != "old", _repeats(data))

    def corrections(self, data: SampleData) -> Mapping[str, object]:
        """Say that there are none."""
        return {}

    def expects_notes(self, data: SampleData) -> bool:
        """Say that these files are as they should be."""
        return False

    def write_special(self, directory: Path, data: SampleData) -> Iterator[Special]:
        """Write sequences with corrections beside them, with other numbers of frames, and without time stamps."""
        if data.variant == "padded":
            yield from _with_references(directory, data)
            yield from _with_bad_pixels(directory, data)
            yield from _unusual(directory, data)
        if data.variant == "celeritas":
            yield from _unusual_halves(directory, data)

    def write_wrong(self, directory: Path, data: SampleData) -> Iterator[Wrong]:
        """Write headers, references, bad pixels and halves that contradict themselves or the frames."""
        yield from _wrong_headers(directory / "a.seq", data)
        yield from _wrong_sidecars(directory, data)
        yield from _wrong_halves(directory, data.but(sig_shape=(6, data.sig_shape[1])))

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


def _prebuffer(n_frames: int) -> int:
    return next(count for count in (3, 2, 1) if n_frames % count == 0)


def _stacked(halves: NDArray[Any], count: int) -> NDArray[Any]:
    n, height, width = halves.shape
    return np.ascontiguousarray(halves).reshape(n // count, count * height, width)


def _halves(data: SampleData) -> tuple[Recording, Recording]:
    """Give the upper half, whose rows are in reverse order, and the lower one."""
    upper, lower = np.split(data.frames, 2, axis=1)
    count = _prebuffer(data.n_frames)
    return Recording(_stacked(upper[:, ::-1], count)), Recording(_stacked(lower, count))


def _repeats(data: SampleData) -> int:
    return _prebuffer(data.n_frames) if data.variant == "celeritas" else 1


def _stamps(n_frames: int, microseconds: bool = True, repeats: int = 1) -> dict[str, object]:
    numbers = np.arange(n_frames, dtype=np.int64) // repeats
    ns = START * 10**9 + 33_000_000 * numbers + 250_000 * microseconds
    return {"time": 0.033 * numbers, "acquired": ns.view("M8[ns]")}


def _with_references(directory: Path, data: SampleData) -> Iterator[Special]:
    ramp = np.arange(np.prod(data.sig_shape), dtype="<f4").reshape(data.sig_shape)
    folder = _folder(directory, "references", data)
    path = folder / "a.seq"
    (folder / "a.seq.dark.mrc").write_bytes(mrc_bytes(ramp))
    longer = bytearray(mrc_bytes((ramp + 1).astype("<u2"), mode=6))
    longer[92:96] = (16).to_bytes(4, "little")  # an extended header follows the header
    longer[1024:1024] = bytes(range(16))
    (folder / "a.gain.mrc").write_bytes(longer)
    yield Special("dark frame and gain map", {"path": path}, corrections={"dark": ramp, "gain": ramp + 1}, notes=0)
    yield Special("sidecars that are not wanted", {"path": path, "sidecars": False}, corrections={}, notes=0)


def _with_bad_pixels(directory: Path, data: SampleData) -> Iterator[Special]:
    height, width = data.sig_shape
    some = (
        '<Defect Row="11"/><Defect Column="22"/><Defect Row="12" Columns="20-24" pattern="0011"/>'
        '<Defect Rows="10-13" Column="20" pattern="10"/><Defect Rows="12-99" Columns="24-25"/>'
        '<Defect Row="9"/><Defect Column="19"/><Defect Row="13" Column="21"/>'
    )
    mask = np.zeros(data.sig_shape, np.bool_)
    mask[1], mask[:, 2], mask[2, 2:4], mask[[0, 2], 0], mask[2:, 4:6], mask[3, 1] = (True,) * 6
    plain = f'<BadPixelMap Rows="64" Columns="64">{some}</BadPixelMap>'
    binned = (
        '<BadPixelMap Rows="32" Columns="32" Binning="2"><Defect Row="7"/></BadPixelMap>'
        '<BadPixelMap Rows="16" Columns="16" Binning="2"><Defect Row="6"/></BadPixelMap>'
    )
    whole = f'<BadPixelMap Rows="{height}" Columns="{width}"><Defect Row="2"/></BadPixelMap>'
    row = np.zeros(data.sig_shape, np.bool_)
    row[2] = True
    part = readout_bytes(height, width, 10, 20)
    camera = readout_bytes(2 * height, 2 * width, 10, 4, binning=2)
    older = bytes(276) + struct.pack("<7i", 1, width, height, 20, 10, 0, 12)
    info = {"ImageSizeX": width, "ImageSizeY": height, "ImageOffsetX": 20, "ImageOffsetY": 10, "ImageBinning": 1}
    turned = readout_bytes(height, width, 10, 20, rotation=1)
    flipped = readout_bytes(height, width, 10, 20, flip=1)
    for text, xml, readout, excluded, notes in (
        ("bad pixels in part of the sensor", settings_xml(plain), part, mask, 0),
        ("bad pixels of a binned camera", settings_xml(plain + binned), camera, row, 0),
        ("bad pixels, and an older description of the sensor", settings_xml(plain), older, mask, 0),
        ("bad pixels, and the part of the sensor in the settings", settings_xml(plain, **info), b"", mask, 0),
        ("bad pixels in frames that were rotated", settings_xml(plain), turned, mask, 1),
        ("bad pixels in frames that were flipped", settings_xml(plain), flipped, mask, 1),
        ("bad pixels without a map for the binning", settings_xml(binned), part, None, 1),
        ("bad pixels of a whole sensor", settings_xml(whole), readout_bytes(height, width), row, 0),
        ("bad pixels, and nonsense about the sensor", settings_xml(whole), b"\xff" * 500, None, 1),
        ("bad pixels, and nothing about the sensor", settings_xml(plain), None, None, 1),
        ("bad pixels, and settings alone", settings_xml(plain, **info), None, None, 1),
    ):
        folder = _folder(directory, text, data)
        (folder / "a.seq.Config.Metadata.xml").write_text(xml)
        if readout is not None:
            (folder / "a.seq.metadata").write_bytes(readout)
        corrections = {} if excluded is None else {"excluded": excluded}
        yield Special(text, {"path": folder / "a.seq"}, corrections=corrections, notes=notes)


def _unusual(directory: Path, data: SampleData) -> Iterator[Special]:
    path, n = directory / "a.seq", data.n_frames
    shown = {"path": path, "nav_shape": data.nav_shape}
    valid = (np.arange(n) < n - 3).reshape(data.nav_shape)
    Recording(data.frames[:-3], changes={"allocated": n}).write(path)
    yield Special(
        "fewer frames than allocated", shown, pixels=data.pixels, valid=valid, per_frame=_stamps(n - 3), notes=1
    )
    Recording(data.frames, changes={"allocated": 2}).write(path)
    facts: dict[str, object] = {"version": 5, "bits": 12, "frames allocated": 2}
    facts |= {"frame rate of the header [1/s]": 10.0, "frame rate of the time stamps [1/s]": 1 / 0.033}
    yield Special("more frames than allocated", shown, pixels=data.pixels, per_frame=_stamps(n), notes=0, details=facts)
    Recording(data.frames, changes={"description": "Größe", "description_format": 1}).write(path)
    yield Special("a description in one byte per letter", shown, pixels=data.pixels, metadata={"title": "Größe"})
    Recording(data.frames, changes={"description": ""}).write(path)
    yield Special("no description", shown, metadata={"title": None})
    header = Recording(data.frames, changes={"true_size": data.frames[0].nbytes}).header()
    path.write_bytes(header + data.tobytes())
    unknown = {"frame rate of the time stamps [1/s]": None}
    none = {"acquired": None}
    yield Special("no room for time stamps", shown, pixels=data.pixels, metadata=none, notes=0, details=unknown)
    recording = Recording(data.frames)
    content = bytearray(recording.tobytes())
    for i in range(n):
        place = recording.first + i * recording.stride + data.frames[0].nbytes
        content[place : place + 8] = bytes(8)
    path.write_bytes(content)
    times = {"time": np.full(n, np.nan), "acquired": np.full(n, "NaT", "M8[ns]")}
    yield Special("time stamps of zero", shown, pixels=data.pixels, per_frame=times, metadata={"acquired": None})
    folder = _folder(directory, "settings", data)
    values: dict[str, Any] = {"StreamPixVersion": "6.5", "Mag": 300, "HT": -1}
    (folder / "a.seq.seq.Config.Metadata.xml").write_text(settings_xml(**values))
    known = {"software": "StreamPix 6.5", "magnification": 300e3, "beam_energy": None, "detector": None}
    yield Special("settings with other entries", {"path": folder / "a.seq"}, metadata=known, corrections={})


def _wrong_headers(path: Path, data: SampleData) -> Iterator[Wrong]:
    """Headers of what is not read, and of sizes that cannot be."""
    given, nbytes = {"path": path}, data.frames[0].nbytes
    for changes, error in (
        ({"magic": 0xFEEE}, CorruptError),
        ({"compression": 1}, UnsupportedError),
        ({"image_format": 200}, UnsupportedError),
        ({"bit_depth": 24}, UnsupportedError),
        ({"image_size": nbytes - 1}, CorruptError),
        ({"true_size": nbytes - 1}, CorruptError),
    ):
        Recording(data.frames, changes=changes).write(path)
        yield Wrong(str(changes), given, error)
    right = Recording(data.frames).tobytes()
    for text, at in (("no columns", 548), ("no rows", 552)):
        path.write_bytes(right[:at] + bytes(4) + right[at + 4 :])
        yield Wrong(text, given, CorruptError)
    for text, end in (("less than a header", 600), ("less than a frame", 8192 + nbytes - 1)):
        path.write_bytes(right[:end])
        yield Wrong(text, given, TruncatedError)


def _wrong_sidecars(directory: Path, data: SampleData) -> Iterator[Wrong]:
    """References and bad pixels that are damaged, or do not fit the frames."""
    height, width = data.sig_shape
    given = {"path": Recording(data.frames).write(directory / "a.seq")}
    dark, plane = directory / "a.seq.dark.mrc", np.zeros(data.sig_shape, "<f4")
    for text, content, error in (
        ("a reference of another mode", mrc_bytes(plane, mode=5), CorruptError),
        ("a reference of another height", mrc_bytes(plane[:-1]), CorruptError),
        ("a reference of another width", mrc_bytes(plane[:, :-1].copy()), CorruptError),
        ("a reference that was cut", mrc_bytes(plane)[:-1], TruncatedError),
        ("less than the header of a reference", mrc_bytes(plane)[:1000], TruncatedError),
    ):
        dark.write_bytes(content)
        yield Wrong(text, given, error)
    dark.unlink()
    (directory / "a.seq.metadata").write_bytes(readout_bytes(height, width, 1, 2))
    whole = f'Rows="{height + 1}" Columns="{width + 2}"'
    for text, maps in (
        ("settings that are no XML", "<"),
        ("a defect without a place", f"<BadPixelMap {whole}><Defect/></BadPixelMap>"),
        ("a defect in words", f'<BadPixelMap {whole}><Defect Row="one"/></BadPixelMap>'),
        ("a map of fewer rows", f'<BadPixelMap Rows="{height}" Columns="{width + 2}"/>'),
        ("a map of fewer columns", f'<BadPixelMap Rows="{height + 1}" Columns="{width + 1}"/>'),
    ):
        (directory / "a.seq.Config.Metadata.xml").write_text(settings_xml(maps))
        yield Wrong(text, given, CorruptError)


def _wrong_halves(directory: Path, data: SampleData) -> Iterator[Wrong]:
    """Halves of which one is missing, or that are of another kind, or hold an unknown number of frames."""
    upper, lower = _halves(data)
    top, bottom = directory / "b_Top_13-49-04.160.seq", directory / "b_Bottom_13-49-04.196.seq"
    upper.write(top)
    given = {"path": top, "prebuffer": _prebuffer(data.n_frames)}
    yield Wrong("one half of two", given, FormatError)
    Recording(lower.frames[:, :-1]).write(bottom)
    yield Wrong("halves of different height", given, CorruptError)
    lower.write(bottom)
    yield Wrong("halves of an unknown number of frames", {"path": top}, ParameterError)
    yield Wrong("halves that cannot be cut into frames", {"path": top, "prebuffer": 5}, CorruptError)


def _unusual_halves(directory: Path, data: SampleData) -> Iterator[Special]:
    upper, lower = _halves(data)
    count, n = _prebuffer(data.n_frames), data.n_frames
    names = ("a_Top_13-49-04.160.seq", "a_Bottom_13-49-04.196.seq")
    folder = directory / "halves"
    folder.mkdir()
    top, bottom = (folder / name for name in names)
    upper.write(top)
    lower.write(bottom)
    Recording(np.zeros_like(lower.frames)).write(folder / "a_Bottom_14-00-00.000.seq")  # of another recording
    shown = {"path": bottom, "nav_shape": data.nav_shape, "prebuffer": count}
    facts: dict[str, object] = {"halves": list(names)}
    stamps = _stamps(n, repeats=count)
    yield Special("halves without settings", shown, pixels=data.pixels, per_frame=stamps, details=facts)
    ramp = np.arange(np.prod(data.sig_shape), dtype="<f4").reshape(data.sig_shape)
    (folder / "a.seq.dark.mrc").write_bytes(mrc_bytes(ramp))
    yield Special("halves with a dark frame", shown, corrections={"dark": ramp}, notes=0)
    alone = {**shown, "sidecars": False}
    yield Special("halves without the dark frame beside them", alone, corrections={}, notes=0)
    Recording(lower.frames[:-1]).write(bottom)
    valid = (np.arange(n) < n - count).reshape(data.nav_shape)
    stamps = _stamps(n - count, repeats=count)
    yield Special("halves of different length", shown, pixels=data.pixels, valid=valid, per_frame=stamps, notes=1)


def _folder(directory: Path, name: str, data: SampleData) -> Path:
    """Give a folder of its own with a sequence."""
    folder = directory / name
    folder.mkdir()
    Recording(data.frames).write(folder / "a.seq")
    return folder
