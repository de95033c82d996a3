"""Extended headers: records of the older kind, of FEI1 and FEI2, and those that are not understood."""

from __future__ import annotations

import struct
from collections.abc import Iterator
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
    yield Special("fewer records than sections", {"path": path}, pixels=data.frames, metadata=energy)
    unknown: dict[str, object] = {"beam_energy": None}
    path.write_bytes(header_bytes(size, 6, extended=bytes(888 * n), extended_type=b"FEI2") + data.tobytes())
    yield Special("records of length zero", {"path": path}, pixels=data.frames, metadata=unknown)
    path.write_bytes(header_bytes(size, 6, extended=b"x" * 160, extended_type=b"SERI") + data.tobytes())
    yield Special("records of another program", {"path": path}, pixels=data.frames, metadata=unknown)
