"""Writes series, without help from the reader, so that the conformance kit can compare."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import CorruptError, FormatError, TruncatedError, UnsupportedError
from lamella.reader import Axis
from lamella_testkit import Recorded, SampleData, Sampler, Special, Wrong, recorded_files

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SerSampler", "emi_bytes", "series_bytes"]

_TIME = 1_456_000_000
_METADATA = {
    "beam_energy": 200e3,
    "camera_length": 0.26,
    "acquired": "2016-02-22T19:18:24",
    "detector": "BM-Ceta",
    "instrument": "Titan 60-300",
    "software": "TIA",
    "operator": "Åse",
    "mode": "STEM nP SA Zoom Diffraction",
    "magnification": 115e3,
    "scan_rotation": 12.5,
    "exposure_time": 0.05,
    "dwell_time": 0.05,
}
_SIZES = {"_y": "size_y", "_x": "size_x", "": "length"}
_CODES = {"u1": 1, "u2": 2, "u4": 3, "i1": 4, "i2": 5, "i4": 6, "f4": 7, "f8": 8, "c8": 9, "c16": 10}
_WIDTHS = {0x0210: "I", 0x0220: "Q"}

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
                steps=_steps(data.nav_axes, 1e-9),
                detector_steps=_steps(data.sig_axes, 1e9),
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
        steps = _steps(data.sig_axes, 1 if len(data.sig_shape) == 2 else 1e9)
        sig = [
            Axis(name, step, -length / 2 * step, units)
            for (name, units), step, length in zip(kinds, steps, data.sig_shape, strict=True)
        ]
        return [*nav, *sig]

    def metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give what ``scan.emi`` says."""
        return _METADATA

    def raw_metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give the header of the first element."""
        names = ("_y", "_x") if len(data.sig_shape) == 2 else ("",)
        calibration: dict[str, object] = {}
        for suffix, step, length in zip(names, _steps(data.sig_axes, 1e9), data.sig_shape, strict=True):
            calibration |= {f"calibration_offset{suffix}": -length / 2 * step, f"calibration_delta{suffix}": step}
            calibration |= {f"calibration_element{suffix}": 0, f"array_{_SIZES[suffix]}": length}
        return {"first_element": {**calibration, "data_type": _CODES[data.dtype[1:]]}}

    def per_frame(self, data: SampleData) -> Mapping[str, object]:
        """Give the time of each element, and its position."""
        rows, columns = np.divmod(np.arange(data.n_frames), data.nav_shape[-1])
        steps = _steps(data.nav_axes, 1e-9)
        return {**_times(data.n_frames), "position_x": columns * steps[-1], "position_y": rows * steps[0]}

    def expects_notes(self, data: SampleData) -> bool:
        """Say that these files are as they should be."""
        return False

    def write_special(self, directory: Path, data: SampleData) -> Iterator[Special]:
        """Write series with other settings beside them, and with other dimensions, elements and tags."""
        if data.variant == "new":
            yield from _other_settings(directory, data)
            yield from _other_scans(directory / "scan_1.ser", data)

    def write_wrong(self, directory: Path, data: SampleData) -> Iterator[Wrong]:
        """Write headers and elements that contradict themselves or the file, and settings of no series."""
        path, emi, second = (directory / name for name in ("scan_1.ser", "scan.emi", "scan_2.ser"))
        right = series_bytes(data.frames, scan=data.nav_shape)
        first = len(right) - data.n_frames * _stride(data)
        for text, at, wrong, error in (
            ("another signature", 2, b"\x98", FormatError),
            ("an unknown version", 4, b"\x30", UnsupportedError),
            ("elements of an unknown kind", 6, b"\x21", UnsupportedError),
            ("fewer elements planned than recorded", 14, struct.pack("<I", data.n_frames - 1), CorruptError),
            ("no elements", 18, bytes(4), UnsupportedError),
            ("a table beyond the file", 22, struct.pack("<Q", len(right) - 100), TruncatedError),
            ("too many dimensions", 30, b"\x11", CorruptError),
            ("a long description", 58, b"\0\0\1", TruncatedError),
            ("a first element beyond the file", right.index(struct.pack("<Q", first)), b"\xff" * 4, None),
            ("a first element before the file", right.index(struct.pack("<Q", first)), b"\xff" * 8, None),
            ("pixels of an unknown type", first + 40, b"\x0b", UnsupportedError),
            ("elements without pixels", first + 42, bytes(4), CorruptError),
            ("a second element of another shape", first + _stride(data) + 42, b"\1", UnsupportedError),
        ):
            path.write_bytes(right[:at] + wrong + right[at + len(wrong) :])
            yield Wrong(text, {"path": path}, error)
        more = series_bytes(data.frames, scan=data.nav_shape, planned=data.n_frames + 2)
        first = len(more) - data.n_frames * _stride(data)
        tables = more[first - 16 * (data.n_frames + 2) : first]
        path.write_bytes(more[:22] + struct.pack("<Q", len(more)) + more[30:] + tables[:-1])
        yield Wrong("tables behind the elements, of which the unused end was cut", {"path": path}, TruncatedError)
        path.unlink()
        emi.write_bytes(emi_bytes(path.name))
        yield Wrong("settings of no series", {"path": emi}, FormatError)
        path.write_bytes(right)
        second.write_bytes(right)
        yield Wrong("settings of two series", {"path": emi}, FormatError)

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
        head, start = _head(0x0220, 3, (count,), True, count, count, (1e-9,))
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
            file.write(_tag(count - 1, (0, count - 1), (1e-9,), True))
        last = {"acquired": np.asarray([(_TIME + count - 1) * 10**9]).view("M8[ns]")}
        return Special("a large file", {"path": path}, end=end, per_frame=last)

    def recorded(self) -> Iterable[Recorded]:
        """Give real files with what other readers found in them."""
        return recorded_files(self.format, RECORDED)


def series_bytes(
    data: NDArray[Any],
    *,
    version: int = 0x0220,
    scan: Sequence[int] | None = None,
    described: bool = True,
    planned: int | None = None,
    positions: bool = True,
    steps: Sequence[float] = (2e-9, 1e-9),
    detector_steps: Sequence[float] = (4e7, 3e7),
    gaps: Sequence[int] = (0,),
    broken_tags: Sequence[int] = (),
    places: Sequence[tuple[float, float]] | None = None,
) -> bytes:
    """Give a series file.

    Parameters
    ----------
    data
        Elements, shape ``(n, height, width)`` or ``(n, length)``.
    version
        0x0210 with offsets of 4 bytes, or 0x0220 with 8.
    scan
        Sizes of the scan dimensions, slow one first; ``(n,)`` by default.
    described
        Whether the header holds the scan dimensions.
    planned
        How many elements the tables have room for; as many as there are scan positions by default.
    positions
        Whether tags hold a position besides the time.
    steps, detector_steps
        Calibration of scan and detector, slow axis first.
    gaps
        Unused bytes behind the elements, repeated as often as needed.
    broken_tags
        What to write instead of the first tag offsets.
    places
        Row and column of each element, by which tags have its position; one after the other by default.
    """
    n, width = len(data), _WIDTHS[version]
    sizes = (n,) if scan is None else tuple(scan)
    places = [divmod(i, sizes[-1]) for i in range(n)] if places is None else places
    planned = max(n, math.prod(sizes)) if planned is None else planned
    head, start = _head(version, data.ndim, sizes if described else (), positions, planned, n, steps)
    body, data_offsets, tag_offsets = bytearray(), [], []
    for i, element in enumerate(data):
        data_offsets.append(start + len(body))
        body += _element(element, detector_steps)
        tag_offsets.append(start + len(body))
        body += _tag(i, places[i], steps, positions) + b"\xa5" * gaps[i % len(gaps)]
    data_offsets += [start + len(body)] * (planned > n) + [0] * (planned - n - 1)  # the first unused one is the end
    tag_offsets += [0] * (planned - n)
    tag_offsets[: len(broken_tags)] = broken_tags
    return head + struct.pack(f"<{2 * planned}{width}", *data_offsets, *tag_offsets) + body


def emi_bytes(series: str, *, space: str = "Reciprocal Space", xml: str | None = None, before: str = "") -> bytes:
    """Give settings as TIA leaves them: binary noise, the name of the series, and XML; ``before`` is another object."""
    body = _SETTINGS if xml is None else xml
    lead = (
        b"\x00`\x00\x00\x04" + space.encode() + b"`\x00@\x04" + f"Z:\\data\\{series}".encode() + b"2\x00B\x04\x02\x00"
    )
    other = f"JK\x00\x02\x00<ObjectInfo>{before}</ObjectInfo>\x00\x01".encode("latin-1") if before else b"JK\x00\x02"
    return other + bytes(range(256)) + lead + f"<ObjectInfo>{body}</ObjectInfo>".encode() + b"\x00\x80end"


def _stride(data: SampleData) -> int:
    """Give the distance of images with positions in a file without gaps."""
    return 50 + data.nbytes // data.n_frames + 24


def _steps(axes: Sequence[Axis], unit: float) -> tuple[float, ...]:
    return tuple(axis.scale * unit for axis in axes)


def _head(
    version: int, ndim: int, sizes: Sequence[int], positions: bool, planned: int, valid: int, steps: Sequence[float]
) -> tuple[bytes, int]:
    """Give everything before the tables, and where the first element lies."""
    width = _WIDTHS[version]
    slow_first = zip(sizes, steps[-len(sizes) :] if sizes else (), strict=True)
    dimensions = b"".join(_dimension(size, step, positions) for size, step in reversed(list(slow_first)))
    table = 22 + struct.calcsize(f"<{width}I") + len(dimensions)
    kinds = (0x4122 if ndim == 3 else 0x4120, 0x4142 if positions else 0x4152)
    head = struct.pack(f"<2sHHIIII{width}I", b"II", 0x0197, version, *kinds, planned, valid, table, len(sizes))
    return head + dimensions, table + 2 * planned * struct.calcsize(f"<{width}")


def _dimension(size: int, step: float, positions: bool) -> bytes:
    description, units = (b"Position", b"meters") if positions else (b"Number", b"")
    record = struct.pack("<IddI", size, 0.0, step if positions else 1.0, 0)
    return record + b"".join(struct.pack("<I", len(text)) + text for text in (description, units))


def _element(element: NDArray[Any], steps: Sequence[float]) -> bytes:
    axes = reversed(list(zip(element.shape, steps[-element.ndim :], strict=True)))
    head = b"".join(struct.pack("<ddI", -length / 2 * step, step, 0) for length, step in axes)
    head += struct.pack("<H", _CODES[element.dtype.str[1:]])
    head += struct.pack(f"<{element.ndim}I", *reversed(element.shape))
    stored = element[::-1] if element.ndim == 2 else element
    return head + stored.astype(element.dtype.newbyteorder("<")).tobytes()


def _tag(i: int, place: tuple[float, float], steps: Sequence[float], positions: bool) -> bytes:
    if not positions:
        return struct.pack("<HHI", 0x4152, 0, _TIME + i)
    return struct.pack("<HHIdd", 0x4142, 0, _TIME + i, place[1] * steps[-1], place[0] * steps[0])


_SETTINGS = (
    "<Uuid>0</Uuid><ExperimentalConditions><MicroscopeConditions><AcceleratingVoltage>200000</AcceleratingVoltage>"
    "</MicroscopeConditions></ExperimentalConditions><ExperimentalDescription><Root>"
    + "".join(
        f"<Data><Label>{label}</Label><Value>{value}</Value><Unit>{unit}</Unit></Data>"
        for label, value, unit in (
            ("Microscope", "Titan 60-300", ""),
            ("User", "Åse", ""),
            ("Mode", " STEM nP SA Zoom Diffraction", ""),
            ("Magnification", "115000", "x"),
            ("Camera length", "0.260", "m"),
            ("Stem rotation", "12.5", "deg"),
        )
    )
    + "</Root></ExperimentalDescription><TrueImageHeaderInfo>&lt;Root&gt;&lt;/Root&gt;</TrueImageHeaderInfo>"
    "<AcquireDate>Mon Feb 22 19:18:24 2016</AcquireDate><AcquireInfo><DwellTimePath>0.050000</DwellTimePath>"
    "<CameraNamePath>BM-Ceta</CameraNamePath></AcquireInfo><Manufacturer>FEI</Manufacturer>"
    "<DetectorRange><StartX>1536.00</StartX><EndX>2560.00</EndX></DetectorRange>"
)


def _times(n: int, lost: int = 0) -> dict[str, object]:
    """Give the times of elements, of which the first ``lost`` have none."""
    seconds = np.arange(n, dtype=np.int64)
    time = np.where(seconds < lost, np.nan, seconds - lost)
    moments = ((_TIME + seconds) * 10**9).view("M8[ns]")
    moments[:lost] = np.datetime64("NaT")
    return {"time": time, "acquired": moments}


def _other_settings(directory: Path, data: SampleData) -> Iterator[Special]:
    """Settings that are damaged, missing, or of another series."""
    path, emi = directory / "scan_1.ser", directory / "scan.emi"
    nav, steps = _steps(data.nav_axes, 1e-9), _steps(data.sig_axes, 1e9)
    path.write_bytes(series_bytes(data.frames, scan=data.nav_shape, steps=nav, detector_steps=steps))
    plain = {"beam_energy": None, "software": None, "acquired": "2016-02-20T20:26:40+00:00"}
    reciprocal, real = _axes(data, ("ky", "kx"), steps, 1e-9), _axes(data, ("dy", "dx"), steps, 1e9)
    yield Special("a series without settings", {"path": path}, metadata=plain, axes=reciprocal, notes=0)
    emi.write_bytes(emi_bytes(path.name))
    yield Special("a series by its settings", {"path": emi}, pixels=data.pixels, metadata=_METADATA, notes=0)
    emi.write_bytes(emi_bytes("scan_2.ser"))
    yield Special("settings of another series", {"path": path}, metadata=plain, notes=1, warnings=0)
    emi.write_bytes(emi_bytes(f"scan_7.ser {path.name}"))
    yield Special("settings that name another series before", {"path": path}, metadata=_METADATA, notes=0)
    emi.write_bytes(emi_bytes(path.name, before="<AcquireDate>Mon Feb 29 01:02:03 2016</AcquireDate>"))
    yield Special("settings of something else before", {"path": path}, metadata=_METADATA, notes=0)
    tension = "<Data><Label>High tension</Label><Value>80</Value><Unit>kV</Unit></Data>"
    xml = f"<ExperimentalDescription><Root>{tension}</Root></ExperimentalDescription>"
    emi.write_bytes(emi_bytes(path.name, xml=xml))
    kilovolts = {"beam_energy": 80e3, "mode": None, "dwell_time": None}
    yield Special("settings with a high tension", {"path": path}, metadata=kilovolts, notes=0)
    emi.write_bytes(emi_bytes("unnamed", space=""))
    second = path.rename(directory / "scan_2.ser")
    yield Special("settings of the first series alone", {"path": second}, metadata=plain, notes=1, warnings=0)
    second.rename(path)
    capitals = directory / "scan.EMI"
    emi.write_bytes(emi_bytes(path.name))
    emi.rename(capitals)
    yield Special("settings with a name in capitals", {"path": path}, metadata=_METADATA, notes=0)
    capitals.rename(emi)
    emi.write_bytes(emi_bytes(path.name, xml="<broken"))
    yield Special("damaged settings", {"path": path}, metadata=plain, notes=1, warnings=1)
    with emi.open("wb") as file:
        file.truncate((64 << 20) + 1)
    yield Special("settings that are too large", {"path": path}, metadata=plain, notes=1)
    emi.write_bytes(emi_bytes("unnamed", space="", before="<AcquireDate>Mon Feb 29 01:02:03 2016</AcquireDate>"))
    first = {"acquired": "2016-02-29T01:02:03", "beam_energy": None}
    yield Special("settings that name no series", {"path": path}, metadata=first, axes=reciprocal, notes=0)
    emi.write_bytes(emi_bytes(path.name, space="Real Space"))
    yield Special("settings of images", {"path": path}, axes=real, notes=0)
    emi.unlink()
    fine = tuple(step * 1e-18 for step in steps)
    path.write_bytes(series_bytes(data.frames, scan=data.nav_shape, steps=nav, detector_steps=fine))
    yield Special("images without settings", {"path": path}, axes=_axes(data, ("dy", "dx"), fine, 1e9), notes=0)


def _axes(data: SampleData, names: Sequence[str], steps: Sequence[float], factor: float) -> list[Axis]:
    """Give the axes of a scan in nm, and those of the detector."""
    nav = [Axis(name, axis.scale, 0.0, "nm") for name, axis in zip("yx", data.nav_axes, strict=True)]
    units = "1/nm" if names[0].startswith("k") else "nm"
    shown = [factor * step for step in steps]
    return nav + [Axis(n, s, -length / 2 * s, units) for n, s, length in zip(names, shown, data.sig_shape, strict=True)]


def _other_scans(path: Path, data: SampleData) -> Iterator[Special]:
    """Dimensions that are not there, or do not fit, and tags without positions or none at all."""
    n, shape = data.n_frames, data.nav_shape
    flat = data.frames
    for text, options, pixels, notes in (
        ("the scan is known by the positions", {"scan": shape, "described": False}, data.pixels, 0),
        ("elements without positions", {"described": False, "positions": False}, flat, 0),
        ("a scan without positions", {"scan": shape, "positions": False}, data.pixels, 0),
        ("three elements", {"described": False}, flat[:3], 0),
        ("positions that are no raster", {"scan": (1, 5), "described": False, "planned": n}, flat, 0),
        ("positions of one line", {"scan": (1, n), "described": False}, flat, 0),
        ("dimensions that do not fit", {"scan": (2, 2), "planned": n}, flat.reshape(6, 2, *data.sig_shape), 1),
    ):
        path.write_bytes(series_bytes(flat[: len(pixels)] if text == "three elements" else flat, **options))
        yield Special(text, {"path": path}, pixels=pixels, notes=notes)
    for text, options, names in (
        ("a scan that is counted", {"scan": shape, "positions": False}, ("y", "x")),
        ("a series that is counted", {"positions": False}, ("frame",)),
    ):
        path.write_bytes(series_bytes(flat, **options, detector_steps=(0.0, 0.0)))
        axes = [*map(Axis, names), Axis("dy"), Axis("dx")]
        yield Special(text, {"path": path}, axes=axes, notes=0)
    path.write_bytes(series_bytes(flat, detector_steps=(0.0, 0.0)))
    axes = [Axis("x", 1.0, 0.0, "nm"), Axis("dy"), Axis("dx")]
    yield Special("a line of positions", {"path": path}, axes=axes, notes=0)
    off = np.zeros(n)
    off[[5, -2]] = 1
    for text, count, moved, side in (
        ("four positions in a square", 4, 0 * off, 2),
        ("positions from right to left", n, 9 - 2 * (np.arange(n) % shape[-1]), shape[-1]),
        ("positions that are a little off", n, 0.4 * off, shape[-1]),
        ("positions that are far off", n, 0.6 * off, 0),
    ):
        rows, columns = np.divmod(np.arange(count), side or shape[-1])
        for along in (0, 1) if side != 2 and "left" not in text else (1,):
            places = list(zip(rows + moved[:count] * (1 - along), columns + moved[:count] * along, strict=True))
            path.write_bytes(series_bytes(flat[:count], described=False, places=places))
            shown = flat[:count].reshape(-1, side, *data.sig_shape) if side else flat
            yield Special(f"{text}, along axis {along}", {"path": path}, pixels=shown, notes=0)
    content = series_bytes(flat, scan=shape)
    path.write_bytes(content[: len(content) - _stride(data) + 9])
    valid = (np.arange(n) < n - 1).reshape(shape)
    yield Special("cut within the header of an element", {"path": path}, pixels=data.pixels, valid=valid, notes=1)
    path.write_bytes(series_bytes(flat[:-3], scan=shape))
    valid = (np.arange(n) < n - 3).reshape(shape)
    stamps = _times(n - 3)
    yield Special("an aborted scan", {"path": path}, pixels=data.pixels, valid=valid, per_frame=stamps, notes=1)
    path.write_bytes(series_bytes(flat, scan=shape, broken_tags=(0, 0)))
    known = {"acquired": None}
    yield Special("two tags that are missing", {"path": path}, per_frame=_times(n, lost=2), metadata=known, notes=0)
