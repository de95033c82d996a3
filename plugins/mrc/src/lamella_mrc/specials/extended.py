"""Extended headers: records of the older kind, of FEI1 and FEI2, and those that are not understood."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lamella.reader import Axis
from lamella_mrc.writer import fei_record, header_bytes
from lamella_testkit import SampleData, Special

__all__ = ["extended_headers"]


def extended_headers(path: Path, data: SampleData) -> Iterator[Special]:
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
    none = {"HT": None, "Timestamp": None}
    yield Special("fewer records than sections", {"path": path}, pixels=data.frames, metadata=energy, per_frame=none)
    yield from _many_sections(path)
    yield from _other_fields(path, data)
    unknown: dict[str, object] = {"beam_energy": None}
    path.write_bytes(header_bytes(size, 6, extended=bytes(888 * n), extended_type=b"FEI2") + data.tobytes())
    yield Special("records of length zero", {"path": path}, pixels=data.frames, metadata=unknown)
    path.write_bytes(header_bytes(size, 6, extended=b"x" * 160, extended_type=b"SERI") + data.tobytes())
    yield Special("records of another program", {"path": path}, pixels=data.frames, metadata=unknown)


def _many_sections(path: Path) -> Iterator[Special]:
    """As many sections as there are records of the older kind, and one more."""
    records = b"".join(struct.pack("<15f", i, *[1.0] * 14).ljust(128, b"\0") for i in range(1024))
    for n, tilts in ((1024, np.arange(1024)), (1025, None)):
        path.write_bytes(header_bytes((1, 1, n), 6, extended=records) + bytes(2 * n))
        yield Special(f"{n} sections with 1024 records", {"path": path}, per_frame={"alpha tilt": tilts})


def _other_fields(path: Path, data: SampleData) -> Iterator[Special]:
    """Fields that are zero, texts, other modes, and records of big-endian files."""
    n, (height, width) = data.n_frames, data.sig_shape
    frame = [Axis("frame"), Axis("ky", 2.0, 0.0, "nm"), Axis("kx", 2.0, 0.0, "nm")]
    given = {"path": path}

    def write(known: Mapping[str, Any], order: str = "<") -> None:
        extended = fei_record(order, **known) * n
        header = header_bytes((width, height, n), 6, order, extended=extended, extended_type=b"FEI2")
        path.write_bytes(header + data.frames.astype(f"{order}u2").tobytes())

    nothing = {"beam_energy": None, "camera_length": None, "dwell_time": None, "magnification": None}
    for value in (0.0, -1.0):
        write({"high_tension": value, "camera_length": value, "dwell": value, "magnification": value})
        numbers = {"HT": np.full(n, value), "Dwell time": np.full(n, value)}
        yield Special(f"fields of {value}, which are unknown", given, metadata=nothing, per_frame=numbers)
    texts = {"microscope": b"Titan", "application": b"Velox", "application_version": b"3.1", "camera": b"Ceta"}
    angles = {"convergence_angle": 1e-3, "integration_time": 0.5, "magnification": 5e4}
    write({"mode": 1, **texts, **angles})
    metadata: dict[str, object] = {"instrument": "Titan", "software": "Velox 3.1", "detector": "Ceta", "mode": "TEM"}
    metadata |= {"convergence_angle": math.degrees(1e-3), "exposure_time": 0.5, "magnification": 5e4}
    first = {
        "Timestamp": 45000.5,
        "Microscope type": "Titan",
        "Application": "Velox",
        "Application version": "3.1",
        "HT": 300e3,
        "Alpha tilt": 0.0,
        "Pixel size X": 2e-9,
        "Pixel size Y": 2e-9,
        "Instrument mode": 1,
        "Projection mode": 2,
        "Magnification": 5e4,
        "Camera length": 0.125,
        "Convergence angle": 1e-3,
        "Integration time": 0.5,
        "Camera name": "Ceta",
        "STEM Detector name": "",
        "Dwell time": 1e-3,
    }
    raw = {"extended_header": {"type": "FEI2", "records": n, "first": first}}
    arrays = {"Application": None, "Microscope type": None, "Integration time": np.full(n, 0.5)}
    yield Special("every field that is known", given, metadata=metadata, raw_metadata=raw, per_frame=arrays)
    write({"mode": None, "detector": b"HAADF", "projection": 1, "camera": b"Ceta"})
    detector = {"detector": "HAADF", "mode": None}
    yield Special("an image of diffraction mode by a STEM detector", given, metadata=detector, axes=frame)
    write({"application": b"Velox", "mode": 7})
    yield Special("an unknown mode", given, metadata={"software": "Velox", "mode": None})
    for sizes in ((2e-9, 0.0), (0.0, 2e-9), (2e-9, -2e-9)):
        write({"pixel_size": sizes})
        plain = [Axis("frame"), Axis("ky"), Axis("kx")]
        yield Special(f"pixels of {sizes} m, which cannot be", given, axes=plain)
    write({"high_tension": 80e3}, ">")
    big = {"beam_energy": 80e3, "acquired": "2023-03-15T12:00:00"}
    yield Special("big-endian records", given, pixels=data.frames, metadata=big, axes=frame)
