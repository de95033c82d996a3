"""Block files for the conformance kit, written without the reader."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lamella.metadata import Axis
from lamella_testkit import SampleData, Sampler

# version, bits, note, multiple to which the first record is aligned
_VARIANTS = {
    "1.2": (0x0102, 8, "", 16),
    "1.2 not aligned": (0x0102, 8, "Precession angle : 0.5", 1),
    "1.3 of 8 bits": (0x0103, 8, "Blo Bit Depth: 8 bits", 16),
    "1.3 of 16 bits": (0x0103, 16, "Camera gamma : off\r\nBlo Bit Depth: 16 bits\r\n", 16),
    "1.3 of 16 bits, without a note": (0x0103, 16, "", 16),
    "1.3 of 8 bits, without a note": (0x0103, 8, "", 16),
    "1.3 of 16 bits, with a wrong note": (0x0103, 16, "Blo Bit Depth: 8 bits", 16),
}
_OFF_VBF = 4096
_ENERGY = 200_000  # [V]
_SDP = 6226  # 100 x pixels per centimetre of the screen
_CAMERA_LENGTH = 2000  # [mm / 10]
_ROTATION = 2550  # [degree / 100]
_DAYS = 42339.5  # since 1899-12-30


class BloSampler(Sampler):
    """Writes square patterns of both bit depths, with what each version knows about them."""

    format = "blo"
    dtypes = ("|u1", "<u2")
    nav_ranks = (2,)
    sig_ranks = (2,)
    variants = tuple(_VARIANTS)

    def fit(self, data: SampleData) -> SampleData:
        """Make patterns square, and of the dtype of the version."""
        bits = _VARIANTS[data.variant][1]
        return data.but(sig_shape=(data.sig_shape[0],) * 2, dtype="<u2" if bits == 16 else "|u1")

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        """Write one file."""
        path = directory / f"{data.stem}.blo"
        records = b"".join(_record(i) + frame.tobytes() for i, frame in enumerate(data.frames))
        path.write_bytes(_head(data, brightness=7) + records)
        return {"path": path, **({"bit_depth": 16} if "wrong note" in data.variant else {})}

    def axes(self, data: SampleData) -> Sequence[Axis]:
        """Give the scan step, and the pixel size of the pattern in reciprocal space, or else on the screen."""
        per_pixel = 1 / (_SDP * _CAMERA_LENGTH * 1e-4 * _wavelength(_ENERGY)) * 1e-9
        y, x = (axis.scale for axis in data.nav_axes)
        scan = (Axis("y", y, 0.0, "nm"), Axis("x", x, 0.0, "nm"))
        if _camera_length(data) == 0:
            return (*scan, Axis("ky", 100 / _SDP, 0.0, "cm"), Axis("kx", 100 / _SDP, 0.0, "cm"))
        return (*scan, Axis("ky", per_pixel, 0.0, "1/nm"), Axis("kx", per_pixel, 0.0, "1/nm"))

    def metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give what stands in the header."""
        return {
            "beam_energy": 200e3,
            "camera_length": _camera_length(data) * 1e-4 or None,
            "scan_rotation": 25.5,
            "detector_pixel_pitch": 0.01 / 62.26,
            "acquired": "2015-12-01T12:00:00",
        }

    def expects_notes(self, data: SampleData) -> bool:
        """Say that these files are as they should be."""
        return False

    def raw_metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give fields of the header, the last of them, and the note behind it."""
        distortion = [round(0.98 / (i + 1), 3) for i in range(14)]
        note = _VARIANTS[data.variant][2].strip()
        return {"NX": data.nav_shape[1], "NY": data.nav_shape[0], "DISTORTION_N": distortion, "NOTE": note}

    def navigator(self, data: SampleData) -> object:
        """Give the virtual bright field."""
        return np.asarray([(7 * i) % 256 for i in range(data.n_frames)]).reshape(data.nav_shape)

    def boundaries(self, data: SampleData) -> Mapping[str, Sequence[int]]:
        """Give where the fields of the header, the note, the image and the records begin."""
        fields = [0, 6, 8, 12, 16, 20, 22, 24, 26, 28, 30, 38, 46, 50, 52, 56, 64, 128, 240]
        return {f"{data.stem}.blo": [*fields, _OFF_VBF, _off_dp(data), _off_dp(data) + 6]}

    def write_sparse(self, directory: Path, nbytes: int) -> Mapping[str, Any]:
        """Write every record's header, with holes for the pixels."""
        edge = 16384
        side = max(1, math.isqrt(nbytes // edge**2))
        data = SampleData((side, side), (edge, edge), "|u1", variant="1.2")
        path = directory / "sparse.blo"
        with path.open("wb") as file:
            file.write(_head(data, brightness=0))
            for i in range(data.n_frames):
                file.seek(_off_dp(data) + i * (6 + edge**2))
                file.write(_record(i))
            file.truncate(_off_dp(data) + data.n_frames * (6 + edge**2))
        return {"path": path}


def _camera_length(data: SampleData) -> int:
    return 0 if data.variant == "1.2 not aligned" else _CAMERA_LENGTH


def _off_dp(data: SampleData) -> int:
    step = _VARIANTS[data.variant][3]
    return -(-(_OFF_VBF + data.n_frames) // step) * step


def _head(data: SampleData, brightness: int) -> bytes:
    """Give everything before the first record."""
    version, _, note, _ = _VARIANTS[data.variant]
    (ny, nx), (edge, _) = data.nav_shape, data.sig_shape
    sy, sx = (axis.scale for axis in data.nav_axes)
    head = struct.pack("<6sHIII", b"IMGBLO", version, _OFF_VBF, _off_dp(data), 0x2003F)
    head += struct.pack("<5H2d", edge, 150, nx, ny, _ROTATION, sx, sy)
    head += struct.pack("<IHId", _ENERGY, _SDP, _camera_length(data), _DAYS)
    head += struct.pack("<8d14d", *[0.0] * 8, *[round(0.98 / (i + 1), 3) for i in range(14)])
    head += note.encode("latin-1")
    image = bytes((brightness * i) % 256 for i in range(data.n_frames))
    return (head.ljust(_OFF_VBF, b"\0") + image).ljust(_off_dp(data), b"\0")


def _record(index: int) -> bytes:
    return b"\xaa\x55" + index.to_bytes(4, "little")


def _wavelength(voltage: float) -> float:
    """Give the wavelength of electrons [m]."""
    energy = 1.602176634e-19 * voltage
    momentum = math.sqrt(2 * 9.1093837015e-31 * energy * (1 + energy / (2 * 9.1093837015e-31 * 299792458.0**2)))
    return 6.62607015e-34 / momentum
