"""The files that are measured: seeded counts like those of a detector, written without any of Lamella's code."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

SIG = (256, 256)
_BATCH = 64


@dataclass(frozen=True)
class File:
    """One file: how each candidate opens it, and how many bytes of pixels it holds."""

    name: str
    path: str
    format: str
    nav_shape: tuple[int, int]
    nbytes: int
    params: dict[str, Any] = field(default_factory=dict)

    def order(self) -> dict[str, Any]:
        """Give it as JSON."""
        return asdict(self)


def make(name: str, folder: Path, nbytes: int) -> File:
    """Write the file, unless one of the right size is there already."""
    writer, frame_nbytes, format_name, suffix, params = _KINDS[name]
    width = max(1, math.isqrt(nbytes // frame_nbytes))
    nav = (width, width)
    path = folder / f"{name}_{width}x{width}.{suffix}"
    if not path.exists():
        with path.open("wb") as file:
            writer(file, nav)
    return File(name, str(path), format_name, nav, width * width * frame_nbytes, params)


def frames(nav: tuple[int, int], dtype: str, high: int) -> Iterator[np.ndarray[Any, Any]]:
    """Give the frames in batches; a batch repeats with a shift, which no reader can know."""
    rng = np.random.default_rng(1234)
    base = rng.poisson(high / 4, (_BATCH, *SIG)).clip(0, high).astype(dtype)
    for start in range(0, math.prod(nav), _BATCH):
        yield np.roll(base, start // _BATCH, axis=2)[: math.prod(nav) - start]


def _raw(dtype: str, high: int) -> Callable[[BinaryIO, tuple[int, int]], None]:
    def write(file: BinaryIO, nav: tuple[int, int]) -> None:
        for batch in frames(nav, dtype, high):
            batch.tofile(file)

    return write


def _npy(file: BinaryIO, nav: tuple[int, int]) -> None:
    header = {"descr": "<u2", "fortran_order": False, "shape": (*nav, *SIG)}
    np.lib.format.write_array_header_1_0(file, header)
    _raw("<u2", 1000)(file, nav)


def _blo(file: BinaryIO, nav: tuple[int, int]) -> None:
    offset_vbf = 4096
    offset_dp = -(-(offset_vbf + math.prod(nav)) // 16) * 16
    header = bytearray(offset_dp)
    header[:30] = struct.pack("<6sHIIIHHHHH", b"IMGBLO", 0x102, offset_vbf, offset_dp, 0, SIG[0], 0, nav[1], nav[0], 0)
    header[30:46] = struct.pack("<dd", 1.0, 1.0)
    file.write(header)
    index = 0
    for batch in frames(nav, "u1", 200):
        for frame in batch:
            file.write(b"\xaa\x55" + struct.pack("<I", index) + frame.tobytes())
            index += 1


def _mib_header(index: int, kind: str, depth: int) -> bytes:
    chips = "3RX," + ",".join(["100"] * 27) + ","
    text = (
        f"MQ1,{index + 1:06d},00384,01,{SIG[1]:04d},{SIG[0]:04d},{kind},   1x1,01,2021-05-07 16:51:10.905800,"
        f"0.001000,0,0,0,{'1.000000E+1,' * 8}{chips}MQ1A,2021-05-07T16:51:10.905800928Z,1000000ns,{depth},"
    )
    return text.encode().ljust(384, b"\0")


def _mib(kind: str, depth: int) -> Callable[[BinaryIO, tuple[int, int]], None]:
    def write(file: BinaryIO, nav: tuple[int, int]) -> None:
        high = {1: 1, 6: 63, 12: 1000}[depth]
        index = 0
        for batch in frames(nav, "<u2", high):
            for frame in batch:
                file.write(_mib_header(index, kind, depth) + _mib_payload(frame, kind, depth))
                index += 1

    return write


def _mib_payload(frame: np.ndarray[Any, Any], kind: str, depth: int) -> bytes:
    if kind == "U16":
        return frame.astype(">u2").tobytes()
    if depth == 12:
        return frame.astype(">u2").reshape(-1, 4)[:, ::-1].tobytes()
    if depth == 6:
        return frame.astype("u1").reshape(-1, 8)[:, ::-1].tobytes()
    return np.packbits(frame.astype("u1").reshape(-1, 8), axis=1, bitorder="little").reshape(-1, 8)[:, ::-1].tobytes()


_PIXELS = math.prod(SIG)
_KINDS: dict[str, tuple[Callable[[BinaryIO, tuple[int, int]], None], int, str, str, dict[str, Any]]] = {
    "raw_u1": (_raw("u1", 200), _PIXELS, "raw", "raw", {"dtype": "u1", "sig_shape": SIG}),
    "raw_u2": (_raw("<u2", 1000), 2 * _PIXELS, "raw", "raw", {"dtype": "<u2", "sig_shape": SIG}),
    "raw_f4": (_raw("<f4", 1000), 4 * _PIXELS, "raw", "raw", {"dtype": "<f4", "sig_shape": SIG}),
    "npy_u2": (_npy, 2 * _PIXELS, "npy", "npy", {}),
    "blo_u1": (_blo, _PIXELS + 6, "blo", "blo", {}),
    "mib_u2": (_mib("U16", 12), 2 * _PIXELS + 384, "mib", "mib", {}),
    "mib_r12": (_mib("R64", 12), 2 * _PIXELS + 384, "mib", "mib", {}),
    "mib_r6": (_mib("R64", 6), _PIXELS + 384, "mib", "mib", {}),
    "mib_r1": (_mib("R64", 1), _PIXELS // 8 + 384, "mib", "mib", {}),
}
NAMES = tuple(_KINDS)
