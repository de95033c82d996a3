"""Files whose frames are plain pixels: raw, npy and NanoMEGAS blocks, and one of very many small frames."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Kind, Pixels, Shape

_SIG = (256, 256)
_PIXELS = math.prod(_SIG)


def _raw(path: Path, nav: Shape, pixels: Pixels) -> None:
    with path.open("wb") as file:
        for batch in pixels:
            batch.tofile(file)


def _npy(path: Path, nav: Shape, pixels: Pixels) -> None:
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<u2", "fortran_order": False, "shape": (*nav, *_SIG)})
        for batch in pixels:
            batch.tofile(file)


def _blo_offset(nav: Shape) -> int:
    return -(-(4096 + math.prod(nav)) // 16) * 16


def _blo(path: Path, nav: Shape, pixels: Pixels) -> None:
    header = bytearray(_blo_offset(nav))
    header[:30] = struct.pack("<6sHIIIHHHHH", b"IMGBLO", 0x102, 4096, len(header), 0, _SIG[0], 0, nav[1], nav[0], 0)
    header[30:46] = struct.pack("<dd", 1.0, 1.0)
    index = 0
    with path.open("wb") as file:
        file.write(header)
        for batch in pixels:
            records = np.zeros(len(batch), dtype=[("magic", "S2"), ("index", "<u4"), ("pixels", "u1", _SIG)])
            records["magic"] = b"\xaa\x55"
            records["index"] = np.arange(index, index + len(batch))
            records["pixels"] = batch
            records.tofile(file)
            index += len(batch)


def _plain(dtype: str, offset: Callable[[Shape], int] = lambda nav: 0, gap: int = 0) -> Any:
    def layout(nav: Shape) -> Mapping[str, Any]:
        return {"dtype": dtype, "offset": offset(nav), "gap": gap}

    return layout


def _raw_kind(dtype: str, high: int, **more: Any) -> Kind:
    sig = more.get("sig", _SIG)
    return Kind(
        "raw",
        ".raw",
        dtype,
        high,
        math.prod(sig) * np.dtype(dtype).itemsize,
        _raw,
        params={"dtype": dtype, "sig_shape": sig},
        layout=_plain(dtype),
        **more,
    )


KINDS = {
    "raw_u1": _raw_kind("u1", 200),
    "raw_u2": _raw_kind("<u2", 1000),
    "raw_f4": _raw_kind("<f4", 1000),
    "npy_u2": Kind("npy", ".npy", "<u2", 1000, 2 * _PIXELS, _npy, layout=_plain("<u2", lambda nav: 128)),
    "blo_u1": Kind("blo", ".blo", "u1", 200, _PIXELS + 6, _blo, layout=_plain("u1", _blo_offset, 6)),
    "many_u1": _raw_kind("u1", 200, sig=(8, 8), count=1_000_000, jobs=("open", "firsttile", "frame", "sum", "sumsig")),
    "few_u1": _raw_kind("u1", 200, sig=(8, 8), count=1_000, jobs=("firsttile",)),
}
