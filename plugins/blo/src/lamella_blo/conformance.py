"""Block files for the conformance kit, written without the reader."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lamella.reader import Axis
from lamella_testkit import SampleData, Sampler, Special


@dataclass(frozen=True, kw_only=True)
class _Variant:
    """What a file says: the first record lies at a multiple of ``step``, and ``tail`` bytes follow the last one."""

    version: int = 0x0103
    bits: int = 8
    note: str = ""
    off_vbf: int = 4096
    step: int = 16
    tail: int = 0
    calibrated: bool = True
    camera_length: int = 2000  # [mm / 10]
    notes: int = 0


_WRONG_NOTE = "Blo Bit Depth: 16 bits"
_GAMMA_NOTE = "Camera gamma : on\r\nBlo Bit Depth: 16 bits\r\n"
_VARIANTS = {
    "1.2": _Variant(version=0x0102),
    "1.2 not aligned": _Variant(version=0x0102, note="Precession angle : 0.5", step=1, camera_length=0),
    "1.2 not calibrated": _Variant(version=0x0102, note=_WRONG_NOTE, calibrated=False),
    "1.2 without room for a note": _Variant(version=0x0102, off_vbf=240),
    "1.3 of 8 bits": _Variant(note="Blo Bit Depth: 8 bits"),
    "1.3 of 16 bits, and more": _Variant(bits=16, note=_GAMMA_NOTE, tail=3, notes=2),
    "1.3 of 16 bits, without a note": _Variant(bits=16),
    "1.3 of 8 bits, without a note, and more": _Variant(tail=3, notes=1),
    "1.3 of 16 bits, with a wrong note": _Variant(bits=16, note="Blo Bit Depth: 8 bits"),
    "1.4 without an image": _Variant(version=0x0104, off_vbf=0, notes=2),
}
_ENERGY = 200_000  # [V]
_SDP = 6226  # 100 x pixels per centimetre of the screen
_ROTATION = 2550  # [degree / 100]
_DAYS = 42339.5  # since 1899-12-30
_DISTORTION = [round(0.98 / (i + 1), 3) for i in range(14)]


class BloSampler(Sampler):
    """Writes square patterns of both bit depths, with what each version knows about them, and what is unusual."""

    format = "blo"
    dtypes = ("|u1", "<u2")
    nav_ranks = (2,)
    sig_ranks = (2,)
    variants = tuple(_VARIANTS)

    def fit(self, data: SampleData) -> SampleData:
        """Make patterns square, of the dtype of the version, and at least two where their distance tells the dtype."""
        made = _VARIANTS[data.variant]
        nav_shape = data.nav_shape
        if made.tail and not made.note and nav_shape == (1, 1):
            nav_shape = (1, 2)
        dtype = "<u2" if made.bits == 16 else "|u1"
        return data.but(nav_shape=nav_shape, sig_shape=(data.sig_shape[0],) * 2, dtype=dtype)

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        """Write one file."""
        path = directory / f"{data.stem}.blo"
        path.write_bytes(_content(data))
        return {"path": path, **({"bit_depth": 16} if "wrong note" in data.variant else {})}

    def write_special(self, directory: Path, data: SampleData) -> Iterator[Special]:
        """Write a file of two patterns that ends within the second one, and says nothing about its bit depth."""
        if data.variant != "1.3 of 8 bits, without a note, and more":
            return
        two = data.but(nav_shape=(1, 2))
        path = directory / "cut.blo"
        path.write_bytes(_content(two)[:-7])
        valid = np.asarray([[True, False]])
        yield Special("the second of two patterns was cut", {"path": path}, pixels=two.pixels, valid=valid, notes=1)

    def corrections(self, data: SampleData) -> Mapping[str, object]:
        """Say that there are none."""
        return {}

    def write_wrong(self, directory: Path, data: SampleData) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Write files with a field that cannot be, and with contradictions."""
        path = directory / "wrong.blo"
        content = _content(data)
        for what, offset, form, value in (
            ("version 2.1", 6, "<H", 0x0201),
            ("patterns of no pixel", 20, "<H", 0),
            ("rows of no pattern", 24, "<H", 0),
            ("a scan of no row", 26, "<H", 0),
            ("patterns after the end", 12, "<I", len(content)),
            ("patterns far after the end", 12, "<I", 1 << 31),
            ("patterns at another place", 12, "<I", _off_dp(data) + 1),
        ):
            wrong = bytearray(content)
            struct.pack_into(form, wrong, offset, value)
            path.write_bytes(wrong)
            yield what, {"path": path}
        wrong = bytearray(content[:200] + content[_off_dp(data) :])
        struct.pack_into("<I", wrong, 12, 200)
        path.write_bytes(wrong)
        yield "patterns within the header", {"path": path}
        path.write_bytes(content[: _off_dp(data) + 6])
        yield "a record without a pattern", {"path": path}
        contradiction = self.fit(data.but(variant="1.3 of 16 bits, with a wrong note"))
        path.write_bytes(_content(contradiction.but(nav_shape=(1, 1))))
        yield "a note that contradicts the size of the file", {"path": path}
        path.write_bytes(_content(contradiction) + b"\0")
        yield "a note that contradicts the places of the records", {"path": path}

    def axes(self, data: SampleData) -> Sequence[Axis]:
        """Give the scan step, and the pixel size of the pattern in reciprocal space, or else on the screen."""
        made = _VARIANTS[data.variant]
        if not made.calibrated:
            return [Axis(name) for name in ("y", "x", "ky", "kx")]
        y, x = (axis.scale for axis in data.nav_axes)
        scan = (Axis("y", y, 0.0, "nm"), Axis("x", x, 0.0, "nm"))
        if made.camera_length == 0:
            return (*scan, Axis("ky", 100 / _SDP, 0.0, "cm"), Axis("kx", 100 / _SDP, 0.0, "cm"))
        per_pixel = 1 / (_SDP * made.camera_length * 1e-4 * _wavelength(_ENERGY)) * 1e-9
        return (*scan, Axis("ky", per_pixel, 0.0, "1/nm"), Axis("kx", per_pixel, 0.0, "1/nm"))

    def metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give what stands in the header."""
        made = _VARIANTS[data.variant]
        return {
            "beam_energy": 200e3 if made.calibrated else None,
            "camera_length": made.camera_length * 1e-4 or None,
            "scan_rotation": 25.5,
            "detector_pixel_pitch": 0.01 / 62.26 if made.calibrated else None,
            "acquired": "2015-12-01T12:00:00" if made.calibrated else None,
            "instrument": "NanoMEGAS ASTAR",
        }

    def expects_notes(self, data: SampleData) -> int:
        """Count what is unusual: bytes at the end, a gamma correction, an unknown version, an image nowhere."""
        return _VARIANTS[data.variant].notes

    def raw_metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give fields of the header, the last of them, and the note behind it."""
        note = _VARIANTS[data.variant].note.strip()
        return {"NX": data.nav_shape[1], "NY": data.nav_shape[0], "DISTORTION_N": _DISTORTION, "NOTE": note}

    def navigator(self, data: SampleData) -> object:
        """Give the virtual bright field."""
        if "without an image" in data.variant:
            return None
        return np.frombuffer(_image(data), np.uint8).reshape(data.nav_shape)

    def boundaries(self, data: SampleData) -> Mapping[str, Sequence[int]]:
        """Give where the fields of the header, the note, the image and the records begin."""
        fields = [0, 6, 8, 12, 16, 20, 22, 24, 26, 28, 30, 38, 46, 50, 52, 56, 64, 128, 240]
        places = [_VARIANTS[data.variant].off_vbf, _off_dp(data), _off_dp(data) + 6]
        return {f"{data.stem}.blo": [*fields, *places]}

    def write_sparse(self, directory: Path, nbytes: int) -> Special:
        """Write every record's header, with holes for the pixels but the last ones."""
        edge = 16384 if nbytes > 1 << 38 else 4096
        end = np.arange(1, 17, dtype="u1")[np.newaxis]
        side = max(1, math.isqrt(nbytes // edge**2))
        data = SampleData((side, side), (edge, edge), "|u1", variant="1.2")
        path = directory / "sparse.blo"
        with path.open("wb") as file:
            file.write(_head(data))
            for i in range(data.n_frames):
                file.seek(_off_dp(data) + i * (6 + edge**2))
                file.write(_record(i))
            file.seek(edge**2 - end.size, 1)
            file.write(end.tobytes())
        return Special("a large file", {"path": path}, end=end)


def _content(data: SampleData) -> bytes:
    records = b"".join(_record(i) + frame.tobytes() for i, frame in enumerate(data.frames))
    return _head(data) + records + b"\xb7" * _VARIANTS[data.variant].tail


def _off_dp(data: SampleData) -> int:
    made = _VARIANTS[data.variant]
    end = made.off_vbf + data.n_frames if made.off_vbf else 240
    return -(-end // made.step) * made.step


def _head(data: SampleData) -> bytes:
    """Give everything before the first record."""
    made = _VARIANTS[data.variant]
    (ny, nx), (edge, _) = data.nav_shape, data.sig_shape
    sy, sx = (axis.scale for axis in data.nav_axes)
    head = struct.pack("<6sHIII", b"IMGBLO", made.version, made.off_vbf or _off_dp(data), _off_dp(data), 0x2003F)
    head += struct.pack("<5H", edge, 150, nx, ny, _ROTATION)
    known = (sx, sy, _ENERGY, _SDP, made.camera_length, _DAYS)
    head += struct.pack("<2dIHId", *(known if made.calibrated else (0.0, 0.0, 0, 0, made.camera_length, 0.0)))
    head += struct.pack("<8d14d", *[0.0] * 8, *_DISTORTION)
    if made.off_vbf:
        head = (head + made.note.encode("latin-1")).ljust(made.off_vbf, b"\0") + _image(data)
    return head.ljust(_off_dp(data), b"\0")


def _image(data: SampleData) -> bytes:
    return bytes(7 * i % 256 for i in range(data.n_frames))


def _record(index: int) -> bytes:
    return b"\xaa\x55" + index.to_bytes(4, "little")


def _wavelength(voltage: float) -> float:
    """Give the wavelength of electrons [m]."""
    energy = 1.602176634e-19 * voltage
    momentum = math.sqrt(2 * 9.1093837015e-31 * energy * (1 + energy / (2 * 9.1093837015e-31 * 299792458.0**2)))
    return 6.62607015e-34 / momentum
